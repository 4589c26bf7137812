//! All SQL on lessons beyond what their resource reads and writes.

pub mod attendance;
pub mod choices;
pub mod families;
pub mod list;
pub mod occurrences;
pub mod references;
pub mod rights;
pub mod series;
pub mod totals;
pub mod whiteboards;
