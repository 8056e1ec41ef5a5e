//! Push notification configs: created, read, listed in pages, replaced and deleted on any instance.

use a2a::{
    DeleteTaskPushNotificationConfigRequest, GetTaskPushNotificationConfigRequest,
    ListTaskPushNotificationConfigsRequest, TaskPushNotificationConfig, error_code,
};

use a2a_testworld::world::webhook;

use super::stage::{Stage, on_every_binding, soon};

fn config(task: &str, id: Option<&str>) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        id: id.map(str::to_owned),
        task_id: task.to_owned(),
        token: Some("token".into()),
        ..webhook("http://127.0.0.1:9/hook")
    }
}

fn named(task: &str, id: &str) -> GetTaskPushNotificationConfigRequest {
    GetTaskPushNotificationConfigRequest { task_id: task.into(), id: id.into(), tenant: None }
}

async fn delete(stage: &Stage, task: &str, id: &str) -> Result<(), a2a::A2AError> {
    let request =
        DeleteTaskPushNotificationConfigRequest { task_id: task.into(), id: id.into(), tenant: None };
    soon(stage.sdk.delete_push_config(&request)).await
}

fn page(task: &str, size: Option<i32>) -> ListTaskPushNotificationConfigsRequest {
    ListTaskPushNotificationConfigsRequest {
        task_id: task.into(),
        page_size: size,
        page_token: None,
        tenant: None,
    }
}

async fn listed(stage: &Stage, task: &str, size: Option<i32>) -> Vec<Option<String>> {
    let mut request = page(task, size);
    let mut ids = Vec::new();
    loop {
        let answer = soon(stage.sdk.list_push_configs(&request)).await.unwrap();
        assert!(size.is_none_or(|size| answer.configs.len() <= size as usize));
        ids.extend(answer.configs.into_iter().map(|config| config.id));
        request.page_token = answer.next_page_token.filter(|token| !token.is_empty());
        if request.page_token.is_none() {
            return ids;
        }
    }
}

on_every_binding! {
    async fn a_config_lives_from_its_creation_to_its_deletion(place) {
        let stage = place.stage().await;
        let parked = stage.send("ask").await;
        let created = soon(stage.sdk.create_push_config(&config(&parked.id, None))).await.unwrap();
        let id = created.id.clone().unwrap();
        assert_eq!((created.task_id.as_str(), created.token.as_deref()), (&*parked.id, Some("token")));
        for _ in 0..3 {
            let got = soon(stage.sdk.get_push_config(&named(&parked.id, &id))).await.unwrap();
            // That there is a token is shown, and not which.
            assert!(got.token.as_ref().is_some_and(|token| !token.is_empty() && token != "token"));
            assert_eq!(TaskPushNotificationConfig { token: created.token.clone(), ..got }, created);
        }
        let mut other = config(&parked.id, Some(&id));
        other.url = "http://127.0.0.1:9/other".into();
        soon(stage.sdk.create_push_config(&other)).await.unwrap();
        let got = soon(stage.sdk.get_push_config(&named(&parked.id, &id))).await.unwrap();
        assert_eq!(got.url, other.url);
        assert_eq!(listed(&stage, &parked.id, None).await, [Some(id.clone())]);
        for _ in 0..3 {
            delete(&stage, &parked.id, &id).await.unwrap();
        }
        let error = soon(stage.sdk.get_push_config(&named(&parked.id, &id))).await.unwrap_err();
        assert_eq!(error.code, error_code::TASK_NOT_FOUND);
        assert!(listed(&stage, &parked.id, None).await.is_empty());
        stage.leave().await;
    }

    async fn configs_come_in_pages(place) {
        let stage = place.stage().await;
        let parked = stage.send("ask").await;
        let names = ["a", "b", "c", "d", "e"];
        for name in names {
            soon(stage.sdk.create_push_config(&config(&parked.id, Some(name)))).await.unwrap();
        }
        let all: Vec<_> = names.map(|name| Some(name.to_owned())).into();
        for size in [None, Some(1), Some(2), Some(5), Some(100)] {
            assert_eq!(listed(&stage, &parked.id, size).await, all, "{size:?}");
        }
        stage.leave().await;
    }

    async fn a_push_config_must_lead_somewhere(place) {
        let stage = place.stage().await;
        let parked = stage.send("ask").await;
        for url in ["", "nowhere", "ftp://example.com/", "http://"] {
            let config = TaskPushNotificationConfig { url: url.into(), ..config(&parked.id, None) };
            let error = soon(stage.sdk.create_push_config(&config)).await.unwrap_err();
            assert_eq!(error.code, error_code::INVALID_PARAMS, "{url:?}: {error}");
        }
        stage.leave().await;
    }
}
