//! How a command speaks: data on stdout, everything said to a person on stderr.

pub mod select;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result, io_sentence};

/// The width of a terminal that says nothing of it, in columns.
const USUAL_WIDTH: u16 = 80;

/// A number of things by the name of one: `1 event`, `2 events`.
pub fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// An empty table in the one style of all tables: a line under the header, as wide as the terminal at the most.
/// Where there is no terminal the lines are as long as they are, for whoever reads them by program.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let style = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    let mut table = Table::new();
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    if table.width() == Some(0) {
        // A terminal that does not know its width, as those of containers and cron.
        table.set_width(USUAL_WIDTH);
    }
    // A space stands between two columns anyhow.
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, u16::from(place + 1 < N)));
    }
    table
}

/// What the global options say about speaking.
#[derive(Debug, Clone)]
pub struct Console {
    /// One JSON document on stdout and nothing else there.
    pub json: bool,
    /// Whether a question may be asked: not forbidden, and somebody sits at a terminal.
    pub may_ask: bool,
    /// Whether ids and other details are printed (`--debug`).
    pub verbose: bool,
    /// Whether `--no-prompt` was given, or its like.
    forbidden: bool,
    stop: CancellationToken,
    /// Why data did not reach stdout, if some did not.
    unwritten: Arc<OnceLock<std::io::Error>>,
}

impl Console {
    /// `forbidden`: `--no-prompt` was given. `stop`: no question waits longer than until it is cancelled.
    pub fn new(json: bool, forbidden: bool, stop: CancellationToken) -> Self {
        let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let may_ask = terminal && !forbidden && !json;
        Console { json, may_ask, verbose: false, forbidden, stop, unwritten: Arc::default() }
    }

    /// Prints ids and other details if `verbose` is true.
    pub fn with_verbose(self, verbose: bool) -> Self {
        Console { verbose, ..self }
    }

    /// Says a line to the person.
    pub fn say(&self, line: impl Display) {
        let _ = writeln!(std::io::stderr(), "{}", strip_control_chars(&line.to_string()));
    }

    /// Asks a question that is answered yes or no; no where nothing may be asked, and where Ctrl-C answers.
    pub async fn ask(&self, question: impl Display) -> bool {
        if !self.may_ask {
            return false;
        }
        let _ = write!(std::io::stderr(), "{} [y/N]: ", strip_control_chars(&question.to_string()));
        let answer = self.typed().await.unwrap_or_default();
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Whether to go on with what is not done unasked: by the answer, or because nobody is to be asked.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is nobody to answer and that was not foreseen.
    pub async fn confirm(&self, question: impl Display) -> Result<bool> {
        if self.forbidden {
            return Ok(true);
        }
        if !self.may_ask {
            return Err(Error::Usage("nobody is here to be asked: add --no-prompt to do it without a question".into()));
        }
        Ok(self.ask(question).await)
    }

    /// As [`ask`](Self::ask), the thread waiting for the answer.
    pub fn ask_and_wait(&self, question: impl Display) -> bool {
        tokio::task::block_in_place(|| Handle::current().block_on(self.ask(question)))
    }

    /// Asks a question that is answered by a line; the end of the input is an empty one, and so is Ctrl-C.
    ///
    /// # Errors
    /// The answer cannot be read.
    pub fn line(&self, question: impl Display) -> Result<String> {
        let _ = write!(std::io::stderr(), "{}: ", strip_control_chars(&question.to_string()));
        let answer = tokio::task::block_in_place(|| Handle::current().block_on(self.typed()));
        let answer = answer.map_err(|error| Error::Failed(format!("the answer cannot be read: {error}")))?;
        Ok(answer.trim().to_owned())
    }

    /// A line from the keyboard.
    async fn typed(&self) -> std::io::Result<String> {
        let (tell, told) = oneshot::channel();
        // Nobody waits for this thread's end: whoever says Ctrl-C leaves the line unread.
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = tell.send(std::io::stdin().read_line(&mut line).map(|_| line));
        });
        match self.stop.run_until_cancelled(told).await {
            Some(Ok(read)) => read,
            Some(Err(_)) | None => {
                let _ = writeln!(std::io::stderr());
                Ok(String::new())
            }
        }
    }

    /// Writes data: text on stdout, unless a JSON document takes its place.
    pub fn print(&self, text: impl Display) {
        self.print_whole(format_args!("{text}\n"));
    }

    /// The same of text that ends its lines itself, and may be none.
    pub fn print_whole(&self, text: impl Display) {
        if !self.json {
            self.write(strip_control_chars(&text.to_string()));
        }
    }

    /// Writes the command's JSON document if that was asked for.
    pub fn document(&self, document: &impl Serialize) -> Result<()> {
        if self.json {
            // Piece by piece: as one text it can be as large as all that it tells of.
            let mut out = BufWriter::new(std::io::stdout().lock());
            let written = match serde_json::to_writer_pretty(&mut out, document) {
                Err(error) if !error.is_io() => {
                    return Err(Error::Failed(format!("the JSON document cannot be written: {error}")));
                }
                written => {
                    written.map_err(std::io::Error::from).and_then(|()| writeln!(out)).and_then(|()| out.flush())
                }
            };
            if let Err(error) = written {
                let _ = self.unwritten.set(error);
            }
        }
        Ok(())
    }

    fn write(&self, text: impl Display) {
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = write!(stdout, "{text}").and_then(|()| stdout.flush()) {
            let _ = self.unwritten.set(error);
        }
    }

    /// Whether all data has reached stdout. A reader that has read enough (`lectern … | head`) is no failure.
    ///
    /// # Errors
    /// It has not: the disk is full, or stdout is closed.
    pub fn written(&self) -> Result<()> {
        match self.unwritten.get() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Error::Failed(format!("what this command printed could not be written: {}", io_sentence(error))))
            }
            _ => Ok(()),
        }
    }

    /// A bar that shows itself on a terminal once the work takes longer than a second, and never elsewhere.
    /// With a total of 0 it waits for [`expect`](Self::expect) to say how much there is.
    pub fn progress(&self, what: &'static str, total: u64) -> ProgressBar {
        let target = if total == 0 { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = "  {msg} {bar:32} {pos}/{len}{pace}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("pace", pace));
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_secs(1));
        bar
    }

    /// Says how much there is to do; a bar of nothing stays away.
    pub fn set_total(&self, bar: &ProgressBar, total: u64) {
        bar.set_length(total);
        if total > 0 {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

/// The text without what would steer a terminal: names come from Administrate and from workbooks, and Lectern itself
/// writes nothing but text and line ends.
fn strip_control_chars(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// How many a second, and how long the rest takes; nothing before the first, when nobody can know.
fn pace(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    if state.pos() > 0 {
        // A bar that cannot be drawn is no reason to end the work.
        let _ = write!(text, " · {:.1}/s · {:#} left", state.per_sec(), HumanDuration(state.eta()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        for (text, expected) in [
            ("Zürich, día 1\n\tnext", "Zürich, día 1\n\tnext"),
            ("red\u{1b}[31m\r\u{7}", "red\u{fffd}[31m\u{fffd}\u{fffd}"),
            ("\u{9b}2J", "\u{fffd}2J"),
        ] {
            assert_eq!(strip_control_chars(text), expected);
        }
    }
}
