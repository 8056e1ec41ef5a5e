//! The SDK's own clients, which know nothing but the card that the proxy serves.

use std::sync::Arc;

use a2a::{AgentCard, TRANSPORT_PROTOCOL_GRPC, TRANSPORT_PROTOCOL_HTTP_JSON, TRANSPORT_PROTOCOL_JSONRPC};
use a2a_client::agent_card::AgentCardResolver;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_client::rest::RestTransportFactory;
use a2a_client::{A2AClient, A2AClientFactory, Transport};
use a2a_grpc::GrpcTransportFactory;

use super::{Binding, Fleet};

/// A client of the fleet by one binding.
pub type Client = A2AClient<Box<dyn Transport>>;

impl Fleet {
    /// Reads the card and connects as it says. With a tenant, as a client whose card names that tenant.
    ///
    /// # Panics
    ///
    /// When the card cannot be read or leads nowhere.
    pub async fn client(&self, binding: Binding, tenant: Option<&str>) -> Client {
        let front = format!("http://{}", self.front(Binding::JsonRpc));
        let http = http();
        let mut card = AgentCardResolver::new(Some(http.clone())).resolve(&front).await.unwrap();
        for interface in &mut card.supported_interfaces {
            // The SDK's REST client has no place for a tenant but the base URL.
            match tenant {
                Some(tenant) if binding == Binding::Rest => {
                    interface.url = format!("{}/{tenant}", interface.url)
                }
                tenant => interface.tenant = tenant.map(str::to_owned),
            }
        }
        connect(card, binding, http).await
    }

    /// Connects to one instance, past the proxy.
    ///
    /// # Panics
    ///
    /// When that instance has ended.
    pub async fn client_of(&self, index: usize, binding: Binding) -> Client {
        let mut card = a2a_testkit::card("scripted");
        card.supported_interfaces = self.of(index).sockets.interfaces();
        connect(card, binding, http()).await
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn connect(card: AgentCard, binding: Binding, http: reqwest::Client) -> Client {
    let protocol = match binding {
        Binding::JsonRpc => TRANSPORT_PROTOCOL_JSONRPC,
        Binding::Rest => TRANSPORT_PROTOCOL_HTTP_JSON,
        Binding::Grpc => TRANSPORT_PROTOCOL_GRPC,
    };
    let factory = A2AClientFactory::builder()
        .no_defaults()
        .register(Arc::new(JsonRpcTransportFactory::new(Some(http.clone()))))
        .register(Arc::new(RestTransportFactory::new(Some(http))))
        .register(Arc::new(GrpcTransportFactory::new()))
        .preferred_bindings(vec![protocol.to_owned()])
        .build();
    factory.create_from_card(&card).await.unwrap()
}
