//! Requests that write: decided before they are passed on, charged after.

use futures::future::join_all;
use serde_json::{Map, Value, json};

use super::capacity;
use super::dice::Draws;
use super::endpoint::{Head, Said};
use super::line::Line;
use super::plan::Plan;
use super::sky::Reserved;
use super::station::{Station, body_from, changed, whole};
use super::wire::{self, Answer, Throttled};
use super::writes;

impl Station {
    /// Handles a request that writes items.
    pub(super) async fn write(
        &self,
        operation: &str,
        head: &Head,
        mut request: Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        let Some(mut plans) = self.plans(operation, head, &request).await else {
            // Not understood, or no such table: the endpoint knows what to say.
            let said = self.pass(head, body_from(&request)).await?;
            self.failed_unless_ok(operation, &said);
            return Some(whole(said));
        };
        if let [plan] = plans.as_slice()
            && matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem")
            && let Some(reason) = self.sky.exceeded(&plan.table_line(1.0), |line| arn(&plans, line))
        {
            // Where the table itself has nothing left, nobody needs to know the item.
            return Some(self.throttle(operation, &plans, &[vec![reason]], 1.0, draws));
        }
        let _held =
            self.locks.hold(plans.iter().map(|plan| (plan.table.as_str(), plan.identity.as_str()))).await;
        self.look(head, &mut plans).await;
        let factor = if operation == "TransactWriteItems" { 2.0 } else { 1.0 };
        let groups: Vec<Vec<Line>> = plans.iter().map(|plan| plan.lines(factor)).collect();
        let batch = operation == "BatchWriteItem";
        let (throttled, reserved) = self.sky.admit(&groups, !batch, |line| arn(&plans, line));
        let mut unprocessed = Vec::new();
        if throttled.iter().any(|reasons| !reasons.is_empty()) {
            if !batch || throttled.iter().all(|reasons| !reasons.is_empty()) {
                return Some(self.throttle(operation, &plans, &throttled, factor, draws));
            }
            unprocessed = leave_out(&mut request, &throttled)?;
            let mut passes = throttled.iter().map(Vec::is_empty);
            plans.retain(|_| passes.next().unwrap_or(true));
        }
        let pending: Vec<_> = plans.iter().map(|plan| self.sky.hide(plan)).collect();
        let wanted = capacity::ask(&mut request);
        let said = self.pass(head, body_from(&request)).await;
        let applied = said.as_ref().is_some_and(|said| said.status.is_success());
        self.bill(operation, head, &mut plans, said.as_ref(), reserved, factor).await;
        for (plan, pending) in plans.iter().zip(pending) {
            self.sky.reveal(plan, pending, applied, draws);
        }
        let said = said?;
        let Some(mut answer) = said.json().filter(|_| applied) else { return Some(whole(said)) };
        capacity::strip(&mut answer, wanted);
        self.sky.count(|counts| {
            counts.outcome(operation, |of| of.items_unprocessed += unprocessed.len() as u64);
        });
        put_back(&mut answer, unprocessed);
        Some(changed(said, &answer))
    }

    async fn plans(&self, operation: &str, head: &Head, request: &Map<String, Value>) -> Option<Vec<Plan>> {
        let mut plans = Vec::new();
        for write in writes::of(operation, request)? {
            let schema = self.endpoint.schema(head, &write.table).await?;
            plans.push(Plan::new(write, schema)?);
        }
        Some(plans)
    }

    /// Reads the items as they are before the write.
    async fn look(&self, head: &Head, plans: &mut [Plan]) {
        let looks = plans.iter().map(|plan| self.endpoint.item(head, &plan.table, &plan.key));
        let found = join_all(looks).await;
        plans.iter_mut().zip(found).for_each(|(plan, before)| plan.found(before));
    }

