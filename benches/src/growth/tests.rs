//! Nothing grows by more than it may, on a small scale.

use super::*;

/// What a figure may exceed its claim by, from the first place to the last.
const GROWTH: f64 = 1.1;

#[test]
fn nothing_grows_by_a_tenth_more_than_claimed() {
    let mut grown = Vec::new();
    for question in &QUESTIONS {
        let curve = question.answer(&Scale::small()).unwrap();
        for figure in curve.figures() {
            let line = curve.line(figure);
            let (Some(first), Some(last)) = (line.first(), line.last()) else { continue };
            let most = first.1 * (last.0 / first.0).powf(curve.claim) * GROWTH;
            if last.1 > most {
                grown.push(format!("{}, {figure}", curve.name));
            }
        }
    }
    assert!(grown.is_empty(), "{grown:?}");
}
