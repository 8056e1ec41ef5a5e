use std::collections::HashSet;
use std::time::Duration;

use tokio::time::advance;
use uuid::Version;

use super::*;

#[tokio::test(start_paused = true)]
async fn ids_are_version_7_unique_and_increasing() {
    let env = SeededEnv::new(1);
    let mut last = Uuid::nil();
    for n in 0..10_000 {
        let uuid = env.uuid();
        assert!(uuid > last, "{uuid} after {last}");
        assert_eq!(uuid.get_version(), Some(Version::SortRand));
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        last = uuid;
        if n % 3_000 == 0 {
            advance(Duration::from_micros(700)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_answers_and_another_seed_others() {
    let draw = |env: &SeededEnv| (env.uuid(), env.chance().to_bits(), env.fork().uuid());
    let draws = |seed| {
        let env = SeededEnv::new(seed);
        (0..100).map(|_| draw(&env)).collect::<Vec<_>>()
    };
    assert_eq!(draws(7), draws(7));
    let both: HashSet<_> = draws(7).into_iter().chain(draws(8)).collect();
    assert_eq!(both.len(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_tokios_and_forks_share_it() {
    let env = SeededEnv::new(1);
    assert_eq!(env.now().to_rfc3339(), "2026-01-01T00:00:00+00:00");
    advance(Duration::from_millis(1_500)).await;
    assert_eq!(env.now().to_rfc3339(), "2026-01-01T00:00:01.500+00:00");
    assert_eq!(env.fork().now(), env.now());
}
