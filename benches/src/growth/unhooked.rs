//! What tasks without a webhook ask of the store, where push notifications are declared and where they are not.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::sleep;

use super::fleet::{Fleet, read_all};
use crate::Error;
use crate::script::chunks;

/// By then all that was caused has happened.
const SETTLED: Duration = Duration::from_secs(60);

/// The calls of one task of so many chunks, by their names.
pub(crate) fn calls(is_hooked: bool, number: usize) -> Result<BTreeMap<&'static str, f64>, Error> {
    Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
        let fleet = if is_hooked { Fleet::hooked(1).await? } else { Fleet::quiet(1).await? };
        sleep(SETTLED).await;
        let before = fleet.counts();
        let (_, stream) = fleet.send(0, &chunks(number)).await?;
        let heard = read_all([stream]).await?;
        if heard.iter().any(|events| *events != number + 2) {
            return Err(format!("a stream of {number} chunks heard {heard:?} events").into());
        }
        sleep(SETTLED).await;
        Ok(fleet.counts().since(&before).calls())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_notifications_that_nobody_configures_ask_the_store_for_nothing() {
        for number in [1, 1_000] {
            let (without, with) = (calls(false, number).unwrap(), calls(true, number).unwrap());
            assert_eq!(with, without, "{number} chunks");
            assert!(with["commit"] >= 1.0, "{with:?}");
        }
    }
}
