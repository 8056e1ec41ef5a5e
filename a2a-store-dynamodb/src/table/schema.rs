//! The table's schema as a value, and what an existing table lacks of it.

use a2a_core::{BackendError, Result};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, GlobalSecondaryIndex, GlobalSecondaryIndexDescription, IndexStatus,
    KeySchemaElement, KeyType, MultiRegionConsistency, Projection, ProjectionType, ReplicaDescription,
    ScalarAttributeType, TableDescription, TimeToLiveDescription, TimeToLiveStatus,
};

use super::{BY_CALLER, BY_CONTEXT, BY_EXECUTOR, Replicas};
use crate::items::attributes::{EXPIRES, PK, SK};
use crate::items::claim;
use crate::items::head;

/// An index: its name, its keys, and what it holds beside them.
struct Index {
    name: &'static str,
    keys: &'static [&'static str],
    holds: &'static [&'static str],
}

const TABLE: &[&str] = &[PK, SK];

const INDEXES: [Index; 3] = [
    Index { name: BY_CALLER, keys: &[head::BY_CALLER, head::POSITION], holds: &[EXPIRES, head::STATE] },
    Index { name: BY_CONTEXT, keys: &[head::BY_CONTEXT, head::POSITION], holds: &[EXPIRES, head::STATE] },
    Index { name: BY_EXECUTOR, keys: &[claim::EXECUTOR], holds: &[] },
];

/// The attributes that are keys of something.
pub(super) fn attributes() -> Result<Vec<AttributeDefinition>> {
    [PK, SK, head::BY_CALLER, head::BY_CONTEXT, head::POSITION, claim::EXECUTOR]
        .into_iter()
        .map(|name| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .map_err(unbuilt)
        })
        .collect()
}

/// The key of the table.
pub(super) fn key() -> Result<Vec<KeySchemaElement>> {
    key_of(TABLE)
}

/// The indexes.
pub(super) fn indexes() -> Result<Vec<GlobalSecondaryIndex>> {
    let indexes = INDEXES.iter().map(|index| {
        let kind = if index.holds.is_empty() { ProjectionType::KeysOnly } else { ProjectionType::Include };
        let holds = (!index.holds.is_empty()).then(|| index.holds.iter().map(ToString::to_string).collect());
        GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(key_of(index.keys)?))
            .projection(Projection::builder().projection_type(kind).set_non_key_attributes(holds).build())
            .build()
            .map_err(unbuilt)
    });
    indexes.collect()
}

fn key_of(names: &[&str]) -> Result<Vec<KeySchemaElement>> {
    let kinds = [KeyType::Hash, KeyType::Range];
    let elements = names.iter().zip(kinds).map(|(name, kind)| {
        KeySchemaElement::builder().attribute_name(*name).key_type(kind).build().map_err(unbuilt)
    });
    elements.collect()
}

/// What a table lacks, in words.
pub(super) fn differences(table: &TableDescription, replicas: Replicas) -> Vec<String> {
    let mut differences = replica_differences(table, replicas);
    check_key("its key", table.key_schema(), TABLE, &mut differences);
    for index in &INDEXES {
        match table.global_secondary_indexes().iter().find(|found| found.index_name() == Some(index.name)) {
            None => differences.push(format!("the index {} is missing", index.name)),
            Some(found) => check_index(found, index, &mut differences),
        }
    }
    for attribute in table.attribute_definitions() {
        if attribute.attribute_type != ScalarAttributeType::S {
            differences.push(format!("the key attribute {} is not text", attribute.attribute_name));
        }
    }
    differences
}

/// What is wrong with a table's replicas, in words.
pub(super) fn replica_differences(table: &TableDescription, allowed: Replicas) -> Vec<String> {
    let mut differences = Vec::new();
    let regions = table.replicas().iter().filter_map(ReplicaDescription::region_name);
    let regions: Vec<&str> = regions.collect();
    if !regions.is_empty() && allowed == Replicas::Refused {
        differences.push(format!(
            "it has replicas in {}, and where two regions write, tasks are lost: conditional writes decide within one \
             region only. Where instances run in one region at a time, `--allow-replicas` or `Replicas::Allowed` says so",
            regions.join(", ")
        ));
    }
    if table.multi_region_consistency() == Some(&MultiRegionConsistency::Strong) {
        differences
            .push("its replicas are strongly consistent, and such tables take no transactions".to_owned());
    }
    differences
}

