//! What gRPC tools learn of the services, and that it is what the SDK's messages are made of.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use a2a_serve::Server;
use a2a_testkit::{ScriptedAgent, card};
use futures::{StreamExt, stream};
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

#[tokio::test]
async fn a_tool_without_proto_files_finds_the_services_and_their_messages() {
    let server = Server::new(ScriptedAgent::default(), card("reflected")).listen("127.0.0.1:0");
    let serving = server.serve().await.unwrap();
    let url = format!("http://{}", serving.address());
    let channel = Endpoint::try_from(url).unwrap().connect().await.unwrap();
    let ask = |question: MessageRequest| {
        let mut client = ServerReflectionClient::new(channel.clone());
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
        async move {
            let mut answers =
                client.server_reflection_info(stream::iter([request])).await.unwrap().into_inner();
            answers.message().await.unwrap().unwrap().message_response.unwrap()
        }
    };
    let MessageResponse::ListServicesResponse(listed) =
        ask(MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list of services");
    };
    let names: Vec<_> = listed.service.iter().map(|service| service.name.as_str()).collect();
    for wanted in ["lf.a2a.v1.A2AService", "grpc.health.v1.Health"] {
        assert!(names.contains(&wanted), "{names:?}");
    }
    // Anybody may ask; nobody may make the server keep what is no name.
    let question = Some(MessageRequest::ListServices(String::new()));
    let long = ServerReflectionRequest { host: "x".repeat(10_000), message_request: question };
    let mut client = ServerReflectionClient::new(channel.clone());
    let mut answers = client.server_reflection_info(stream::iter([long])).await.unwrap().into_inner();
    assert!(!matches!(answers.message().await, Ok(Some(_))));
    let symbol = "lf.a2a.v1.SendMessageRequest".to_owned();
    let MessageResponse::FileDescriptorResponse(found) =
        ask(MessageRequest::FileContainingSymbol(symbol)).await
    else {
        panic!("no file");
    };
    let files = found.file_descriptor_proto.iter();
    let files: Vec<_> = files.map(|file| FileDescriptorProto::decode(file.as_slice()).unwrap()).collect();
    assert!(files.iter().any(|file| file.package() == "lf.a2a.v1" && file.service.len() == 1));
}

#[tokio::test]
async fn so_many_streams_may_ask_and_no_more() {
    let server = Server::new(ScriptedAgent::default(), card("reflected")).listen("127.0.0.1:0");
    let serving = server.serve().await.unwrap();
    let url = format!("http://{}", serving.address());
    let channel = Endpoint::try_from(url).unwrap().connect().await.unwrap();
    let over = CancellationToken::new();
    let ask = async || {
        let question = Some(MessageRequest::ListServices(String::new()));
        let question = ServerReflectionRequest { host: String::new(), message_request: question };
        let questions =
            stream::iter([question]).chain(stream::pending()).take_until(over.clone().cancelled_owned());
        let mut answers = ServerReflectionClient::new(channel.clone())
            .server_reflection_info(questions)
            .await?
            .into_inner();
        answers.message().await?;
        Ok::<_, tonic::Status>(answers)
    };
    let mut open = Vec::new();
    let refused = loop {
        match ask().await {
            Ok(answers) if open.len() < 64 => open.push(answers),
            Ok(_) => panic!("too many"),
            Err(refused) => break refused,
        }
    };
    assert_eq!((open.len(), refused.code()), (64, tonic::Code::Unavailable));
    over.cancel();
    let again = async {
        while ask().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.unwrap();
}

/// Where cargo keeps the source of the SDK's crate with the proto files.
fn proto_files() -> PathBuf {
    let metadata = Command::new(env!("CARGO"))
        // What other platforms need may never have been downloaded here.
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "host-tuple"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "a2a-pb").unwrap();
    PathBuf::from(package["manifest_path"].as_str().unwrap()).with_file_name("proto")
}

#[test]
fn what_is_shown_is_what_the_sdk_speaks() {
    let shown: &[u8] = include_bytes!("../../proto/a2a.v1.binpb");
    let proto = proto_files();
    let written = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("a2a.v1.binpb");
    let status = Command::new(protoc_bin_vendored::protoc_bin_path().unwrap())
        .arg("-I")
        .arg(&proto)
        .arg("-I")
        .arg(protoc_bin_vendored::include_path().unwrap())
        .arg("--include_imports")
        .arg(format!("--descriptor_set_out={}", written.display()))
        .arg(proto.join("a2a.proto"))
        .status()
        .unwrap();
    assert!(status.success());
    let sdk = std::fs::read(&written).unwrap();
    let files = |bytes: &[u8]| FileDescriptorSet::decode(bytes).unwrap().file;
    let (shown, sdk) = (files(shown), files(&sdk));
    // What comes with the compiler may be of another release.
    let own = |files: &[FileDescriptorProto]| -> Vec<_> {
        files.iter().filter(|file| !file.name().starts_with("google/protobuf/")).cloned().collect()
    };
    assert!(own(&shown) == own(&sdk), "copy {} over a2a-serve/proto/a2a.v1.binpb", written.display());
}
