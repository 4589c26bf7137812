//! The options of every import of a workbook.

use std::path::PathBuf;

use crate::output_file::Existing;

/// Options that the imports of timetables and of catalogues share.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WorkbookOptions {
    /// Show the plan and all problems; write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write rejected rows with their problems to this workbook
    #[arg(long, value_name = "FILE.xlsx")]
    pub report: Option<PathBuf>,
    /// Replace the workbook of --report if it exists
    #[arg(long, requires = "report")]
    force: bool,
    /// Execute the plan without asking
    #[arg(long)]
    pub yes: bool,
}

impl WorkbookOptions {
    /// Returns what happens to an existing file at the path of `--report`.
    pub fn existing(&self) -> Existing {
        Existing::of_force(self.force)
    }
}
