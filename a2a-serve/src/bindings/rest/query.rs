//! The parameters of a query (§11.5): names as in JSON, values as in ProtoJSON, without quotes.

use std::str::FromStr;

use a2a::{A2AError, ListTasksRequest, TaskState};

use super::super::json;
use super::super::violations::Violations;

/// The parameters of one query, in their order.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query.
    ///
    /// # Errors
    /// `InvalidParams` for one that is not UTF-8 once decoded.
    pub(super) fn read(query: &str) -> Result<Self, A2AError> {
        let fields: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match fields.iter().find(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER)) {
            Some((name, _)) => Err(refused(name, "is not UTF-8")),
            None => Ok(Self(fields)),
        }
    }

    fn get(&self, name: &str) -> Result<Option<&str>, A2AError> {
        let named = self.0.iter().filter(|(own, _)| own == name || is_proto_name(own, name));
        let mut values = named.map(|(_, value)| value.as_str());
        let value = values.next();
        if values.next().is_some() { Err(refused(name, "is there twice")) } else { Ok(value) }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, A2AError> {
        Ok(self.get(name)?.filter(|value| !value.is_empty()).map(str::to_owned))
    }

    fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, A2AError> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        value.parse().map(Some).map_err(|_| refused(name, &format!("must be {what}")))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i32>, A2AError> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        json::int_of(value).map(Some).ok_or_else(|| refused(name, "must be a whole number of 32 bits"))
    }

    /// The page that `ListTasks` is asked for.
    pub(super) fn list_tasks(&self) -> Result<ListTasksRequest, A2AError> {
        let status = match self.get("status")? {
            None => None,
            Some(name) => {
                Some(json::state_of(name).ok_or_else(|| refused("status", "must name a task state"))?)
            }
        };
        let request = ListTasksRequest {
            context_id: self.text("contextId")?,
            // The proto cannot tell it from unset, so no binding does.
            status: status.filter(|status| *status != TaskState::Unspecified),
            page_size: self.number("pageSize")?,
            page_token: self.text("pageToken")?,
            history_length: self.number("historyLength")?,
            status_timestamp_after: self.parsed("statusTimestampAfter", "a time (RFC 3339)")?,
            include_artifacts: self.parsed("includeArtifacts", "true or false")?,
            tenant: None,
        };
        let mut violations = Violations::default();
        if let Some(size) = request.page_size {
            violations.page_size(size.into());
        }
        if let Some(after) = request.status_timestamp_after {
            violations.time(after);
        }
        violations.into_result()?;
        Ok(request)
    }

    /// The page of push notification configs that is asked for.
    pub(super) fn page_of_configs(&self) -> Result<(Option<i32>, Option<String>), A2AError> {
        let size = self.number("pageSize")?.unwrap_or_default();
        let mut violations = Violations::default();
        violations.config_page_size(size.into());
        violations.into_result()?;
        // The proto cannot tell 0 from unset, so no binding does.
        Ok(((size != 0).then_some(size), self.text("pageToken")?))
    }
}

/// Tells whether a name is the proto's own for what JSON calls `name`: `page_size` for `pageSize`.
fn is_proto_name(own: &str, name: &str) -> bool {
    own.contains('_') && own.split('_').flat_map(str::chars).eq(name.chars().map(|c| c.to_ascii_lowercase()))
}

fn refused(name: &str, why: &str) -> A2AError {
    let mut violations = Violations::default();
    violations.add(name, why);
    violations.into_result().err().unwrap_or_else(|| A2AError::invalid_params(why))
}
