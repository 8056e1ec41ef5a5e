//! What every request is checked for: who asks, what the card allows, whether the task is theirs.

use std::sync::Arc;

use a2a::{A2AError, AgentCard, Message, SVC_PARAM_EXTENSIONS, error_code};
use a2a_core::{Principal, TaskHead};
use a2a_server::ServiceParams;

use crate::caller::{Caller, TenantCaller};
use crate::ground::Config;
use crate::instance::Instance;
use crate::limits::check_id;

/// Refuses a tenant that there is not, where it is known which there are.
pub(super) fn tenant(requested: &str, config: &Config) -> Result<(), A2AError> {
    check_id("tenant", requested, &config.limits)?;
    match &config.tenants {
        Some(known) if !known.contains(requested) => Err(A2AError::invalid_params("there is no such tenant")),
        _ => Ok(()),
    }
}

/// Refuses a caller whose name no store has to keep.
pub(super) fn nameable(caller: Caller) -> Result<Caller, A2AError> {
    let bytes = caller.principal.as_ref().map_or(0, |principal| principal.as_str().len());
    if bytes > Principal::MAX_BYTES {
        let limit = Principal::MAX_BYTES;
        return Err(A2AError::invalid_params(format!(
            "the caller's name is over the limit of {limit} bytes"
        )));
    }
    Ok(caller)
}

/// Refuses streams that the card does not declare (specification, section 3.3.4).
pub(super) fn streaming(card: &AgentCard) -> Result<(), A2AError> {
    if card.capabilities.streaming == Some(true) {
        Ok(())
    } else {
        Err(A2AError::unsupported_operation("the agent card does not declare streaming"))
    }
}

/// Refuses push notifications that the card does not declare (specification, section 3.3.4).
pub(super) fn push_notifications(card: &AgentCard) -> Result<(), A2AError> {
    if card.capabilities.push_notifications == Some(true) {
        Ok(())
    } else {
        Err(A2AError::push_notification_not_supported())
    }
}

/// Refuses what names no task.
pub(super) fn task_id(instance: &Instance, id: &str) -> Result<(), A2AError> {
    if id.is_empty() {
        return Err(A2AError::invalid_params("the task id is required"));
    }
    check_id("the task id", id, &instance.ground.config.limits)
}

/// Reads the head of a task that is the caller's; anybody else's looks absent.
pub(super) async fn own_task(
    instance: &Arc<Instance>,
    caller: &TenantCaller,
    id: &str,
) -> Result<TaskHead, A2AError> {
    task_id(instance, id)?;
    let key = caller.key(id);
    let head = instance.ground.retry_for_request().run(|| instance.ground.tasks.head(&key)).await;
    let head = head.map_err(|error| instance.ground.error(error))?;
    head.filter(|head| head.principal == caller.principal).ok_or_else(|| A2AError::task_not_found(id))
}

/// Refuses what a task in a terminal state cannot do.
pub(super) fn not_ended(head: &TaskHead, id: &str) -> Result<(), A2AError> {
    if head.state.is_terminal() {
        return Err(A2AError::unsupported_operation(format!("task {id} has reached a terminal state")));
    }
    Ok(())
}

/// Refuses parts of a media type that the agent does not take. A part without one is unrestricted.
pub(super) fn content_types(card: &AgentCard, message: &Message) -> Result<(), A2AError> {
    let of_skills = card.skills.iter().flat_map(|skill| skill.input_modes.iter().flatten());
    let modes: Vec<&str> =
        card.default_input_modes.iter().chain(of_skills).map(|mode| essence(mode)).collect();
    let accepted =
        |given: &str| given.is_empty() || modes.is_empty() || modes.iter().any(|mode| accepts(mode, given));
    if message.parts.iter().all(|part| accepted(essence(part.media_type.as_deref().unwrap_or_default()))) {
        Ok(())
    } else {
        Err(A2AError::content_type_not_supported())
    }
}

/// A media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn accepts(mode: &str, given: &str) -> bool {
    if mode == "*" || mode == "*/*" || mode.eq_ignore_ascii_case(given) {
        return true;
    }
    // "text/*" takes any text; a bare "text", as older cards have it, does too.
    let family = mode.strip_suffix("/*").unwrap_or(mode);
    !family.contains('/')
        && given.split_once('/').is_some_and(|(given_family, _)| given_family.eq_ignore_ascii_case(family))
}

/// Refuses clients that do not declare an extension which the card requires (specification, section 3.3.4).
pub(super) fn required_extensions(card: &AgentCard, params: &ServiceParams) -> Result<(), A2AError> {
    let mut required =
        card.capabilities.extensions.iter().flatten().filter(|extension| extension.required == Some(true));
    let declared = |uri: &str| {
        params
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(SVC_PARAM_EXTENSIONS))
            .flat_map(|(_, values)| values)
            .flat_map(|value| value.split(','))
            .any(|declared| declared.trim() == uri)
    };
    match required.find(|extension| !declared(&extension.uri)) {
        None => Ok(()),
        Some(missing) => Err(A2AError::new(
            error_code::EXTENSION_SUPPORT_REQUIRED,
            format!("the extension {} must be declared in {SVC_PARAM_EXTENSIONS}", missing.uri),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_match_exactly_by_family_or_wildcard() {
        for (mode, given, expected) in [
            ("text/plain", "text/plain", true),
            ("text/plain", "Text/Plain", true),
            ("text/plain", "text/html", false),
            ("text/*", "text/html", true),
            ("text", "text/plain", true),
            ("*/*", "image/png", true),
            ("image/*", "text/plain", false),
            ("text/*", "textual", false),
        ] {
            assert_eq!(accepts(mode, given), expected, "{mode} takes {given}");
        }
        assert_eq!(essence("text/plain; charset=utf-8"), "text/plain");
    }
}
