//! Contexts that are named after their first task, so that a store need not write down which task began one.
//!
//! A client may name the context of a message itself. Where it does not, the server makes an id, and the task that the
//! message begins is the context's first. Its id and the context's follow from each other.

use uuid::Uuid;

/// What differs between the two ids: neither the version nor the variant.
const DIFFERENCE: u128 = 0x5a5a_5a5a_5a5a_05a5_05a5_5a5a_5a5a_5a5a;

/// The context that is named after a task. `None` where the task's id is not a UUID in its usual form.
///
/// ```
/// # use a2a_core::{context_of, first_task_of};
/// let task = "018f3a52-7c1d-7e3b-9f61-2b4c8d0e5a77";
/// let context = context_of(task).unwrap();
/// assert_ne!(context, task);
/// assert_eq!(first_task_of(&context).as_deref(), Some(task));
/// ```
pub fn context_of(task_id: &str) -> Option<String> {
    counterpart(task_id)
}

/// The task after which a context is named, if it is named after one: a client may have chosen its id.
pub fn first_task_of(context_id: &str) -> Option<String> {
    counterpart(context_id)
}

fn counterpart(id: &str) -> Option<String> {
    let uuid = Uuid::try_parse(id).ok().filter(|uuid| uuid.to_string() == id)?;
    Some(Uuid::from_u128(uuid.as_u128() ^ DIFFERENCE).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_and_its_first_task_name_each_other() {
        for uuid in [Uuid::nil(), Uuid::max(), Uuid::from_u128(1 << 76), Uuid::new_v8([0xa2; 16])] {
            let context = context_of(&uuid.to_string()).unwrap();
            assert_eq!(first_task_of(&context), Some(uuid.to_string()));
            let named = Uuid::try_parse(&context).unwrap();
            assert_eq!(
                (named.get_version_num(), named.get_variant()),
                (uuid.get_version_num(), uuid.get_variant())
            );
        }
    }

    #[test]
    fn other_ids_are_named_after_nothing() {
        for id in ["", "ctx-1", "018F3A52-7C1D-7E3B-9F61-2B4C8D0E5A77", "018f3a527c1d7e3b9f612b4c8d0e5a77"] {
            assert_eq!(first_task_of(id), None, "{id}");
        }
    }
}
