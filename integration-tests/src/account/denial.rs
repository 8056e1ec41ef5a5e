//! For a while policies of topic and queues deny everybody to publish and to send: a cluster without its bus goes on, and is as
//! before when they are lifted. That takes no right to change roles.

use a2a_core::Reach;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::budget::Units;
use super::kills;
use super::phase::Verdict;
use super::stage::Stage;
use super::whose::words;
use crate::processes::{Cluster, Placement, Workload};

const LOOKS_EVERY: Duration = Duration::from_millis(500);
/// The statement that denies.
const SID: &str = "TheTrialDenies";

/// What is played before, while, and after they are denied.
const WORKLOAD: Workload = Workload {
    tasks: 4,
    chunks: 30,
    gap: Duration::from_millis(50),
    watchers: 2,
    placement: Placement::Anywhere,
    patience: Duration::from_secs(120),
};

/// What it costs at most with so many processes, the wait for the topic to reach them included: in 20 minutes each beats 1,200
/// times, and reads who else does.
pub(super) fn cost(nodes: usize) -> Units {
    let waiting = Units { writes: 2_000.0, reads: 4_000.0, publishes: 200.0, messages: 1_000.0 };
    let all = waiting.times(nodes as f64);
    Units { writes: all.writes + 2_000.0, reads: all.reads + 4_000.0, ..all }
}

/// A policy of a topic or a queue.
#[derive(Debug, Clone)]
enum Resource {
    Topic(String),
    Queue(String),
}

/// Denies, plays, allows, and plays again.
pub(super) async fn run(stage: &Stage) -> Verdict {
    let cluster = Box::pin(Cluster::start_on(stage.resources().await, stage.plan())).await;
    let played = Box::pin(play(stage, &cluster)).await;
    stage.budget.add_counters(&cluster.bill().await);
    stage.budget.add_uncounted(kills::AT_THE_END.times(cluster.started() as f64));
    let left = Box::pin(cluster.shutdown()).await;
    if !left.is_nothing() {
        return Err(played.err().into_iter().flatten().chain([format!("left: {left:?}")]).collect());
    }
    played
}

async fn play(stage: &Stage, cluster: &Cluster) -> Verdict {
    let reached = Box::pin(all_reached(stage, cluster)).await?;
    stage.say(&format!("    the topic reaches all processes after {reached:.1} s"));
    let before = policies(stage, cluster).await?;
    for (resource, policy) in &before {
        set(stage, resource, &denying(policy, resource)).await?;
    }
    let denied = is_denied(stage, true).await;
    if !denied && stage.environment.is_aws() {
        allow(stage, &before).await?;
        return Err(vec![format!("what a policy denies was still allowed after {:?}", stage.pace.policies)]);
    }
    let heeded = if denied { "publishing is denied" } else { "this endpoint heeds no policies" };
    stage.say(&format!("    {heeded}"));
    let without = whole(cluster, "without the bus").await;
    allow(stage, &before).await?;
    without?;
    if !is_denied(stage, false).await {
        return Err(vec![format!(
            "publishing was still denied {:?} after it was allowed",
            stage.pace.policies
        )]);
    }
    let reached = Box::pin(all_reached(stage, cluster)).await?;
    whole(cluster, "with the bus again").await?;
    let streams = 2 * WORKLOAD.tasks * (1 + WORKLOAD.watchers);
    Ok(format!("{heeded}; {streams} streams whole; the topic reached all again after {reached:.1} s"))
}

/// Plays a workload; every stream must be whole.
async fn whole(cluster: &Cluster, when: &str) -> Result<(), Vec<String>> {
    let review = Box::pin(async { WORKLOAD.begin(cluster).await.end(cluster).await }).await;
    if review.is_right() {
        return Ok(());
    }
    Err(review.wrong.iter().map(|why| format!("{when}: {why}")).chain([cluster.words()]).collect())
}

/// Waits until all members say that the topic reaches them; tells how many seconds that took.
async fn all_reached(stage: &Stage, cluster: &Cluster) -> Result<f64, Vec<String>> {
    let began = Instant::now();
    loop {
        let members = cluster.resources().members().await;
        let lives: Vec<_> = members.iter().filter(|member| !member.state.is_final()).collect();
        if lives.len() == cluster.nodes().len() && lives.iter().all(|member| member.reach == Reach::Topic) {
            return Ok(began.elapsed().as_secs_f64());
        }
        if began.elapsed() > stage.pace.filters {
            return Err(vec![format!("the topic does not reach all after {:?}", stage.pace.filters)]);
        }
        sleep(LOOKS_EVERY).await;
    }
}

