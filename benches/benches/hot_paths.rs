//! Times the hot paths, and shows what they allocate: `cargo bench -p benches`.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark may fail")]

#[path = "../hot/mod.rs"]
mod hot;

use divan::Bencher;
use divan::counter::ItemsCount;

use hot::codec::Codec;
use hot::commit::Commits;
use hot::fan_out::FanOut;
use hot::follower::Follower;
use hot::reducer::Reducer;
use hot::request::Requests;
use hot::world::runtime;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

/// Lengths of which the longer should cost as much for each event.
const LENGTHS: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

#[divan::bench(args = LENGTHS)]
fn reducer(bencher: Bencher<'_, '_>, events: usize) {
    let reducer = Reducer::new(events);
    bencher.counter(ItemsCount::new(events)).bench_local(|| reducer.run());
}

#[divan::bench(args = [1, 100])]
fn encode(bencher: Bencher<'_, '_>, events: usize) {
    let codec = Codec::new(events);
    bencher.counter(ItemsCount::new(events)).bench_local(|| codec.encode());
}

#[divan::bench(args = [1, 100])]
fn decode(bencher: Bencher<'_, '_>, events: usize) {
    let codec = Codec::new(events);
    bencher.counter(ItemsCount::new(events)).bench_local(|| codec.decode());
}

#[divan::bench(args = LENGTHS)]
fn memory_store_commit(bencher: Bencher<'_, '_>, commits: usize) {
    let (runtime, path) = (runtime(), Commits::new(commits as u64));
    bencher.counter(ItemsCount::new(commits)).bench_local(|| runtime.block_on(path.run()));
}

#[divan::bench(args = [1, 10, 100])]
fn feed_fan_out(bencher: Bencher<'_, '_>, streams: usize) {
    let runtime = runtime();
    let path = runtime.block_on(FanOut::new(streams));
    bencher.counter(ItemsCount::new(200 * streams)).bench_local(|| runtime.block_on(path.run(200)));
}

#[divan::bench(args = [100, 1_000])]
fn follower_with_reordering(bencher: Bencher<'_, '_>, events: usize) {
    let runtime = runtime();
    let path = runtime.block_on(Follower::new());
    bencher.counter(ItemsCount::new(events)).bench_local(|| runtime.block_on(path.run(events)));
}

#[divan::bench]
fn blocking_send(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let path = runtime.block_on(Requests::new(false));
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| runtime.block_on(path.blocking()));
}

#[divan::bench(args = [1, 500])]
fn stream(bencher: Bencher<'_, '_>, chunks: usize) {
    let runtime = runtime();
    let path = runtime.block_on(Requests::new(false));
    bencher.counter(ItemsCount::new(chunks)).bench_local(|| runtime.block_on(path.stream(chunks)));
}
