//! Stores that break the rules of push configs.

use a2a_core::{
    BackendError, PushConfigs, PushDelivery, PushProgress, PushSubscription, Result, TaskKey, Tenant,
};
use a2a_testkit::async_trait;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    a_token_that_is_lost: LosesTokens => push_configs::a_saved_config_is_returned;
    a_save_that_merges: Merges => push_configs::saving_under_the_same_id_replaces;
    a_save_that_keeps_what_was_acknowledged: KeepsAcknowledged => push_configs::saving_under_the_same_id_replaces;
    a_save_that_never_replaces: FirstSaveWins => push_configs::saving_under_the_same_id_replaces;
    configs_in_the_order_of_length: ByLength => push_configs::configs_are_listed_in_id_order;
    configs_of_similar_tasks: ByPrefix => push_configs::configs_are_listed_in_id_order;
    a_removal_that_insists: Insists => push_configs::removing_a_config_is_idempotent;
    a_removal_of_all: RemovesAll => push_configs::removing_a_config_is_idempotent;
    an_acknowledgement_that_goes_back: GoesBack => push_configs::acknowledge_only_moves_forward;
    an_acknowledgement_that_creates: Creates => push_configs::acknowledge_only_moves_forward;
    an_acknowledgement_checked_before_the_write: LookThenAcknowledge =>
        push_configs::acknowledge_only_moves_forward;
    an_acknowledgement_of_whatever_has_the_id: BlindToRevisions => push_configs::acknowledging_concerns_one_revision;
    a_beginning_that_says_less: BeginsWithNothing => push_configs::a_delivery_begins_where_the_last_one_got;
    a_beginning_for_whatever_has_the_id: BeginsForWhateverHasTheId =>
        push_configs::a_delivery_begins_where_the_last_one_got;
    a_delivery_that_always_counts: FencesNobody =>
        push_configs::what_a_delivery_acknowledges_counts_until_another_begins;
    a_delivery_that_is_not_told_that_it_does_not_count: FencesInSilence =>
        push_configs::what_a_delivery_acknowledges_counts_until_another_begins;
    a_first_delivery_that_is_not_noted: ForgetsTheFirst =>
        push_configs::what_a_delivery_acknowledges_counts_until_another_begins;
    configs_of_every_tenant: BlindToTenants => push_configs::configs_of_one_tenant_are_invisible_to_another;
}

struct LosesTokens;

#[async_trait]
impl Flaw for LosesTokens {
    async fn save_config(&self, right: &Reference, key: &TaskKey, config: &PushSubscription) -> Result<()> {
        let mut config = config.clone();
        config.config.token.take_if(|token| token.is_empty());
        right.save_config(key, &config).await
    }
}

struct Merges;

#[async_trait]
impl Flaw for Merges {
    async fn save_config(&self, right: &Reference, key: &TaskKey, config: &PushSubscription) -> Result<()> {
        let mut merged = config.clone();
        let id = config.config.id.as_deref().unwrap_or_default();
        if let Some(known) = right.get_config(key, id).await? {
            merged.config.token = merged.config.token.or(known.config.token);
        }
        right.save_config(key, &merged).await
    }
}

struct KeepsAcknowledged;

#[async_trait]
impl Flaw for KeepsAcknowledged {
    async fn save_config(&self, right: &Reference, key: &TaskKey, config: &PushSubscription) -> Result<()> {
        let mut kept = config.clone();
        let id = config.config.id.as_deref().unwrap_or_default();
        if let Some(known) = right.get_config(key, id).await? {
            kept.progress = known.progress.max(config.progress);
        }
        right.save_config(key, &kept).await
    }
}

struct FirstSaveWins;

#[async_trait]
impl Flaw for FirstSaveWins {
    async fn save_config(&self, right: &Reference, key: &TaskKey, config: &PushSubscription) -> Result<()> {
        let id = config.config.id.as_deref().unwrap_or_default();
        if right.get_config(key, id).await?.is_some() {
            return Ok(());
        }
        right.save_config(key, config).await
    }
}

struct ByLength;

#[async_trait]
impl Flaw for ByLength {
    async fn list_configs(&self, right: &Reference, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        let mut configs = right.list_configs(key).await?;
        configs.sort_by_key(|config| config.config.id.as_ref().map(String::len));
        Ok(configs)
    }
}

struct ByPrefix;

#[async_trait]
impl Flaw for ByPrefix {
    async fn list_configs(&self, right: &Reference, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        let state = right.state();
        let similar = state.tasks.iter().filter(|(k, _)| k.task_id.starts_with(&key.task_id));
        Ok(similar.flat_map(|(_, entry)| entry.webhooks.values().cloned()).collect())
    }
}

