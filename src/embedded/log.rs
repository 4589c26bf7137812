//! The log of the server: a file of bounded size, and the reason why the server ended.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::files::{OpenMode, open_file};

/// Size at which the log is renamed to `postgres.log.1`, in bytes.
const MAX_LOG_BYTES: u64 = 5 * 1024 * 1024;

/// The longest line that is read at once, in bytes.
const MAX_LINE_BYTES: u64 = 8 * 1024;

/// The number of last lines in which the reason is searched.
const LAST_LINES: usize = 40;

/// The last lines of the server.
#[derive(Debug, Clone, Default)]
pub(super) struct LastLines(Arc<Mutex<Vec<String>>>);

impl LastLines {
    /// Returns the reason that the server gave last, if any.
    pub(super) fn reason(&self) -> Option<String> {
        reason_in(&self.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n"))
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LAST_LINES {
            lines.remove(0);
        }
        lines.push(line);
    }
}

/// Writes everything that the server prints to the log, on a thread that ends with the server.
///
/// # Errors
/// When the log cannot be opened.
pub(super) fn follow(output: impl Read + Send + 'static, log: &Path) -> Result<LastLines> {
    let mut log = Log { file: open_file(log, OpenMode::Append)?, path: log.into() };
    let lines = LastLines::default();
    let written = lines.clone();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!((&mut output).take(MAX_LINE_BYTES).read_until(b'\n', &mut line), Ok(1..)) {
            log.write(&line);
            written.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            line.clear();
        }
    });
    Ok(lines)
}

struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Appends to the log. On a full disk the line is lost; the server must go on.
    fn write(&mut self, line: &[u8]) {
        let size = self.file.metadata().map_or(0, |about| about.len());
        if size >= MAX_LOG_BYTES && fs::rename(&self.path, self.path.with_extension("log.1")).is_ok() {
            match open_file(&self.path, OpenMode::Append) {
                Ok(file) => self.file = file,
                Err(error) => tracing::debug!(%error, "the log of the private database is not rotated"),
            }
        }
        let _ = self.file.write_all(line);
    }
}

/// Returns the last error in lines of PostgreSQL's log or of `initdb`, else the last line.
pub(super) fn reason_in(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let after = |line: &&str, mark: &str| line.split_once(mark).map(|(_, reason)| reason.trim().to_owned());
    let last = |mark: &str| lines.iter().rev().find_map(|line| after(line, mark));
    ["PANIC:", "FATAL:", "error:", "ERROR:"].iter().find_map(|mark| last(mark)).or_else(|| {
        // The server is not more specific about lines such as "LOG:  database system was shut down".
        lines.last().map(|line| line.split_once(": ").map_or(*line, |(_, reason)| reason).trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_the_last_error() {
        for (text, expected) in [
            ("", None),
            (
                "2031-01-01 UTC [7] LOG:  starting\n2031-01-01 UTC [7] FATAL:  lock file exists\nHINT: x",
                Some("lock file exists"),
            ),
            (
                "initdb: error: could not create directory: No space left on device\ninitdb: removing",
                Some("could not create directory: No space left on device"),
            ),
            ("creating\nchild process exited", Some("child process exited")),
        ] {
            assert_eq!(reason_in(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn log_is_renamed_when_it_is_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("postgres.log");
        let file = open_file(&path, OpenMode::Append).expect("opened");
        file.set_len(MAX_LOG_BYTES).expect("large");
        follow(&b"one\ntwo\n"[..], &path).expect("followed");
        while fs::read(&path).map_or(0, |bytes| bytes.len()) != 8 {
            std::thread::yield_now();
        }
        assert_eq!(fs::read(&path).expect("the new log"), b"one\ntwo\n");
        let old = fs::metadata(folder.path().join("postgres.log.1")).expect("the old log");
        assert_eq!(old.len(), MAX_LOG_BYTES);
    }
}
