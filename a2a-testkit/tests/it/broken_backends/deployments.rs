//! Stores that break the rules of what a deployment shares.

use std::time::Duration;

use a2a_core::{BackendError, Deployment, Format, Keys, Result};
use a2a_testkit::async_trait;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    a_format_that_nobody_has_written: Assumes => deployment::the_format_is_read;
    a_format_of_another_build: OldFormat => deployment::the_format_is_read;
    a_refusal_without_advice: SaysNo => deployment::the_format_is_read;
    keys_that_are_made_twice: MakesTwice => deployment::keys_are_made_once;
    a_key_checked_apart_from_the_write: LookThenMake => deployment::keys_are_made_once;
    a_key_that_the_last_one_makes: LastSecret => deployment::keys_are_made_once;
    keys_without_a_name: OneName => deployment::names_have_keys_of_their_own;
    keys_whose_names_ignore_case: IgnoresCase => deployment::names_have_keys_of_their_own;
    a_renewal_that_invalidates_the_key_before: DropsPrevious => deployment::a_renewed_key_leaves_the_one_before_valid;
    a_renewal_that_keeps_the_first_key: KeepsFirst => deployment::a_renewed_key_leaves_the_one_before_valid;
    a_renewal_that_changes_nothing: NeverRenews => deployment::a_renewed_key_leaves_the_one_before_valid;
    a_retry_that_renews_again: RenewsAlways =>
        deployment::a_renewed_key_leaves_the_one_before_valid,
        deployment::of_two_who_renew_a_key_one_does;
    a_renewal_checked_apart_from_the_write: LookThenRenew => deployment::of_two_who_renew_a_key_one_does;
    a_renewal_that_tells_what_it_wished_for: TellsItsOwn => deployment::of_two_who_renew_a_key_one_does;
}

macro_rules! broken_deployments {
    ($($flaw:ident: $method:ident($right:ident $(, $arg:ident: $type:ty)*) -> $answer:ty $body:block)*) => {
        $(
            struct $flaw;

            #[async_trait]
            impl Flaw for $flaw {
                async fn $method(&self, $right: &Reference $(, $arg: $type)*) -> Result<$answer> $body
            }
        )*
    };
}

fn known(right: &Reference, name: &str) -> Option<Keys> {
    right.state().keys.get(name).copied()
}

fn write(right: &Reference, name: &str, keys: Keys) -> Keys {
    right.state().keys.insert(name.to_owned(), keys);
    keys
}

broken_deployments! {
    Assumes: format(right) -> Format {
        Ok(right.format().await.unwrap_or(Format::CURRENT))
    }
    OldFormat: format(right) -> Format {
        right.format().await.map(|_| Format { min_reader: 1, min_writer: 1 })
    }
    SaysNo: format(right) -> Format {
        right.format().await.map_err(|_| BackendError::rejected("no"))
    }
    MakesTwice: keys(_right, _name: &str, secret: [u8; 32]) -> Keys {
        Ok(Keys::first(secret))
    }
    LookThenMake: keys(right, name: &str, secret: [u8; 32]) -> Keys {
        if let Some(keys) = known(right, name) {
            return Ok(keys);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(write(right, name, Keys::first(secret)))
    }
    LastSecret: keys(right, name: &str, secret: [u8; 32]) -> Keys {
        Ok(write(right, name, Keys::first(secret)))
    }
    OneName: keys(right, _name: &str, secret: [u8; 32]) -> Keys {
        right.keys("", secret).await
    }
    IgnoresCase: keys(right, name: &str, secret: [u8; 32]) -> Keys {
        right.keys(&name.to_lowercase(), secret).await
    }
    DropsPrevious: renew_key(right, name: &str, from: u32, secret: [u8; 32]) -> Keys {
        let keys = right.renew_key(name, from, secret).await?;
        Ok(write(right, name, Keys { previous: None, ..keys }))
    }
    KeepsFirst: renew_key(right, name: &str, from: u32, secret: [u8; 32]) -> Keys {
        let first = known(right, name).and_then(|keys| keys.previous);
        let keys = right.renew_key(name, from, secret).await?;
        Ok(write(right, name, Keys { previous: first.or(keys.previous), ..keys }))
    }
    NeverRenews: renew_key(right, name: &str, _from: u32, secret: [u8; 32]) -> Keys {
        right.keys(name, secret).await
    }
    RenewsAlways: renew_key(right, name: &str, _from: u32, secret: [u8; 32]) -> Keys {
        let keys = known(right, name).unwrap();
        Ok(write(right, name, keys.renewed(secret)))
    }
    LookThenRenew: renew_key(right, name: &str, from: u32, secret: [u8; 32]) -> Keys {
        let keys = known(right, name).unwrap();
        if keys.current.number != from {
            return Ok(keys);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(write(right, name, keys.renewed(secret)))
    }
    TellsItsOwn: renew_key(right, name: &str, from: u32, secret: [u8; 32]) -> Keys {
        let before = known(right, name).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        let keys = right.renew_key(name, from, secret).await?;
        Ok(if keys == before { keys } else { before.renewed(secret) })
    }
}
