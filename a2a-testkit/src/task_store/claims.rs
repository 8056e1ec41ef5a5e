//! Message ids, claimed once each.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{Principal, Tenant};
use tokio::task::JoinSet;

use crate::StoreFixture;
use crate::expect::{eventually, persist};

const HOUR: Duration = Duration::from_secs(3600);

/// The first claim of a message id holds, for all handles and all later claimants, until its window is over;
/// each tenant and principal has message ids of its own.
pub async fn a_message_is_claimed_once(fixture: &dyn StoreFixture) {
    let handles = [fixture.handle().await, fixture.handle().await];
    let tenant = Tenant::default();
    let claim = async |tenant: &str, principal: Option<&str>, message: &str, task: &str, window: Duration| {
        let (tenant, principal) = (Tenant::new(tenant), principal.map(Principal::new));
        let store = &handles[task.len() % 2];
        persist(|| store.claim_message(&tenant, principal.as_ref(), message, task, window)).await
    };
    for task in ["first", "second", "first", "other", "first"] {
        assert_eq!(claim("", None, "m", task, HOUR).await, "first", "the holder that {task} learns");
    }
    let elsewhere = [
        ("", None, "n"),
        ("", Some(""), "m"),
        ("", Some("ann"), "m"),
        ("a", None, "m"),
        ("a", Some("ann"), "m"),
    ];
    for (n, (tenant, principal, message)) in elsewhere.into_iter().enumerate() {
        let mine = format!("mine-{n}");
        assert_eq!(claim(tenant, principal, message, &mine, HOUR).await, mine, "in a scope of its own");
        assert_eq!(claim(tenant, principal, message, "late", HOUR).await, mine);
    }

    for round in 0..8 {
        let mut claimants = JoinSet::new();
        for n in 0..32 {
            let (store, tenant) = (Arc::clone(&handles[n % 2]), tenant.clone());
            let (message, task) = (format!("race-{round}"), format!("task-{n}"));
            claimants.spawn(async move {
                persist(|| store.claim_message(&tenant, None, &message, &task, HOUR)).await
            });
        }
        let holders: HashSet<_> = claimants.join_all().await.into_iter().collect();
        assert_eq!(holders.len(), 1, "holders of one claim");
        assert!(holders.iter().all(|holder| holder.starts_with("task-")), "a holder that never claimed");
    }

    let window = Duration::from_secs(1);
    assert_eq!(claim("", None, "brief", "first", window).await, "first");
    assert_eq!(
        claim("", None, "m", "second", window).await,
        "first",
        "a later claim does not shorten the window"
    );
    eventually(window + fixture.patience(), "second".to_owned(), async || {
        claim("", None, "brief", "second", HOUR).await
    })
    .await;
    assert_eq!(claim("", None, "brief", "first", HOUR).await, "second", "the claim has passed on");
    assert_eq!(claim("", None, "m", "second", HOUR).await, "first", "a long window is long");
}
