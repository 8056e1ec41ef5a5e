//! What an operator can see of an instance: metrics, spans, one trace across instances, readiness.
//!
//! # Metrics
//!
//! They go to the [`metrics`](https://docs.rs/metrics) facade. Each instance takes its handles when it
//! starts, so install a recorder before; without one they cost next to nothing. No label carries a task, a
//! tenant or a caller.
//!
//! | name | kind | labels | what it tells |
//! |---|---|---|---|
//! | `a2a_commits_total` | counter | | commits that were applied |
//! | `a2a_commit_conflicts_total` | counter | | commits that lost to another writer |
//! | `a2a_commit_events` | histogram | | events of one applied commit |
//! | `a2a_commit_seconds` | histogram | | one call of the store that commits, answered |
//! | `a2a_send_seconds` | histogram | | at the executor: from a commit being known to the bus having taken its news |
//! | `a2a_delivery_seconds` | histogram | | at a watcher: from the news of a commit to its streams seeing it |
//! | `a2a_first_event_seconds` | histogram | | from a stream being asked for to its first event, or to its end without one if that takes more than a second |
//! | `a2a_gap_repairs_total` | counter | | times that commits known to be missing were read from the store |
//! | `a2a_silence_checks_total` | counter | `found` | times that the store was asked after silence, and whether it knew more |
//! | `a2a_watchers` | gauge | | watchers that the agents running here send news to |
//! | `a2a_streams` | gauge | `task` | open streams, of tasks that ran `here` or `elsewhere` when they opened |
//! | `a2a_streams_opened_total` | counter | | streams that were opened |
//! | `a2a_streams_cut_total` | counter | `why` | streams that ended with an error although their task is there: by a `shutdown`, whose grace was over, or a `failure` |
//! | `a2a_agents` | gauge | | agents that run |
//! | `a2a_max_agents` | gauge | | agents that may run, beyond which requests are refused |
//! | `a2a_waiting_commits` | gauge | | commits that wait for the store |
//! | `a2a_beats_total` | counter | | heartbeats that the store took: an instance whose count stands still for a lease is about to be evicted |
//! | `a2a_messages_sent_total` | counter | `kind` | messages that the bus took |
//! | `a2a_messages_received_total` | counter | `kind` | messages that the bus brought |
//! | `a2a_bus_connected` | gauge | | 1 while the bus is connected and can be read, else 0 |
//! | `a2a_bus_failures_total` | counter | | calls of the bus that failed |
//! | `a2a_hints_dropped_total` | counter | | hints to other instances dropped because too many waited |
//! | `a2a_evictions_total` | counter | `who` | evictions: of an `other` by this instance, or of this one, `self` |
//! | `a2a_takeovers_total` | counter | `outcome` | tasks of lost instances: `resumed`, `failed`, `released` while parked, `lost` to another survivor |
//! | `a2a_store_retries_total` | counter | | store calls that failed for a while and were made again |
//! | `a2a_store_troubles_total` | counter | `trouble` | attempts at the store that failed, whether repeated or not: the store was `away`, others wrote the same (`contended`), too much was asked of it (`throttled`), it did not let this instance in (`denied`), or it `refused` for good; of stores that tell |
//! | `a2a_store_attempts_failed_total` | counter | `operation`, `code`, `reason`, `resource` | the same, in the store's own words: for DynamoDB the limit that throttled, or why a transaction was cancelled, and the table or index |
//! | `a2a_turns_total` | counter | `outcome` | turns of agents that ended here: `completed`, `failed`, `canceled`, `rejected`, `input_required`, `auth_required`; `answered` with a message and without a task; `refused` without a task; `handed_over` to another instance or left to it; `lost` to another writer |
//! | `a2a_agent_panics_total` | counter | | panics of agents; the log names the task |
//! | `a2a_agent_long_polls_total` | counter | | times that an agent kept a thread of the runtime busy for 100 ms or longer; the log names the task |
//! | `a2a_agents_overdue_total` | counter | | agents that said nothing for too long, or took too long, and were asked to stop |
//! | `a2a_not_admitted_total` | counter | `full` | requests refused because enough `agents` ran, or enough `commits` waited |
//! | `a2a_webhook_attempts_total` | counter | `outcome` | attempts to deliver to a webhook, of the whole process |
//!
//! `a2a-serve` adds [its own](https://docs.rs/a2a-serve), of the whole process: requests, and those answered with an error.
//!
//! An instance with a [label](crate::ClusterBuilder::label) adds it to all but the last as the label `member`,
//! so that several instances of one process can share a recorder. It is not called `instance`, which a
//! scraper overwrites with the address that it scraped.
//!
//! The latency from a commit to its delivery elsewhere is the sum of `a2a_send_seconds`, the bus's own
//! time, and `a2a_delivery_seconds`. The time in the bus is left out because only two machines' clocks could
//! tell it, and they are never compared here; a commit that the bus lost is not in `a2a_delivery_seconds`
//! but in the repairs and checks.
//!
//! # Spans
//!
//! All are at debug level, with the fields `instance`, `task` and `version` where they apply, and names of the
//! OpenTelemetry conventions where those have one. They never hold what a message, an artifact, a caller or a
//! webhook says.
//!
//! | span | covers | fields |
//! |---|---|---|
//! | `request` | one operation of a caller | `rpc.system`, `rpc.service`, `rpc.method` |
//! | `run` | one agent at work on one turn | |
//! | `commit` | one call of the store that commits | `db.operation.name`, `db.operation.batch.size` |
//! | `send` | one message to watchers | `messaging.system`, `messaging.operation.name`, `messaging.operation.type` |
//! | `deliver` | one message from the bus, handed over | the same, and `from` |
//!
//! # One trace
//!
//! A request's `traceparent` ([W3C Trace Context](https://www.w3.org/TR/trace-context/)) is taken over by the
//! agent that it starts, by its commits, and by the bus messages about them, so `trace_id` is the same at the
//! commit on one instance and at the delivery on another. `span_id` and `parent_span_id` chain them, and
//! `trace_flags` says whether whoever began the trace samples it. A request without one, or with a malformed one, starts no trace.
//! These are plain fields, and no OpenTelemetry library is needed; a layer of `tracing` can export the spans under these ids, as
//! `a2a-node serve --otlp` does.
//!
//! # Readiness
//!
//! [`Cluster::readiness`](crate::Cluster::readiness) judges by the calls that are made anyway: beats, store calls
//! of requests and agents. The store counts as failing once all its calls have failed for
//! [`Config::unready_after`](crate::Config::unready_after), and no more after as long without a failure. An operation that
//! the store denies after it had served this instance makes it unready at once, until the same is answered, or nobody tried
//! it for as long; the log names it, once. The bus is never a reason to be unready; its [state](crate::BusState) stands beside.

mod attempts;
mod catalog;
mod counted;
mod denials;
mod first_event;
mod health;
mod meters;
mod spans;
pub(crate) mod trace;
mod turn_outcome;
mod webhooks;

pub(crate) use attempts::Attempts;
pub(crate) use counted::Counted;
pub(crate) use denials::Denials;
pub(crate) use first_event::FirstEvent;
pub(crate) use health::Health;
pub(crate) use meters::{Full, Meters, TakeOver};
pub(crate) use spans::{commit, delivery, operation, run, sending};
pub use turn_outcome::TurnOutcome;
pub(crate) use webhooks::{Attempt, webhook_attempt};
