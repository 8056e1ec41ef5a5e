//! An event bus of our own, in a page: one Unix datagram socket per instance, in a folder that all of them see.
//!
//! Run it with `cargo run -p a2a-testkit --example custom_bus`, and the contract with
//! `cargo test -p a2a-testkit --example custom_bus`. `docs/custom-event-bus.md` walks through it.
#![allow(clippy::print_stderr, reason = "an example shows what it does")]

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram as Sender;
use std::path::{Path, PathBuf};

use a2a_core::{BackendError, BusMessage, Delivery, EventBus, InstanceId, News, Result, wire};
use a2a_testkit::async_trait;
use tokio::net::UnixDatagram;
use tokio_util::sync::CancellationToken;

/// The longest datagram; half of what Linux lets wait at one socket by default.
const LONGEST: usize = 100 * 1024;

/// One instance's endpoint: the socket `<folder>/<instance id>`.
#[derive(Debug)]
struct FolderBus {
    me: InstanceId,
    folder: PathBuf,
    socket: UnixDatagram,
    closed: CancellationToken,
}

impl FolderBus {
    /// Opens the endpoint of an instance. From now on messages to it wait, some ten of them.
    fn open(folder: &Path, me: InstanceId) -> io::Result<Self> {
        let socket = UnixDatagram::bind(folder.join(me.to_string()))?;
        Ok(FolderBus { me, folder: folder.to_owned(), socket, closed: CancellationToken::new() })
    }

    /// Sends to one. `false`: there is no such endpoint any more.
    fn send_to(&self, to: InstanceId, datagram: &str) -> io::Result<bool> {
        // A socket of its own, because what waits at a slow reader fills up the socket it was sent with.
        let sender = Sender::unbound()?;
        sender.set_nonblocking(true)?;
        match sender.send_to(datagram.as_bytes(), self.folder.join(to.to_string())) {
            Ok(_) => Ok(true),
            // A slow reader: the message is lost to it, and it will read the store.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            // Closed, or left behind by a crash.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.is_cancelled() { Err(BackendError::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl EventBus for FolderBus {
    fn me(&self) -> InstanceId {
        self.me
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        self.check_open()?;
        let mut datagram = wire::encode(to, message);
        if let (true, Some(version)) = (datagram.len() > LONGEST, message.news.version()) {
            let changed = BusMessage { news: News::Changed(version), ..message.clone() };
            datagram = wire::encode(to, &changed);
        }
        if datagram.len() > LONGEST {
            return Err(BackendError::TooLarge { what: "a message", actual: datagram.len(), limit: LONGEST });
        }
        let mut delivery = Delivery::default();
        for recipient in to {
            let exists = self.send_to(*recipient, &datagram);
            if !exists.map_err(|error| BackendError::Unavailable(error.into()))? {
                delivery.gone.push(*recipient);
            }
        }
        Ok(delivery)
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        let mut datagram = vec![0; LONGEST];
        loop {
            // Whichever is dropped here has taken nothing out of the socket.
            let received = tokio::select! {
                biased;
                () = self.closed.cancelled() => return Err(BackendError::Closed),
                received = self.socket.recv(&mut datagram) => received,
            };
            let length = received.map_err(|error| BackendError::Unavailable(error.into()))?;
            let text = datagram.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
            // What cannot be read is from somebody else, or from a newer version of us: the store knows it, too.
            if let Some(Ok(received)) = text.map(wire::decode) {
                return Ok(vec![received.message]);
            }
        }
    }

    async fn close(&self) -> Result<()> {
        self.closed.cancel();
        match std::fs::remove_file(self.folder.join(self.me.to_string())) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(BackendError::Unavailable(error.into())),
            _ => Ok(()),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    use a2a_core::{SystemEnv, TaskKey, Tenant, Version};

    let folder = std::env::temp_dir().join(InstanceId::generate(&SystemEnv).to_string());
    std::fs::create_dir(&folder)?;
    let a = FolderBus::open(&folder, InstanceId::generate(&SystemEnv))?;
    let b = FolderBus::open(&folder, InstanceId::generate(&SystemEnv))?;
    let task = TaskKey::new(Tenant::default(), "t-1");
    let watch = BusMessage { from: a.me(), task, news: News::Watch(Version::new(7)), trace: None };
    a.send(&[b.me()], &watch).await?.gone.iter().for_each(|id| eprintln!("{id} is gone"));
    eprintln!("{} was told: {:?}", b.me(), b.receive().await?);
    a.close().await?;
    b.close().await?;
    Ok(std::fs::remove_dir(&folder)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use a2a_core::SystemEnv;
    use a2a_testkit::{BusFixture, Fixture};

    use super::*;

    /// A folder of its own for each test.
    struct Folder(PathBuf);

    #[async_trait]
    impl Fixture for Folder {
        async fn open() -> Option<Self> {
            let folder = std::env::temp_dir().join(InstanceId::generate(&SystemEnv).to_string());
            std::fs::create_dir(&folder).unwrap();
            Some(Folder(folder))
        }

        async fn close(&self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[async_trait]
    impl BusFixture for Folder {
        async fn endpoint(&self) -> Arc<dyn EventBus> {
            Arc::new(FolderBus::open(&self.0, InstanceId::generate(&SystemEnv)).unwrap())
        }

        fn flood(&self) -> usize {
            2_000
        }
    }

    a2a_testkit::event_bus_suite!(Folder);
}
