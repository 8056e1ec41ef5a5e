use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    flags: BackendFlags,
}

fn choice(flags: &[&str]) -> Result<Choice, Mismatch> {
    Line::parse_from(["test"].iter().chain(flags)).flags.choice()
}

/// What this build makes of a choice that needs AWS.
fn on_aws(topic_arn: Option<&str>, days: Option<u64>) -> Result<Choice, Mismatch> {
    if cfg!(not(feature = "aws")) {
        return Err(Mismatch::NoAws);
    }
    Ok(Choice::Aws(OnAws {
        table: "t".to_owned(),
        topic_arn: topic_arn.map(str::to_owned),
        queues: QueueFlags::default(),
        task_retention: days.map(|days| Duration::from_secs(days * 24 * 3600)),
        parked_retention: Some(Duration::from_secs(90 * 24 * 3600)),
        commit_spacing: Duration::from_millis(60),
        allow_replicas: false,
    }))
}

#[test]
fn memory_is_the_default_until_there_is_a_table_and_a_topic() {
    assert_eq!(choice(&[]), Ok(Choice::Memory));
    assert_eq!(choice(&["--topic-arn", "arn"]), Ok(Choice::Memory));
    assert_eq!(choice(&["--table", "t"]), on_aws(None, Some(30)));
    assert_eq!(choice(&["--table", "t", "--topic-arn", "arn"]), on_aws(Some("arn"), Some(30)));
}

#[test]
fn what_is_said_counts_more_than_what_is_inferred() {
    assert_eq!(choice(&["--store", "memory", "--table", "t", "--topic-arn", "arn"]), Ok(Choice::Memory));
    assert_eq!(choice(&["--bus", "memory", "--table", "t", "--topic-arn", "arn"]), on_aws(None, Some(30)));
}

#[test]
fn a_bus_between_processes_needs_a_store_that_they_share() {
    assert_eq!(choice(&["--bus", "snssqs", "--topic-arn", "arn"]), Err(Mismatch::NothingShared));
}

#[test]
#[cfg(feature = "aws")]
fn what_is_missing_is_named() {
    assert_eq!(choice(&["--store", "dynamodb"]), Err(Mismatch::NoTable));
    assert_eq!(choice(&["--bus", "snssqs", "--table", "t"]), Err(Mismatch::NoTopic));
}

#[test]
fn finished_tasks_are_kept_for_so_many_days_or_for_ever() {
    let kept = |retention| choice(&["--table", "t", "--task-retention", retention]);
    assert_eq!(kept("7"), on_aws(None, Some(7)));
    assert_eq!(kept("forever"), on_aws(None, None));
    assert_eq!(retention("0.5"), Ok(Retention(Some(Duration::from_secs(12 * 3600)))));
    for wrong in ["0", "-1", "NaN", "inf", "soon", "36501"] {
        assert!(retention(wrong).unwrap_err().contains("number of days"), "{wrong}");
    }
}
