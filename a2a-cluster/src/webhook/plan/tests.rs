use std::collections::HashMap;

use a2a::{StreamResponse, TaskState};
use a2a_core::{Generation, TaskKey, Tenant, reduce};

use super::super::sample_log::{chunk, drawn, log, status, task};
use super::*;

fn key() -> TaskKey {
    TaskKey::new(Tenant::default(), "t")
}

fn batches(version: u64) -> PushNext {
    PushNext::Batches(Version::new(version))
}

/// A webhook that keeps the documented rule, and what was sent to it.
#[derive(Default)]
struct Receiver {
    taken: u64,
    events: Vec<StreamResponse>,
    seen: HashMap<String, StreamResponse>,
    repeats: usize,
}

impl Receiver {
    fn take(&mut self, told: &Notification) {
        let known = self.seen.insert(told.id(&key()), told.event.clone());
        self.repeats += usize::from(known.is_some());
        assert!(known.is_none_or(|known| known == told.event), "a repeat tells something else");
        if told.last.get() <= self.taken {
            return;
        }
        if told.first.get() == 1 && matches!(told.event, StreamResponse::Task(_)) {
            self.events.clear();
        } else {
            assert_eq!(
                told.first.get(),
                self.taken + 1,
                "it overlaps what was taken, or leaves something out"
            );
        }
        self.taken = told.last.get();
        self.events.push(told.event.clone());
    }
}

fn fold<'a>(events: impl IntoIterator<Item = &'a StreamResponse>) -> a2a::Task {
    let mut folded = task();
    events.into_iter().for_each(|event| reduce::apply(&mut folded, event));
    folded
}

/// The task as the first commits of a log make it.
fn whole(log: &[Arc<CommitRecord>]) -> Notification {
    let last = log.last().unwrap();
    let events = log.iter().flat_map(|record| &record.events);
    let task = fold(events.filter(|event| reduce::is_streamed(event)));
    Notification {
        event: StreamResponse::Task(task),
        first: Generation::new(1),
        last: last.generation,
        then: Cursor::after(last.version),
        in_place: None,
    }
}

/// Whoever delivers, or believes to: what the last one that began puts on record counts, and nothing of the others.
struct Sender {
    plan: Plan,
    held: VecDeque<Arc<CommitRecord>>,
    /// The task as it was read while the sender counted, on its way.
    loaded: Option<Notification>,
}

/// A task's log that grows, what is on record of its webhook, and all senders.
struct Play<'a> {
    log: &'a [Arc<CommitRecord>],
    /// The webhook takes no batches now and then, or no task.
    refuses: bool,
    head: usize,
    on_record: PushProgress,
    receiver: Receiver,
    senders: Vec<Sender>,
    /// How often one told something after another had begun.
    late: usize,
}

/// What became of a sender's step.
#[derive(PartialEq, Eq)]
enum Stepped {
    GoesOn,
    /// It has told all.
    Rests,
    /// It was told that it does not count.
    Displaced,
}

