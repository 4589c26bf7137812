//! Series as iCalendar text (RFC 5545): lines RRULE, RDATE and EXDATE. Times are wall-clock times of the lessons.

mod read;
mod write;

use std::collections::BTreeSet;

use jiff::civil::Date;

pub use read::read;
pub use write::write;

use super::{LessonFrequency, LessonPattern};

/// The weekdays of RFC 5545, from Monday.
const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// What a text says of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RruleSeries {
    /// None: the text has no rule, only days.
    pub frequency: Option<LessonFrequency>,
    pub pattern: LessonPattern,
    pub until: Option<Date>,
    pub count: Option<u32>,
    pub exceptions: BTreeSet<Date>,
}
