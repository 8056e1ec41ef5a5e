//! The binary, and the path by which it is asked and told.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::place::{Place, TABLE, item};

pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it before an endpoint; returns its URL.
pub(crate) fn start(endpoint: &str, flags: &[&str]) -> (Running, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weather"));
    command.args(["--listen", "127.0.0.1:0", "--endpoint", endpoint]).args(flags).stdout(Stdio::piped());
    let mut child = Running(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split_whitespace().next().unwrap().to_owned();
    (child, url)
}

pub(crate) async fn ask(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_binary_shows_what_it_counts_and_changes_the_weather() {
    let place = Place::new().await;
    let (_running, url) = start(&place.endpoint, &["--seed", "4711", "--resets", "0.25", "--limits"]);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = format!("{url}/_weather");
    let shown = ask(http.get(&path)).await;
    assert_eq!((&shown["seed"], &shown["weather"]["network"]["resets"]), (&json!(4711), &json!(0.25)));
    assert_eq!(shown["weather"]["limits"]["partition_writes"], json!(1_000.0));
    let denied =
        json!({"refusals": [{"error": "AccessDenied", "operations": ["PutItem"], "lasts_ms": 600_000}]});
    let shown = ask(http.post(&path).body(denied.to_string())).await;
    assert_eq!(
        (&shown["weather"]["limits"], &shown["weather"]["network"]["resets"]),
        (&Value::Null, &json!(0.0))
    );
    let client = crate::place::client(&url, |builder| builder);
    let put = || client.put_item().table_name(TABLE).set_item(Some(item("p", "1", &[]))).send();
    put().await.unwrap_err();
    ask(http.post(&path).body("{}")).await;
    put().await.unwrap();
    let counts = ask(http.get(&path)).await["counts"].clone();
    assert_eq!(counts["operations"]["PutItem"]["refused"], json!(1));
    assert_eq!(counts["tables"][TABLE]["table"]["partitions"]["p"]["written"], json!(1.0));
    let counts = ask(http.delete(format!("{path}/counts"))).await["counts"].clone();
    assert_eq!(counts["operations"], json!({}));
    let refused = http.post(&path).body(r#"{"no_such_weather": 1}"#).send().await.unwrap();
    assert_eq!(refused.status(), 400);
}

#[test]
fn the_binary_explains_itself() {
    let help = Command::new(env!("CARGO_BIN_EXE_weather")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags =
        ["--listen", "--endpoint", "--seed", "--limits", "--index-lag", "--latency", "--resets", "--deny"];
    for flag in flags.into_iter().chain(["--quotas", "--filter-delay", "--duplicates", "--allow"]) {
        assert!(help.contains(flag), "{flag}");
    }
}
