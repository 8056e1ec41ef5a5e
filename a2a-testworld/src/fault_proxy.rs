//! A TCP proxy before a service, which can be shut: the service is then away for all instances at once, and
//! back later with what they had.
//!
//! An emulator that is stopped and started loses what it kept, which is not what happens to a service. What a
//! server sees of an outage is its connections: cut in the middle of a call, refused, or silent.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What becomes of connections at a fault proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// They lead to the endpoint.
    Open,
    /// Those that are open break at once, with whatever was under way; new ones end as soon as they begin.
    Cut,
    /// Nothing passes on those that are open, nor on new ones: calls wait until they give up.
    Silent,
}

/// A socket that leads to another one, unless it is shut.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    passage: watch::Sender<Passage>,
    leave: CancellationToken,
}

impl FaultProxy {
    /// Opens one that leads to an address.
    ///
    /// # Errors
    ///
    /// Where there is no free port.
    pub async fn before(target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (passage, leave) = (watch::Sender::new(Passage::Open), CancellationToken::new());
        let work = Keeper { target, passage: passage.clone(), relays: TaskTracker::new() };
        // The proxy's drop ends the work, and the relays with it.
        let keeper = TaskTracker::new();
        let left = leave.clone();
        keeper.spawn(async move { left.run_until_cancelled(work.keep(listener)).await });
        Ok(FaultProxy { address, passage, leave })
    }

    /// Where it stands.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says what becomes of connections from now on.
    pub fn set(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.leave.cancel();
        self.passage.send_replace(Passage::Cut);
    }
}

struct Keeper {
    target: SocketAddr,
    passage: watch::Sender<Passage>,
    relays: TaskTracker,
}

impl Keeper {
    async fn keep(self, listener: TcpListener) {
        let target = self.target;
        while let Ok((client, _)) = listener.accept().await {
            let passage = self.passage.subscribe();
            self.relays.spawn(async move {
                // A relay ends by an error of either side, which the other side then sees as its end.
                let _ = relay(client, target, passage).await;
            });
        }
    }
}

async fn relay(
    mut client: TcpStream,
    target: SocketAddr,
    mut passage: watch::Receiver<Passage>,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    // With a linger of zero the end of a connection is a reset, as from a host that is gone.
    client.set_zero_linger()?;
    if !may_pass(&mut passage).await {
        return Ok(());
    }
    let mut server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    loop {
        tokio::select! {
            biased;
            changed = passage.changed() => {
                if changed.is_err() || !may_pass(&mut passage).await {
                    return Ok(());
                }
            }
            // Dropped when the passage changes: what it had read and not yet written is lost with the connection,
            // hence a silent proxy lets no old connection go on when it opens again.
            done = copy_bidirectional(&mut client, &mut server) => return done.map(drop),
        }
    }
}

/// Waits out silence; tells whether the proxy is open then.
async fn may_pass(passage: &mut watch::Receiver<Passage>) -> bool {
    let was_silent = *passage.borrow_and_update() == Passage::Silent;
    match passage.wait_for(|passage| *passage != Passage::Silent).await {
        Ok(now) => *now == Passage::Open && !was_silent,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
