//! What the weather itself asks SNS: which subscriptions a topic has, and which of them have a filter policy.

use super::form::Form;
use super::xml;
use crate::weather::endpoint::{Head, Said};
use crate::weather::station::Station;

/// A subscription as lists have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) arn: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    /// What stands in the list.
    pub(super) xml: String,
}

impl Listed {
    fn read(member: &str) -> Option<Self> {
        Some(Listed {
            arn: xml::text(member, "SubscriptionArn")?,
            protocol: xml::text(member, "Protocol")?,
            endpoint: xml::text(member, "Endpoint").unwrap_or_default(),
            xml: member.to_owned(),
        })
    }
}

impl Station {
    /// All pages of a list, sorted by ARN; the endpoint's answer where it is an error, nothing where there is none.
    pub(super) async fn all_listed(&self, head: &Head, request: Form) -> Result<Vec<Listed>, Option<Said>> {
        let mut request = request;
        let mut listed = Vec::new();
        loop {
            let said = self.pass(head, request.body()).await.ok_or(None)?;
            if !said.status.is_success() {
                return Err(Some(said));
            }
            let answer = String::from_utf8_lossy(&said.body).into_owned();
            listed.extend(xml::elements(&answer, "member").into_iter().filter_map(Listed::read));
            match xml::text(&answer, "NextToken").filter(|token| !token.is_empty()) {
                Some(token) => request = request.with("NextToken", &token),
                None => break,
            }
        }
        listed.sort_by(|one, other| one.arn.cmp(&other.arn));
        Ok(listed)
    }

    /// The subscriptions of a topic; `None` where the endpoint does not tell.
    pub(super) async fn listed(&self, head: &Head, topic: &str) -> Option<Vec<Listed>> {
        let request = Form::request("ListSubscriptionsByTopic").with("TopicArn", topic);
        self.all_listed(head, request).await.ok()
    }

    /// How many of these have a filter policy, or will have one.
    pub(super) async fn filtered(&self, head: &Head, listed: &[Listed]) -> usize {
        let mut filtered = 0;
        for one in listed {
            let known = {
                let state = self.messaging.state();
                let pending = state.later.filter(&one.arn).map(|(policy, _)| is_filter(policy));
                pending.or_else(|| state.filtered.get(&one.arn).copied())
            };
            let has = match known {
                Some(has) => has,
                None => {
                    let policy = self.policy(head, &one.arn).await;
                    let has = policy.is_some_and(|policy| policy.as_deref().is_some_and(is_filter));
                    self.messaging.state().filtered.insert(one.arn.clone(), has);
                    has
                }
            };
            filtered += usize::from(has);
        }
        filtered
    }

    /// The filter policy that the endpoint has; `None` where it does not know the subscription.
    pub(super) async fn policy(&self, head: &Head, arn: &str) -> Option<Option<String>> {
        let request = Form::request("GetSubscriptionAttributes").with("SubscriptionArn", arn);
        let said = self.pass(head, request.body()).await.filter(|said| said.status.is_success())?;
        Some(xml::attribute(&String::from_utf8_lossy(&said.body), "FilterPolicy"))
    }
}

/// Whether a policy filters: an empty one takes a policy away.
pub(super) fn is_filter(policy: &str) -> bool {
    let policy: serde_json::Result<serde_json::Map<_, serde_json::Value>> = serde_json::from_str(policy);
    policy.is_ok_and(|policy| !policy.is_empty())
}
