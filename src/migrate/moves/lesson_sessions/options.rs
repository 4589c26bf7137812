//! How the move is applied, and its names.

use std::time::Duration;

pub const NAME: &str = "lesson-sessions";
/// The older table after the move.
pub const ARCHIVE: &str = "lectern.tutor_sessions_archive";
pub const ARCHIVE_TABLE: &str = "tutor_sessions_archive";

/// How the move is applied.
#[derive(Debug, Clone)]
pub struct LessonOptions {
    /// No other program writes: copy in one transaction, under a lock.
    pub offline: bool,
    /// Make an enrolment for each pair of tutor and student without one.
    pub create_enrolments: bool,
    pub batch_rows: i64,
    /// Pause between two batches.
    pub pause: Duration,
}

impl Default for LessonOptions {
    fn default() -> LessonOptions {
        LessonOptions { offline: false, create_enrolments: false, batch_rows: 500, pause: DEFAULT_PAUSE }
    }
}

/// The pause between two batches that leaves room for others.
const DEFAULT_PAUSE: Duration = Duration::from_millis(20);
