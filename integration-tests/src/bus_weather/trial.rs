//! One scenario after another, and what clients see of each.

use std::sync::Arc;
use std::time::Duration;

use a2a_testworld::weather::ServiceError::{AccessDenied, ServiceUnavailable};
use a2a_testworld::weather::{
    FilterDelay, Meanwhile, Rate, Refusal, SnsWeather, Spread, SqsWeather, Weather,
};
use a2a_testworld::world::Node;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Report;
use super::place::{Place, leave};
use crate::bad_weather::{Callers, Fate};

/// So many tasks clients offer a second, over all instances.
const RATE: f64 = 15.0;

/// Instances in bad weather, and clients of theirs.
#[derive(Debug)]
pub struct Trial {
    place: Place,
    /// What every scenario has.
    usual: Weather,
}

impl Trial {
    /// Begins in a place. `filters`: how many filter policies the topic may have; `late`: how long one takes at most until it
    /// takes effect.
    pub fn begin(place: Place, filters: usize, late: Duration) -> Self {
        let after = Spread::between(Duration::ZERO, late);
        let sns = SnsWeather {
            filter_policies: Some(filters),
            filter_delay: Some(FilterDelay { after, meanwhile: Meanwhile::Nothing }),
            ..SnsWeather::usual()
        };
        let usual = Weather::clear().rates(Rate::documented()).sns(sns).sqs(SqsWeather::usual());
        place.proxy.set(usual.clone());
        Trial { place, usual }
    }

    /// Starts so many instances at once, with clients there from the first moment.
    pub async fn start(&mut self, instances: usize, lasts: Duration) -> Report {
        self.place.proxy.clear_counts();
        self.place.join(instances).await;
        let scene = self.scene("a start of all at once");
        let (mut report, connected) = tokio::join!(scene.play(lasts), self.place.connected());
        report.connected = connected;
        self.judge(report)
    }

    /// Replaces all instances: as many new ones start beside them before they leave.
    pub async fn roll(&mut self, lasts: Duration) -> Report {
        let old = self.place.nodes.len();
        self.place.proxy.clear_counts();
        self.place.join(old).await;
        // While there are twice as many.
        let scene = self.scene("a rolling update at 200 %");
        let (mut report, connected) = tokio::join!(scene.play(lasts), self.place.connected());
        report.connected = connected;
        let leaving = self.place.oldest(old);
        let scene = self.scene(report.name);
        let (after, ()) = tokio::join!(scene.play(lasts), leave(leaving));
        report.done += after.done;
        report.refused += after.refused;
        report.wrong.extend(after.wrong);
        report.unready = report.unready.max(after.unready);
        self.judge(report)
    }

    /// Takes SQS, and SNS, away.
    pub async fn outage(&mut self, lasts: Duration) -> Report {
        let refusal = Refusal::of(ServiceUnavailable).on(["sqs:*", "sns:*"]);
        self.weather("SQS and SNS are away", self.usual.clone().refuse(refusal), lasts).await
    }

    /// Takes the permission to use the topic away, while new instances come.
    pub async fn denied(&mut self, joining: usize, lasts: Duration) -> Report {
        let refusal = Refusal::of(AccessDenied).on(["sns:*"]);
        let weather = self.usual.clone().refuse(refusal);
        self.place.proxy.set(weather.clone());
        self.place.join(joining).await;
        self.weather("no permission to use the topic", weather, lasts).await
    }

    /// Messages come late, twice and in another order, and answers are short and lost.
    pub async fn noise(&mut self, lasts: Duration) -> Report {
        let late = Spread::between(Duration::from_millis(5), Duration::from_millis(800));
        let sqs = SqsWeather {
            delivery: Some(late.with_rare(0.02, Duration::from_secs(20))),
            duplicates: 0.3,
            short_answers: 0.5,
            failed_entries: 0.2,
            ..SqsWeather::usual()
        };
        let sns = SnsWeather { failed_entries: 0.2, ..self.usual.sns.clone() };
        let weather = self.usual.clone().sqs(sqs).sns(sns).resets(0.05).lost_answers(0.05);
        self.weather("messages late, twice, in another order, and lost", weather, lasts).await
    }

    /// Has all leave, in the usual weather.
    pub async fn end(mut self) -> [usize; 2] {
        self.place.proxy.set(Weather::clear());
        let all = self.place.nodes.len();
        leave(self.place.oldest(all)).await;
        self.place.left_over().await
    }

    async fn weather(&mut self, name: &'static str, weather: Weather, lasts: Duration) -> Report {
        self.place.proxy.clear_counts();
        self.place.proxy.set(weather);
        let scene = self.scene(name);
        let mut report = scene.play(lasts).await;
        self.place.proxy.set(self.usual.clone());
        report.connected = self.place.connected().await;
        self.judge(report)
    }

    fn scene(&self, name: &'static str) -> Scene {
        Scene { name, nodes: self.place.nodes.clone() }
    }

    fn judge(&self, mut report: Report) -> Report {
        let moved = |node: &&Arc<Node>| node.cluster.id() != node.first_id;
        report.evicted = self.place.nodes.iter().filter(moved).count();
        report.weather(&self.place.proxy.counts());
        report
    }
}

/// Clients of some instances, and a look at who is ready.
struct Scene {
    name: &'static str,
    nodes: Vec<Arc<Node>>,
}

impl Scene {
    /// Offers tasks for so long, and waits for the end of all.
    async fn play(self, lasts: Duration) -> Report {
        let stop = CancellationToken::new();
        let looking = TaskTracker::new().spawn(unready(self.nodes.clone(), stop.clone()));
        let mut callers = Callers::default();
        callers.offer(&self.nodes, RATE, lasts).await;
        let fates: Vec<Fate> = callers.fates().await;
        stop.cancel();
        let mut report = Report { name: self.name, unready: looking.await.unwrap(), ..Report::default() };
        report.saw(fates);
        report
    }
}

/// The most instances that were not ready at once.
async fn unready(nodes: Vec<Arc<Node>>, stop: CancellationToken) -> usize {
    let (mut most, mut clock) = (0, interval(Duration::from_millis(50)));
    while stop.run_until_cancelled(clock.tick()).await.is_some() {
        most = most.max(nodes.iter().filter(|node| !node.cluster.is_ready()).count());
    }
    most
}
