//! Groups of horizontal bars.

use std::fmt::Write;

use super::{colour, frame, short};
use crate::server::Contender;

/// The bars of one question.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: String,
    /// Without a value: streams were cut.
    pub(super) bars: Vec<(Contender, Option<f64>)>,
}

const WIDTH: f64 = 640.0;
const LEFT: f64 = 150.0;
const LONGEST: f64 = 400.0;
const ROW: f64 = 20.0;

/// Draws groups below each other, each on a scale of its own.
pub(super) fn draw(title: &str, groups: &[Group]) -> String {
    let mut svg = String::new();
    let mut y = 38.0;
    for group in groups {
        let most = group.bars.iter().filter_map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        y += 10.0;
        let _ = writeln!(svg, "<text x=\"12\" y=\"{y}\" font-weight=\"bold\">{}</text>", group.title);
        for (who, value) in &group.bars {
            y += ROW;
            let _ = writeln!(svg, "<text x=\"12\" y=\"{y}\">{}</text>", who.title());
            let length = value.unwrap_or_default() / most * LONGEST;
            let text = value.map_or_else(|| "cuts its streams".to_owned(), short);
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{}\" width=\"{length:.1}\" height=\"14\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{y}\">{text}</text>",
                y - 11.0,
                colour(*who),
                LEFT + length + 6.0,
            );
        }
        y += 18.0;
    }
    frame(WIDTH, y, title, &svg)
}
