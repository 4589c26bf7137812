//! How the plan of an import is shown: what happens to each row, and every value that changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::console::style::{Tone, paint};

/// Width of the words that say what happens to a row.
const WORD_WIDTH: usize = 9;

/// One value that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// The field's name, such as "location" or "day 2: start".
    pub field: String,
    /// The value before the change, None for nothing.
    pub old: Option<String>,
    /// The value after the change, None for nothing.
    pub new: Option<String>,
}

impl fmt::Display for ValueChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "{}: {} → {}", self.field, text(&self.old), text(&self.new))
    }
}

/// The line of a plan about a row, or about the rows that belong together.
#[derive(Clone, Copy, Debug)]
pub struct PlanLine<'a> {
    /// The meaning of the word; None for a plain one.
    pub tone: Option<Tone>,
    /// What happens, in one word.
    pub word: &'a str,
    /// The name of the record.
    pub title: &'a str,
    /// The row number as Excel shows it.
    pub row: u32,
}

impl fmt::Display for PlanLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.tone.map_or_else(|| self.word.to_owned(), |tone| paint(tone, self.word));
        let padding = " ".repeat(WORD_WIDTH.saturating_sub(self.word.len()));
        let title = if self.title.is_empty() { "(no title)" } else { self.title };
        write!(f, "{word}{padding} {title} (row {})", self.row)
    }
}

/// Writes the changed values of a row, each on a line below it. `side` comes before each of them.
pub fn write_changes(f: &mut fmt::Formatter<'_>, side: &str, changes: &[ValueChange]) -> fmt::Result {
    let indent = " ".repeat(WORD_WIDTH + 1);
    changes.iter().try_for_each(|change| write!(f, "\n{indent}{side}{change}"))
}
