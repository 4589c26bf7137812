//! Imports, and the undo of imports, as background jobs requested over HTTP.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::corrections::{SheetCorrections, store};
use super::options::ImportOptions;
use super::plan::ImportPlan;
use super::report::saved::saved_report;
use super::report::{Document, grid};
use super::run::{self, ImportRequest};
use super::undo;
use super::upload::upload_folder;
use crate::config::Config;
use crate::error::{Error, Exit, Result};
use crate::jobs::{AppliedPlan, Job, JobHandler, JobResult, Queue, StoredJob};
use crate::outbox;
use crate::output_file::Existing;
use crate::runs::RunKind;
use crate::workbook::file::name_of;

/// The kind of a run that undoes an import, in `lectern.runs`.
pub const UNDO: &str = RunKind::ImportUndo.as_str();

/// The queue of imports and of undos.
pub static IMPORTS: Queue = Queue {
    name: "import",
    run_kinds: &[RunKind::Import, RunKind::ImportUndo],
    path: "/api/imports",
    subject_key: "file",
};

/// Why a plan is not applied.
pub const PLAN_CHANGED: &str =
    "the plan has changed since it was shown, because Lectern or Administrate has: plan again, then import";

/// A requested job as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ImportJob {
    /// Imports a timetable whose file is stored in the data folder.
    Import {
        /// The name of the file without its folder.
        file: String,
        /// The unpredictable part of the name of the file's folder. Jobs of earlier versions have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        folder: Option<String>,
        /// The plan to apply. None: the plan is made and applied at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<AppliedPlan>,
        #[serde(flatten)]
        options: ImportOptions,
    },
    /// Undoes an import.
    Undo {
        /// The import's run.
        import: i64,
        /// Only plan: write nothing.
        dry_run: bool,
    },
}

impl ImportJob {
    /// Returns the job for the queue.
    ///
    /// # Errors
    /// The request cannot be serialised.
    pub fn job(&self) -> Result<Job> {
        match self {
            ImportJob::Import { file, options, plan, .. } => {
                let request =
                    ImportJob::Import { file: file.clone(), folder: None, plan: plan.clone(), options: *options };
                Job::new(RunKind::Import, file.clone(), options.dry_run, &request)?.stored_as(self)
            }
            ImportJob::Undo { import, dry_run } => Job::new(RunKind::ImportUndo, import.to_string(), *dry_run, self),
        }
    }
}

/// Executes requested imports and undos.
#[derive(Debug)]
pub struct ImportJobs {
    pub pool: PgPool,
    pub config: Arc<Config>,
}

impl JobHandler for ImportJobs {
    const QUEUE: &'static Queue = &IMPORTS;

    async fn run(&self, job: &StoredJob, cancel: CancellationToken) -> Result<JobResult> {
        match job.request()? {
            ImportJob::Import { file, folder, options, plan } => {
                let file = upload_folder(&self.config.data_dir, job.run, folder.as_deref()).join(file);
                self.import(job.run, (file, options), plan.as_ref(), &cancel).await
            }
            ImportJob::Undo { import, dry_run } => self.undo(job.run, import, dry_run, &cancel).await,
        }
    }

    fn empty_document(&self, job: &StoredJob, _reason: &Error) -> Value {
        match job.request() {
            Ok(ImportJob::Import { file, options, .. }) => {
                serde_json::to_value(Document::of_problems(file, options.dry_run, Vec::new()))
                    .unwrap_or_else(|_| json!({}))
            }
            Ok(ImportJob::Undo { import, .. }) => json!({ "undone_run": import }),
            Err(_) => json!({}),
        }
    }

    /// Parks the undelivered effects, so that no worker continues a cancelled import.
    async fn on_cancelled(&self, run: i64) -> Result<()> {
        let reason = format!("the import was cancelled: `lectern import retry {run}` resumes it");
        outbox::park(&self.pool, run, &reason).await?;
        Ok(())
    }

