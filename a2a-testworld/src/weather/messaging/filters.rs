//! Filter policies that take effect later, and no more of them than a topic may have.
//!
//! The endpoint delivers by itself. So the weather gives it another policy at first and the wanted one when it is to take
//! effect; what clients read of a subscription is the wanted one at once.

use tokio::time::Instant;

use super::fault;
use super::form::Form;
use super::later::{Task, What};
use super::settings::Meanwhile;
use super::subscriptions::is_filter;
use super::xml;
use crate::weather::dice::Draws;
use crate::weather::endpoint::Head;
use crate::weather::station::{Station, whole};
use crate::weather::wire::Answer;

const FILTER: &str = "FilterPolicy";
/// A policy that no message passes, whether it goes by attributes or by the body.
const NOTHING: &str = r#"{"weather-not-in-effect":["weather-not-in-effect"]}"#;
/// A policy that every message passes.
const EVERYTHING: &str = "{}";

impl Station {
    /// Handles a new subscription, or one that is there already.
    pub(super) async fn subscribe(&self, head: &Head, form: Form, draws: &mut Draws) -> Option<Answer> {
        let weather = self.sky.weather().sns;
        let delay = weather.filter_delay.as_ref().map(|delay| delay.after.draw(&mut draws.more));
        let policy = form.attribute(FILTER).filter(|policy| is_filter(policy)).map(str::to_owned);
        let topic = form.get("TopicArn").map(str::to_owned);
        let (Some(policy), Some(topic)) = (policy, topic) else {
            return self.as_it_is("Subscribe", head, form.body()).await;
        };
        if delay.is_none() && weather.filter_policies.is_none() {
            return self.as_it_is("Subscribe", head, form.body()).await;
        }
        let _counting = self.messaging.counting.lock().await;
        let Some(listed) = self.listed(head, &topic).await else {
            return self.as_it_is("Subscribe", head, form.body()).await;
        };
        let same = |name: &str, own: &str| form.get(name) == Some(own);
        let existing =
            listed.iter().find(|one| same("Protocol", &one.protocol) && same("Endpoint", &one.endpoint));
        if let Some(existing) = existing {
            let form = self.as_the_endpoint_has_it(&existing.arn, &policy, form);
            return self.as_it_is("Subscribe", head, form.body()).await;
        }
        if let Some(most) = weather.filter_policies
            && self.filtered(head, &listed).await >= most
        {
            return Some(self.beyond_quota());
        }
        let (Some(delay), Some(settings)) = (delay, weather.filter_delay) else {
            return self.as_it_is("Subscribe", head, form.body()).await;
        };
        let meanwhile = match settings.meanwhile {
            Meanwhile::Nothing | Meanwhile::Before => NOTHING,
            Meanwhile::Everything => EVERYTHING,
        };
        let said = self.pass(head, form.with_attribute(FILTER, meanwhile).body()).await?;
        self.failed_unless_ok("Subscribe", &said);
        let arn = xml::text(&String::from_utf8_lossy(&said.body), "SubscriptionArn");
        if let Some(arn) = arn.filter(|_| said.status.is_success()) {
            self.filter_later(head, arn, policy, meanwhile.to_owned(), Instant::now() + delay);
        }
        Some(whole(said))
    }

