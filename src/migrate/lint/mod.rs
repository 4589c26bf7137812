//! Judges SQL of any origin: which statements rewrite a table, or block readers and writers. Pure, without a database.
//!
//! A statement is judged as PostgreSQL 15 and newer execute it, after the statements before it in the same file: a table
//! that the file has created blocks no one, and a lock stays until its transaction ends. What is not known is reported,
//! never taken for safe.

mod alter_table;
mod body;
pub mod cli;
mod column;
mod create;
mod cursor;
mod data;
mod finding;
mod judge;
mod lexer;
mod objects;
#[cfg(test)]
mod own_migrations;
mod state;
mod table_constraint;
#[cfg(test)]
mod tests;
mod transaction;
mod types;

pub use self::finding::{Finding, LintReport, Risk};
use self::judge::Judge;
pub use self::lexer::Unreadable;
use self::state::{KnownObjects, SqlSession};

/// How a file is executed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Execution {
    /// In one transaction, although no BEGIN stands in the file.
    pub in_transaction: bool,
    /// By a program that limits the waits for locks.
    pub has_lock_timeout: bool,
}

/// Judges files that are executed one after the other.
#[derive(Debug, Default)]
pub struct Linter {
    objects: KnownObjects,
}

impl Linter {
    /// Judges for a database that these files have created. They must be readable; one that is not is skipped.
    pub fn after<'a>(files: impl IntoIterator<Item = &'a str>) -> Linter {
        let mut linter = Linter::default();
        for file in files {
            let _ = linter.judge(file, Execution::default());
        }
        linter
    }

    /// Judges the next file.
    ///
    /// # Errors
    /// The line and the reason where a quote or comment does not end.
    pub fn judge(&mut self, sql: &str, execution: Execution) -> Result<LintReport, Unreadable> {
        let mut session =
            if execution.has_lock_timeout { SqlSession::with_lock_timeout() } else { SqlSession::default() };
        if execution.in_transaction {
            session.begin(1, true);
        }
        let mut judge = Judge::new(&mut self.objects, session);
        let ended = judge.text(sql);
        let report = judge.report;
        self.objects.end_file();
        ended.map(|()| report)
    }
}
