//! What people call the place where this process runs: an ECS task, a pod, a machine.
//!
//! Shown in logs, metrics, membership records and `a2a-node status`; never in an answer to a client.

mod ec2;
mod ecs;

use std::fmt;
use std::time::Duration;

/// A start is never delayed by more: who does not answer by then does not matter.
const PATIENCE: Duration = Duration::from_millis(800);
/// Longer names are cut: they stand in every metric.
const LONGEST: usize = 128;

/// A name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    name: String,
    /// Whether several processes may run in a place of this name.
    shared: bool,
}

impl Whereabouts {
    /// A name that somebody chose for this process.
    pub(crate) fn chosen(name: &str) -> Self {
        Self::new(name, false)
    }

    /// Finds out where this process runs, from its environment and from the place's own metadata. Takes less than a
    /// second, and asks nobody where nothing speaks for an answer. `None` where the place has no name. Cancel safe.
    pub(crate) async fn discover() -> Option<Self> {
        let environment = Environment::of_process();
        let asked = tokio::time::timeout(PATIENCE, discover(&environment, is_ec2()));
        asked.await.unwrap_or_else(|_| environment.host())
    }

    /// What the instance at this address is called here.
    pub(crate) fn label(&self, port: u16, alone: bool) -> String {
        if alone && !self.shared { self.name.clone() } else { format!("{}:{port}", self.name) }
    }

    fn new(name: &str, shared: bool) -> Self {
        let visible = |c: char| if c.is_whitespace() || c.is_control() { '-' } else { c };
        Self { name: name.chars().map(visible).take(LONGEST).collect(), shared }
    }
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The variables that tell something of the place.
#[derive(Debug, Default)]
struct Environment {
    ecs_metadata: Option<String>,
    in_kubernetes: bool,
    pod: Option<String>,
    namespace: Option<String>,
    hostname: Option<String>,
    ec2_metadata: Option<String>,
    ec2_metadata_off: bool,
}

impl Environment {
    fn of_process() -> Self {
        let named = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            ecs_metadata: named("ECS_CONTAINER_METADATA_URI_V4"),
            in_kubernetes: named("KUBERNETES_SERVICE_HOST").is_some(),
            pod: named("POD_NAME"),
            namespace: named("POD_NAMESPACE"),
            hostname: named("HOSTNAME").or_else(kernel_hostname),
            ec2_metadata: named("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
            ec2_metadata_off: named("AWS_EC2_METADATA_DISABLED")
                .is_some_and(|v| v.eq_ignore_ascii_case("true")),
        }
    }

    /// The downward API gives a pod's name; without it, the host's name is the pod's.
    fn pod(&self) -> Option<Whereabouts> {
        let pod = match (&self.pod, self.in_kubernetes) {
            (Some(pod), _) => pod,
            (None, true) => self.hostname.as_ref()?,
            (None, false) => return None,
        };
        let namespace = self.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        Some(Whereabouts::new(&format!("k8s/{namespace}{pod}"), false))
    }

    fn host(&self) -> Option<Whereabouts> {
        self.hostname.as_ref().map(|name| Whereabouts::new(name, true))
    }
}

async fn discover(environment: &Environment, is_ec2: bool) -> Option<Whereabouts> {
    if let Some(metadata) = &environment.ecs_metadata
        && let Some(task) = ecs::task(metadata).await
    {
        return Some(Whereabouts::new(&format!("ecs/{task}"), false));
    }
    if let Some(pod) = environment.pod() {
        return Some(pod);
    }
    if is_ec2
        && !environment.ec2_metadata_off
        && let Some(instance) = ec2::instance(environment.ec2_metadata.as_deref()).await
    {
        return Some(Whereabouts::new(&format!("ec2/{instance}"), true));
    }
    environment.host()
}

/// Tells whether this is a machine of EC2, by what its firmware says: elsewhere the address of the metadata leads
/// nowhere, or to somebody else.
fn is_ec2() -> bool {
    let says = |file: &str| std::fs::read_to_string(format!("/sys/devices/virtual/dmi/id/{file}"));
    ["sys_vendor", "board_vendor", "bios_vendor"]
        .into_iter()
        .any(|file| says(file).is_ok_and(|vendor| vendor.contains("Amazon EC2")))
}

fn kernel_hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// A client for metadata: it is never behind a proxy.
fn metadata_client() -> Option<reqwest::Client> {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().ok()
}

#[cfg(test)]
mod tests;
