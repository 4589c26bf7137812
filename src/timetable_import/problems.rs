//! What can be wrong with a timetable, and where: the codes of the contract, each with its cell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spreadsheet::ReadError;

pub use spreadsheet::{cell_name, column_index, column_name};

/// The contract's codes (contract §3); nothing else is ever reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    MissingHeader,
    MissingValue,
    InvalidValue,
    InvalidDate,
    EndBeforeStart,
    UnknownCourseTemplate,
    UnknownLocation,
    UnknownVenue,
    UnknownInstructor,
    NotApprovedInstructor,
    UnknownProduct,
    NotLinked,
    DuplicateInFile,
    DuplicateEvent,
    ConflictingEvent,
    OrphanSession,
    InvalidDay,
    UnreadableFile,
    TooLarge,
    DoubleBooked,
    ConflictingValue,
    LeftoverSession,
    MissingSession,
    UnknownLabel,
    CancelledSkipped,
    SessionGone,
    UnusedColumn,
    TooFewTemplateSessions,
}

/// Whether a problem refuses its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The block is refused.
    Error,
    /// The block goes in; somebody should look.
    Warning,
}

impl Code {
    /// Whether this code refuses its block or only warns.
    pub fn severity(self) -> Severity {
        match self {
            Self::DuplicateInFile
            | Self::DuplicateEvent
            | Self::DoubleBooked
            | Self::ConflictingValue
            | Self::LeftoverSession
            | Self::MissingSession
            | Self::UnknownLabel
            | Self::CancelledSkipped
            | Self::SessionGone
            | Self::UnusedColumn
            | Self::TooFewTemplateSessions => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// Most characters of a problem's sentence.
const MAX_LENGTH: usize = 600;

/// What is wrong with a value, before it is known where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Which kind of problem.
    pub code: Code,
    /// One sentence: what is wrong and what would be right.
    pub message: String,
    /// Values that were probably meant, best first.
    pub suggestions: Vec<String>,
}

impl Issue {
    /// A flaw without suggestions.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: shortened(message.into()), suggestions: Vec::new() }
    }

    /// The same with what was probably meant.
    pub fn suggesting(mut self, suggestions: Vec<String>) -> Self {
        self.suggestions = suggestions;
        self
    }
}

/// One problem, as the contract's JSON tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// The sheet, null when the file could not be read.
    pub sheet: Option<String>,
    /// The row number that Excel shows.
    pub row: Option<u32>,
    /// The cell as Excel names it, `E4`; null when a header or the file is at fault.
    pub cell: Option<String>,
    /// The title of the event whose block this is.
    pub event: Option<String>,
    /// Whether it refuses the block.
    pub severity: Severity,
    /// Which kind of problem.
    pub code: Code,
    /// One sentence.
    pub message: String,
    /// What was probably meant, best first.
    pub suggestions: Vec<String>,
}

impl ImportProblem {
    /// A problem of the file as a whole.
    pub fn of_file(code: Code, message: impl Into<String>) -> Self {
        Self::at(None, None, None, Issue::new(code, message))
    }

    /// A problem at a place; `cell` is (row, column), the row counted from 1, the column from 0.
    pub fn at(sheet: Option<&str>, row: Option<u32>, cell: Option<(u32, u32)>, flaw: Issue) -> Self {
        Self {
            sheet: sheet.map(str::to_owned),
            row,
            cell: cell.map(|(row, column)| cell_name(row, column)),
            event: None,
            severity: flaw.code.severity(),
            code: flaw.code,
            message: flaw.message,
            suggestions: flaw.suggestions,
        }
    }

    /// Whether it refuses its block.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl From<ReadError> for ImportProblem {
    fn from(error: ReadError) -> Self {
        let code = match error {
            ReadError::Unreadable(_) => Code::UnreadableFile,
            ReadError::TooLarge(_) => Code::TooLarge,
        };
        Self::of_file(code, error.to_string())
    }
}

/// A sentence that a cell's enormous text does not make enormous.
fn shortened(sentence: String) -> String {
    match sentence.char_indices().nth(MAX_LENGTH) {
        Some((at, _)) => format!("{}…", &sentence[..at]),
        None => sentence,
    }
}

/// How often each code occurs, for a summary.
pub fn tally(problems: &[ImportProblem]) -> BTreeMap<Code, usize> {
    let mut counts = BTreeMap::new();
    for problem in problems {
        *counts.entry(problem.code).or_default() += 1;
    }
    counts
}

/// A key that sorts cells of one row from left to right; no cell comes first.
pub(super) fn cell_order(cell: Option<&str>) -> (usize, String) {
    let letters: String = cell.unwrap_or_default().chars().take_while(char::is_ascii_alphabetic).collect();
    (letters.len(), letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_errors_map_to_their_codes() {
        for (error, code) in [
            (ReadError::Unreadable("it is empty".to_owned()), Code::UnreadableFile),
            (ReadError::TooLarge("it has over 9 rows".to_owned()), Code::TooLarge),
        ] {
            let message = error.to_string();
            let problem = ImportProblem::from(error);
            assert_eq!((problem.code, problem.message), (code, message));
        }
    }

    #[test]
    fn codes_are_spelt_as_in_the_contract() {
        let spelt = serde_json::to_string(&Code::NotApprovedInstructor).unwrap_or_default();
        assert_eq!(spelt, "\"not_approved_instructor\"");
    }
}
