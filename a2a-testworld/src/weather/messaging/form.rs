//! The body of a request to SNS: a form, in which lists and maps are numbered.

use std::collections::BTreeMap;

use bytes::Bytes;

/// Names and values in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::weather) struct Form(Vec<(String, String)>);

impl Form {
    pub(in crate::weather) fn parse(body: &[u8]) -> Self {
        Form(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Begins a request.
    pub(super) fn request(action: &str) -> Self {
        Form::default().with("Action", action).with("Version", "2010-03-31")
    }

    pub(super) fn body(&self) -> Bytes {
        let mut body = form_urlencoded::Serializer::new(String::new());
        Bytes::from(body.extend_pairs(&self.0).finish())
    }

    pub(in crate::weather) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Sets a value, in the place where it was if it was there.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    /// A value of the map `Attributes`.
    pub(super) fn attribute(&self, key: &str) -> Option<&str> {
        self.get(&format!("{}.value", self.entry(key)?))
    }

    /// Sets a value of the map `Attributes` that is there.
    pub(super) fn with_attribute(self, key: &str, value: &str) -> Self {
        match self.entry(key) {
            Some(entry) => self.with(&format!("{entry}.value"), value),
            None => self,
        }
    }

    fn entry(&self, key: &str) -> Option<String> {
        let is_key = |name: &str| name.starts_with("Attributes.entry.") && name.ends_with(".key");
        let (name, _) = self.0.iter().find(|(name, value)| is_key(name) && value == key)?;
        name.strip_suffix(".key").map(str::to_owned)
    }

    /// Takes members out of a list and numbers the others anew. Returns the members that were taken, by name and value; the
    /// decision gets each member's `Id`, in order.
    pub(super) fn without_members(
        &self,
        list: &str,
        mut leaves: impl FnMut(&str) -> bool,
    ) -> (Self, Vec<String>) {
        let prefix = format!("{list}.member.");
        let mut members: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
        let mut rest = Vec::new();
        for (name, value) in &self.0 {
            let numbered = name.strip_prefix(&prefix).and_then(|name| name.split_once('.'));
            match numbered.and_then(|(number, field)| Some((number.parse().ok()?, field))) {
                Some((number, field)) => {
                    members.entry(number).or_default().push((field.to_owned(), value.clone()));
                }
                None => rest.push((name.clone(), value.clone())),
            }
        }
        let (mut kept, mut taken) = (0_usize, Vec::new());
        for member in members.into_values() {
            let id = member.iter().find(|(field, _)| field == "Id").map_or("", |(_, id)| id).to_owned();
            if leaves(&id) {
                taken.push(id);
            } else {
                kept += 1;
                rest.extend(
                    member.into_iter().map(|(field, value)| (format!("{prefix}{kept}.{field}"), value)),
                );
            }
        }
        (Form(rest), taken)
    }

    /// Whether a list has members.
    pub(super) fn has_members(&self, list: &str) -> bool {
        self.0.iter().any(|(name, _)| name.starts_with(&format!("{list}.member.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        let body = "Action=Publish&Message=a+b%26%C3%BC&Empty=";
        let form = Form::parse(body.as_bytes());
        assert_eq!(form.get("Message"), Some("a b&ü"));
        assert_eq!(form.body(), body);
    }

    #[test]
    fn attributes_are_found_by_their_key() {
        let form = Form::parse(
            b"Attributes.entry.1.key=Raw&Attributes.entry.1.value=true&Attributes.entry.2.key=FilterPolicy&Attributes.entry.2.value=%7B%7D",
        );
        assert_eq!(form.attribute("FilterPolicy"), Some("{}"));
        let changed = form.with_attribute("FilterPolicy", "x");
        assert_eq!((changed.attribute("FilterPolicy"), changed.attribute("Raw")), (Some("x"), Some("true")));
        assert_eq!(changed.attribute("Value"), None);
    }

    #[test]
    fn members_are_numbered_anew() {
        let entries = (1..=11).map(|n| format!("L.member.{n}.Id=id{n}&L.member.{n}.Map.entry.1.Name=x&"));
        let form = Form::parse(format!("Action=A&{}Z=z", entries.collect::<String>()).as_bytes());
        let (kept, taken) = form.without_members("L", |id| id == "id1" || id == "id10");
        assert_eq!(taken, ["id1", "id10"]);
        assert_eq!((kept.get("L.member.1.Id"), kept.get("L.member.9.Id")), (Some("id2"), Some("id11")));
        assert_eq!((kept.get("L.member.10.Id"), kept.get("Z")), (None, Some("z")));
        assert_eq!(kept.get("L.member.9.Map.entry.1.Name"), Some("x"));
        let (none, all) = form.without_members("L", |_| true);
        assert_eq!((none.has_members("L"), all.len()), (false, 11));
    }
}
