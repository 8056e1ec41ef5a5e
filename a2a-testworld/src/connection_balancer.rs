//! A load balancer that knows connections and nothing in them, as a network's does: it sends each to an instance that is
//! ready, where it stays for as long as its client keeps it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::client::http;

/// A running load balancer of connections. Dropped, it lets go of all of them.
#[derive(Debug)]
pub struct ConnectionBalancer {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

#[derive(Debug, Default)]
struct Shared {
    instances: Mutex<Vec<(SocketAddr, bool)>>,
    next: AtomicUsize,
}

impl ConnectionBalancer {
    /// Starts without instances; asks those that come so often whether they are ready.
    ///
    /// # Errors
    ///
    /// Where there is no free port.
    pub async fn start(looks_every: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (shared, stop) = (Arc::<Shared>::default(), CancellationToken::new());
        let tasks = TaskTracker::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(Arc::clone(&shared).look(looks_every)));
        let accepting = accept(listener, Arc::clone(&shared), tasks.clone(), stop.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepting));
        Ok(ConnectionBalancer { address, shared, _stop: stop.drop_guard() })
    }

    /// Where clients reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends connections to this instance, too.
    pub fn add(&self, instance: SocketAddr) {
        self.shared.with(|instances| instances.push((instance, true)));
    }

    /// Sends no more connections to this instance.
    pub fn remove(&self, instance: SocketAddr) {
        self.shared.with(|instances| instances.retain(|(address, _)| *address != instance));
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker, stop: CancellationToken) {
    while let Ok((client, _)) = listener.accept().await {
        let Some(instance) = shared.next() else { continue };
        tasks.spawn(stop.clone().run_until_cancelled_owned(join(client, instance)));
    }
}

/// Carries bytes both ways until both sides have ended, or one is gone.
async fn join(mut client: TcpStream, instance: SocketAddr) -> std::io::Result<()> {
    let mut instance = TcpStream::connect(instance).await?;
    client.set_nodelay(true)?;
    instance.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut client, &mut instance).await.map(drop)
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<(SocketAddr, bool)>) -> T) -> T {
        act(&mut self.instances.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn next(&self) -> Option<SocketAddr> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.with(|instances| {
            let ready: Vec<_> = instances.iter().filter(|(_, ready)| *ready).collect();
            ready.get(turn % ready.len().max(1)).map(|(address, _)| *address)
        })
    }

    async fn look(self: Arc<Self>, every: Duration) {
        let client = http();
        let mut turns = interval(every);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            for (instance, _) in self.with(|instances| instances.clone()) {
                let asked = client.get(format!("http://{instance}/readyz")).send().await;
                let is_ready = asked.is_ok_and(|answer| answer.status().is_success());
                self.with(|instances| {
                    let seen = instances.iter_mut().filter(|(address, _)| *address == instance);
                    seen.for_each(|(_, ready)| *ready = is_ready);
                });
            }
        }
    }
}
