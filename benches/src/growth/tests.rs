//! Nothing grows by more than it may, on a small scale.

use super::*;

/// What a figure that is claimed to be flat may grow by, from the least to the most.
const GROWTH: f64 = 1.1;

#[test]
fn nothing_that_is_flat_grows_by_more_than_a_tenth() {
    let mut grown = Vec::new();
    for question in &QUESTIONS {
        let curve = question.answer(&Scale::small()).unwrap();
        for figure in curve.figures() {
            let line = curve.line(figure);
            let (Some(first), Some(last)) = (line.first(), line.last()) else { continue };
            let most = first.1 * (last.0 / first.0).powf(curve.claim) * GROWTH;
            if last.1 > most {
                grown.push(format!("{}, {figure}: {line:?}", curve.name));
            }
        }
    }
    assert!(grown.is_empty(), "{grown:#?}");
}
