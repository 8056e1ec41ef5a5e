//! The binary `weather`: a proxy before an endpoint of DynamoDB, SNS and SQS that behaves like AWS on a bad day.
//!
//! ```console
//! cargo run -p a2a-testworld --bin weather -- --listen 127.0.0.1:8001 --endpoint http://127.0.0.1:8000 --limits --latency
//! ```
#![allow(clippy::print_stdout, reason = "it says where it stands")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use a2a_testworld::weather::{
    FilterDelay, Limits, Meanwhile, Rate, Refusal, ServiceError, SnsWeather, Spread, SqsWeather, Weather,
    WeatherProxy,
};
use clap::Parser;

/// A proxy before an endpoint of DynamoDB, SNS and SQS that behaves like AWS on a bad day.
///
/// Flags say what the weather is like at the start. Later, `POST /_weather` with JSON changes it, `GET /_weather` shows it
/// with all counts, and `DELETE /_weather/counts` counts anew. See docs/weather.md.
#[derive(Debug, Parser)]
#[command(name = "weather")]
struct Arguments {
    /// Where clients find it.
    #[arg(long, default_value = "127.0.0.1:8001")]
    listen: SocketAddr,
    /// The endpoint behind it.
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    endpoint: String,
    /// What chance follows from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The whole weather as JSON, as `POST /_weather` takes it; the other flags come on top of it.
    #[arg(long)]
    weather: Option<String>,
    /// Throttle at the limits that AWS documents for an on-demand table.
    #[arg(long)]
    limits: bool,
    /// Seconds of unused throughput that are kept, with --limits.
    #[arg(long, default_value_t = 0.0)]
    burst: f64,
    /// Answer as late as each service does.
    #[arg(long)]
    latency: bool,
    /// Let indexes lag.
    #[arg(long)]
    index_lag: bool,
    /// Keep to the documented rates and quotas of SNS and SQS: requests a second, filter policies of a topic, pages of lists,
    /// new queues that are not usable yet, blocked names.
    #[arg(long)]
    quotas: bool,
    /// Let filter policies take effect after up to so many seconds; AWS says up to 900.
    #[arg(long)]
    filter_delay: Option<f64>,
    /// What a subscription gets until then: nothing, everything, before (what it got before).
    #[arg(long, default_value = "nothing", value_parser = meanwhile)]
    meanwhile: Meanwhile,
    /// Let messages be on their way for a while, so that they come in another order.
    #[arg(long)]
    delivery: bool,
    /// The share of messages that come twice.
    #[arg(long, default_value_t = 0.0)]
    duplicates: f64,
    /// The share of receives that get few of many messages.
    #[arg(long, default_value_t = 0.0)]
    short_answers: f64,
    /// The share of entries of batches of SNS and SQS that fail in an answer with status 200.
    #[arg(long, default_value_t = 0.0)]
    failed_entries: f64,
    /// Allow these actions only, as a policy of IAM: sqs:SendMessage,sns:*; separated by commas.
    #[arg(long, value_delimiter = ',')]
    allow: Option<Vec<String>>,
    /// The share of attempts whose connection is reset before anything was done.
    #[arg(long, default_value_t = 0.0)]
    resets: f64,
    /// The share of attempts that are never answered.
    #[arg(long, default_value_t = 0.0)]
    unanswered: f64,
    /// The share of attempts that are applied and not answered.
    #[arg(long, default_value_t = 0.0)]
    lost_answers: f64,
    /// The share of attempts that get a 500.
    #[arg(long, default_value_t = 0.0)]
    errors: f64,
    /// The share of attempts that are throttled whatever was consumed.
    #[arg(long, default_value_t = 0.0)]
    throttled: f64,
    /// Deny everything for so many seconds.
    #[arg(long)]
    deny: Option<f64>,
}

impl Arguments {
    fn weather(&self) -> serde_json::Result<Weather> {
        let mut weather = match &self.weather {
            Some(json) => serde_json::from_str(json)?,
            None => Weather::clear(),
        };
        if self.limits {
            weather = weather.limits(Limits { burst_seconds: self.burst, ..Limits::default() });
        }
        if self.quotas {
            weather = weather.rates(Rate::documented()).sns(SnsWeather::quotas()).sqs(SqsWeather::quotas());
        }
        if self.latency {
            weather = weather.latency(Spread::latency());
            weather.sns.latency = Some(Spread::messaging_latency());
            weather.sqs.latency = Some(Spread::messaging_latency());
        }
        self.messaging(&mut weather);
        if self.index_lag {
            weather = weather.index_lag(Spread::lag());
        }
        if let Some(actions) = &self.allow {
            weather.allowed = Some(actions.clone());
        }
        let network = &mut weather.network;
        for (share, flag) in [
            (&mut network.resets, self.resets),
            (&mut network.unanswered, self.unanswered),
            (&mut network.lost_answers, self.lost_answers),
        ] {
            *share = share.max(flag);
        }
        let shares =
            [(ServiceError::InternalServerError, self.errors), (ServiceError::Throttling, self.throttled)];
        for (error, chance) in shares.into_iter().filter(|(_, chance)| *chance > 0.0) {
            weather = weather.refuse(Refusal::of(error).with_chance(chance));
        }
        if let Some(seconds) = self.deny {
            let lasts = Duration::from_secs_f64(seconds.max(0.0));
            weather = weather.refuse(Refusal::of(ServiceError::AccessDenied).lasting(lasts));
        }
        Ok(weather)
    }

    fn messaging(&self, weather: &mut Weather) {
        if let Some(seconds) = self.filter_delay {
            let after = Spread::between(Duration::ZERO, Duration::from_secs_f64(seconds.max(0.0)));
            weather.sns.filter_delay = Some(FilterDelay { after, meanwhile: self.meanwhile });
        }
        if self.delivery {
            weather.sqs.delivery = Some(Spread::delivery());
        }
        for (share, flag) in [
            (&mut weather.sqs.duplicates, self.duplicates),
            (&mut weather.sqs.short_answers, self.short_answers),
            (&mut weather.sqs.failed_entries, self.failed_entries),
            (&mut weather.sns.failed_entries, self.failed_entries),
        ] {
            *share = share.max(flag);
        }
    }
}

fn meanwhile(name: &str) -> Result<Meanwhile, String> {
    match name {
        "nothing" => Ok(Meanwhile::Nothing),
        "everything" => Ok(Meanwhile::Everything),
        "before" => Ok(Meanwhile::Before),
        _ => Err("one of nothing, everything, before".to_owned()),
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let weather = arguments.weather().map_err(io::Error::other)?;
    let proxy = WeatherProxy::listen(arguments.listen, &arguments.endpoint, arguments.seed).await?;
    proxy.set(weather);
    println!("{} is before {}, seed {}", proxy.url(), arguments.endpoint, arguments.seed);
    std::future::pending().await
}
