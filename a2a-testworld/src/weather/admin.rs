//! The path by which whoever runs the binary reads counts and changes the weather.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::settings::Weather;
use super::station::Station;
use super::wire::{self, Answer};

/// What the weather answers itself.
pub(super) const PATH: &str = "/_weather";
const COUNTS: &str = "/_weather/counts";

/// `GET /_weather` shows weather, seed and counts; `POST /_weather` sets another weather; `DELETE /_weather/counts` counts
/// anew.
pub(super) fn answer(station: &Station, method: &Method, path: &str, body: &Bytes) -> Answer {
    match (method, path) {
        (&Method::GET, PATH) => show(station),
        (&Method::POST, PATH) => match serde_json::from_slice::<Weather>(body) {
            Ok(weather) => {
                station.set(weather);
                show(station)
            }
            Err(error) => wire::answer(400, &json!({ "error": error.to_string() })),
        },
        (&Method::DELETE, COUNTS) => {
            station.sky.clear_counts();
            show(station)
        }
        _ => wire::answer(404, &json!({ "error": "GET or POST /_weather, DELETE /_weather/counts" })),
    }
}

fn show(station: &Station) -> Answer {
    let weather = serde_json::to_value(station.sky.weather()).unwrap_or(Value::Null);
    let counts = serde_json::to_value(station.sky.counts()).unwrap_or(Value::Null);
    wire::answer(200, &json!({ "seed": station.dice.seed(), "weather": weather, "counts": counts }))
}
