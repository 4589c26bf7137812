//! Under which names the move is recorded in the archive.

pub const NAME: &str = "tutorial-references";

/// Why a value is in the archive.
pub const CREATED: &str = "the row was created";
pub const SET: &str = "the reference was set";
pub const FOUND: &str = "the reference when the text was removed";
pub const REMOVED: &str = "the column was removed";
