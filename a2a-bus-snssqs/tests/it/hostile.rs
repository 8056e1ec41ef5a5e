//! Anything at all may arrive in a queue: the fuzz target's property, on its corpus and on mutants of it.

#[path = "../../fuzz/property.rs"]
mod property;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use a2a_core::wire::MAX_BYTES;
use property::check;
use proptest::prelude::*;

/// Each file's name begins with what it must be judged as.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decode");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "json"))
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() > 30, "the corpus is missing");
    files
}

#[test]
fn the_corpus_is_judged_as_its_names_say() {
    for (name, bytes) in corpus() {
        let judged = match check(&bytes) {
            Ok(_) => "ok",
            Err(reason) => reason,
        };
        assert_eq!(Some(judged), name.split('.').next(), "{name}");
    }
}

#[test]
fn a_huge_message_is_not_even_parsed() {
    let start = Instant::now();
    for fill in ["[", "{\"a\":", "\"", "9", " "] {
        let huge = fill.repeat(64 * MAX_BYTES / fill.len() + 1);
        assert_eq!(check(huge.as_bytes()), Err("too_large"));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn the_largest_message_that_is_parsed_is_parsed_soon() {
    for fill in ["[", "{\"a\":", "[[],", "\\u0000", "9", "\u{fffe}"] {
        let text = format!("{{\"v\":2,\"body\":{}", fill.repeat((MAX_BYTES - 16) / fill.len()));
        let start = Instant::now();
        assert!(check(text.as_bytes()).is_err());
        assert!(start.elapsed() < Duration::from_secs(5), "{fill}: {:?}", start.elapsed());
    }
}

/// One change to a message.
#[derive(Debug, Clone)]
enum Mutation {
    Truncate(prop::sample::Index),
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let token =
        prop::sample::select(vec!["{", "}", "[", "]", "\"", ",", ":", "null", "-1", "1e999", "\\u0000"]);
    let piece =
        prop_oneof![token.prop_map(|token| token.as_bytes().to_vec()), any::<[u8; 2]>().prop_map(Vec::from)];
    let place = any::<prop::sample::Index>;
    prop_oneof![
        place().prop_map(Mutation::Truncate),
        (place(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (place(), piece).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (place(), 1..40usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (place(), 1..60usize, 1..6usize).prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match mutation {
        Mutation::Truncate(at) => bytes.truncate(at.index(length)),
        Mutation::Replace(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Insert(at, piece) => {
            let at = at.index(length);
            bytes.splice(at..at, piece.iter().copied());
        }
        Mutation::Remove(at, many) => {
            let at = at.index(length);
            bytes.drain(at..length.min(at + many));
        }
        Mutation::Repeat(at, many, times) => {
            let at = at.index(length);
            let piece = bytes[at..length.min(at + many)].repeat(*times);
            bytes.splice(at..at, piece);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn mutants_of_the_corpus_do_no_harm(
        seed in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..5),
    ) {
        thread_local!(static CORPUS: Vec<(String, Vec<u8>)> = corpus());
        let mut bytes = CORPUS.with(|corpus| corpus[seed.index(corpus.len())].1.clone());
        mutations.iter().for_each(|one| mutate(&mut bytes, one));
        let _ = check(&bytes);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes: Vec<u8>) {
        let _ = check(&bytes);
    }
}
