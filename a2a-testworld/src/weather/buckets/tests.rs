use super::*;

fn line(index: Option<&str>, partition: &str, units: f64) -> Line {
    Line {
        table: "t".to_owned(),
        index: index.map(str::to_owned),
        partition: Some(partition.to_owned()),
        axis: Axis::Write,
        units,
    }
}

/// How many lines of so many units pass one after the other.
fn passing(buckets: &mut Buckets, now: Instant, limits: &Limits, line: &Line) -> usize {
    let passes = |_: &usize| {
        let passed = buckets.exceeded(now, limits, line).is_none();
        if passed {
            buckets.take(now, limits, line);
        }
        passed
    };
    (0..100_000).take_while(passes).count()
}

#[tokio::test(start_paused = true)]
async fn a_partition_has_its_rate_and_pays_its_debt_first() {
    let (mut buckets, limits, mut now) = (Buckets::default(), Limits::default(), Instant::now());
    assert_eq!(passing(&mut buckets, now, &limits, &line(None, "a", 1.0)), 1_000);
    assert_eq!(passing(&mut buckets, now, &limits, &line(None, "b", 300.0)), 4);
    assert_eq!(passing(&mut buckets, now, &limits, &line(Some("i"), "a", 1.0)), 1_000);
    now += Duration::from_millis(100);
    assert_eq!(passing(&mut buckets, now, &limits, &line(None, "a", 1.0)), 100);
    assert_eq!(passing(&mut buckets, now, &limits, &line(None, "b", 1.0)), 0);
    now += Duration::from_secs(100);
    assert_eq!(passing(&mut buckets, now, &limits, &line(None, "b", 1.0)), 1_000);
}

#[tokio::test(start_paused = true)]
async fn burst_is_kept_for_as_many_seconds_as_are_set() {
    let limits = Limits { burst_seconds: 2.0, ..Limits::default() };
    let mut buckets = Buckets::default();
    assert_eq!(passing(&mut buckets, Instant::now(), &limits, &line(None, "a", 1.0)), 3_000);
}

#[tokio::test(start_paused = true)]
async fn a_table_grows_to_twice_its_highest_second_within_half_an_hour_and_no_further_than_the_account() {
    let (mut buckets, limits, mut now) = (Buckets::default(), Limits::default(), Instant::now());
    let mut second = |now| {
        let pass =
            |partition: usize| passing(&mut buckets, now, &limits, &line(None, &partition.to_string(), 1.0));
        (0..60).map(pass).sum::<usize>()
    };
    assert_eq!(second(now), 4_000);
    now += Duration::from_secs(29 * 60);
    assert_eq!(second(now), 4_000);
    let mut grown = Vec::new();
    for _ in 0..4 {
        now += Duration::from_secs(31 * 60);
        grown.push(second(now));
    }
    assert_eq!(grown, [8_000, 16_000, 32_000, 40_000]);
}

#[tokio::test(start_paused = true)]
async fn each_limit_is_named() {
    let now = Instant::now();
    let exceeded = |limits: &Limits, line: &Line| {
        let mut buckets = Buckets::default();
        passing(&mut buckets, now, limits, line);
        buckets.exceeded(now, limits, line).map(|limit| limit.reason(line)).unwrap()
    };
    let limits = Limits::default();
    let index = line(Some("i"), "a", 1.0);
    assert_eq!(exceeded(&limits, &line(None, "a", 1.0)), "TableWriteKeyRangeThroughputExceeded");
    assert_eq!(exceeded(&limits, &index), "IndexWriteKeyRangeThroughputExceeded");
    assert_eq!(
        exceeded(&limits, &Line { axis: Axis::Read, ..index.clone() }),
        "IndexReadKeyRangeThroughputExceeded"
    );
    let allowed = Limits { on_demand_maximum_writes: Some(10.0), ..limits.clone() };
    assert_eq!(exceeded(&allowed, &index), "IndexWriteMaxOnDemandThroughputExceeded");
    let account = Limits { account_writes: 10.0, ..limits };
    assert_eq!(exceeded(&account, &line(None, "a", 1.0)), "TableWriteAccountLimitExceeded");
}
