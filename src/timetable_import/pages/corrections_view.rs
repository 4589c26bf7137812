//! Corrections as the pages of a run show them.

use axum::http::StatusCode;

use crate::timetable_import::corrections::store::StoredCorrection;

/// A correction that was not stored, as it was typed.
pub(super) struct RefusedCorrection {
    pub(super) status: StatusCode,
    pub(super) sheet: String,
    pub(super) cell: String,
    pub(super) typed: String,
    /// Why it was refused.
    pub(super) error: String,
}

/// The corrections of a run, and one that was refused.
pub(super) struct Corrections {
    pub(super) stored: Vec<StoredCorrection>,
    pub(super) refused: Option<RefusedCorrection>,
}