    /// Handles a change of a subscription.
    pub(super) async fn set_attributes(&self, head: &Head, form: Form, draws: &mut Draws) -> Option<Answer> {
        const CALL: &str = "SetSubscriptionAttributes";
        let weather = self.sky.weather().sns;
        let delay = weather.filter_delay.as_ref().map(|delay| delay.after.draw(&mut draws.more));
        let policy = form.get("AttributeValue").unwrap_or(EVERYTHING).to_owned();
        let arn = form.get("SubscriptionArn").unwrap_or_default().to_owned();
        if form.get("AttributeName") != Some(FILTER) {
            return self.as_it_is(CALL, head, form.body()).await;
        }
        let _counting = self.messaging.counting.lock().await;
        // What the endpoint cannot read it may refuse itself, as it may a subscription that it does not know.
        let readable = is_filter(&policy) || policy.trim() == EVERYTHING;
        let Some(before) = self.policy(head, &arn).await.filter(|_| readable) else {
            return self.as_it_is(CALL, head, form.body()).await;
        };
        // What is wanted already does not begin anew.
        let pending =
            self.messaging.state().later.filter(&arn).map(|(wanted, now)| (wanted == policy, now.to_owned()));
        match pending {
            Some((true, now)) => {
                return self.as_it_is(CALL, head, form.with("AttributeValue", &now).body()).await;
            }
            None if before.as_ref() == Some(&policy) => {
                return self.as_it_is(CALL, head, form.body()).await;
            }
            _ => {}
        }
        if let Some(most) = weather.filter_policies
            && is_filter(&policy)
            && self.are_used_up(head, &arn, most).await
        {
            return Some(self.beyond_quota());
        }
        let (now_in_effect, due) = match (delay, &weather.filter_delay) {
            (Some(delay), Some(settings)) => {
                let meanwhile = match settings.meanwhile {
                    Meanwhile::Nothing => NOTHING.to_owned(),
                    Meanwhile::Everything => EVERYTHING.to_owned(),
                    Meanwhile::Before => before.unwrap_or_else(|| EVERYTHING.to_owned()),
                };
                (meanwhile, Some(Instant::now() + delay))
            }
            _ => (policy.clone(), None),
        };
        let said = self.pass(head, form.with("AttributeValue", &now_in_effect).body()).await?;
        self.failed_unless_ok(CALL, &said);
        if said.status.is_success() {
            self.messaging.state().filtered.insert(arn.clone(), is_filter(&policy));
            match due {
                Some(due) => self.filter_later(head, arn, policy, now_in_effect, due),
                None => self.messaging.state().later.forget_filters(&arn),
            }
        }
        Some(whole(said))
    }

    /// Handles a look at a subscription: it shows the policy that was set last, in effect or not.
    pub(super) async fn get_attributes(&self, head: &Head, form: &Form) -> Option<Answer> {
        let arn = form.get("SubscriptionArn").unwrap_or_default();
        let wanted = self.messaging.state().later.filter(arn).map(|(policy, _)| policy.to_owned());
        let mut said = self.pass(head, form.body()).await?;
        self.failed_unless_ok("GetSubscriptionAttributes", &said);
        if let Some(wanted) = wanted.filter(|_| said.status.is_success()) {
            said.body = xml::with_attribute(&String::from_utf8_lossy(&said.body), FILTER, &wanted).into();
        }
        Some(whole(said))
    }

    /// Handles the end of a subscription or of a topic.
    pub(super) async fn forget_filters(&self, operation: &str, head: &Head, form: &Form) -> Option<Answer> {
        let said = self.pass(head, form.body()).await?;
        self.failed_unless_ok(operation, &said);
        let arn = form.get("SubscriptionArn").or_else(|| form.get("TopicArn"));
        if let Some(arn) = arn.filter(|_| said.status.is_success()) {
            let mut state = self.messaging.state();
            state.later.forget_filters(arn);
            state.filtered.remove(arn);
        }
        Some(whole(said))
    }

    fn filter_later(&self, head: &Head, arn: String, policy: String, meanwhile: String, due: Instant) {
        let request = Form::request("SetSubscriptionAttributes")
            .with("SubscriptionArn", &arn)
            .with("AttributeName", FILTER)
            .with("AttributeValue", &policy);
        let what = What::Filter { subscription: arn, policy, meanwhile };
        self.later(Task { due, head: head.clone(), body: request.body(), what });
        self.sky.count(|counts| counts.messaging.filters_delayed += 1);
    }

    /// Subscribing again is refused unless all attributes are equal: where a policy is not in effect yet, the endpoint has
    /// another one.
    fn as_the_endpoint_has_it(&self, arn: &str, policy: &str, form: Form) -> Form {
        let state = self.messaging.state();
        match state.later.filter(arn) {
            Some((wanted, meanwhile)) if wanted == policy => form.with_attribute(FILTER, meanwhile),
            _ => form,
        }
    }

    /// Whether a topic has as many filter policies as it may have, not counting the one of this subscription.
    async fn are_used_up(&self, head: &Head, arn: &str, most: usize) -> bool {
        let Some((topic, _)) = arn.rsplit_once(':') else { return false };
        let Some(mut listed) = self.listed(head, topic).await else { return false };
        listed.retain(|one| one.arn != arn);
        self.filtered(head, &listed).await >= most
    }

    fn beyond_quota(&self) -> Answer {
        self.sky.count(|counts| counts.messaging.filters_beyond_quota += 1);
        fault::FILTER_POLICY_LIMIT.answer()
    }
}
