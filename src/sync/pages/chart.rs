//! Runs over time as a small chart: one bar for each run, as high as its changes.

use super::list::changes;
use crate::error::Exit;
use crate::jobs::JobRun;
use crate::web::format::{Clock, plural};
use crate::web::run::StateTag;

/// Runs that the chart shows.
pub(super) const MAX_BARS: usize = 40;

/// Size of the chart in its own units.
const WIDTH: i64 = 400;
const HEIGHT: i64 = 60;

/// The chart of an entity.
pub(super) struct RunChart {
    pub bars: Vec<ChartBar>,
    pub width: i64,
    pub height: i64,
    /// The chart in a sentence.
    pub summary: String,
}

/// A run of the chart.
pub(super) struct ChartBar {
    pub run: i64,
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
    /// A class of the stylesheet: `bar-good`, `bar-warn` or `bar-bad`.
    pub kind: &'static str,
    pub label: String,
}

/// Returns the chart of runs, the latest first in `runs` and last in the chart.
pub(super) fn view(runs: &[&JobRun], clock: &Clock) -> RunChart {
    let shown: Vec<&JobRun> = runs.iter().copied().filter(|run| run.finished_at.is_some()).take(MAX_BARS).collect();
    let most = shown.iter().map(|run| changes(run)).max().unwrap_or_default().max(1);
    let step = WIDTH / MAX_BARS as i64;
    const DONE: i32 = Exit::Done as i32;
    const NEEDS_ATTENTION: i32 = Exit::NeedsAttention as i32;
    let bar = |(at, run): (usize, &&JobRun)| {
        let changed = changes(run);
        // A run without changes is still visible.
        let height = 4 + changed * (HEIGHT - 4) / most;
        let started = clock.time(&run.started_at).map(|time| time.text).unwrap_or_default();
        ChartBar {
            run: run.id,
            x: at as i64 * step,
            y: HEIGHT - height,
            width: step - 2,
            height,
            kind: match run.exit_code {
                Some(DONE) => "bar-good",
                Some(NEEDS_ATTENTION) => "bar-warn",
                _ => "bar-bad",
            },
            label: format!("{started}: {}, {}", StateTag::of(run).word, plural(changed, "change")),
        }
    };
    let good = shown.iter().filter(|run| run.exit_code == Some(DONE)).count();
    RunChart {
        bars: shown.iter().rev().enumerate().map(bar).collect(),
        width: WIDTH,
        height: HEIGHT,
        summary: format!("{good} of {} ended without anything to look at", plural(shown.len() as i64, "run")),
    }
}
