//! The files under `deploy/` as values. No tool of Terraform, CloudFormation or Docker is needed for it.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

/// Reads a file of the repository.
pub(crate) fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a YAML file.
pub(crate) fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Reads the CloudFormation template's resources.
pub(crate) fn cloudformation() -> Value {
    yaml("deploy/cloudformation/cluster.yaml")["Resources"].take()
}

/// Reads all files of a Terraform module as one.
pub(crate) fn terraform(module: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(module);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "tf"));
    paths.sort();
    let mut whole = Value::Object(Map::new());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let part: Value = hcl::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        merge(&mut whole, part);
    }
    whole
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert_with(|| Value::Object(Map::new())), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// The blocks of one name: a block that stands alone is no list.
pub(crate) fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        value => vec![value],
    }
}

/// A value's text.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
