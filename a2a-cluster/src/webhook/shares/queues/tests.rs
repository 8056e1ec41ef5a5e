use std::collections::BTreeMap;

use a2a_core::{Principal, Tenant};

use super::*;

/// Who waits or calls, beside the queues, by plain counting.
struct Play {
    most: Bounds,
    queues: Queues<u64>,
    waiting: BTreeMap<u64, (Arc<Owner>, Arc<str>, u64)>,
    under_way: Vec<(Arc<Owner>, Arc<str>)>,
    asked: u64,
}

impl Play {
    fn new(most: Bounds) -> Self {
        Play { most, queues: Queues::new(most), waiting: BTreeMap::new(), under_way: Vec::new(), asked: 0 }
    }

    /// Whether a call may begin, by the bounds alone.
    fn may(&self, owner: &Owner, host: &str) -> bool {
        let of_caller = self.under_way.iter().filter(|(other, _)| **other == *owner).count();
        let of_host = self.under_way.iter().filter(|(_, other)| **other == *host).count();
        let in_all = if of_caller == 0 { 2 * self.most.in_all } else { self.most.in_all };
        let allowed = self.queues.hosts.get(host).map_or(self.most.of_host, |host| host.allowed(self.most));
        self.under_way.len() < in_all && of_caller < self.most.of_caller && of_host < allowed
    }

    fn ask(&mut self, owner: &Owner, host: &str) {
        let may = self.may(owner, host);
        let (owner, host) = self.queues.names(owner, host);
        assert_eq!(self.queues.take(&owner, &host), may);
        if may {
            return self.under_way.push((owner, host));
        }
        self.asked += 1;
        let place = self.queues.wait(&owner, &host, self.asked);
        self.waiting.insert(self.asked, (owner, host, place));
    }

    fn grant(&mut self) {
        while let Some((owner, host, asked)) = self.queues.next() {
            assert!(self.may(&owner, &host), "a bound is exceeded");
            let mut of_these = self.waiting.iter().filter(|(_, (by, to, _))| *by == owner && *to == host);
            assert_eq!(of_these.next().map(|(first, _)| *first), Some(asked), "somebody is overtaken");
            self.waiting.remove(&asked);
            self.under_way.push((owner, host));
        }
        for (owner, host, _) in self.waiting.values() {
            assert!(!self.may(owner, host), "{owner:?} waits for {host}, which is free: {:?}", self.queues);
        }
    }

    fn give_back(&mut self, at: usize, in_time: Option<bool>) {
        if let Some(in_time) = in_time {
            let host = Arc::clone(&self.under_way[at].1);
            self.queues.answered(&host, in_time);
            self.grant();
        }
        let (owner, host) = self.under_way.swap_remove(at);
        self.queues.give_back(&owner, &host);
        self.grant();
    }
}

fn owner(number: usize) -> Owner {
    Owner::of(&Tenant::default(), Some(Principal::new(number.to_string())))
}

#[test]
fn no_bound_is_exceeded_nobody_is_overtaken_and_nobody_waits_for_what_is_free() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let most = Bounds { in_all: rng.usize(1..9), of_caller: rng.usize(1..5), of_host: rng.usize(1..5) };
        let (callers, hosts) = (rng.usize(1..7), rng.usize(1..7));
        let mut play = Play::new(most);
        for _ in 0..400 {
            match rng.u8(0..10) {
                0..5 => play.ask(&owner(rng.usize(0..callers)), &rng.usize(0..hosts).to_string()),
                5 => {
                    let asked = play.waiting.keys().copied().collect::<Vec<_>>();
                    if let Some(asked) = rng.choice(asked) {
                        let (owner, host, place) = play.waiting.remove(&asked).unwrap();
                        play.queues.leave(&owner, &host, place);
                    }
                    play.grant();
                }
                _ if play.under_way.is_empty() => {}
                _ => {
                    let in_time = [None, Some(true), Some(false)][rng.usize(0..3)];
                    play.give_back(rng.usize(0..play.under_way.len()), in_time);
                }
            }
        }
        while !play.under_way.is_empty() {
            play.give_back(0, None);
        }
        assert!(play.waiting.is_empty(), "seed {seed}: {:?}", play.waiting);
        assert!(play.queues.is_empty(), "seed {seed}: {:?}", play.queues);
    }
}

#[test]
fn a_call_takes_as_long_however_many_wait() {
    let most = Bounds { in_all: 64, of_caller: 64, of_host: 16 };
    for (callers, hosts) in [(1, 1), (1, 2_000), (2_000, 1), (2_000, 2_000), (40, 50)] {
        for hangs in [false, true] {
            let mut queues = Queues::new(most);
            let mut under_way = VecDeque::new();
            for number in 0..2_000_usize {
                let host = (number * 7 % hosts).to_string();
                let (owner, host) = queues.names(&owner(number % callers), &host);
                if queues.take(&owner, &host) {
                    under_way.push_back((owner, host));
                } else {
                    queues.wait(&owner, &host, ());
                }
            }
            let (mut calls, before) = (0, queues.looks);
            while let Some((owner, host)) = under_way.pop_front() {
                queues.answered(&host, !hangs);
                queues.give_back(&owner, &host);
                while let Some((owner, host, ())) = queues.next() {
                    under_way.push_back((owner, host));
                }
                calls += 1;
            }
            assert_eq!(calls, 2_000);
            let looks = queues.looks - before;
            assert!(looks <= 4 * calls, "{callers} {hosts} {hangs}: {looks} looks");
        }
    }
}

/// Callers who want more of two hosts each, whatever they get: of one that all want, and of one of their own.
struct Crowd {
    queues: Queues<()>,
    under_way: VecDeque<(Arc<Owner>, Arc<str>)>,
}

impl Crowd {
    fn ask(&mut self, number: usize, host: &str) {
        let (owner, host) = self.queues.names(&owner(number), host);
        if self.queues.take(&owner, &host) {
            self.under_way.push_back((owner, host));
        } else {
            self.queues.wait(&owner, &host, ());
        }
    }

    /// Gives back the oldest call, whose caller asks for another one at once.
    fn turn(&mut self) {
        let (by, host) = self.under_way.pop_front().unwrap();
        self.queues.give_back(&by, &host);
        while let Some((owner, host, ())) = self.queues.next() {
            self.under_way.push_back((owner, host));
        }
        let number = by.principal.as_ref().unwrap().as_str().parse().unwrap();
        self.ask(number, &host);
    }
}

#[test]
fn whoever_waits_for_a_host_that_others_want_all_the_time_has_a_turn() {
    const LAST: usize = 1_000;
    for (in_all, of_caller, of_host, callers) in
        [(100, 1, 1, 1), (100, 16, 32, 2), (8, 4, 4, 20), (4, 4, 2, 3), (8, 8, 8, 40), (4, 1, 1, 9)]
    {
        let mut crowd =
            Crowd { queues: Queues::new(Bounds { in_all, of_caller, of_host }), under_way: VecDeque::new() };
        for _ in 0..3 * of_caller {
            for number in 0..callers {
                crowd.ask(number, "wanted");
                crowd.ask(number, &format!("of {number}"));
            }
        }
        crowd.ask(LAST, "wanted");
        let has_turn = |crowd: &Crowd| crowd.under_way.iter().any(|(by, _)| **by == owner(LAST));
        let mut turns = 0;
        while !has_turn(&crowd) {
            turns += 1;
            assert!(turns < 100 * (callers + 1), "{in_all} {of_caller} {of_host} {callers}");
            crowd.turn();
        }
    }
}
