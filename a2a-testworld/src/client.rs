//! The SDK's own clients, which know nothing but a card.

use std::sync::Arc;

use a2a::{A2AError, AgentCard};
use a2a_client::agent_card::AgentCardResolver;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_client::middleware::CallInterceptor;
use a2a_client::rest::RestTransportFactory;
use a2a_client::{A2AClient, A2AClientFactory, Transport};
use a2a_grpc::GrpcTransportFactory;

use crate::fleet::Fleet;
use crate::sockets::Binding;

/// A client that speaks one binding.
pub type Client = A2AClient<Box<dyn Transport>>;

/// Reads the card that is served at the base URL of a load balancer, or of an instance.
///
/// # Panics
///
/// When it cannot be read.
pub async fn card_at(url: &str) -> AgentCard {
    AgentCardResolver::new(Some(http())).resolve(url).await.unwrap()
}

/// Connects as a card says.
///
/// # Errors
///
/// Those of the SDK.
pub async fn connect(
    card: &AgentCard,
    binding: Binding,
    interceptor: Option<Arc<dyn CallInterceptor>>,
) -> Result<Client, A2AError> {
    let http = http();
    let builder = A2AClientFactory::builder()
        .no_defaults()
        .register(Arc::new(JsonRpcTransportFactory::new(Some(http.clone()))))
        .register(Arc::new(RestTransportFactory::new(Some(http))))
        .register(Arc::new(GrpcTransportFactory::new()))
        .preferred_bindings(vec![binding.protocol().to_owned()]);
    let builder = match interceptor {
        Some(interceptor) => builder.with_interceptor(interceptor),
        None => builder,
    };
    builder.build().create_from_card(card).await
}

/// The card as it would name a tenant to the clients of a binding.
#[must_use]
pub fn of_tenant(mut card: AgentCard, binding: Binding, tenant: Option<&str>) -> AgentCard {
    for interface in &mut card.supported_interfaces {
        // The SDK's REST client has no place for a tenant but the base URL.
        match tenant {
            Some(tenant) if binding == Binding::Rest => {
                interface.url = format!("{}/{tenant}", interface.url);
            }
            tenant => interface.tenant = tenant.map(str::to_owned),
        }
    }
    card
}

impl Fleet {
    /// Reads the card and connects as it says. With a tenant, as a client whose card names that tenant.
    ///
    /// # Panics
    ///
    /// When the card cannot be read or leads nowhere.
    pub async fn client(&self, binding: Binding, tenant: Option<&str>) -> Client {
        let card = card_at(&self.load_balancer().sockets().url()).await;
        let card = of_tenant(card, binding, tenant);
        connect(&card, binding, None).await.unwrap()
    }

    /// Connects to one instance, past the load balancer.
    ///
    /// # Panics
    ///
    /// When that instance has ended.
    pub async fn client_of(&self, index: usize, binding: Binding) -> Client {
        let mut card = a2a_testkit::card("scripted");
        card.supported_interfaces = self.sockets(index).interfaces();
        connect(&card, binding, None).await.unwrap()
    }
}

/// A plain HTTP client, which no proxy of the machine stands before.
///
/// # Panics
///
/// When it cannot be made.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
