//! Lines on two logarithmic axes, where a straight line is a power.

use std::fmt::Write;

use super::{frame, short};

/// One figure's points.
#[derive(Debug)]
pub(in crate::report) struct Line {
    pub(in crate::report) label: String,
    pub(in crate::report) colour: &'static str,
    pub(in crate::report) points: Vec<(f64, f64)>,
}

/// Colours of lines that are ours.
pub(in crate::report) const PALETTE: [&str; 7] =
    ["#1f618d", "#b9770e", "#5dade2", "#1e8449", "#884ea0", "#566573", "#a93226"];
/// The colour of what others do.
pub(in crate::report) const OTHERS: &str = "#d98880";

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 500.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 360.0;

/// Draws the lines, a scale at each point's place, and a legend.
pub(in crate::report) fn draw(title: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = Axis::over(points().map(|(x, _)| *x), LEFT, RIGHT);
    let y = Axis::over(points().map(|(_, y)| *y), BOTTOM, TOP);
    let mut svg = String::new();
    let mut places: Vec<f64> = points().map(|(x, _)| *x).collect();
    places.sort_unstable_by(f64::total_cmp);
    places.dedup();
    for place in places {
        let at = x.at(place);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\" stroke=\"#eeeeee\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{place}</text>",
            BOTTOM + 18.0
        );
    }
    for power in -3..7 {
        let value = 10f64.powi(power);
        if y.contains(value) {
            let at = y.at(value);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\" stroke=\"#cccccc\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                LEFT - 6.0,
                at + 4.0
            );
        }
    }
    for (row, line) in lines.iter().enumerate() {
        let path: Vec<String> =
            line.points.iter().map(|(px, py)| format!("{:.1},{:.1}", x.at(*px), y.at(*py))).collect();
        let (label, colour) = (&line.label, line.colour);
        let legend = TOP + 14.0 + 20.0 * row as f64;
        let last = line.points.last().map_or_else(|| "cuts its streams".to_owned(), |(_, y)| short(*y));
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <rect x=\"514\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"532\" y=\"{legend}\" font-size=\"11\">{label}: {last}</text>",
            path.join(" "),
            legend - 10.0,
        );
    }
    frame(WIDTH, HEIGHT, title, &svg)
}

/// A logarithmic scale between two places.
struct Axis {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::MIN_POSITIVE, f64::max);
        Axis { least: least / 1.2, most: most * 1.2, from, to }
    }

    fn contains(&self, value: f64) -> bool {
        (self.least..=self.most).contains(&value)
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value / self.least).ln() / (self.most / self.least).ln() * (self.to - self.from)
    }
}
