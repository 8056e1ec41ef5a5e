//! Runs LocalStack in a container for as long as this process lives.
//!
//! Nothing in a process outlives its kill, so the container is removed by a child that waits for the end of its
//! standard input: however this process ends, the kernel closes the pipe.

use std::env;
use std::ffi::OsStr;
use std::net::ToSocketAddrs as _;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use testcontainers::core::IntoContainerPort as _;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};

use crate::probe::Probe;
use crate::say::say;
use crate::service::Service::{DynamoDb, Sns, Sqs};

const IMAGE: &str = "localstack/localstack";
/// The last that needs no account.
const TAG: &str = "4.14.0";
const PORT: u16 = 4566;

const STARTS_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Removes a container once its input ends; what interrupts the process that runs the tests does not stop it.
const REMOVER: &str =
    "trap '' INT TERM HUP; cat > /dev/null; exec docker rm --force --volumes \"$0\" > /dev/null";

/// Holds the removers' inputs open until this process ends.
static REMOVERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Starts the container and returns its URL once it serves.
pub(crate) fn url() -> Result<String, String> {
    can_be_removed(OsStr::new("docker"))?;
    // Callers may be within a runtime, where another one must not block.
    let started = thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(start())
    });
    started.join().unwrap_or_else(|_| Err("its start panicked".to_owned()))
}

async fn start() -> Result<String, String> {
    let Choice { tag, token } = Choice::of(|name| env::var(name).ok());
    say(&format!("starting {IMAGE}:{tag} in Docker (the image is pulled once)"));
    let container = request(&tag, token).start().await.map_err(told)?;
    // From here on the child is responsible: it works after a kill, too.
    remove_after_us(container.id())?;
    let served = serves(&container).await;
    if served.is_ok() {
        // Dropping it would remove the container now.
        std::mem::forget(container);
    }
    served
}

async fn serves(container: &ContainerAsync<GenericImage>) -> Result<String, String> {
    let host = container.get_host().await.map_err(told)?;
    let port = container.get_host_port_ipv4(PORT.tcp()).await.map_err(told)?;
    let authority = format!("{host}:{port}");
    let start = Instant::now();
    while start.elapsed() < STARTS_WITHIN {
        let address = authority.to_socket_addrs().ok().and_then(|mut found| found.next());
        let serves = |address| Probe::of(address, "/_localstack/health").serves(&[DynamoDb, Sns, Sqs]);
        if address.is_some_and(serves) {
            return Ok(format!("http://{authority}"));
        }
        thread::sleep(LOOK_EVERY);
    }
    Err("it did not serve in time".to_owned())
}

fn told(error: testcontainers::TestcontainersError) -> String {
    error.to_string()
}

/// Which LocalStack is to run, and what it is told.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    tag: String,
    token: Option<String>,
}

impl Choice {
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |name| variable(name).filter(|value| !value.is_empty());
        Choice {
            tag: named("A2A_LOCALSTACK_TAG").unwrap_or_else(|| TAG.to_owned()),
            token: named("LOCALSTACK_AUTH_TOKEN"),
        }
    }
}

/// The container: its port on any free one of this machine, the three services only, and no state kept.
fn request(tag: &str, token: Option<String>) -> ContainerRequest<GenericImage> {
    let container = GenericImage::new(IMAGE, tag)
        .with_exposed_port(PORT.tcp())
        .with_env_var("SERVICES", "dynamodb,sns,sqs")
        .with_env_var("EAGER_SERVICE_LOADING", "1")
        .with_env_var("DISABLE_EVENTS", "1")
        .with_startup_timeout(STARTS_WITHIN);
    match token {
        Some(token) => container.with_env_var("LOCALSTACK_AUTH_TOKEN", token),
        None => container,
    }
}

/// Checks that there is what [`REMOVER`] needs, before anything is there to be removed.
fn can_be_removed(docker: &OsStr) -> Result<(), String> {
    let asked = Command::new(docker).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match asked {
        Ok(status) if status.success() => Ok(()),
        _ => Err("the docker command is missing, which would remove its container".to_owned()),
    }
}

/// Leaves a child behind that removes the container when this process ends.
fn remove_after_us(container: &str) -> Result<(), String> {
    let remover = Command::new("sh")
        .args(["-c", REMOVER, container])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let remover = remover.map_err(|error| format!("nothing would remove its container: {error}"))?;
    if let Ok(mut removers) = REMOVERS.lock() {
        removers.push(remover);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use testcontainers::Image as _;

    use super::*;

    #[test]
    fn the_pinned_image_is_taken_unless_another_tag_is_named() {
        assert_eq!(Choice::of(|_| None), Choice { tag: "4.14.0".into(), token: None });
        let newer = Choice::of(|name| Some(format!("the {name}")));
        assert_eq!(newer.tag, "the A2A_LOCALSTACK_TAG");
        assert_eq!(newer.token.as_deref(), Some("the LOCALSTACK_AUTH_TOKEN"));
        assert_eq!(Choice::of(|_| Some(String::new())), Choice::of(|_| None));
    }

    #[test]
    fn the_container_gets_the_token_only_where_there_is_one() {
        let variables = |request: &ContainerRequest<GenericImage>| -> Vec<(String, String)> {
            request.env_vars().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
        };
        let without = request("4.14.0", None);
        assert_eq!((without.image().name(), without.image().tag()), ("localstack/localstack", "4.14.0"));
        assert!(variables(&without).contains(&("SERVICES".into(), "dynamodb,sns,sqs".into())));
        assert!(!variables(&without).iter().any(|(name, _)| name == "LOCALSTACK_AUTH_TOKEN"));
        let with = request("5.0.0", Some("secret".into()));
        assert!(variables(&with).contains(&("LOCALSTACK_AUTH_TOKEN".into(), "secret".into())));
    }

    #[test]
    fn without_the_docker_command_nothing_is_started() {
        assert!(can_be_removed(OsStr::new("there-is-no-such-command")).is_err());
        assert!(can_be_removed(OsStr::new("true")).is_ok());
    }

    #[test]
    fn the_remover_waits_for_the_end_of_its_input_and_removes_that_container() {
        let folder = super::super::venv::target_directory().join(format!("remover-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (docker, said) = (folder.join("docker"), folder.join("said"));
        fs::write(&docker, format!("#!/bin/sh\necho \"$@\" > '{}'\n", said.display())).unwrap();
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", folder.display(), env::var("PATH").unwrap());
        let mut child = Command::new("sh")
            .args(["-c", REMOVER, "the-container"])
            .env("PATH", path)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        assert!(child.try_wait().unwrap().is_none() && !said.exists(), "it does not wait");
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        assert_eq!(fs::read_to_string(&said).unwrap().trim(), "rm --force --volumes the-container");
        fs::remove_dir_all(&folder).unwrap();
    }
}