    /// Says that a request is throttled. A transaction is cancelled, and its innocent actions cost what they would have:
    /// they were prepared.
    fn throttle(
        &self,
        operation: &str,
        plans: &[Plan],
        throttled: &[Vec<Throttled>],
        factor: f64,
        draws: &Draws,
    ) -> Answer {
        let error = self.sky.throttling(draws);
        if operation != "TransactWriteItems" {
            self.sky.count(|counts| counts.outcome(operation, |of| of.throttled += 1));
            let mut reasons: Vec<Throttled> = Vec::new();
            throttled.iter().flatten().for_each(|one| {
                if !reasons.contains(one) {
                    reasons.push(one.clone())
                }
            });
            return wire::throttled(error, &reasons);
        }
        self.sky.count(|counts| counts.outcome(operation, |of| of.cancelled += 1));
        let innocent = plans.iter().zip(throttled).filter(|(_, reasons)| reasons.is_empty());
        let lines: Vec<Line> = innocent.map(|(plan, _)| plan.table_line(factor)).collect();
        self.sky.charge(Reserved::default(), &lines);
        let code = |reasons: &Vec<Throttled>| (!reasons.is_empty()).then_some("ThrottlingError");
        wire::cancelled(&throttled.iter().map(code).collect::<Vec<_>>())
    }

    /// Charges what a request cost, whatever became of it.
    async fn bill(
        &self,
        operation: &str,
        head: &Head,
        plans: &mut [Plan],
        said: Option<&Said>,
        reserved: Reserved,
        factor: f64,
    ) {
        let answer = said.and_then(Said::json).unwrap_or_default();
        if said.is_some_and(|said| said.status.is_success()) {
            let mut touched: Vec<Line> = plans.iter().flat_map(Plan::touched).collect();
            for plan in plans.iter_mut().filter(|plan| plan.change.is_update()) {
                plan.after = self.endpoint.item(head, &plan.table, &plan.key).await;
            }
            touched.extend(plans.iter().flat_map(Plan::touched));
            let mut lines: Vec<Line> = plans.iter().flat_map(|plan| plan.lines(factor)).collect();
            capacity::agree(&mut lines, &capacity::read(&answer), &touched);
            self.sky.charge(reserved, &lines);
            return;
        }
        let name = answer.get("__type").map(|kind| json!({ "__type": kind }));
        let name = name.as_ref().and_then(wire::error_name).unwrap_or_default();
        let refused = match name {
            "ConditionalCheckFailedException" | "TransactionCanceledException" => {
                plans.iter().map(|plan| plan.table_line(factor)).collect()
            }
            _ => Vec::new(),
        };
        self.sky.charge(reserved, &refused);
        self.sky.count(|counts| {
            counts.outcome(operation, |of| match name {
                "ConditionalCheckFailedException" => of.conditions_failed += 1,
                "TransactionCanceledException" => of.cancelled += 1,
                _ => of.failed += 1,
            });
        });
    }
}

/// The ARN of what a line names.
fn arn(plans: &[Plan], line: &Line) -> String {
    let schema = plans.iter().find(|plan| plan.table == line.table).map(|plan| &plan.schema);
    let index = |name: &String| schema.and_then(|schema| schema.index(name)).map(|index| index.arn.clone());
    match &line.index {
        Some(name) => index(name).unwrap_or_default(),
        None => schema.map(|schema| schema.arn.clone()).unwrap_or_default(),
    }
}

/// Takes the writes out of a batch that are throttled, and returns them with the names of their tables.
fn leave_out(request: &mut Map<String, Value>, throttled: &[Vec<Throttled>]) -> Option<Vec<(String, Value)>> {
    let mut left_out = Vec::new();
    let mut throttled = throttled.iter();
    let tables = request.get_mut("RequestItems")?.as_object_mut()?;
    for (table, requests) in tables.iter_mut() {
        requests.as_array_mut()?.retain(|one| {
            let passes = throttled.next().is_none_or(Vec::is_empty);
            if !passes {
                left_out.push((table.clone(), one.clone()));
            }
            passes
        });
    }
    tables.retain(|_, requests| requests.as_array().is_some_and(|requests| !requests.is_empty()));
    Some(left_out)
}

fn put_back(answer: &mut Map<String, Value>, unprocessed: Vec<(String, Value)>) {
    for (table, one) in unprocessed {
        let tables = answer.entry("UnprocessedItems").or_insert_with(|| json!({}));
        if let Some(list) =
            tables.as_object_mut().map(|tables| tables.entry(table).or_insert_with(|| json!([])))
            && let Some(list) = list.as_array_mut()
        {
            list.push(one);
        }
    }
}
