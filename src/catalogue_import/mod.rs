//! The catalogue as a workbook: an empty one to fill, its import, and the undo of an import.
//!
//! Cells → values or located problems → documents of the resources, in which names have become ids → rows. Everything runs in
//! one transaction: a dry run rolls it back, and what it shows is what an import would do. A row with a problem is
//! rejected, and so are the rows that name it; the others are imported.

mod apply;
pub mod cli;
mod instructors;
mod known;
mod operation;
mod order;
pub mod pages;
mod plan;
mod read;
mod refused;
mod report;
pub mod sheets;
mod store;
mod stored;
mod template;
mod undo;
mod write;
