//! Stores that break the rules of deliveries that were given up.

use a2a_core::{BackendError, GivenUpCursor, GivenUpDelivery, PushConfigs, Result, TaskKey, Tenant};
use a2a_testkit::async_trait;
use chrono::DurationRound;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    a_time_cut_to_milliseconds: CutsTime => push_configs::a_delivery_that_was_given_up_is_listed;
    an_empty_reason_that_keeps_the_last: KeepsReason => push_configs::a_delivery_that_was_given_up_is_listed;
    a_first_failure_that_stands: FirstStands => push_configs::a_delivery_that_was_given_up_is_listed;
    one_failure_of_each_task: OnePerTask => push_configs::a_delivery_that_was_given_up_is_listed;
    a_list_of_one_tenant: OneTenant =>
        push_configs::a_delivery_that_was_given_up_is_listed,
        push_configs::given_up_pages_cover_every_delivery;
    pages_without_a_limit: NoLimit => push_configs::given_up_pages_cover_every_delivery;
    pages_that_begin_with_the_last_one: Inclusive => push_configs::given_up_pages_cover_every_delivery;
    pages_that_skip_to_the_next_task: SkipsConfigs => push_configs::given_up_pages_cover_every_delivery;
    a_first_page_only: FirstPage => push_configs::given_up_pages_cover_every_delivery;
    a_forgetting_that_insists: Insists => push_configs::forgetting_a_given_up_delivery_is_idempotent;
    a_forgetting_of_the_whole_task: ForgetsTask => push_configs::forgetting_a_given_up_delivery_is_idempotent;
    a_forgetting_that_removes_the_config: ForgetsConfig =>
        push_configs::forgetting_a_given_up_delivery_is_idempotent;
}

macro_rules! broken_lists {
    ($($flaw:ident: $method:ident($right:ident, $($arg:ident: $type:ty),*) -> $answer:ty $body:block)*) => {
        $(
            struct $flaw;

            #[async_trait]
            impl Flaw for $flaw {
                async fn $method(&self, $right: &Reference, $($arg: $type),*) -> Result<$answer> $body
            }
        )*
    };
}

fn place(delivery: &GivenUpDelivery) -> GivenUpCursor {
    (delivery.task.clone(), delivery.config_id.clone())
}

broken_lists! {
    CutsTime: give_up(right, delivery: &GivenUpDelivery) -> () {
        let at = delivery.at.duration_trunc(chrono::TimeDelta::milliseconds(1)).unwrap();
        right.give_up(&GivenUpDelivery { at, ..delivery.clone() }).await
    }
    KeepsReason: give_up(right, delivery: &GivenUpDelivery) -> () {
        let mut delivery = delivery.clone();
        if delivery.reason.is_empty() && let Some(known) = right.state().given_up.get(&place(&delivery)) {
            delivery.reason.clone_from(&known.reason);
        }
        right.give_up(&delivery).await
    }
    FirstStands: give_up(right, delivery: &GivenUpDelivery) -> () {
        right.state().given_up.entry(place(delivery)).or_insert_with(|| delivery.clone());
        Ok(())
    }
    OnePerTask: give_up(right, delivery: &GivenUpDelivery) -> () {
        right.state().given_up.retain(|(task, _), _| *task != delivery.task);
        right.give_up(delivery).await
    }
    OneTenant: given_up(right, after: Option<&GivenUpCursor>, limit: usize) -> Vec<GivenUpDelivery> {
        let all = right.given_up(after, usize::MAX).await?;
        Ok(all.into_iter().filter(|one| one.task.tenant == Tenant::new("tenant")).take(limit).collect())
    }
    NoLimit: given_up(right, after: Option<&GivenUpCursor>, _limit: usize) -> Vec<GivenUpDelivery> {
        right.given_up(after, usize::MAX).await
    }
    Inclusive: given_up(right, after: Option<&GivenUpCursor>, limit: usize) -> Vec<GivenUpDelivery> {
        let all = right.given_up(None, usize::MAX).await?;
        let mut rest: Vec<_> = all.into_iter().filter(|one| after.is_none_or(|after| place(one) >= *after)).collect();
        let is_last = rest.len() <= 1 && after.is_some();
        rest.truncate(if is_last { 0 } else { limit });
        Ok(rest)
    }
    SkipsConfigs: given_up(right, after: Option<&GivenUpCursor>, limit: usize) -> Vec<GivenUpDelivery> {
        let all = right.given_up(None, usize::MAX).await?;
        let follows = |one: &GivenUpDelivery| after.is_none_or(|(task, _)| one.task > *task);
        Ok(all.into_iter().filter(follows).take(limit).collect())
    }
    FirstPage: given_up(right, after: Option<&GivenUpCursor>, limit: usize) -> Vec<GivenUpDelivery> {
        if after.is_some() { Ok(Vec::new()) } else { right.given_up(None, limit.min(40)).await }
    }
    Insists: forget_given_up(right, key: &TaskKey, config_id: &str) -> () {
        let known = right.state().given_up.remove(&(key.clone(), config_id.to_owned()));
        known.map(drop).ok_or_else(|| BackendError::rejected("no such delivery"))
    }
    ForgetsTask: forget_given_up(right, key: &TaskKey, _config_id: &str) -> () {
        right.state().given_up.retain(|(task, _), _| task != key);
        Ok(())
    }
    ForgetsConfig: forget_given_up(right, key: &TaskKey, config_id: &str) -> () {
        right.remove_config(key, config_id).await?;
        right.forget_given_up(key, config_id).await
    }
}
