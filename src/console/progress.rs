//! Progress bars and lines on stderr. A line is printed above the bars.

use std::fmt::Display;
use std::io::Write;
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::style::{Stream, written};

/// All bars of the process, on stderr.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Writes a message line to stderr.
pub fn notify(line: impl Display) {
    let line = line.to_string();
    let line = written(&line, Stream::Err.is_coloured());
    BARS.suspend(|| {
        let _ = writeln!(std::io::stderr(), "{line}");
    });
}

/// Creates a bar. With a total of 0 it is hidden until [`show`].
pub(super) fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::hidden();
    bar.set_length(total);
    if let Ok(style) = ProgressStyle::with_template("  {msg} {bar:32} {pos}/{len}{pace}") {
        bar.set_style(style.with_key("pace", pace));
    }
    bar.set_message(what);
    if total > 0 {
        show(&bar);
    }
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

/// Shows a bar at a terminal.
pub(super) fn show(bar: &ProgressBar) {
    BARS.add(bar.clone());
}

/// Writes the rate and the remaining time; nothing before the first step, when both are unknown.
fn pace(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    if state.pos() > 0 {
        // A progress bar that cannot be drawn must not stop the work.
        let _ = write!(text, " · {:.1}/s · {:#} left", state.per_sec(), HumanDuration(state.eta()));
    }
}
