//! Batches of which some entries fail: the answer has status 200 and says so inside.

use serde_json::{Map, Value, json};

use super::fault;
use super::form::Form;
use crate::weather::dice::Draws;
use crate::weather::endpoint::Head;
use crate::weather::station::{Station, body_from, changed, whole};
use crate::weather::wire::{self, Answer};

const ENTRIES: &str = "PublishBatchRequestEntries";
const MESSAGE: &str = "the weather: this entry failed";

impl Station {
    /// Handles a batch of SQS.
    pub(super) async fn message_batch(
        &self,
        operation: &str,
        head: &Head,
        mut request: Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        let share = self.sky.weather().sqs.failed_entries;
        let deletes = operation == "DeleteMessageBatch";
        let (mut failed, mut done) = (Vec::new(), Vec::new());
        let mut passing = Vec::new();
        if let Some(entries) = request.get_mut("Entries").and_then(Value::as_array_mut) {
            for entry in std::mem::take(entries) {
                let id = entry.get("Id").cloned().unwrap_or_default();
                if draws.more.f64() < share {
                    failed.push(json!({
                        "Id": id, "Code": "InternalError", "Message": MESSAGE, "SenderFault": false,
                    }));
                } else if deletes && self.messaging.state().twice.was_deleted(&entry) {
                    done.push(json!({ "Id": id }));
                } else {
                    passing.push(entry);
                }
            }
            entries.clone_from(&passing);
        }
        self.count_failed(failed.len());
        let is_whole = failed.is_empty() && done.is_empty();
        if passing.is_empty() && !is_whole {
            return Some(wire::answer(200, &json!({ "Successful": done, "Failed": failed })));
        }
        let said = self.pass(head, body_from(&request)).await?;
        self.failed_unless_ok(operation, &said);
        let Some(mut answer) = said.json().filter(|_| said.status.is_success()) else {
            return Some(whole(said));
        };
        if deletes {
            let succeeded = answer.get("Successful").and_then(Value::as_array).into_iter().flatten();
            let mut state = self.messaging.state();
            for id in succeeded.filter_map(|one| one.get("Id")) {
                let entry = passing.iter().find(|entry| entry.get("Id") == Some(id));
                entry.into_iter().for_each(|entry| state.twice.deleted(entry));
            }
        }
        if is_whole {
            return Some(whole(said));
        }
        for (member, more) in [("Successful", done), ("Failed", failed)] {
            let all = answer.entry(member).or_insert_with(|| json!([]));
            all.as_array_mut().into_iter().for_each(|all| all.extend(more.clone()));
        }
        Some(changed(said, &answer))
    }

    /// Handles a message's deletion.
    pub(super) async fn delete_message(&self, head: &Head, request: Map<String, Value>) -> Option<Answer> {
        let body = body_from(&request);
        let request = Value::Object(request);
        if self.messaging.state().twice.was_deleted(&request) {
            return Some(wire::answer(200, &json!({})));
        }
        let said = self.pass(head, body).await?;
        self.failed_unless_ok("DeleteMessage", &said);
        if said.status.is_success() {
            self.messaging.state().twice.deleted(&request);
        }
        Some(whole(said))
    }

    /// Handles a batch of SNS.
    pub(super) async fn publish_batch(&self, head: &Head, form: &Form, draws: &mut Draws) -> Option<Answer> {
        let share = self.sky.weather().sns.failed_entries;
        let (passing, failed) = form.without_members(ENTRIES, |_| draws.more.f64() < share);
        if failed.is_empty() {
            return self.as_it_is("PublishBatch", head, form.body()).await;
        }
        let failed: String = failed.iter().map(|id| entry(id)).collect();
        let count = failed.matches("<Code>").count();
        if !passing.has_members(ENTRIES) {
            self.count_failed(count);
            return Some(fault::result("PublishBatch", &format!("<Successful/><Failed>{failed}</Failed>")));
        }
        let mut said = self.pass(head, passing.body()).await?;
        self.failed_unless_ok("PublishBatch", &said);
        if said.status.is_success() {
            self.count_failed(count);
            let xml = String::from_utf8_lossy(&said.body).replace("<Failed/>", "<Failed></Failed>");
            let xml = match xml.contains("<Failed>") {
                true => xml.replacen("<Failed>", &format!("<Failed>{failed}"), 1),
                false => {
                    let end = "</PublishBatchResult>";
                    xml.replacen(end, &format!("<Failed>{failed}</Failed>{end}"), 1)
                }
            };
            said.body = xml.into();
        }
        Some(whole(said))
    }

    fn count_failed(&self, entries: usize) {
        self.sky.count(|counts| counts.messaging.entries_failed += entries as u64);
    }
}

fn entry(id: &str) -> String {
    let id = super::xml::escaped(id);
    format!(
        "<member><Id>{id}</Id><Code>InternalError</Code><Message>{MESSAGE}</Message><SenderFault>false</SenderFault></member>"
    )
}