impl Play<'_> {
    /// Tells all of a log by one sender after the other: each may die at any moment. They may only seem to die, where the
    /// webhook refuses nothing: one that tells on in larger pieces what it refused, nothing can stop.
    fn told(log: &[Arc<CommitRecord>], rng: &mut fastrand::Rng) -> (Receiver, usize) {
        let mut play = Play {
            log,
            refuses: rng.bool(),
            head: 1,
            on_record: PushProgress::default(),
            receiver: Receiver::default(),
            senders: Vec::new(),
            late: 0,
        };
        play.begin();
        loop {
            play.head = (play.head + rng.usize(0..4) * rng.usize(0..8)).min(log.len());
            if rng.u8(0..20) == 0 {
                if play.refuses || rng.bool() {
                    play.senders.clear();
                }
                play.begin();
            }
            let at = rng.usize(0..play.senders.len());
            let counts = at + 1 == play.senders.len();
            match play.step(at, counts, rng) {
                Stepped::Rests if counts && play.head == log.len() => return (play.receiver, play.late),
                Stepped::Displaced => drop(play.senders.remove(at)),
                Stepped::GoesOn | Stepped::Rests => {}
            }
        }
    }

    fn begin(&mut self) {
        let plan = Plan::new(self.on_record, WebhookDetail::Everything);
        self.senders.push(Sender { plan, held: VecDeque::new(), loaded: None });
    }

    fn step(&mut self, at: usize, counts: bool, rng: &mut fastrand::Rng) -> Stepped {
        let Play { log, refuses, head, on_record, receiver, senders, late } = self;
        let Sender { plan, held, loaded } = &mut senders[at];
        if let Some(told) = loaded.take() {
            *late += usize::from(!counts);
            receiver.take(&told);
            if rng.u8(0..10) > 0 {
                plan.accepted(&told);
            }
            return Stepped::GoesOn;
        }
        let cursor = plan.cursor().version;
        held.retain(|record| record.version > cursor);
        if held.is_empty() {
            let more = log[..*head].iter().filter(|record| record.version > cursor);
            held.extend(more.take(rng.usize(1..33)).cloned());
        }
        match plan.next(held, Version::new(*head as u64)) {
            Step::Tell(told) if *refuses && told.is_merged() && rng.u8(0..6) == 0 => {
                assert_eq!(plan.refused(&told, None), Refusal::Otherwise);
            }
            Step::Tell(told) => {
                *late += usize::from(!counts);
                receiver.take(&told);
                // Its answer may be lost.
                match rng.u8(0..10) {
                    0 => assert!(!plan.gives_way(&told, 1, told.then.version)),
                    1 => {
                        plan.gives_way(&told, TRIES_OF_ONE, Version::new(*head as u64));
                    }
                    _ => plan.accepted(&told),
                }
                if rng.bool() {
                    if !counts {
                        return Stepped::Displaced;
                    }
                    *on_record = plan.due(held).max(*on_record);
                    plan.recorded(*on_record);
                }
            }
            Step::Record(_) if !counts => return Stepped::Displaced,
            Step::Record(progress) => {
                assert!(progress >= *on_record);
                *on_record = progress;
                // Nobody may know that it is there.
                if rng.u8(0..10) > 0 {
                    plan.recorded(progress);
                }
            }
            Step::Load => {
                // The log may be longer than its reader knew.
                *head = (*head + rng.usize(0..3)).min(log.len());
                if !plan.may_tell(Version::new(*head as u64)) {
                    plan.loaded = Version::new(*head as u64);
                    return Stepped::GoesOn;
                }
                let told = whole(&log[..*head]);
                if !counts {
                    return Stepped::Displaced;
                }
                if *refuses && rng.u8(0..5) == 0 {
                    assert_eq!(plan.refused(&told, None), Refusal::Otherwise);
                } else {
                    *loaded = Some(told);
                }
            }
            Step::Read(version) => {
                let more = log[..*head].iter().filter(|record| record.version > version);
                held.extend(more.take(rng.usize(1..9)).cloned());
            }
            Step::Rest => return Stepped::Rests,
            Step::GiveUp(_) => panic!("no end was refused"),
        }
        Stepped::GoesOn
    }
}

#[test]
fn whoever_goes_on_at_whatever_moment_tells_the_same_and_nothing_is_taken_twice_or_left_out() {
    let (mut repeats, mut merged, mut late) = (0, 0, 0);
    for seed in 0..2_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let log = drawn(seed);
        let (receiver, too_late) = Play::told(&log, &mut rng);
        let streamed =
            log.iter().flat_map(|record| &record.events).filter(|event| reduce::is_streamed(event));
        assert_eq!(receiver.taken, streamed.clone().count() as u64, "seed {seed}");
        assert_eq!(fold(&receiver.events).artifacts, fold(streamed).artifacts, "seed {seed}");
        repeats += receiver.repeats;
        late += too_late;
        merged += receiver.seen.keys().filter(|id| !id.contains("/1-")).count();
    }
    assert!(repeats > 1_000 && merged > 1_000 && late > 500, "{repeats} {merged} {late}");
}

/// So many commits, each a chunk of one artifact.
fn chunks(count: usize) -> VecDeque<Arc<CommitRecord>> {
    log((0..count).map(|at| vec![chunk("a", &at.to_string(), at > 0, false)]).collect()).into()
}

