//! Every sentence of a contract in `a2a-core` has a test of the same name, in the suite of its trait, and a
//! broken backend that the test rejects.

use std::collections::BTreeSet;

use a2a_testkit::sentences;

const SUITES: [&str; 6] = ["task_store", "membership", "push_configs", "deployment", "event_bus", "endpoint"];

/// The names in the numbered lines of the `# Contract` list of a trait.
fn promised<'a>(source: &'a str, contract: &str) -> BTreeSet<&'a str> {
    let mut lists = source.split("/// # Contract").skip(1);
    let list = lists.find(|list| list.contains(&format!("pub trait {contract}:"))).expect("a contract");
    let list = list.split("/// ```").next().unwrap_or_default();
    let mut names = BTreeSet::new();
    for line in list.lines() {
        let text = line.trim_start_matches("///").trim_start();
        if text.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok()) {
            // A line may hold several sentences; what else is quoted (`Applied`, `at_beat`) has fewer words.
            let quoted = text.split('`').skip(1).step_by(2);
            names.extend(quoted.filter(|name| name.matches('_').count() > 1));
        }
    }
    names
}

/// The tests that a macro makes.
fn tested(suite: &str) -> BTreeSet<&'static str> {
    let source = include_str!("../../src/suites.rs");
    let start = format!("$($fixture)+, {suite}:");
    let body = source.split_once(&start).expect("the suite").1;
    body.split_once('}').expect("its end").0.split_whitespace().collect()
}

#[test]
fn every_sentence_of_a_contract_has_a_test_of_its_name() {
    let contracts = [
        ("task_store", "TaskStore", include_str!("../../../a2a-core/src/store.rs"), 41),
        ("membership", "Membership", include_str!("../../../a2a-core/src/membership.rs"), 12),
        ("push_configs", "PushConfigs", include_str!("../../../a2a-core/src/push.rs"), 12),
        ("deployment", "Deployment", include_str!("../../../a2a-core/src/deployment.rs"), 5),
        ("event_bus", "EventBus", include_str!("../../../a2a-core/src/bus.rs"), 3),
        ("endpoint", "Endpoint", include_str!("../../../a2a-core/src/bus.rs"), 11),
    ];
    for (suite, contract, source, sentences) in contracts {
        let promised = promised(source, contract);
        assert_eq!(promised, tested(suite), "the sentences of {suite}");
        assert_eq!(promised.len(), sentences, "the sentences of {suite}");
    }
}

#[test]
fn a_program_that_judges_a_backend_is_given_the_sentences_of_all_suites() {
    let listed = |suite: &str| -> BTreeSet<&'static str> {
        let stores = sentences::of_stores().into_iter().map(|sentence| (sentence.suite(), sentence.name()));
        let buses = sentences::of_buses().into_iter().map(|sentence| (sentence.suite(), sentence.name()));
        stores.chain(buses).filter(|(of, _)| *of == suite).map(|(_, name)| name).collect()
    };
    for suite in SUITES {
        assert_eq!(listed(suite), tested(suite), "the sentences of {suite}");
    }
}

#[test]
fn every_sentence_rejects_some_broken_backend() {
    let broken = [
        include_str!("broken_backends/buses.rs"),
        include_str!("broken_backends/claims.rs"),
        include_str!("broken_backends/commits.rs"),
        include_str!("broken_backends/deployments.rs"),
        include_str!("broken_backends/facts.rs"),
        include_str!("broken_backends/fences.rs"),
        include_str!("broken_backends/given_up.rs"),
        include_str!("broken_backends/lists.rs"),
        include_str!("broken_backends/members.rs"),
        include_str!("broken_backends/purging.rs"),
        include_str!("broken_backends/retries.rs"),
        include_str!("broken_backends/webhooks.rs"),
    ];
    for suite in SUITES {
        for sentence in tested(suite) {
            let path = format!("{suite}::{sentence}");
            assert!(broken.iter().any(|source| source.contains(&path)), "nothing breaks {path}");
        }
    }
}
