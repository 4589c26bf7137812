//! The first page of staff: what needs a person, what comes next, and whether everything works. It changes nothing.

mod clashes;
mod lessons;
pub mod pages;
mod tasks;
