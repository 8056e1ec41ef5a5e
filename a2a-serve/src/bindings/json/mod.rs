//! Requests as ProtoJSON: read in one pass from bytes to the SDK's own types.
//!
//! `null` is absent, as ProtoJSON says; the proto's own field names are read beside those of JSON; numbers may be written
//! as strings, bytes in either alphabet of base64. What a request lacks, and what no field can hold, is told with the name
//! of its field.

mod message;
mod object;
mod params;
mod scalar;
mod values;

use a2a::A2AError;
use serde::de::DeserializeOwned;

use self::object::Object;
use self::values::Values;
use super::limits::RequestLimits;
use super::violations::{Violations, short};

pub(super) use message::SendMessage;
pub(super) use params::{
    CancelTask, ExtendedCard, GetTask, ListPushConfigs, ListTasks, PushConfig, PushConfigName,
    SubscribeToTask,
};
pub(super) use scalar::{int_of, state_of};

/// What a request looks like as JSON.
pub(super) trait JsonRequest: DeserializeOwned {
    /// What a handler takes.
    type Request;

    /// Makes the request of what was read, and adds what is wrong with it.
    fn into_request(self, values: &Values<'_>, violations: &mut Violations) -> Self::Request;
}

/// A request that names a task.
pub(super) trait OfTask {
    /// The name of the task.
    fn task(&mut self) -> &mut Option<String>;
}

/// Reads a request.
///
/// # Errors
/// `ParseError` for what is no JSON, `InvalidParams` naming every field that is missing or cannot be meant.
pub(super) fn read<T: JsonRequest>(json: &str, limits: &RequestLimits) -> Result<T::Request, A2AError> {
    accept(parse::<T>(json)?, &Values::of(json, limits))
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, A2AError> {
    let mut source = serde_json::Deserializer::from_str(json);
    let Object(read) = serde_path_to_error::deserialize::<_, Object<T>>(&mut source).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            unreadable(field, &error)
        } else {
            A2AError::parse_error(format!("parse error: {}", short(error)))
        }
    })?;
    source.end().map_err(|error| A2AError::parse_error(format!("parse error: {error}")))?;
    Ok(read)
}

fn accept<T: JsonRequest>(read: T, values: &Values<'_>) -> Result<T::Request, A2AError> {
    let mut violations = Violations::default();
    let request = read.into_request(values, &mut violations);
    violations.into_result()?;
    Ok(request)
}

/// Reads a request on a task that the URL names. The body may repeat the name, but not contradict it.
///
/// # Errors
/// As [`read`], and `InvalidParams` for another name.
pub(super) fn read_for<T: JsonRequest + OfTask>(
    json: &str,
    task: &str,
    limits: &RequestLimits,
) -> Result<T::Request, A2AError> {
    let mut read: T = parse(json)?;
    let named = read.task().get_or_insert_default();
    if named.is_empty() {
        task.clone_into(named);
    } else if named != task {
        return Err(A2AError::invalid_params("the task in the request is not the one in its URL"));
    }
    accept(read, &Values::of(json, limits))
}

fn unreadable(field: String, error: &serde_json::Error) -> A2AError {
    let mut violations = Violations::default();
    // The place in the text says nothing to whoever wrote no text.
    let text = short(error);
    let what = text.split(" at line ").next().unwrap_or_default();
    violations.add(if field == "." { "params".to_owned() } else { field }, what);
    violations.into_result().err().unwrap_or_else(|| A2AError::invalid_params(what))
}

#[cfg(test)]
mod tests;
