//! How figures grow along one axis, and whether they keep to what is claimed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::figures::exponent;

/// The answer to one question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) title: String,
    /// What grows.
    pub(crate) along: String,
    /// The greatest exponent that is claimed: 0 is flat, 1 is linear.
    pub(crate) claim: f64,
    pub(crate) points: Vec<Point>,
}

/// The figures at one place of the axis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) at: u64,
    pub(crate) figures: BTreeMap<String, f64>,
}

impl Point {
    pub(crate) fn new(at: usize, figures: impl IntoIterator<Item = (&'static str, f64)>) -> Self {
        // Three digits behind the point are more than anybody reads.
        let figures = figures.into_iter().map(|(name, value)| (name.to_owned(), (value * 1e3).round() / 1e3));
        Point { at: at as u64, figures: figures.collect() }
    }
}

/// What counted figures may exceed a claim by.
const TOLERANCE: f64 = 0.05;

impl Curve {
    /// The names of the figures.
    pub(crate) fn figures(&self) -> Vec<&str> {
        self.points.first().map_or_else(Vec::new, |point| point.figures.keys().map(String::as_str).collect())
    }

    /// The points of one figure that have a place on logarithmic axes.
    pub(crate) fn line(&self, figure: &str) -> Vec<(f64, f64)> {
        let points =
            self.points.iter().filter_map(|point| Some((point.at as f64, *point.figures.get(figure)?)));
        points.filter(|(x, y)| *x > 0.0 && *y > 0.0).collect()
    }

    /// The exponent of the power that fits a figure best.
    pub(crate) fn exponent(&self, figure: &str) -> Option<f64> {
        let line = self.line(figure);
        (line.len() > 1).then(|| exponent(&line))
    }

    /// The exponent at the far end, where what is small at first shows.
    pub(crate) fn steepness(&self, figure: &str) -> Option<f64> {
        let line = self.line(figure);
        line.len().checked_sub(2).and_then(|from| line.get(from..)).map(exponent)
    }

    /// Whether a figure grows no faster than is claimed, all along and at the far end.
    pub(crate) fn keeps(&self, figure: &str) -> bool {
        let keeps = |exponent: Option<f64>| exponent.is_none_or(|it| it <= self.claim + TOLERANCE);
        keeps(self.exponent(figure)) && keeps(self.steepness(figure))
    }

    /// Prints the figures, and whether they keep to the claim.
    pub(crate) fn print(&self) {
        println!("\n## {}, by {}\n", self.title, self.along);
        print!("{:>22}", self.along);
        let figures = self.figures();
        self.points.iter().for_each(|point| print!(" {:>10}", point.at));
        println!(" {:>9} {:>9}", "exponent", "at end");
        for figure in figures {
            print!("{figure:>22}");
            for point in &self.points {
                print!(" {:>10.3}", point.figures.get(figure).copied().unwrap_or_default());
            }
            let shown = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}"));
            let verdict = if self.keeps(figure) { "" } else { "MISSED" };
            println!(" {:>9} {:>9} {verdict}", shown(self.exponent(figure)), shown(self.steepness(figure)));
        }
    }
}