/// What is wrong with a table's TTL, in words.
pub(super) fn ttl_difference(found: Option<&TimeToLiveDescription>) -> Option<String> {
    let status = found.and_then(|ttl| ttl.time_to_live_status.as_ref());
    if !matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Some(format!("TTL is not enabled on {EXPIRES}"));
    }
    let attribute = found.and_then(TimeToLiveDescription::attribute_name).unwrap_or_default();
    (attribute != EXPIRES).then(|| format!("TTL is on {attribute} instead of {EXPIRES}"))
}

fn check_key(what: &str, found: &[KeySchemaElement], expected: &[&str], differences: &mut Vec<String>) {
    let found: Vec<&str> = found.iter().map(KeySchemaElement::attribute_name).collect();
    if found != expected {
        differences.push(format!("{what} is ({}) instead of ({})", found.join(", "), expected.join(", ")));
    }
}

fn check_index(found: &GlobalSecondaryIndexDescription, index: &Index, differences: &mut Vec<String>) {
    let name = index.name;
    if matches!(found.index_status(), Some(IndexStatus::Creating | IndexStatus::Deleting)) {
        differences.push(format!("the index {name} is not ready"));
    }
    check_key(&format!("the key of the index {name}"), found.key_schema(), index.keys, differences);
    let projection = found.projection();
    if projection.and_then(Projection::projection_type) == Some(&ProjectionType::All) {
        return;
    }
    let held: Vec<&str> = projection
        .map(|projection| projection.non_key_attributes().iter().map(String::as_str).collect())
        .unwrap_or_default();
    for attribute in index.holds.iter().filter(|attribute| !held.contains(attribute)) {
        differences.push(format!("the index {name} does not hold {attribute}"));
    }
}

fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> BackendError {
    BackendError::Rejected { reason: "a schema that cannot be built".to_owned(), cause: Some(error.into()) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::table) fn table() -> TableDescription {
        let indexes = indexes().unwrap().into_iter().map(|index| {
            GlobalSecondaryIndexDescription::builder()
                .index_name(index.index_name)
                .set_key_schema(Some(index.key_schema))
                .set_projection(index.projection)
                .build()
        });
        TableDescription::builder()
            .set_key_schema(Some(key().unwrap()))
            .set_attribute_definitions(Some(attributes().unwrap()))
            .set_global_secondary_indexes(Some(indexes.collect()))
            .build()
    }

    #[test]
    fn the_schema_does_not_differ_from_itself() {
        assert_eq!(differences(&table(), Replicas::Refused), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named() {
        let mut table = table();
        table.key_schema = Some(key_of(&["pk"]).unwrap());
        let indexes = table.global_secondary_indexes.as_mut().unwrap();
        indexes.remove(0);
        indexes[0].projection = Some(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
        indexes[0].index_status = Some(IndexStatus::Creating);
        indexes[1].key_schema = Some(key_of(&["st", "ex"]).unwrap());
        assert_eq!(
            differences(&table, Replicas::Refused),
            [
                "its key is (pk) instead of (pk, sk)",
                "the index by-caller is missing",
                "the index by-context is not ready",
                "the index by-context does not hold x",
                "the index by-context does not hold st",
                "the key of the index by-executor is (st, ex) instead of (ex)",
            ]
        );
    }

    #[test]
    fn a_ttl_on_another_attribute_is_named() {
        let ttl = |name: &str, status| {
            TimeToLiveDescription::builder().attribute_name(name).time_to_live_status(status).build()
        };
        assert_eq!(ttl_difference(Some(&ttl("x", TimeToLiveStatus::Enabled))), None);
        assert!(ttl_difference(Some(&ttl("ttl", TimeToLiveStatus::Enabled))).unwrap().contains("ttl"));
        assert!(ttl_difference(Some(&ttl("x", TimeToLiveStatus::Disabled))).is_some());
        assert!(ttl_difference(None).is_some());
    }
}
