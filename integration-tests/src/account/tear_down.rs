//! Everything that a trial has made is removed, by its name: topics with their subscriptions, queues, tables.

use std::collections::BTreeSet;

use tokio::time::{Duration, Instant, sleep};

use super::whose::words;
use crate::backends::Environment;

const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What there is of a trial.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) topics: Vec<String>,
    pub(super) subscriptions: Vec<String>,
    pub(super) queues: Vec<String>,
    pub(super) tables: Vec<String>,
}

impl Left {
    pub(super) fn is_nothing(&self) -> bool {
        *self == Left::default()
    }

    /// How much of what.
    pub(super) fn counts(&self) -> String {
        let Left { topics, subscriptions, queues, tables } = self;
        let [tables, topics, subscriptions, queues] = [tables, topics, subscriptions, queues].map(Vec::len);
        format!("{tables} tables, {topics} topics, {subscriptions} subscriptions, {queues} queues")
    }
}

/// Removes everything whose name begins with `name`, and looks until it has seen nothing of it twice, for what is new may be
/// listed late, or `patience` is over. Tells what there was, and what there is or why it cannot be removed.
pub(super) async fn run(
    environment: &Environment,
    name: &str,
    patience: Duration,
) -> (BTreeSet<String>, Result<Left, String>) {
    let until = Instant::now() + patience;
    let (mut seen, mut seen_nothing) = (BTreeSet::new(), 0);
    loop {
        let found = async {
            let left = look(environment, name).await?;
            let Left { topics, subscriptions, queues, tables } = &left;
            seen.extend([topics, subscriptions, queues, tables].into_iter().flatten().cloned());
            if !left.is_nothing() {
                remove(environment, &left).await?;
            }
            Ok::<_, String>(left)
        };
        let found = Box::pin(found).await;
        seen_nothing = if found.as_ref().is_ok_and(Left::is_nothing) { seen_nothing + 1 } else { 0 };
        if seen_nothing == 2 || Instant::now() >= until {
            return (seen, found);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Removes what there is of a name now, without looking whether it is gone.
pub(super) async fn once(environment: &Environment, name: &str) -> Result<(), String> {
    remove(environment, &look(environment, name).await?).await
}

/// Looks for what has this name. Lists may show for a minute what is gone.
async fn look(environment: &Environment, name: &str) -> Result<Left, String> {
    let begins =
        |text: &str| text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    let mut left = Left::default();
    let (sns, sqs) = (environment.sns(), environment.sqs());

    let mut pages = sns.list_topics().into_paginator().send();
    while let Some(page) = Box::pin(pages.next()).await {
        let page = page.map_err(|error| words(&error))?;
        let arns = page.topics().iter().filter_map(|topic| topic.topic_arn());
        left.topics.extend(arns.filter(|arn| arn.rsplit(':').next().is_some_and(begins)).map(str::to_owned));
    }
    for topic in &left.topics {
        let mut pages = sns.list_subscriptions_by_topic().topic_arn(topic).into_paginator().send();
        while let Some(page) = Box::pin(pages.next()).await {
            let page = match page {
                Ok(page) => page,
                Err(error)
                    if error.as_service_error().is_some_and(|error| error.is_not_found_exception()) =>
                {
                    break;
                }
                Err(error) => return Err(words(&error)),
            };
            let arns = page.subscriptions().iter().filter_map(|one| one.subscription_arn());
            left.subscriptions.extend(arns.filter(|arn| arn.starts_with("arn:")).map(str::to_owned));
        }
    }
    let mut pages = sqs.list_queues().queue_name_prefix(name).max_results(1000).into_paginator().send();
    while let Some(page) = Box::pin(pages.next()).await {
        left.queues.extend(page.map_err(|error| words(&error))?.queue_urls.unwrap_or_default());
    }
    left.queues.retain(|url| url.rsplit('/').next().is_some_and(begins));
    let mut pages = environment.dynamodb().list_tables().into_paginator().send();
    while let Some(page) = Box::pin(pages.next()).await {
        left.tables.extend(page.map_err(|error| words(&error))?.table_names.unwrap_or_default());
    }
    left.tables.retain(|table| begins(table));
    Ok(left)
}

/// Asks for the removal of all of it. What is gone already, or is not ready to be removed, is no error.
async fn remove(environment: &Environment, left: &Left) -> Result<(), String> {
    let (sns, sqs, dynamodb) = (environment.sns(), environment.sqs(), environment.dynamodb());
    for arn in &left.subscriptions {
        match Box::pin(sns.unsubscribe().subscription_arn(arn).send()).await {
            Err(error) if !error.as_service_error().is_some_and(|error| error.is_not_found_exception()) => {
                return Err(words(&error));
            }
            _ => {}
        }
    }
    for arn in &left.topics {
        match Box::pin(sns.delete_topic().topic_arn(arn).send()).await {
            Err(error) if !error.as_service_error().is_some_and(|error| error.is_not_found_exception()) => {
                return Err(words(&error));
            }
            _ => {}
        }
    }
    for url in &left.queues {
        match Box::pin(sqs.delete_queue().queue_url(url).send()).await {
            Err(error) if !error.as_service_error().is_some_and(|error| error.is_queue_does_not_exist()) => {
                return Err(words(&error));
            }
            _ => {}
        }
    }
    for table in &left.tables {
        let deleted = Box::pin(dynamodb.delete_table().table_name(table).send()).await;
        let is_fine = |error: &aws_sdk_dynamodb::operation::delete_table::DeleteTableError| {
            // One that is being made or removed is in use.
            error.is_resource_not_found_exception() || error.is_resource_in_use_exception()
        };
        if let Err(error) = deleted
            && !error.as_service_error().is_some_and(is_fine)
        {
            return Err(words(&error));
        }
    }
    Ok(())
}
