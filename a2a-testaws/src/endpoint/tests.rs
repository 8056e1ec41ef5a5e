//! The harness itself.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::venv;

const ROLE: &str = "A2A_ENDPOINT_TEST_CHILD";

#[test]
fn all_callers_share_one_server() {
    let Some(one) = aws() else { return };
    assert_eq!(Some(one), aws());
    assert!(one.url(Service::Sqs).starts_with("http"));
}

#[test]
fn what_the_environment_names_comes_first_then_docker_then_ministack() {
    let (named, never) =
        (Aws::at("http://named".into(), false), || -> Result<String, String> { unreachable!() });
    assert_eq!(first(Some(named.clone()), || unreachable!(), never, never), Ok(named));
    let url = |name: &'static str| move || Ok(format!("http://{name}"));
    let found = |name: &str| Ok(Aws::at(format!("http://{name}"), true));
    assert_eq!(first(None, || true, url("localstack"), never), found("localstack"));
    assert_eq!(first(None, || false, never, url("ministack")), found("ministack"));
    let fails = || Err("why".to_owned());
    assert_eq!(first(None, || true, fails, url("ministack")), found("ministack"));
    assert_eq!(first(None, || true, fails, fails), Err("why".to_owned()));
}

#[test]
fn a_wish_that_nothing_fulfils_is_an_error_and_starts_nothing_else() {
    let refused = the_one("localstak").unwrap_err();
    assert!(refused.contains("localstak") && refused.contains("ministack"), "{refused}");
}

/// Run by the next test in a process of its own; does nothing otherwise.
#[test]
fn a_process_that_starts_a_server_and_stays() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    match aws() {
        Some(aws) if aws.emulated => println!("\nURL {}", aws.url(Service::Sqs)),
        _ => println!("\nURL none"),
    }
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn the_server_ends_with_a_process_that_is_killed() {
    if aws().is_none_or(|aws| !aws.emulated) {
        return;
    }
    let name = "endpoint::tests::a_process_that_starts_a_server_and_stays";
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ROLE, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut said = lines.map_while(Result::ok);
    let url = said.find_map(|line| line.strip_prefix("URL http://").map(str::to_owned)).unwrap();
    assert!(TcpStream::connect(&url).is_ok());

    child.kill().unwrap();
    child.wait().unwrap();
    let start = Instant::now();
    while TcpStream::connect(&url).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(20), "the server outlived the process that started it");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_target_directory_holds_the_test_binary() {
    let target = venv::target_directory();
    assert!(env::current_exe().unwrap().starts_with(Path::new(&target)));
}
