//! The error of every reader.

use std::fmt::Display;

/// Why a file is not read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The file is damaged, protected by a password, or of a format that is not supported.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// The file exceeds one of the [`Limits`](crate::Limits).
    #[error("the file is too large: {0}")]
    TooLarge(String),
}

impl ReadError {
    /// Returns the error for a sheet with more than `limit` rows of data.
    pub fn too_many_rows(limit: usize) -> Self {
        Self::TooLarge(format!("it has over {limit} rows; split it into several workbooks"))
    }

    pub(crate) fn unreadable(reason: impl Into<String>) -> Self {
        Self::Unreadable(reason.into())
    }

    pub(crate) fn damaged(reason: impl Display) -> Self {
        Self::unreadable(format!("it is damaged ({reason})"))
    }

    pub(crate) fn protected() -> Self {
        Self::unreadable("it is protected by a password; save it without one")
    }

    pub(crate) fn no_workbook() -> Self {
        Self::unreadable("it is a zip file without a workbook; save it as an Excel workbook (.xlsx)")
    }

    pub(crate) fn binary_workbook() -> Self {
        Self::unreadable("it is an Excel binary workbook (.xlsb); save it as an Excel workbook (.xlsx)")
    }

    pub(crate) fn no_sheet() -> Self {
        Self::unreadable("it has no sheet with cells")
    }

    /// A part or stream that stops before its sheet is complete.
    pub(crate) fn truncated() -> Self {
        Self::unreadable("it ends in the middle of a sheet")
    }

    pub(crate) fn too_many_columns() -> Self {
        Self::TooLarge("it has cells beyond column XFD".to_owned())
    }
}
