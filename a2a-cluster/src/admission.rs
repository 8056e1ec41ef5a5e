//! Admission: how many agents an instance takes on, and how many commits may wait. Beyond that, requests are refused
//! at once, with a time after which they may be sent again; what was admitted goes on. While the store throttles, fewer
//! commits may wait: as many as it takes soon ([`StorePressure`]).
//!
//! Where callers are told apart, one of them gets at most half, whichever tenants it names; those who are nobody count as one. Commits that wait are bounded for each caller
//! first: one whose commits fill the instance does not keep out another that has few.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::Principal;

use crate::caller::TenantCaller;
use crate::ground::telemetry::Full;
use crate::ground::{Config, StorePressure};

/// Whoever has less than this part of the bound waiting is admitted beyond the bound, up to twice.
const FEW: usize = 16;

/// Who is admitted together: a caller in all tenants, for a request names its tenant as it likes.
type Group = Option<Principal>;

/// What one instance has taken on.
#[derive(Debug)]
pub(crate) struct Admission {
    max_agents: usize,
    max_commits: usize,
    tells_apart: bool,
    pressure: Arc<StorePressure>,
    all: Arc<Load>,
    groups: Arc<Mutex<HashMap<Group, Arc<Load>>>>,
    /// How many agents are about to begin again here.
    resuming: Arc<AtomicUsize>,
}

/// What was taken on: as a whole, or for one caller.
#[derive(Debug, Default)]
pub(crate) struct Load {
    agents: AtomicUsize,
    commits: AtomicUsize,
}

/// The right to run one agent, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Permit {
    all: Arc<Load>,
    own: Arc<Load>,
    group: Group,
    groups: Arc<Mutex<HashMap<Group, Arc<Load>>>>,
}

/// What a request's transport holds for it, such as room for its bytes, until an agent has what the request brought.
pub(crate) type Held = Box<dyn Any + Send>;

/// Room for an agent that is about to begin again.
#[derive(Debug)]
pub(crate) struct Resuming(Arc<AtomicUsize>);

/// A commit that waits.
#[derive(Debug)]
pub(crate) struct WaitingCommit {
    all: Arc<Load>,
    own: Option<Arc<Load>>,
}

impl Admission {
    /// `tells_apart`: whether somebody says who calls.
    pub(crate) fn new(config: &Config, tells_apart: bool, pressure: &Arc<StorePressure>) -> Self {
        Admission {
            max_agents: config.max_agents,
            max_commits: config.max_waiting_commits,
            tells_apart,
            pressure: Arc::clone(pressure),
            all: Arc::default(),
            groups: Arc::default(),
            resuming: Arc::default(),
        }
    }

    /// Admits an agent that is to begin again, unless the instance is full.
    pub(crate) fn resume(&self, running: usize) -> Option<Resuming> {
        let agents = self.all.agents().max(running);
        let has_room = |resuming| (agents + resuming < self.max_agents).then_some(resuming + 1);
        self.resuming.fetch_update(Ordering::AcqRel, Ordering::Acquire, has_room).ok()?;
        Some(Resuming(Arc::clone(&self.resuming)))
    }

    /// Admits a request that needs an agent, or says why not. `running`: the agents that run here, whoever began them.
    pub(crate) fn admit(&self, caller: &TenantCaller, running: usize) -> Result<Permit, Full> {
        let group = caller.principal.clone();
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let own = groups.get(&group).cloned().unwrap_or_default();
        let (agents, own_agents) = (self.all.agents().max(running), own.agents());
        if agents >= self.max_agents || (self.tells_apart && own_agents >= self.max_agents.div_ceil(2)) {
            return Err(Full::Agents);
        }
        if !self.may_commit(own.commits()) {
            return Err(Full::Commits);
        }
        let permit = Permit { all: Arc::clone(&self.all), own, group, groups: Arc::clone(&self.groups) };
        permit.all.agents.fetch_add(1, Ordering::AcqRel);
        permit.own.agents.fetch_add(1, Ordering::AcqRel);
        groups.entry(permit.group.clone()).or_insert_with(|| Arc::clone(&permit.own));
        Ok(permit)
    }

    fn may_commit(&self, own: usize) -> bool {
        let (waiting, most) = (self.all.commits(), self.pressure.may_wait(self.max_commits));
        if !self.tells_apart {
            return waiting < most;
        }
        // Beyond what all may have while the store throttles: others hold that, and are not to keep this one out.
        let has_few = own < most.div_ceil(FEW) && waiting < self.max_commits.saturating_mul(2);
        own < most.div_ceil(2) && (waiting < most || has_few)
    }

    /// Counts a commit for as long as it waits, for the whole and for its caller where that is known.
    pub(crate) fn commit(&self, own: Option<&Arc<Load>>) -> WaitingCommit {
        let waiting = WaitingCommit { all: Arc::clone(&self.all), own: own.cloned() };
        waiting.loads().for_each(|load| {
            load.commits.fetch_add(1, Ordering::AcqRel);
        });
        waiting
    }
}

