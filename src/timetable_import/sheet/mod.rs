//! Workbooks that Lectern writes.

pub mod template;
pub mod write;
