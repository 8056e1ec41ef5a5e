//! The socket before an endpoint, and the handle by which a test changes the weather.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admin;
use super::call::Call;
use super::counts::Counts;
use super::dice::Dice;
use super::endpoint::{Endpoint, Head};
use super::locks::Locks;
use super::messaging::{self, Messaging};
use super::settings::Weather;
use super::sky::Sky;
use super::socket::Socket;
use super::station::{End, Station};
use super::wire::{self, Answer};

/// The largest body that DynamoDB takes.
const LARGEST: usize = 16 * 1024 * 1024;

/// An HTTP/1.1 proxy before an endpoint of DynamoDB, SNS and SQS, or of some of them, which behaves like AWS on the day that is set.
///
/// It runs on the runtime on which it was opened, and ends with its drop, which resets its connections.
#[derive(Debug)]
pub struct WeatherProxy {
    address: SocketAddr,
    station: Arc<Station>,
    leave: CancellationToken,
}

impl WeatherProxy {
    /// Opens one at a free port of this machine, with a [clear sky](Weather::clear).
    ///
    /// `endpoint` is a URL such as `http://127.0.0.1:8000`. All that is drawn follows from the seed and the order in
    /// which requests arrive.
    ///
    /// # Errors
    ///
    /// Where there is no free port.
    pub async fn before(endpoint: &str, seed: u64) -> io::Result<Self> {
        Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), endpoint, seed).await
    }

    /// Opens one at an address.
    ///
    /// # Errors
    ///
    /// Where the address cannot be had.
    pub async fn listen(address: SocketAddr, endpoint: &str, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let station = Arc::new(Station {
            sky: Sky::new(Weather::clear()),
            dice: Dice::new(seed),
            endpoint: Endpoint::new(endpoint).map_err(io::Error::other)?,
            locks: Locks::new(),
            messaging: Messaging::default(),
        });
        let leave = CancellationToken::new();
        let keeper =
            Keeper { station: Arc::clone(&station), tasks: TaskTracker::new(), leave: leave.clone() };
        let (later, end) = (Arc::clone(&station), leave.clone());
        keeper.tasks.spawn(async move { end.run_until_cancelled(later.settle_in_time()).await });
        TaskTracker::new().spawn(keeper.keep(listener));
        Ok(WeatherProxy { address, station, leave })
    }

    /// Where it stands.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it stands, as clients name an endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the weather from now on. Requests that are under way keep what they have drawn.
    pub fn set(&self, weather: Weather) {
        self.station.set(weather);
    }

    /// What the weather is like.
    pub fn weather(&self) -> Weather {
        self.station.sky.weather()
    }

    /// What was asked and consumed since the start, or since [`clear_counts`](Self::clear_counts).
    pub fn counts(&self) -> Counts {
        self.station.sky.counts()
    }

    /// Counts anew.
    pub fn clear_counts(&self) {
        self.station.sky.clear_counts();
    }
}

impl Drop for WeatherProxy {
    fn drop(&mut self) {
        self.leave.cancel();
    }
}

#[derive(Clone)]
struct Keeper {
    station: Arc<Station>,
    tasks: TaskTracker,
    leave: CancellationToken,
}

impl Keeper {
    async fn keep(self, listener: TcpListener) {
        while let Some(Ok((stream, _))) = self.leave.run_until_cancelled(listener.accept()).await {
            let (this, leave) = (self.clone(), self.leave.clone());
            self.tasks.spawn(async move { leave.run_until_cancelled(this.converse(stream)).await });
        }
    }

    /// Serves a connection to its end.
    async fn converse(self, stream: TcpStream) {
        // What is not told by an answer is told by the connection's end.
        let _ = stream.set_nodelay(true);
        let reset = Arc::new(AtomicBool::new(false));
        let io = TokioIo::new(Socket::new(stream, Arc::clone(&reset)));
        let service = service_fn(|request| self.clone().serve(request, Arc::clone(&reset)));
        let _ = http1::Builder::new().serve_connection(io, service).await;
    }

    async fn serve(self, request: Request<Incoming>, reset: Arc<AtomicBool>) -> Result<Answer, Lost> {
        let (parts, body) = request.into_parts();
        let Some(body) = collect(body).await else {
            let error = json!({ "__type": "com.amazon.coral.service#RequestEntityTooLargeException" });
            return Ok(wire::answer(StatusCode::PAYLOAD_TOO_LARGE.as_u16(), &error));
        };
        if parts.uri.path().starts_with(admin::PATH) {
            return Ok(admin::answer(&self.station, &parts.method, parts.uri.path(), &body));
        }
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let head = Head { method: parts.method, path, headers: parts.headers };
        let call = Call::of(&head, &body);
        let with_its_client = call.as_ref().is_some_and(messaging::ends_with_its_client);
        let work = Arc::clone(&self.station).handle(call, head, body);
        let end = if with_its_client {
            self.leave.run_until_cancelled(work).await
        } else {
            // A client that goes away ends the connection, not what it asked for.
            let work = self.leave.clone().run_until_cancelled_owned(work);
            self.tasks.spawn(work).await.ok().flatten()
        };
        match end {
            Some(End::Answer(answer)) => Ok(answer),
            Some(End::Silence) => match std::future::pending::<Infallible>().await {},
            Some(End::Reset) | None => {
                reset.store(true, Ordering::Relaxed);
                Err(Lost)
            }
        }
    }
}

async fn collect(body: Incoming) -> Option<Bytes> {
    Limited::new(body, LARGEST).collect().await.ok().map(|body| body.to_bytes())
}

/// There is no answer: the connection ends.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the weather took the answer")
    }
}

impl std::error::Error for Lost {}
