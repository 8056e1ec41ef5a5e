//! What clients read, and that it is what the log holds.

use a2a::TaskState;
use a2a_core::{CommitRecord, reduce};

use crate::core::{Later, Tail};
use crate::world::{Client, Stage, World};

impl World {
    /// A client's stream takes what there is.
    pub(crate) fn poll(&mut self, client: usize) {
        while self.clients[client].stage == Stage::Reading {
            let Client { node, cursor, .. } = self.clients[client];
            let Some(actor) = &self.node(node).actor else {
                return self.violated("whoever reads has an actor", "");
            };
            match actor.ring().after(cursor) {
                Tail::Commits(commits) if commits.is_empty() => {
                    if actor.ring().ended() {
                        let missed = self.store.log.iter().skip(cursor.get() as usize);
                        let misses = missed.clone().any(|entry| !entry.record.events.is_empty());
                        if !self.was_deleted() && (misses || !self.store.is_over()) {
                            self.violated("a stream ends with the task, and not before", format!("{cursor}"));
                        }
                        return self.leaves(client, Stage::Done);
                    }
                    if actor.is_absent() || actor.is_unreadable() || self.node(node).cut_off {
                        return self.leaves(client, Stage::Error);
                    }
                    self.clients[client].asleep = true;
                    return;
                }
                Tail::Commits(commits) => commits.iter().for_each(|commit| self.sees(client, commit)),
                Tail::Behind => match self.store.after(cursor) {
                    Later::Commits(commits) if commits.is_empty() => {
                        if !self.was_deleted() {
                            self.violated("no ring is ahead of the store", format!("{cursor}"));
                        }
                        return self.leaves(client, Stage::Error);
                    }
                    Later::Commits(commits) => commits.iter().for_each(|commit| self.sees(client, commit)),
                    Later::Snapshot(seen) => {
                        self.clients[client].cursor = seen.tip.version;
                        self.reaches(client, Some(&seen.state));
                    }
                },
            }
        }
    }

    fn sees(&mut self, client: usize, commit: &CommitRecord) {
        if self.clients[client].stage != Stage::Reading {
            return;
        }
        let cursor = self.clients[client].cursor;
        if commit.version != cursor.next() {
            let how = format!("{} after {cursor}", commit.version);
            self.violated("every stream sees the log's events in order, each once", how);
        }
        let committed = self.store.entry(commit.version).is_some_and(|entry| entry.record.id == commit.id);
        if !committed && !self.was_deleted() {
            self.violated("nothing is shown before it is committed", format!("{commit:?}"));
        }
        self.clients[client].cursor = commit.version;
        let ends = commit.events.iter().filter_map(reduce::state_of).find(|state| reduce::ends_turn(state));
        self.reaches(client, commit.state().filter(|state| state.is_terminal()).or(ends));
    }

    fn reaches(&mut self, client: usize, state: Option<&TaskState>) {
        let on = World::reads_on(self.clients[client].wants);
        if state.is_some_and(|state| state.is_terminal() || (!on && reduce::ends_turn(state))) {
            self.leaves(client, Stage::Done);
        }
    }

    /// Whether a stream waits to be woken, and there is something for it here: commits, its end, or an error.
    pub(crate) fn sleeps_through(&self, client: usize) -> bool {
        let Client { node, cursor, asleep, stage, .. } = self.clients[client];
        let Some(actor) = self.node(node).actor.as_ref().filter(|_| asleep && stage == Stage::Reading) else {
            return false;
        };
        let nothing = matches!(actor.ring().after(cursor), Tail::Commits(commits) if commits.is_empty());
        let ends = actor.ring().ended() || actor.is_absent() || actor.is_unreadable();
        !nothing || ends || self.node(node).cut_off
    }

    /// Whether a client has everything that is in the log.
    pub(crate) fn is_fed(&self, client: usize) -> bool {
        self.clients[client].stage != Stage::Reading || self.clients[client].cursor >= self.store.version()
    }
}
