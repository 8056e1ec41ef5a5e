//! What people operate a cluster by: the catalogue of metrics, a dashboard made from it, and rules for alarms.

mod catalogue;
mod dashboard;
mod panels;
mod promql;
mod rules;
