//! DynamoDB, SNS and SQS on a bad day: a proxy before any endpoint that does what AWS does and emulators do not.
//!
//! A [`WeatherProxy`] stands before an emulator, in a test or as the binary `weather`. It throttles partitions, indexes and
//! tables by what was consumed, lets indexes lag, refuses as AWS refuses, loses answers, and counts what AWS would bill.
//! [SNS](SnsWeather) and [SQS](SqsWeather) have times and quotas of their own; one proxy tells the services apart by the request.
//!
//! ```no_run
//! use std::time::Duration;
//! use a2a_testworld::weather::{Limits, Refusal, ServiceError, Weather, WeatherProxy};
//!
//! # async fn example() -> std::io::Result<()> {
//! let proxy = WeatherProxy::before("http://127.0.0.1:8000", 7).await?;
//! // … a client with `proxy.url()` as its endpoint …
//! proxy.set(Weather::clear().limits(Limits::default()));
//! let denied = Refusal::of(ServiceError::AccessDenied).on(["PutItem"]).lasting(Duration::from_secs(10));
//! proxy.set(Weather::usual().refuse(denied));
//! println!("{:?}", proxy.counts().table("tasks").partition("T#1"));
//! # Ok(())
//! # }
//! ```
//!
//! # What passes, and what it costs
//!
//! Each partition key of a table and of an index has a token bucket, each table and index one more, each table with all
//! its indexes another one. A request passes while all that it touches have something left; what it costs is taken
//! then, as far as it is known, and put right afterwards by what the endpoint reports (`ReturnConsumedCapacity`, which the
//! proxy always asks for and hides from who did not). An endpoint that reports nothing is billed by the sizes of items. What
//! endpoints do not report is computed: a refused condition costs the units of the larger of both items, a cancelled
//! transaction the doubled units of each action's item.
//!
//! Which partitions of which indexes a write touches follows from the item before and after it. The proxy **reads the item
//! itself** before each write, and after an update; a write holds the item until then, so that both belong to it. That costs
//! the endpoint a read or two, and nothing can be missed: neither items that were there before the proxy, nor what others
//! wrote around it. These reads are neither counted nor delayed. Before an update its expression tells where an index entry
//! goes as far as it assigns values; arithmetic on keys of an index is seen afterwards only.
//!
//! # Topics and queues
//!
//! The endpoint keeps them and delivers by itself. A filter policy that is to take effect later is given to it later, as is
//! the deletion of a queue; what is due is done before the next request to SNS or SQS, or by itself at its time. Messages
//! that the endpoint hands out to a receive and that are still on their way stay in the proxy until they arrive. A
//! proxy knows of names, new queues and rates what passed through it, and so does each of several before one endpoint.
//!
//! # Time and chance
//!
//! Time is `tokio`'s: with its clock paused, buckets fill, lags end and refusals pass as the test advances it. What is
//! drawn for a request follows from the seed and from how many requests arrived before it.
//!
//! What is modelled, from which page of AWS, and what is not stands in `docs/weather.md`.

mod admin;
mod buckets;
mod call;
mod capacity;
mod counts;
mod dice;
mod endpoint;
mod expression;
mod item;
mod line;
mod locks;
mod messaging;
mod millis;
mod plan;
mod proxy;
mod rates;
mod reading;
mod reads;
mod recent;
mod refusal;
mod schema;
mod settings;
mod sky;
mod socket;
mod spread;
mod stale;
mod station;
mod wire;
mod writes;
mod writing;

pub use counts::{Counts, Outcomes, ResourceCounts, TableCounts, Units};
pub use messaging::{FilterDelay, Meanwhile, MessagingCounts, SnsWeather, SqsWeather};
pub use proxy::WeatherProxy;
pub use rates::Rate;
pub use refusal::{Refusal, ServiceError};
pub use settings::{Limits, Network, ThrottlingName, Weather};
pub use spread::Spread;