impl Load {
    fn agents(&self) -> usize {
        self.agents.load(Ordering::Acquire)
    }

    fn commits(&self) -> usize {
        self.commits.load(Ordering::Acquire)
    }
}

impl Permit {
    /// What its caller has taken.
    pub(crate) fn load(&self) -> &Arc<Load> {
        &self.own
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        self.all.agents.fetch_sub(1, Ordering::AcqRel);
        if self.own.agents.fetch_sub(1, Ordering::AcqRel) == 1 {
            groups.remove(&self.group);
        }
    }
}

impl Drop for Resuming {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl WaitingCommit {
    fn loads(&self) -> impl Iterator<Item = &Arc<Load>> {
        std::iter::once(&self.all).chain(&self.own)
    }
}

impl Drop for WaitingCommit {
    fn drop(&mut self) {
        self.loads().for_each(|load| {
            load.commits.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;

    use super::*;
    use crate::caller::Caller;

    fn admission(agents: usize, commits: usize) -> Admission {
        Admission::new(
            &Config::default().max_agents(agents).max_waiting_commits(commits),
            true,
            &Arc::new(StorePressure::new()),
        )
    }

    fn of_all(agents: usize) -> Admission {
        Admission::new(&Config::default().max_agents(agents), false, &Arc::new(StorePressure::new()))
    }

    fn caller(name: Option<&str>) -> TenantCaller {
        let caller = name.map(Principal::new).map(Caller::named).unwrap_or_default();
        TenantCaller::new(Tenant::default(), caller)
    }

    #[test]
    fn one_caller_gets_half_of_the_agents_and_nobody_more_than_there_are() {
        let admission = admission(4, 100);
        let admit = |name: Option<&str>| admission.admit(&caller(name), 0);
        let ann = [admit(Some("ann")).unwrap(), admit(Some("ann")).unwrap()];
        assert_eq!(admit(Some("ann")).unwrap_err(), Full::Agents);
        let ben = [admit(Some("ben")).unwrap(), admit(Some("ben")).unwrap()];
        assert_eq!(admit(Some("cleo")).unwrap_err(), Full::Agents);
        drop(ann);
        assert!(admit(Some("ann")).is_ok());
        drop(ben);
        assert!(admission.groups.lock().unwrap().is_empty());
        let nobody = [admit(None).unwrap(), admit(None).unwrap()];
        assert_eq!(admit(None).unwrap_err(), Full::Agents, "those who are nobody are one, too");
        drop(nobody);
        let admission = of_all(4);
        let admit = || admission.admit(&caller(None), 0);
        let all: Vec<_> = (0..4).map(|_| admit().unwrap()).collect();
        assert_eq!(admit().unwrap_err(), Full::Agents, "{}", all.len());
    }

    #[test]
    fn a_caller_is_one_in_all_tenants() {
        let admission = admission(4, 100);
        let admit = |tenant: &str| {
            let caller = Caller::named(Principal::new("ann"));
            admission.admit(&TenantCaller::new(Tenant::new(tenant), caller), 0)
        };
        let two = [admit("a").unwrap(), admit("b").unwrap()];
        assert_eq!(admit("c").unwrap_err(), Full::Agents);
        drop(two);
        assert!(admit("c").is_ok());
    }

    #[test]
    fn agents_that_no_request_here_began_count_as_well() {
        assert_eq!(admission(4, 100).admit(&caller(None), 4).unwrap_err(), Full::Agents);
    }

    #[test]
    fn agents_begin_again_where_there_is_room_for_them() {
        let admission = of_all(4);
        let request = admission.admit(&caller(None), 2).unwrap();
        let resumed = [admission.resume(2).unwrap(), admission.resume(2).unwrap()];
        assert!(admission.resume(2).is_none());
        drop(resumed);
        assert!(admission.resume(4).is_none());
        assert!(admission.resume(3).is_some());
        drop(request);
    }

    #[test]
    fn whoever_has_few_commits_waiting_is_admitted_beside_one_who_has_all() {
        let admission = admission(100, 32);
        let ann = admission.admit(&caller(Some("ann")), 0).unwrap();
        let mut waiting: Vec<_> = (0..32).map(|_| admission.commit(Some(ann.load()))).collect();
        assert_eq!(admission.admit(&caller(Some("ann")), 0).unwrap_err(), Full::Commits);
        let ben = admission.admit(&caller(Some("ben")), 0).unwrap();
        waiting.extend((0..2).map(|_| admission.commit(Some(ben.load()))));
        assert_eq!(admission.admit(&caller(Some("ben")), 0).unwrap_err(), Full::Commits);
        waiting.clear();
        assert!(admission.admit(&caller(Some("ann")), 0).is_ok());
    }
}
