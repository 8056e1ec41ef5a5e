//! What calls to AWS cost, as the processes count it themselves: their `/metrics`, summed up.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use a2a_testworld::client::http;

use super::cluster::Cluster;
use super::node::Node;

const REQUESTS: &str = "a2a_aws_requests_total";
const UNITS: &str = "a2a_aws_units_total";

/// Counters since the processes started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bill {
    /// Requests, by service and operation.
    pub requests: BTreeMap<String, f64>,
    /// Billed units, by service and kind.
    pub units: BTreeMap<String, f64>,
}

impl Bill {
    /// Reads the counters of all processes that run.
    ///
    /// # Panics
    ///
    /// When one does not answer.
    pub async fn of(cluster: &Cluster) -> Self {
        let mut bill = Bill::default();
        for node in cluster.nodes() {
            bill += Bill::of_node(node).await;
        }
        bill
    }

    /// Reads the counters of one process.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn of_node(node: &Node) -> Self {
        let answer = http().get(format!("http://{}/metrics", node.http())).send().await.unwrap();
        let mut bill = Bill::default();
        bill.add(&answer.text().await.unwrap());
        bill
    }

    /// What was added since an earlier bill, per thousand of something.
    #[must_use]
    pub fn since(&self, earlier: &Self, things: usize) -> Self {
        let less = |now: &BTreeMap<String, f64>, then: &BTreeMap<String, f64>| {
            let grown = |(name, value): (&String, &f64)| {
                let grown = value - then.get(name).copied().unwrap_or_default();
                (grown > 0.0).then(|| (name.clone(), grown * 1000.0 / things.max(1) as f64))
            };
            now.iter().filter_map(grown).collect()
        };
        Bill { requests: less(&self.requests, &earlier.requests), units: less(&self.units, &earlier.units) }
    }

    fn add(&mut self, metrics: &str) {
        for line in metrics.lines() {
            let Some((name, rest)) = line.split_once('{') else { continue };
            let Some((labels, value)) = rest.rsplit_once("} ") else { continue };
            let (sums, second) = match name {
                REQUESTS => (&mut self.requests, "operation"),
                UNITS => (&mut self.units, "kind"),
                _ => continue,
            };
            if let (Some(service), Some(what), Ok(value)) =
                (label(labels, "service"), label(labels, second), value.parse::<f64>())
            {
                *sums.entry(format!("{service} {what}")).or_default() += value;
            }
        }
    }
}

impl AddAssign for Bill {
    fn add_assign(&mut self, more: Self) {
        let add = |sums: &mut BTreeMap<String, f64>, more: BTreeMap<String, f64>| {
            more.into_iter().for_each(|(name, value)| *sums.entry(name).or_default() += value);
        };
        add(&mut self.requests, more.requests);
        add(&mut self.units, more.units);
    }
}

fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_all_processes_are_summed_by_service() {
        let mut bill = Bill::default();
        let line = |value| {
            format!(
                "a2a_aws_units_total{{service=\"dynamodb\",kind=\"write\",member=\"n1\"}} {value}\nother 3\n"
            )
        };
        bill.add(&line(2));
        let before = bill.clone();
        bill.add(&line(3));
        assert_eq!(bill.units["dynamodb write"], 5.0);
        assert_eq!(bill.since(&before, 100).units["dynamodb write"], 30.0);
        assert!(bill.requests.is_empty());
    }
}
