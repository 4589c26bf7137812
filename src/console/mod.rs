//! Terminal output and input of commands: data on stdout, messages and prompts on stderr.

mod hidden;
mod progress;
pub mod select;
pub mod style;
pub mod table;

use std::fmt::Display;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use indicatif::ProgressBar;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::hidden::HiddenInput;
pub use self::progress::notify;
use self::style::{Stream, written};
use self::table::OutputTable;
use crate::error::{Error, Result, io_sentence};

/// Formats a count with its noun, given in the singular: `1 event`, `2 events`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Creates an empty table: aligned at a terminal, separated by tabs otherwise.
pub fn table<const N: usize>(header: [&str; N]) -> OutputTable {
    OutputTable::new(header)
}

/// Terminal output and input as the global options allow.
#[derive(Debug, Clone)]
pub struct Console {
    /// Print one JSON document on stdout and nothing else.
    pub json: bool,
    /// Whether commands may prompt: at a terminal, without `--no-prompt` and `--json`.
    pub can_prompt: bool,
    /// Whether ids and other details are printed (`--debug`).
    pub verbose: bool,
    /// Whether `--no-prompt` or an equivalent setting was given.
    prompts_disabled: bool,
    stop: CancellationToken,
    was_interrupted: Arc<AtomicBool>,
    /// The first failure to write data to stdout.
    write_error: Arc<OnceLock<std::io::Error>>,
}

impl Console {
    /// Creates a console. Cancelling `stop` ends a prompt that waits for an answer.
    pub fn new(json: bool, prompts_disabled: bool, stop: CancellationToken) -> Self {
        let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let may_ask = is_terminal && !prompts_disabled && !json;
        Console {
            json,
            can_prompt: may_ask,
            verbose: false,
            prompts_disabled,
            stop,
            was_interrupted: Arc::default(),
            write_error: Arc::default(),
        }
    }

    /// Prints ids and other details if `verbose` is true.
    pub fn with_verbose(self, verbose: bool) -> Self {
        Console { verbose, ..self }
    }

    /// Writes a message line to stderr.
    pub fn notify(&self, line: impl Display) {
        notify(line);
    }

    /// Prompts for yes or no. Returns no where prompts are not possible and on Ctrl-C.
    pub async fn prompt_yes_no(&self, question: impl Display) -> bool {
        if !self.can_prompt {
            return false;
        }
        let answer = self.ask(format_args!("{question} [y/N]: ")).await.unwrap_or_default();
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Returns whether to proceed: the user's answer, or yes where `--no-prompt` was given.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no terminal and `--no-prompt` was not given.
    pub async fn confirm(&self, question: impl Display) -> Result<bool> {
        if self.prompts_disabled {
            return Ok(true);
        }
        if !self.can_prompt {
            return Err(Error::Usage(
                "this needs confirmation and there is no terminal: pass --no-prompt to proceed without asking".into(),
            ));
        }
        Ok(self.prompt_yes_no(question).await)
    }

    /// Prompts for yes or no and blocks the thread until the answer.
    pub fn prompt_yes_no_blocking(&self, question: impl Display) -> bool {
        tokio::task::block_in_place(|| Handle::current().block_on(self.prompt_yes_no(question)))
    }

    /// Prompts for a line. Returns an empty line at the end of the input and on Ctrl-C.
    ///
    /// # Errors
    /// [`Error::Failed`] where the answer cannot be read.
    pub fn prompt_line(&self, question: impl Display) -> Result<String> {
        let question = format!("{question}: ");
        let answer = tokio::task::block_in_place(|| Handle::current().block_on(self.ask(question)));
        let answer = answer.map_err(|error| Error::Failed(format!("the answer cannot be read: {error}")))?;
        Ok(answer.trim().to_owned())
    }

    /// Prompts for a secret on the terminal, which does not show what is typed.
    ///
    /// # Errors
    /// [`Error::Usage`] without a terminal; [`Error::Cancelled`] on Ctrl-C.
    pub fn prompt_secret(&self, question: impl Display) -> Result<String> {
        if !self.can_prompt {
            let advice = "there is no terminal to ask for it: pass it with --password-stdin";
            return Err(Error::Usage(format!("{question} is needed, and {advice}")));
        }
        let hidden = HiddenInput::begin();
        let typed = self.prompt_line(question);
        drop(hidden);
        let _ = writeln!(std::io::stderr());
        match typed? {
            _ if self.was_interrupted() => Err(Error::Cancelled),
            typed => Ok(typed),
        }
    }

    /// Prints a question and reads a line from stdin; an empty one when `stop` is cancelled.
    async fn ask(&self, question: impl Display) -> std::io::Result<String> {
        let _ = write!(std::io::stderr(), "{}", written(&question.to_string(), Stream::Err.is_coloured()));
        let (sender, receiver) = oneshot::channel();
        // The thread is not joined: after Ctrl-C it stays blocked until the process exits.
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = sender.send(std::io::stdin().read_line(&mut line).map(|_| line));
        });
        match self.stop.run_until_cancelled(receiver).await {
            Some(Ok(read)) => read,
            Some(Err(_)) | None => {
                let _ = writeln!(std::io::stderr());
                self.was_interrupted.store(true, Ordering::Relaxed);
                Ok(String::new())
            }
        }
    }

    /// Reports whether Ctrl-C ended a prompt. The command then ends with the exit code of an interruption.
    pub fn was_interrupted(&self) -> bool {
        self.was_interrupted.load(Ordering::Relaxed)
    }

    /// Writes data with a line end to stdout; nothing where a JSON document is printed instead.
    pub fn print(&self, text: impl Display) {
        self.print_text(format_args!("{text}\n"));
    }

    /// Writes data to stdout without adding a line end; nothing where a JSON document is printed instead.
    pub fn print_text(&self, text: impl Display) {
        if !self.json {
            self.write(written(&text.to_string(), Stream::Out.is_coloured()));
        }
    }

    /// Writes the command's JSON document to stdout if `--json` was given.
    ///
    /// # Errors
    /// [`Error::Failed`] where the document cannot be serialised. A failure to write is reported at the end.
    pub fn document(&self, document: &impl Serialize) -> Result<()> {
        if self.json {
            // Streamed, because a document can be too large to hold as one text.
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
                let _ = self.write_error.set(error);
            }
        }
        Ok(())
    }

    fn write(&self, text: impl Display) {
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = write!(stdout, "{text}").and_then(|()| stdout.flush()) {
            let _ = self.write_error.set(error);
        }
    }

    /// Checks that all data was written to stdout. A closed pipe (`lectern … | head`) is not a failure.
    ///
    /// # Errors
    /// [`Error::Failed`] where data was not written, e.g. because the disk is full.
    pub fn check_written(&self) -> Result<()> {
        match self.write_error.get() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Error::Failed(format!("the output of this command could not be written: {}", io_sentence(error))))
            }
            _ => Ok(()),
        }
    }

    /// Creates a progress bar. It appears at a terminal when the work takes longer than a second.
    ///
    /// With a total of 0 it is hidden until [`set_total`](Self::set_total).
    pub fn progress(&self, what: &'static str, total: u64) -> ProgressBar {
        progress::bar(what, total)
    }

    /// Sets the total of a progress bar and shows it; a bar with a total of 0 stays hidden.
    pub fn set_total(&self, bar: &ProgressBar, total: u64) {
        bar.set_length(total);
        if total > 0 {
            progress::show(bar);
        }
    }
}
