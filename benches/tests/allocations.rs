//! What the hot paths allocate does not depend on how fast a machine is: it must not grow unnoticed.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail"
)]
#![allow(clippy::print_stdout, reason = "shown where the test fails, or is asked for what it counts")]

#[path = "../hot/mod.rs"]
mod hot;

use std::hint::black_box;

use hot::codec::Codec;
use hot::commit::Commits;
use hot::fan_out::FanOut;
use hot::follower::Follower;
use hot::reducer::Reducer;
use hot::request::Requests;
use hot::world::runtime;

/// What one run of a path allocates: how often, and how many bytes.
#[derive(Debug, Clone, Copy)]
struct Allocated {
    count: u64,
    bytes: u64,
}

/// So many runs hold one in which nothing grows that is kept.
const RUNS: usize = 10;

/// Counts the third run: the first ones fill what is kept for the next.
fn counted(mut run: impl FnMut()) -> Allocated {
    run();
    run();
    let info = allocation_counter::measure(run);
    Allocated { count: info.count_total, bytes: info.bytes_total }
}

/// What each path was last found to allocate: this is what to change when it becomes less, or has to become more.
const RECORDED: [(&str, u64, u64); 9] = [
    ("1,000 events applied to a task", 1_014, 465_249),
    ("a commit of 100 events encoded", 13, 65_459),
    ("a commit of 100 events decoded", 4_315, 620_683),
    ("1,000 commits in memory", 8_020, 905_681),
    ("200 events to each of 50 streams", 53_932, 4_442_631),
    ("500 events followed in disorder", 10_950, 1_666_119),
    ("a blocking send", 100, 41_312),
    ("a short stream", 120, 42_701),
    ("a stream of 500 chunks", 7_660, 1_153_191),
];

#[test]
fn push_notifications_that_nobody_configures_allocate_nothing() {
    let runtime = runtime();
    let (without, with) = runtime.block_on(async { (Requests::new(false).await, Requests::new(true).await) });
    for chunks in [1, 1_000] {
        let of = |requests: &Requests| {
            let stream = || assert_eq!(runtime.block_on(requests.stream(chunks)), chunks + 3);
            // Now and then something grows that all tasks share: the least is what one task takes.
            let runs = (0..RUNS).map(|_| counted(stream)).map(|Allocated { count, bytes }| (count, bytes));
            runs.min().unwrap()
        };
        let (without, with) = (of(&without), of(&with));
        println!("{chunks} chunks: {with:?} allocations and bytes, {without:?} where none are declared");
        assert_eq!(with, without, "{chunks} chunks");
    }
}

#[test]
fn no_hot_path_allocates_a_twentieth_more_than_recorded() {
    let runtime = runtime();
    let (reducer, codec, commits) = (Reducer::new(1_000), Codec::new(100), Commits::new(1_000));
    let fan_out = runtime.block_on(FanOut::new(50));
    let follower = runtime.block_on(Follower::new());
    let requests = runtime.block_on(Requests::new(false));
    let found = [
        counted(|| drop(black_box(reducer.run()))),
        counted(|| drop(black_box(codec.encode()))),
        counted(|| drop(black_box(codec.decode().unwrap()))),
        counted(|| assert_eq!(runtime.block_on(commits.run()).get(), 1_000)),
        counted(|| assert_eq!(runtime.block_on(fan_out.run(200)), 50 * 201 + 1)),
        counted(|| assert_eq!(runtime.block_on(follower.run(500)), 501)),
        counted(|| runtime.block_on(requests.blocking())),
        counted(|| assert_eq!(runtime.block_on(requests.stream(1)), 4)),
        counted(|| assert_eq!(runtime.block_on(requests.stream(500)), 503)),
    ];
    let mut grown = Vec::new();
    for ((path, count, bytes), found) in RECORDED.into_iter().zip(found) {
        let line = format!(
            "{path}: {} allocations of {} bytes; recorded {count} of {bytes}",
            found.count, found.bytes
        );
        println!("{line}");
        if found.count * 20 > count * 21 || found.bytes * 20 > bytes * 21 {
            grown.push(line);
        }
    }
    assert!(grown.is_empty(), "{grown:#?}");
}
