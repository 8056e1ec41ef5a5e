//! Durations as JSON has them here: milliseconds.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64() * 1_000.0)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let millis = f64::deserialize(from)?;
    Duration::try_from_secs_f64(millis / 1_000.0).map_err(serde::de::Error::custom)
}

pub(super) mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::weather) fn serialize<S: Serializer>(
        of: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        of.map(|duration| duration.as_secs_f64() * 1_000.0).serialize(to)
    }

    pub(in crate::weather) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        let Some(millis) = Option::<f64>::deserialize(from)? else { return Ok(None) };
        Duration::try_from_secs_f64(millis / 1_000.0).map(Some).map_err(serde::de::Error::custom)
    }
}
