//! The report of an import: the JSON document, the table of problems for a terminal, and the workbook of rejected rows.

pub mod description;
pub mod document;
pub mod grid;
mod outcome;
pub mod rejected;
pub mod saved;

pub use document::{Document, EventNotice, ItemView, PlanView, Undelivered};
pub use outcome::undelivered_lines;
