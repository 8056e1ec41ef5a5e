//! Lists of subscriptions in pages, which emulators give whole.

use super::fault;
use super::form::Form;
use super::xml::escaped;
use crate::weather::endpoint::Head;
use crate::weather::station::{Station, whole};
use crate::weather::wire::Answer;

/// Before the ARN after which a page begins.
const TOKEN: &str = "weather-after-";

impl Station {
    /// Handles a list.
    pub(super) async fn list(&self, operation: &str, head: &Head, form: Form) -> Option<Answer> {
        let Some(size) = self.sky.weather().sns.page else {
            return self.as_it_is(operation, head, form.body()).await;
        };
        let token = form.get("NextToken").unwrap_or_default().to_owned();
        let Some(after) = token.strip_prefix(TOKEN).or(token.is_empty().then_some("")) else {
            // A token of the endpoint's own, from before there were pages.
            return self.as_it_is(operation, head, form.body()).await;
        };
        let whole_list = self.all_listed(head, form.without("NextToken")).await;
        let listed = match whole_list {
            Ok(listed) => listed,
            Err(said) => {
                let said = said?;
                self.failed_unless_ok(operation, &said);
                return Some(whole(said));
            }
        };
        let mut rest = listed.iter().filter(|one| one.arn.as_str() > after).peekable();
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let next = page.last().filter(|_| rest.peek().is_some()).map(|last| format!("{TOKEN}{}", last.arn));
        let members: String = page.iter().map(|one| format!("<member>{}</member>", one.xml)).collect();
        let mut content = format!("<Subscriptions>{members}</Subscriptions>");
        if let Some(next) = next {
            self.sky.count(|counts| counts.messaging.pages_cut += 1);
            content.push_str(&format!("<NextToken>{}</NextToken>", escaped(&next)));
        }
        Some(fault::result(operation, &content))
    }
}