    async fn on_finished(&self, job: &StoredJob) {
        let Ok(ImportJob::Import { folder, options, .. }) = job.request() else { return };
        if options.dry_run && !job.cancelled {
            // Its plan can be corrected and applied for a day; then the sweep removes the file.
            return;
        }
        let folder = upload_folder(&self.config.data_dir, job.run, folder.as_deref());
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
            tracing::debug!(%error, folder = %folder.display(), "an upload could not be removed");
        }
    }
}

impl ImportJobs {
    async fn import(
        &self,
        run: i64,
        (file, options): (PathBuf, ImportOptions),
        plan: Option<&AppliedPlan>,
        cancel: &CancellationToken,
    ) -> Result<JobResult> {
        // Without a path a dry run writes no report; an import chooses the default path itself.
        let report = if options.dry_run { Some(saved_report(&self.config, run)?) } else { None };
        let existing = Existing::Replace;
        let request = ImportRequest { file: file.clone(), options, report, existing, run: Some(run) };
        let config = self.config.clone();
        let corrections = store::of_run(&self.pool, run).await?;
        let corrections = SheetCorrections::new(corrections.into_iter().map(Into::into));
        let loaded = tokio::task::spawn_blocking(move || run::load_valid(&file, &config, corrections)).await;
        let loaded =
            match loaded.map_err(|error| Error::Failed(format!("reading the workbook was interrupted: {error}")))? {
                Ok(loaded) => loaded,
                Err(problems) => {
                    let document = Document::of_problems(name_of(&request.file), options.dry_run, problems);
                    return JobResult::new(&document, Exit::Failed);
                }
            };
        let is_changed = AtomicBool::new(false);
        let confirm = |planned: &ImportPlan| {
            let is_same = plan.is_none_or(|shown| shown.digest == planned.digest());
            is_changed.store(!is_same, Ordering::Relaxed);
            is_same
        };
        let inputs = (&loaded, &request);
        let result = run::import(&self.pool, &self.config, inputs, cancel, confirm, |_| ()).await?;
        if is_changed.load(Ordering::Relaxed) {
            let problems = Document::of_problems(name_of(&request.file), false, Vec::new());
            let mut refused = JobResult::new(&problems, Exit::Failed)?;
            refused.document["error"] = PLAN_CHANGED.into();
            return Ok(refused);
        }
        let mut done = JobResult::new(&result.document, result.exit)?;
        if options.dry_run {
            done.document["grid"] = grid::of(&loaded, &result.document.problems);
        }
        Ok(done)
    }

    async fn undo(&self, run: i64, import: i64, dry_run: bool, cancel: &CancellationToken) -> Result<JobResult> {
        let mut undo = undo::plan(&self.pool, import).await?;
        if !dry_run && undo.refused.is_empty() {
            undo::execute(&self.pool, &self.config, &mut undo, Some(run), cancel, |_| ()).await?;
        }
        JobResult::new(&undo, undo.exit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timetable_import::options::DeliveryMode;

    #[test]
    fn jobs_stored_before_later_options_existed_are_read() {
        let stored = r#"{"kind": "import", "file": "t.xlsx", "dry_run": false, "deliver": "queue"}"#;
        let options = ImportOptions { deliver: DeliveryMode::Queue, ..ImportOptions::default() };
        let import = ImportJob::Import { file: "t.xlsx".into(), folder: None, plan: None, options };
        assert_eq!(serde_json::from_str::<ImportJob>(stored).expect("readable"), import);
    }

    #[test]
    fn stored_form_of_a_job_is_stable() {
        let options = ImportOptions { overwrite_remote: true, ..ImportOptions::default() };
        let import = ImportJob::Import { file: "t.xlsx".into(), folder: None, plan: None, options };
        insta::assert_snapshot!(import.job().expect("JSON").payload.get(), @r#"{"kind":"import","file":"t.xlsx","dry_run":false,"deliver":"wait","publish":false,"delete_drafts":false,"ours":true,"approve_instructors":false,"create_instructors":false}"#);
        let undo = ImportJob::Undo { import: 3, dry_run: true };
        insta::assert_snapshot!(undo.job().expect("JSON").payload.get(), @r#"{"kind":"undo","import":3,"dry_run":true}"#);
    }
}
