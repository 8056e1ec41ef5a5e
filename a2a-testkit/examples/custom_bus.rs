//! An event bus of our own, in two pages: one Unix datagram socket per instance, in a folder that all of them see.
//!
//! Run it with `cargo run -p a2a-testkit --example custom_bus`, and the contract with
//! `cargo test -p a2a-testkit --example custom_bus`. `docs/custom-event-bus.md` walks through it.
#![allow(clippy::print_stderr, reason = "an example shows what it does")]

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram as Sender;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use a2a_core::wire::{self, Seal};
use a2a_core::{
    BackendError, BusMessage, Delivery, Endpoint, EventBus, InstanceId, News, Reach, Recipient, Result,
};
use a2a_testkit::async_trait;
use tokio::net::UnixDatagram;
use tokio_util::sync::CancellationToken;

/// The longest datagram; half of what Linux lets wait at one socket by default.
const LONGEST: usize = 100 * 1024;

/// A folder of sockets: the address of an instance is `<folder>/<instance id>`.
#[derive(Debug, Clone)]
struct FolderBus(PathBuf);

/// One instance's endpoint.
#[derive(Debug)]
struct FolderEndpoint {
    me: InstanceId,
    bus: FolderBus,
    seal: Arc<Seal>,
    socket: UnixDatagram,
    closed: CancellationToken,
}

impl FolderBus {
    fn address(&self, of: InstanceId) -> PathBuf {
        self.0.join(of.to_string())
    }

    /// Removes an instance's socket, if it is there.
    fn remove(&self, of: InstanceId) -> Result<()> {
        match std::fs::remove_file(self.address(of)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unavailable(error)),
            _ => Ok(()),
        }
    }
}

fn unavailable(error: io::Error) -> BackendError {
    BackendError::Unavailable(error.into())
}

#[async_trait]
impl EventBus for FolderBus {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        // Of an earlier call that was given up, or whose endpoint is not used any more.
        self.remove(*me)?;
        let socket = UnixDatagram::bind(self.address(*me)).map_err(unavailable)?;
        let (bus, seal) = (self.clone(), Arc::clone(seal));
        Ok(Arc::new(FolderEndpoint { me: *me, bus, seal, socket, closed: CancellationToken::new() }))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.remove(*gone)
    }
}

impl FolderEndpoint {
    /// Sends to one. `false`: there is no such endpoint any more.
    fn send_to(&self, address: &Path, datagram: &str) -> io::Result<bool> {
        // A socket of its own, because what waits at a slow reader fills up the socket it was sent with.
        let sender = Sender::unbound()?;
        sender.set_nonblocking(true)?;
        match sender.send_to(datagram.as_bytes(), address) {
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
}

#[async_trait]
impl Endpoint for FolderEndpoint {
    fn me(&self) -> InstanceId {
        self.me
    }

    fn reach(&self) -> Reach {
        Reach::Direct
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        if self.closed.is_cancelled() {
            return Err(BackendError::Closed);
        }
        let to: Vec<_> = to.iter().filter(|to| to.reach != Reach::Nowhere).map(|to| to.instance).collect();
        let mut datagram = wire::encode(&to, message, &self.seal);
        if let (true, Some(version)) = (datagram.len() > LONGEST, message.news.version()) {
            let changed = BusMessage { news: News::Changed(version), ..message.clone() };
            datagram = wire::encode(&to, &changed, &self.seal);
        }
        if datagram.len() > LONGEST {
            return Err(BackendError::TooLarge { what: "a message", actual: datagram.len(), limit: LONGEST });
        }
        let mut delivery = Delivery::default();
        for recipient in to {
            if !self.send_to(&self.bus.address(recipient), &datagram).map_err(unavailable)? {
                delivery.gone.push(recipient);
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
            let length = received.map_err(unavailable)?;
            let text = datagram.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
            // What cannot be read is from somebody else, or from a newer version of us: the store knows it, too.
            if let Some(Ok(received)) = text.map(|text| wire::decode(text, &self.seal)) {
                return Ok(vec![received.message]);
            }
        }
    }

    async fn close(&self) -> Result<()> {
        // Once only: the address may be another endpoint's by the second time.
        if self.closed.is_cancelled() {
            return Ok(());
        }
        self.bus.remove(self.me)?;
        self.closed.cancel();
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    use a2a_core::{Env, Keys, SystemEnv, TaskKey, Tenant, Version};

    let folder = std::env::temp_dir().join(InstanceId::generate(&SystemEnv).to_string());
    std::fs::create_dir(&folder)?;
    let bus = FolderBus(folder.clone());
    // A cluster reads its keys from the store, so that all instances have the same.
    let seal = Arc::new(Seal::new(Keys::first(SystemEnv.secret())));
    let a = bus.connect(&InstanceId::generate(&SystemEnv), &seal).await?;
    let b = bus.connect(&InstanceId::generate(&SystemEnv), &seal).await?;
    let task = TaskKey::new(Tenant::default(), "t-1");
    let news = News::Watch { after: Version::new(7), reach: a.reach() };
    let watch = BusMessage { from: a.me(), task, news, trace: None };
    let delivery = a.send(&[Recipient::direct(b.me())], &watch).await?;
    delivery.gone.iter().for_each(|id| eprintln!("{id} is gone"));
    eprintln!("{} was told: {:?}", b.me(), b.receive().await?);
    a.close().await?;
    b.close().await?;
    Ok(std::fs::remove_dir(&folder)?)
}

#[cfg(test)]
mod tests {
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
        async fn bus(&self) -> Arc<dyn EventBus> {
            Arc::new(FolderBus(self.0.clone()))
        }

        fn flood(&self) -> usize {
            2_000
        }
    }

    a2a_testkit::event_bus_suite!(Folder);
}
