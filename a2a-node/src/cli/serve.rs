//! `serve`: what it is told.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use a2a_serve::Cors;
use axum::http::{HeaderName, HeaderValue, Uri};
use clap::Args;
#[cfg(feature = "otlp")]
use clap::builder::BoolishValueParser;

use super::backends::BackendFlags;
use super::seconds;
use crate::cli::{BoundFlags, DeliveryFlags, Tuning, WebhookFlags};
use crate::label;

/// Settings of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The address of all bindings; port 0 takes a free port.
    #[arg(long, env = "A2A_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// A further address for the gRPC binding, which is served at the other one, too; port 0 takes a free port.
    #[arg(long, env = "A2A_GRPC_LISTEN", value_name = "ADDR")]
    pub(crate) grpc_listen: Option<SocketAddr>,
    /// How many instances to run in this process, on consecutive ports (or each on a free port, with port 0).
    #[arg(long, env = "A2A_INSTANCES", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) instances: u16,
    /// Where tasks are kept, and how instances reach each other.
    #[command(flatten)]
    pub(crate) backends: BackendFlags,
    /// What people call this process in metrics and `status`; by default what its host is called. Several instances of a
    /// process are numbered: NAME-1, NAME-2. Clients are never told.
    #[arg(long, env = "A2A_NAME", value_name = "NAME", value_parser = label::of_text)]
    pub(crate) name: Option<String>,
    /// How webhooks are called.
    #[command(flatten)]
    pub(crate) webhooks: WebhookFlags,
    /// What webhooks are told.
    #[command(flatten)]
    pub(crate) deliveries: DeliveryFlags,
    /// The base URL that the agent card names, when clients reach the bindings through a proxy. One with a path is not named for
    /// gRPC, which has no place for it.
    #[arg(long, env = "A2A_PUBLIC_URL", value_name = "URL", value_parser = base_url)]
    pub(crate) public_url: Option<String>,
    /// The URL that the agent card names for the gRPC binding, when clients reach it through a proxy.
    #[arg(long, env = "A2A_PUBLIC_GRPC_URL", value_name = "URL", value_parser = base_url)]
    pub(crate) public_grpc_url: Option<String>,
    /// For how long new work is taken after SIGTERM or Ctrl-C, once `/readyz` has turned: until the load balancer has seen it.
    #[arg(long, env = "A2A_DRAIN_DELAY", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) drain_delay: Duration,
    /// How long running work may go on after that. A second signal exits at once.
    #[arg(long, env = "A2A_SHUTDOWN_GRACE", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) shutdown_grace: Duration,
    /// On ECS: for how long without a pause ECS is asked not to stop this task, for a deployment or for fewer tasks, while agents
    /// run; then it may stop it for five minutes. With 0 it is never asked. The role needs ecs:UpdateTaskProtection.
    #[arg(long, env = "A2A_SCALE_IN_PROTECTION", value_name = "SECONDS", default_value = "7200", value_parser = seconds)]
    pub(crate) scale_in_protection: Duration,
    /// Take the caller's identity from this header (gRPC: metadata), which a gateway sets. Requests without it are
    /// refused.
    ///
    /// The header is believed as it is, so the gateway MUST remove it from what clients send, and clients must not
    /// reach the instances but through the gateway: otherwise anybody can be anybody. Without this flag all
    /// callers share all tasks.
    #[arg(long, env = "A2A_PRINCIPAL_HEADER", value_name = "NAME")]
    pub(crate) principal_header: Option<HeaderName>,
    /// The tenants that there are, separated by commas, the empty one included where requests need not name any. Requests for
    /// others are refused. Without this flag any tenant is taken for one.
    #[arg(long = "tenants", env = "A2A_TENANTS", value_name = "NAME,NAME", value_parser = tenants)]
    pub(crate) tenants: Option<Tenants>,
    /// Let scripts of web pages of these origins call the agent, separated by commas: `https://app.example.com`, or `*` for
    /// any. Without this flag only those of the agent's own host may; what others send is refused.
    #[arg(long, env = "A2A_CORS_ORIGINS", value_name = "ORIGIN,ORIGIN", value_parser = cors)]
    pub(crate) cors_origins: Option<Cors>,
    /// Answer requests for these hosts only, separated by commas, and for `localhost`. Without this flag instances that listen on
    /// loopback addresses answer for the hosts of their card, others for any.
    #[arg(long, env = "A2A_HOSTS", value_name = "HOST,HOST", value_delimiter = ',')]
    pub(crate) hosts: Vec<String>,
    /// Export traces to a collector of OpenTelemetry, over OTLP and HTTP: to OTEL_EXPORTER_OTLP_ENDPOINT, by default
    /// `http://localhost:4318`. The other standard variables count, too. Only requests with a sampled `traceparent` are traced.
    #[cfg(feature = "otlp")]
    #[arg(long, env = "A2A_OTLP", value_parser = BoolishValueParser::new())]
    pub(crate) otlp: bool,
    /// Settings of membership and recovery.
    #[command(flatten)]
    pub(crate) tuning: Tuning,
    /// How much an instance takes on.
    #[command(flatten)]
    pub(crate) bounds: BoundFlags,
}

/// Which tenants there are.
pub(crate) type Tenants = BTreeSet<String>;

fn tenants(text: &str) -> Result<Tenants, Infallible> {
    Ok(text.split(',').map(|name| name.trim().to_owned()).collect())
}

fn cors(text: &str) -> Result<Cors, String> {
    if text.trim() == "*" {
        return Ok(Cors::any_origin());
    }
    let origins = text.split(',').map(|origin| self::origin(origin.trim()));
    Ok(Cors::origins(origins.collect::<Result<Vec<_>, _>>()?).into())
}

/// An origin as browsers write it: a scheme, a host, perhaps a port, and nothing behind them.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let expected = || format!("expected an origin such as https://app.example.com, not {text:?}");
    let uri: Uri = text.parse().map_err(|_| expected())?;
    let is_origin = uri.scheme().is_some() && uri.authority().is_some() && uri.path() == "/";
    let is_bare = is_origin && uri.query().is_none() && !text.ends_with('/');
    HeaderValue::from_str(text).ok().filter(|_| is_bare).ok_or_else(expected)
}

fn base_url(text: &str) -> Result<String, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (uri.scheme_str(), uri.host(), uri.query()) {
        (Some("http" | "https"), Some(_), None) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("expected a URL such as https://agent.example.com/a2a".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_nothing_behind_its_host() {
        for good in ["*", "https://app.example.com", "http://localhost:3000, https://app.example.com"] {
            assert!(cors(good).is_ok(), "{good}");
        }
        for bad in
            ["", "app.example.com", "https://app.example.com/", "https://a.example.com/x", "https://*,x"]
        {
            assert!(cors(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_tenant_is_one_where_it_is_named() {
        assert!(tenants("a, b,").unwrap().contains(""));
        assert!(!tenants("a,b").unwrap().contains(""));
    }
}
