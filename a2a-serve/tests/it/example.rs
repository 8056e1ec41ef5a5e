//! The server that README shows, started as whoever copies it starts it.

use std::error::Error;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use a2a::{Part, SendMessageResponse};
use a2a_testworld::Binding;
use a2a_testworld::client::{card_at, connect};
use a2a_testworld::world::request;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::server::ask;

#[path = "../../examples/server.rs"]
mod server;

const SOON: Duration = Duration::from_secs(20);

/// The port that the example is told, where this process is the example.
fn told() -> Option<u16> {
    std::env::args().nth(1)?.parse().ok()
}

/// It runs in a process of its own, which is this one again, told a port like the example, and nothing but this test.
#[test]
fn the_server_of_the_readme_shows_its_card_and_answers_on_every_binding() -> Result<(), Box<dyn Error>> {
    match told() {
        Some(_) => server::run(),
        None => {
            tokio::runtime::Runtime::new()?.block_on(is_asked());
            Ok(())
        }
    }
}

/// A port that is free, and is given to nobody who asks for any: the example is told one, and shows none.
async fn free() -> SocketAddr {
    let first = (std::process::id() % 10_000) as u16;
    for port in (first..10_000).chain(0..first).map(|port| 20_000 + port) {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return listener.local_addr().unwrap();
        }
    }
    panic!("no port is free");
}

fn start(port: u16) -> Child {
    let mut example = Command::new(std::env::current_exe().unwrap());
    let test = "example::the_server_of_the_readme_shows_its_card_and_answers_on_every_binding";
    example.args([&port.to_string(), test, "--exact"]).kill_on_drop(true).stdout(Stdio::null());
    example.spawn().unwrap()
}

async fn terminate(example: &Child) {
    let id = example.id().expect("it has ended").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
}

async fn is_asked() {
    let address = free().await;
    let mut example = start(address.port());
    let listens = async {
        while TcpStream::connect(address).await.is_err() {
            assert!(example.try_wait().unwrap().is_none(), "it has ended");
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, listens).await.unwrap();
    let card = card_at(&format!("http://{address}")).await;
    assert_eq!(card.name, "Greeter");
    for binding in Binding::ALL {
        let client = connect(&card, binding, None).await.unwrap();
        let sent = timeout(SOON, client.send_message(&request("Ann"))).await.unwrap().unwrap();
        let SendMessageResponse::Message(reply) = sent else { panic!("{sent:?}") };
        assert_eq!(reply.parts, [Part::text("Hello, Ann!")], "{binding:?}");
    }
    // It drains after the first signal, and ends at once, with an error, after the second.
    terminate(&example).await;
    let drains = async {
        while ask(address, "/readyz").await.0 != 503 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, drains).await.unwrap();
    assert!(example.try_wait().unwrap().is_none(), "it has ended");
    terminate(&example).await;
    let status = timeout(SOON, example.wait()).await.expect("it runs on").unwrap();
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
}