/// The policies of the topic and of all queues, as they are.
async fn policies(stage: &Stage, cluster: &Cluster) -> Result<Vec<(Resource, Value)>, Vec<String>> {
    let topic = stage.topic();
    let asked = stage.environment.sns().get_topic_attributes().topic_arn(topic.to_string()).send();
    let told = Box::pin(asked).await.map_err(|error| vec![words(&error)])?;
    let policy = told.attributes().and_then(|attributes| attributes.get("Policy"));
    let mut found = vec![(Resource::Topic(topic.to_string()), read(policy)?)];
    for url in cluster.resources().leftovers().await.queues {
        let asked = stage.environment.sqs().get_queue_attributes().queue_url(&url);
        let asked = asked.attribute_names(QueueAttributeName::Policy).send();
        let told = Box::pin(asked).await.map_err(|error| vec![words(&error)])?;
        let policy = told.attributes().and_then(|attributes| attributes.get(&QueueAttributeName::Policy));
        found.push((Resource::Queue(url), read(policy)?));
    }
    Ok(found)
}

fn read(policy: Option<&String>) -> Result<Value, Vec<String>> {
    let policy = policy.and_then(|text| serde_json::from_str::<Value>(text).ok());
    policy
        .filter(|policy| policy["Statement"].is_array())
        .ok_or_else(|| vec!["there is no policy".to_owned()])
}

/// A policy, and beside what it says a refusal to all of what its resource is for.
fn denying(policy: &Value, resource: &Resource) -> Value {
    let (action, named) = match resource {
        Resource::Topic(arn) => ("sns:Publish", Some(json!(arn))),
        // A queue's policy names the queue by its ARN, in the statements that are there.
        Resource::Queue(_) => ("sqs:SendMessage", policy.pointer("/Statement/0/Resource").cloned()),
    };
    let deny = json!({ "Sid": SID, "Effect": "Deny", "Principal": "*", "Action": action, "Resource": named });
    let mut policy = policy.clone();
    if let Some(statements) = policy.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.push(deny);
    }
    policy
}

async fn allow(stage: &Stage, before: &[(Resource, Value)]) -> Result<(), Vec<String>> {
    for (resource, policy) in before {
        set(stage, resource, policy).await?;
    }
    Ok(())
}

async fn set(stage: &Stage, resource: &Resource, policy: &Value) -> Result<(), Vec<String>> {
    match resource {
        Resource::Topic(arn) => {
            let set = stage.environment.sns().set_topic_attributes().topic_arn(arn);
            let set = set.attribute_name("Policy").attribute_value(policy.to_string()).send();
            Box::pin(set).await.map(|_| ()).map_err(|error| vec![words(&error)])
        }
        Resource::Queue(url) => {
            let set = stage.environment.sqs().set_queue_attributes().queue_url(url);
            let set = set.attributes(QueueAttributeName::Policy, policy.to_string()).send();
            Box::pin(set).await.map(|_| ()).map_err(|error| vec![words(&error)])
        }
    }
}

/// Publishes what nobody is subscribed to, until that is denied, or until it is not: tells whether it came to that in time.
async fn is_denied(stage: &Stage, wanted: bool) -> bool {
    let (sns, topic) = (stage.environment.sns(), stage.topic().to_string());
    let until = Instant::now() + stage.pace.policies;
    loop {
        let published = Box::pin(sns.publish().topic_arn(&topic).message("trial").send()).await;
        let is_denied = published.is_err_and(|error| {
            error.as_service_error().is_some_and(|error| error.is_authorization_error_exception())
        });
        if is_denied == wanted {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        sleep(LOOKS_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_denies_says_all_that_it_said_before() {
        let arn = "arn:aws:sqs:us-east-1:123456789012:q";
        let before =
            json!({ "Statement": [{ "Sid": "A", "Resource": arn }, { "Sid": "B", "Resource": arn }] });
        let denies = denying(&before, &Resource::Queue("https://sqs/q".to_owned()));
        let statements = denies["Statement"].as_array().unwrap();
        assert_eq!(&statements[..2], before["Statement"].as_array().unwrap());
        assert_eq!(statements[2]["Effect"], "Deny");
        assert_eq!(statements[2]["Action"], "sqs:SendMessage");
        assert_eq!(statements[2]["Resource"], arn);
        let denies = denying(&before, &Resource::Topic("arn:topic".to_owned()));
        assert_eq!(denies["Statement"][2]["Resource"], "arn:topic");
    }
}
