//! Ids as nobody sane would choose them: any text is legal.

use a2a_core::{TaskKey, Tenant};

/// The length in bytes up to which every store takes an id.
pub const LONGEST_ID: usize = 512;

/// Returns ids that careless keys confuse with each other or with their own structure.
pub fn hostile_ids() -> Vec<String> {
    let mut ids: Vec<String> = [
        "",
        " ",
        "a",
        "A",
        "a ",
        " a",
        "aa",
        "a#b",
        "a##b",
        "a/b",
        "a\\b",
        "a\0b",
        "\0",
        "a:b",
        "a|b",
        "a,b",
        "a.b",
        "a%23b",
        "a%2523b",
        "%",
        "+",
        "a+b",
        "#",
        "##",
        "/",
        "//",
        ".",
        "..",
        "../a",
        "~",
        "!",
        "*",
        "?",
        "\n",
        "\r\n",
        "\t",
        "\"",
        "'",
        "`",
        "{}",
        "[]",
        "null",
        "0",
        "00",
        "-1",
        "1e3",
        "é",
        "e\u{301}",
        "ſ",
        "ß",
        "ss",
        "İ",
        "\u{feff}a",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        "🦀",
        "H",
        "I",
        "T#",
        "T#a#b",
        "C#00000000000000000001",
        "S#1#0",
        "P#a",
        "K#a",
        "M#a",
        "task",
        "pk",
        "$set",
        "a\u{1}b",
        "a\u{7f}b",
    ]
    .map(str::to_owned)
    .to_vec();
    ids.push("#".repeat(LONGEST_ID));
    ids.push("\0".repeat(LONGEST_ID));
    ids.push("é".repeat(LONGEST_ID / 2));
    ids.push("x".repeat(LONGEST_ID));
    ids.push(format!("{}y", "x".repeat(LONGEST_ID - 1)));
    ids
}

/// Returns keys whose tenant and task id run into each other when they are merely joined.
pub fn hostile_keys() -> Vec<TaskKey> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for joint in ["#", "/", "\0", ":", "|", "%", "\u{ffff}", "##", "#T#"] {
        pairs.push(("a".into(), format!("b{joint}c")));
        pairs.push((format!("a{joint}b"), "c".into()));
        pairs.push(("a".into(), format!("{joint}c")));
        pairs.push((format!("a{joint}"), "c".into()));
    }
    pairs.push((String::new(), "ac".into()));
    pairs.push(("ac".into(), String::new()));
    pairs.push((String::new(), String::new()));
    pairs.push(("#".repeat(LONGEST_ID), "#".repeat(LONGEST_ID)));
    pairs.push(("é".repeat(LONGEST_ID / 2), "🦀".repeat(LONGEST_ID / 4)));
    pairs.into_iter().map(|(tenant, id)| TaskKey::new(Tenant::new(tenant), id)).collect()
}