struct Insists;

#[async_trait]
impl Flaw for Insists {
    async fn remove_config(&self, right: &Reference, key: &TaskKey, id: &str) -> Result<()> {
        if right.get_config(key, id).await?.is_none() {
            return Err(BackendError::rejected("no such config"));
        }
        right.remove_config(key, id).await
    }
}

struct RemovesAll;

#[async_trait]
impl Flaw for RemovesAll {
    async fn remove_config(&self, right: &Reference, key: &TaskKey, _: &str) -> Result<()> {
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.webhooks.clear();
        }
        Ok(())
    }
}

struct GoesBack;

#[async_trait]
impl Flaw for GoesBack {
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        let mut state = right.state();
        let Some(webhook) = state.its_config(key, delivery) else { return Ok(false) };
        let counts = webhook.delivery.is_none_or(|known| known == delivery.id);
        if counts {
            (webhook.delivery, webhook.progress) = (Some(delivery.id), progress);
        }
        Ok(counts)
    }
}

struct Creates;

#[async_trait]
impl Flaw for Creates {
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        let id = &delivery.config_id;
        if right.get_config(key, id).await?.is_none() {
            let config = a2a::TaskPushNotificationConfig {
                url: String::new(),
                id: Some(id.clone()),
                task_id: key.task_id.clone(),
                token: None,
                authentication: None,
                tenant: None,
            };
            let config = PushSubscription::new(config, delivery.revision, progress.acknowledged);
            right.save_config(key, &config).await?;
        }
        right.acknowledge(key, delivery, progress).await
    }
}

struct LookThenAcknowledge;

#[async_trait]
impl Flaw for LookThenAcknowledge {
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        match right.get_config(key, &delivery.config_id).await? {
            Some(known) if known.progress < progress => {}
            known => return Ok(known.is_some()),
        }
        tokio::task::yield_now().await;
        GoesBack.acknowledge(right, key, delivery, progress).await
    }
}

struct BlindToRevisions;

#[async_trait]
impl Flaw for BlindToRevisions {
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        match right.get_config(key, &delivery.config_id).await? {
            Some(PushSubscription { revision, .. }) => {
                right.acknowledge(key, &PushDelivery { revision, ..delivery.clone() }, progress).await
            }
            None => Ok(false),
        }
    }
}

struct BeginsWithNothing;

#[async_trait]
impl Flaw for BeginsWithNothing {
    async fn begin_delivery(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
    ) -> Result<Option<PushProgress>> {
        let begun = right.begin_delivery(key, delivery).await?;
        Ok(begun.map(|progress| PushProgress::to(progress.acknowledged)))
    }
}

struct BeginsForWhateverHasTheId;

#[async_trait]
impl Flaw for BeginsForWhateverHasTheId {
    async fn begin_delivery(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
    ) -> Result<Option<PushProgress>> {
        let Some(known) = right.get_config(key, &delivery.config_id).await? else { return Ok(None) };
        right.begin_delivery(key, &PushDelivery { revision: known.revision, ..delivery.clone() }).await
    }
}

struct FencesNobody;

#[async_trait]
impl Flaw for FencesNobody {
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        right.begin_delivery(key, delivery).await?;
        right.acknowledge(key, delivery, progress).await
    }
}

struct FencesInSilence;

#[async_trait]
impl Flaw for FencesInSilence {
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        right.acknowledge(key, delivery, progress).await?;
        Ok(right
            .get_config(key, &delivery.config_id)
            .await?
            .is_some_and(|known| known.revision == delivery.revision))
    }
}

struct ForgetsTheFirst;

#[async_trait]
impl Flaw for ForgetsTheFirst {
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        let before = right.get_config(key, &delivery.config_id).await?;
        let counts = right.acknowledge(key, delivery, progress).await?;
        if let (Some(before), Some(webhook)) = (before, right.state().its_config(key, delivery)) {
            webhook.delivery = before.delivery;
        }
        Ok(counts)
    }
}

struct BlindToTenants;

#[async_trait]
impl Flaw for BlindToTenants {
    fn key(&self, key: &TaskKey) -> TaskKey {
        TaskKey::new(Tenant::default(), key.task_id.clone())
    }
    async fn commit(
        &self,
        right: &Reference,
        key: &TaskKey,
        commit: a2a_core::Commit<'_>,
    ) -> Result<a2a_core::Outcome> {
        let next = commit.expected().next();
        right.state().apply(key, &commit);
        Ok(a2a_core::Outcome::Applied(next))
    }
}
