//! What documents show of recorded figures, made from the recorded files alone, so that the two never disagree.

use std::path::{Path, PathBuf};

use super::costs::Ledger;
use super::plot::lines;
use super::webhooks::Measured;
use super::{growth, page};
use crate::Error;
use crate::curve::Curve;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where growth is recorded.
pub(crate) fn growth_file() -> PathBuf {
    root().join("benches/results/growth.json")
}

/// Where it is recorded what webhooks cost.
pub(crate) fn webhooks_file() -> PathBuf {
    root().join("benches/results/webhooks.json")
}

/// Returns each file that shows recorded figures of costs and growth, with what shall stand in it.
fn all() -> Result<Vec<(PathBuf, String)>, Error> {
    let ledger: Ledger = read(&root().join("benches/results/ledger.json"))?;
    let curves: Vec<Curve> = read(&growth_file())?;
    let scaling = root().join("docs/scaling.md");
    let text = std::fs::read_to_string(&scaling)?;
    let text = page::with(&text, "costs table", &ledger.table())?;
    let text = page::with(&text, "costs idle", &ledger.idle())?;
    let text = page::with(&text, "growth table", &growth::table(&curves)?)?;
    let webhooks = root().join("docs/webhooks.md");
    let measured: Measured = read(&webhooks_file())?;
    let cost = page::with(&std::fs::read_to_string(&webhooks)?, "webhooks tables", &measured.tables())?;
    let plots = ledger.plots().into_iter().chain(growth::plots(&curves));
    let plots =
        plots.map(|(name, title, lines)| (root().join("docs/plots").join(name), lines::draw(&title, &lines)));
    Ok(plots.chain([(scaling, text), (webhooks, cost)]).collect())
}

/// Writes the plots and tables anew.
pub(crate) fn redraw() -> Result<(), Error> {
    for (path, content) in all()? {
        std::fs::write(path, content)?;
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_and_tables_show_what_is_recorded() {
        for (path, content) in all().unwrap() {
            let shown = std::fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(shown, content, "{}: run `cargo run -p benches -- plot`", path.display());
        }
    }
}
