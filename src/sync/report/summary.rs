//! The report of `sync all`.

use serde::Serialize;

use super::Report;
use crate::error::Exit;
use crate::sync::entity::Entity;

/// The report of `sync all`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// One entry for each entity, in order.
    pub reports: Vec<SummaryEntry>,
    /// Number of entities that were synchronised.
    pub succeeded: usize,
    /// Number of entities whose sync failed.
    pub failed: usize,
    /// Number of entities that were not attempted.
    pub not_run: usize,
}

/// The entry of one entity in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SummaryEntry {
    Run(Box<Report>),
    /// An earlier failure or a signal stopped the run before this entity.
    NotRun {
        entity: Entity,
        /// Always true; marks the entry in the JSON document.
        not_run: bool,
    },
}

impl Summary {
    /// Returns the summary of the attempted entities. The others of `sync all` are listed as not run.
    pub fn of(reports: Vec<Report>) -> Summary {
        let failed = reports.iter().filter(|report| report.failed()).count();
        let attempted: Vec<Entity> = reports.iter().map(|report| report.entity).collect();
        let mut entries: Vec<SummaryEntry> =
            reports.into_iter().map(|report| SummaryEntry::Run(Box::new(report))).collect();
        let rest = Entity::ALL.into_iter().filter(|entity| !attempted.contains(entity));
        entries.extend(rest.map(|entity| SummaryEntry::NotRun { entity, not_run: true }));
        let not_run = entries.len() - attempted.len();
        Summary { reports: entries, succeeded: attempted.len() - failed, failed, not_run }
    }

    /// Returns the reports of the attempted entities.
    pub fn attempted(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter().filter_map(|entry| match entry {
            SummaryEntry::Run(report) => Some(report.as_ref()),
            SummaryEntry::NotRun { .. } => None,
        })
    }

    /// Returns the reports of the attempted entities for changes.
    pub fn attempted_mut(&mut self) -> impl Iterator<Item = &mut Report> {
        self.reports.iter_mut().filter_map(|entry| match entry {
            SummaryEntry::Run(report) => Some(report.as_mut()),
            SummaryEntry::NotRun { .. } => None,
        })
    }

    /// Returns the exit code of `sync all`: 1 if an entity failed, 4 if one needs attention or was not run.
    pub fn exit(&self) -> Exit {
        if self.failed > 0 {
            return Exit::Failed;
        }
        let worst = self.attempted().map(Report::exit).max().unwrap_or(Exit::Done);
        if self.not_run > 0 { Exit::NeedsAttention } else { worst }
    }
}
