//! What an instance can take on in the end is as much as in the beginning.

use a2a_server::{RequestHandler, ServiceParams};
use a2a_testworld::principal::PRINCIPAL;
use a2a_testworld::world::request;
use futures::future::join_all;
use uuid::Uuid;

use crate::fleet::{AGENTS, Fleet};

/// Lets each instance run as many agents at once as it may: whatever was taken has been given back. Two callers share them, for none
/// gets more than half.
pub(crate) async fn check_permits(fleet: &Fleet) {
    for slot in 0..fleet.size() {
        let Some(node) = fleet.node(slot) else { continue };
        assert_eq!(node.cluster.running(), 0, "no agent runs any more");
        let sends = (0..AGENTS).map(|n| {
            let id = Uuid::from_u128((slot * AGENTS + n + 1) as u128).to_string();
            let mut request = request("quiet 50");
            request.message.message_id = id;
            let handler = node.handler.clone();
            let caller = format!("probe-{}", n % 2);
            let params = ServiceParams::from([(PRINCIPAL.to_owned(), vec![caller])]);
            async move { handler.send_message(&params, request).await }
        });
        let refused = join_all(sends).await.into_iter().filter(Result::is_err).count();
        assert_eq!(refused, 0, "n{} takes on fewer agents than in the beginning", node.name);
    }
}
