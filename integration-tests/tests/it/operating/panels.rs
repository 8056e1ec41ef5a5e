//! The panels that answer what an operator asks first.

/// One panel: its title, the unit of its values, what it tells, and its expressions with their legends.
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) unit: &'static str,
    pub(super) tells: String,
    pub(super) shows: Vec<(String, String)>,
}

fn panel(title: &str, unit: &'static str, tells: &str, shows: &[(&str, &str)]) -> Panel {
    let owned = |(expression, legend): &(&str, &str)| ((*expression).to_owned(), (*legend).to_owned());
    Panel { title: title.to_owned(), unit, tells: tells.to_owned(), shows: shows.iter().map(owned).collect() }
}

/// What an operator asks first. `JOB` selects the cluster.
pub(super) fn first() -> Vec<Panel> {
    vec![
        panel(
            "Instances that live",
            "short",
            "Instances whose heartbeats the store took lately, and instances that the bus and the topic reach.",
            &[
                (
                    "count(sum by (instance, member) (rate(a2a_beats_total{JOB}[$__rate_interval])) > 0)",
                    "beat",
                ),
                ("sum(a2a_bus_connected{JOB})", "connected to the bus"),
                ("sum(a2a_bus_reached_by_topic{JOB})", "processes that the topic reaches"),
            ],
        ),
        panel(
            "Agents, of what may run",
            "percentunit",
            "Agents that run, of those that may: of all instances together, and of the fullest. The signal for autoscaling.",
            &[
                ("sum(a2a_agents{JOB}) / sum(a2a_max_agents{JOB})", "all"),
                ("max(a2a_agents{JOB} / a2a_max_agents{JOB})", "the fullest"),
            ],
        ),
        panel(
            "Requests that were not admitted",
            "cps",
            "Requests refused because enough agents ran, or enough commits waited; clients were told to come again.",
            &[("sum by (full) (rate(a2a_not_admitted_total{JOB}[$__rate_interval]))", "{{full}}")],
        ),
        panel(
            "Commits that wait for the store",
            "short",
            "Of all instances together, and of the one with most. They wait while the store is slow, throttles, or is away.",
            &[("sum(a2a_waiting_commits{JOB})", "all"), ("max(a2a_waiting_commits{JOB})", "the most of one")],
        ),
        panel(
            "Attempts at the store that failed",
            "cps",
            "By operation, reason and what was asked: for DynamoDB the limit that throttled, and the table or index.",
            &[(
                "sum by (operation, reason, resource) (rate(a2a_store_attempts_failed_total{JOB}[$__rate_interval]))",
                "{{operation}} {{reason}} {{resource}}",
            )],
        ),
        panel(
            "Age of messages when they are received",
            "s",
            "How long messages were in an instance's queue. Beyond 10 s the scale ends.",
            &[
                (
                    "histogram_quantile(0.5, sum by (le) (rate(a2a_bus_message_age_seconds_bucket{JOB}[$__rate_interval])))",
                    "median",
                ),
                (
                    "histogram_quantile(0.99, sum by (le) (rate(a2a_bus_message_age_seconds_bucket{JOB}[$__rate_interval])))",
                    "99th percentile",
                ),
            ],
        ),
        panel(
            "Webhooks given up, in the last hour",
            "short",
            "Deliveries that were given up. `a2a-node webhooks` lists them and tries them again.",
            &[(r#"sum(increase(a2a_webhook_attempts_total{JOB,outcome="given_up"}[1h]))"#, "given up")],
        ),
        panel(
            "Tasks lost with their instance, in the last hour",
            "short",
            "Tasks that were failed because their executor was lost. The objective is none.",
            &[(r#"sum(increase(a2a_takeovers_total{JOB,outcome="failed"}[1h]))"#, "failed")],
        ),
        panel(
            "Requests answered with an error of ours",
            "percentunit",
            "The part of all requests that counts against availability.",
            &[(
                concat!(
                    r#"sum(rate(a2a_request_errors_total{JOB,code=~"INTERNAL|UNKNOWN|DATA_LOSS|UNAVAILABLE|DEADLINE_EXCEEDED"}[$__rate_interval]))"#,
                    " / sum(rate(a2a_requests_total{JOB}[$__rate_interval]))"
                ),
                "errors",
            )],
        ),
        panel(
            "Time to the first event of a stream",
            "s",
            "From a stream being asked for to its first event.",
            &[
                (
                    "histogram_quantile(0.5, sum by (le) (rate(a2a_first_event_seconds_bucket{JOB}[$__rate_interval])))",
                    "median",
                ),
                (
                    "histogram_quantile(0.99, sum by (le) (rate(a2a_first_event_seconds_bucket{JOB}[$__rate_interval])))",
                    "99th percentile",
                ),
            ],
        ),
    ]
}
