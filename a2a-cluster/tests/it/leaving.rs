//! Leaving in bad weather: no membership record stays behind.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, Leftovers};
use a2a_core::Membership;
use a2a_store_memory::MemoryStore;
use a2a_testkit::{FaultyStore, Forecast, Weather};

use crate::world::agent::Scripted;
use crate::world::{card, on_every_bus, quick};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_instance_leaves_no_record_behind_where_the_store_often_fails(bus) {
        for seed in 0..20 {
            let (store, weather) = (Arc::new(MemoryStore::new()), Weather::calm());
            let faulty = FaultyStore::new(store.clone(), weather.clone(), seed);
            let bus = bus.spoil(Arc::new(MemoryBus::new()), seed);
            let builder = Cluster::builder(Arc::new(Scripted), card()).store(Arc::new(faulty)).bus(bus);
            let cluster = builder.config(quick()).start().await.unwrap();
            assert_eq!(store.roster(None, 10).await.unwrap().len(), 1);

            let often = Forecast { write_refused: 0.4, answer_lost: 0.2, read_failed: 0.5, ..Forecast::calm() };
            weather.set(often);
            let left = cluster.shutdown(Duration::ZERO).await;
            assert_eq!(left, Leftovers::default());
            assert_eq!(store.roster(None, 10).await.unwrap(), [], "seed {seed}");
        }
    }
}