#[test]
fn what_waits_is_told_in_batches_once_that_is_on_record() {
    let mut held = chunks(MOST_UNRECORDED as usize + MANY);
    let many = held.back().unwrap().version;
    let mut plan = Plan::new(PushProgress::default(), WebhookDetail::Everything);
    // Whoever was there before may have told so much event by event.
    for _ in 0..MOST_UNRECORDED {
        let Step::Tell(one) = plan.next(&held, many) else { panic!() };
        assert!(!one.is_merged());
        plan.accepted(&one);
        held.pop_front();
    }
    let few: VecDeque<_> = held.iter().take(MANY - 1).cloned().collect();
    assert_eq!(plan.next(&few, many), Step::Record(PushProgress::to(Version::new(MOST_UNRECORDED))));
    plan.recorded(PushProgress::to(Version::new(MOST_UNRECORDED)));
    let Step::Tell(one) = plan.next(&few, few.back().unwrap().version) else { panic!() };
    assert!(!one.is_merged());
    let recorded = PushProgress { acknowledged: Version::new(MOST_UNRECORDED), next: batches(many.get()) };
    assert_eq!(plan.next(&held, many), Step::Record(recorded));
    assert_eq!(plan.next(&held, many), Step::Record(recorded), "it is not there yet");
    plan.recorded(recorded);
    // All of a batch is read before it is cut.
    assert_eq!(plan.next(&few, many), Step::Read(few.back().unwrap().version));
    let Step::Tell(all) = plan.next(&held, many) else { panic!() };
    assert_eq!(
        (all.first.get(), all.last.get(), all.then),
        (MOST_UNRECORDED + 1, many.get(), Cursor::after(many))
    );
    // Refused as a batch, it is told one by one, and so by whoever goes on once something is taken.
    assert_eq!(plan.refused(&all, None), Refusal::Otherwise);
    let singly = PushProgress { next: PushNext::Singly(many), ..recorded };
    assert_eq!(plan.next(&held, many), Step::Record(singly));
    plan.recorded(singly);
    let Step::Tell(one) = plan.next(&held, many) else { panic!() };
    assert!(!one.is_merged());
    plan.accepted(&one);
    let next = PushProgress { acknowledged: Version::new(MOST_UNRECORDED + 1), ..singly };
    assert_eq!(plan.due(&held), next);
    let Step::Tell(one) = Plan::new(singly, WebhookDetail::Everything).next(&held, many) else { panic!() };
    assert!(!one.is_merged());
}

#[test]
fn nobody_waits_for_batches_where_chunks_are_not_told() {
    for detail in [WebhookDetail::States, WebhookDetail::ArtifactEnds] {
        let held = chunks(2 * MANY);
        let mut plan = Plan::new(PushProgress::default(), detail);
        assert_eq!(plan.next(&held, held.back().unwrap().version), Step::Rest);
        assert_eq!(plan.reached().get(), 2 * MANY as u64);
    }
}

#[test]
fn the_task_is_told_in_place_of_its_events_where_that_is_on_record_and_taken() {
    let held = chunks(MANY);
    let far = Version::new(MOST_BEHIND + 1);
    let mut plan = Plan::new(PushProgress::default(), WebhookDetail::Everything);
    let next = PushNext::Task(Version::new(far.get() + MARGIN));
    let recorded = PushProgress { acknowledged: Version::ABSENT, next };
    assert_eq!(plan.next(&held, far), Step::Record(recorded));
    plan.recorded(recorded);
    assert_eq!(plan.next(&held, far), Step::Load);
    let told = whole(&log(vec![vec![StreamResponse::Task(task())]]));
    assert_eq!(plan.refused(&told, None), Refusal::Otherwise);
    let Step::Tell(one) = plan.next(&held, far) else { panic!() };
    assert!(!one.is_merged() && one.first.get() == 1, "it is told in parts");
    // Whoever goes on asks once more.
    assert_eq!(Plan::new(recorded, WebhookDetail::Everything).next(&held, far), Step::Load);
    assert_eq!(Plan::new(recorded, WebhookDetail::States).next(&held, far), Step::Load);
}

#[test]
fn how_a_turn_ends_is_told_in_fewer_words_until_nothing_is_left() {
    let mut end = status(TaskState::Completed);
    if let StreamResponse::StatusUpdate(update) = &mut end {
        update.status.message = Some(a2a::Message::new(a2a::Role::Agent, vec![a2a::Part::text("much")]));
    }
    let held: VecDeque<_> = log(vec![vec![end]]).into();
    let head = Version::new(1);
    let mut plan = Plan::new(PushProgress::default(), WebhookDetail::Everything);
    let Step::Tell(long) = plan.next(&held, head) else { panic!() };
    assert_eq!(plan.refused(&long, Some(9)), Refusal::Otherwise);
    let Step::Tell(short) = plan.next(&held, head) else { panic!() };
    assert!(short.id(&key()).ends_with("/1-1-state"), "{short:?}");
    assert_eq!(plan.refused(&short, None), Refusal::LeftOut);
    // A claim, or a later turn, has begun.
    assert_eq!(plan.next(&VecDeque::new(), head.next()), Step::Read(head));
    assert_eq!(plan.next(&VecDeque::new(), head), Step::GiveUp(head));
    plan.accepted(&short);
    assert_eq!(plan.next(&VecDeque::new(), head), Step::Rest);
}
