//! The card, the extended card, and what happens to requests that the card rules out.

use a2a::{
    AgentCard, AgentExtension, GetExtendedAgentCardRequest, SendMessageConfiguration, SendMessageRequest,
    error_code,
};
use a2a_testworld::Plan;
use a2a_testworld::client::{card_at, http};
use a2a_testworld::world::webhook;
use integration_tests::raw::{Operation, Raw};
use serde_json::json;

use super::stage::{Stage, configuration, everything, on_every_binding, saying, soon};

async fn extended(stage: &Stage) -> Result<AgentCard, a2a::A2AError> {
    soon(stage.sdk.get_extended_agent_card(&GetExtendedAgentCardRequest { tenant: None })).await
}

fn with_extended(plan: Plan) -> Plan {
    plan.card(|card| card.capabilities.extended_agent_card = Some(true))
}

on_every_binding! {
    async fn the_well_known_card_names_every_binding_and_no_instance(place) {
        let stage = place.stage().await;
        let url = stage.fleet.load_balancer().sockets().url() + "/.well-known/agent-card.json";
        for _ in 0..place.instances {
            let answer = soon(http().get(&url).send()).await.unwrap();
            assert_eq!(answer.status(), 200);
            let card: AgentCard = soon(answer.json()).await.unwrap();
            let urls: Vec<_> = card.supported_interfaces.iter().map(|interface| interface.url.as_str()).collect();
            assert_eq!(urls.len(), 3);
            for (url, binding) in urls.iter().zip(Binding::ALL) {
                assert!(url.ends_with(&stage.fleet.load_balancer().sockets().of(binding).to_string()), "{urls:?}");
            }
        }
        stage.leave().await;
    }

    async fn the_extended_card_is_served_where_it_is_declared_and_configured(place) {
        let stage = place.stage().await;
        assert_eq!(extended(&stage).await.unwrap_err().code, error_code::UNSUPPORTED_OPERATION);
        stage.leave().await;

        let stage = place.stage_of(with_extended).await;
        assert_eq!(extended(&stage).await.unwrap_err().code, error_code::EXTENDED_CARD_NOT_CONFIGURED);
        let mut card = AgentCard { name: "more".into(), ..card_at(&stage.fleet.load_balancer().sockets().url()).await };
        stage.leave().await;

        card.description = "for those who are known".into();
        let expected = card.clone();
        let stage = place.stage_of(|plan| {
            let plan = with_extended(plan).extended_card(card);
            plan.config(|config| config.extended_card_for_anybody(true))
        }).await;
        for _ in 0..place.instances {
            assert_eq!(extended(&stage).await.unwrap(), expected);
        }
        stage.leave().await;
    }

    async fn streams_need_the_capability(place) {
        let without = |plan: Plan| plan.card(|card| card.capabilities.streaming = None);
        let stage = place.stage_of(without).await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let parked = stage.send("ask").await;
        let message = json!({ "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "done" }] });
        for (operation, params) in [
            (Operation::SendStreamingMessage, json!({ "message": message })),
            (Operation::SubscribeToTask, json!({ "id": parked.id })),
            (Operation::SubscribeToTask, json!({ "id": "nobody" })),
        ] {
            let failure = raw.ask(operation, &params).await.failure();
            assert_eq!(failure.code, error_code::UNSUPPORTED_OPERATION, "{operation:?}");
        }
        stage.leave().await;
    }

    async fn push_notifications_need_the_capability(place) {
        let without = |plan: Plan| plan.card(|card| card.capabilities.push_notifications = None);
        let stage = place.stage_of(without).await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let parked = stage.send("ask").await;
        let url = "http://127.0.0.1:9/";
        for (operation, params) in [
            (Operation::CreateTaskPushNotificationConfig, json!({ "taskId": parked.id, "url": url })),
            (Operation::GetTaskPushNotificationConfig, json!({ "taskId": parked.id, "id": "a" })),
            (Operation::ListTaskPushNotificationConfigs, json!({ "taskId": parked.id })),
            (Operation::DeleteTaskPushNotificationConfig, json!({ "taskId": parked.id, "id": "a" })),
        ] {
            let failure = raw.ask(operation, &params).await.failure();
            assert_eq!(failure.code, error_code::PUSH_NOTIFICATION_NOT_SUPPORTED, "{operation:?}");
        }
        let task_push_notification_config = Some(webhook(url));
        let configuration = Some(SendMessageConfiguration { task_push_notification_config, ..configuration() });
        let request = SendMessageRequest { configuration, ..saying("done") };
        let error = soon(stage.sdk.send_message(&request)).await.unwrap_err();
        assert_eq!(error.code, error_code::PUSH_NOTIFICATION_NOT_SUPPORTED);
        let all = soon(stage.sdk.list_tasks(&everything())).await.unwrap();
        assert_eq!(all.total_size, 1, "the refused message must not leave a task");
        stage.leave().await;
    }

    async fn a_required_extension_must_be_declared(place) {
        let uri = "https://example.com/extensions/required/v1";
        let extension = AgentExtension {
            uri: uri.into(),
            description: None,
            required: Some(true),
            params: None,
        };
        let requiring = |plan: Plan| plan.card(|card| card.capabilities.extensions = Some(vec![extension]));
        let stage = place.stage_of(requiring).await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let message = json!({ "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "done" }] });
        let params = json!({ "message": message });
        let failure = raw.ask(Operation::SendMessage, &params).await.failure();
        assert_eq!(failure.code, error_code::EXTENSION_SUPPORT_REQUIRED);
        let declaring = raw.with("a2a-extensions", Some(&format!("https://example.com/other, {uri}")));
        let sent = declaring.ask(Operation::SendMessage, &params).await.result().unwrap();
        assert_eq!(sent["task"]["status"]["state"], "TASK_STATE_COMPLETED");
        stage.leave().await;
    }
}
