//! Replaces the corrections of a dry run and makes its plan again; applies a plan that was shown.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::store::{self, StoredCorrection};
use super::{CellCorrection, MAX_VALUE_CHARS, SheetCorrections, parse_cell};
use crate::error::Error;
use crate::http::problem::{FieldError, FieldErrors, HttpProblem};
use crate::http::state::ServerState;
use crate::identity::Caller;
use crate::jobs::{self, AppliedPlan, Enqueued, JobRun};
use crate::output_file::Existing;
use crate::text::contains_nul;
use crate::timetable_import::job::{IMPORTS, ImportJob, PLAN_CHANGED};
use crate::timetable_import::options::ImportOptions;
use crate::timetable_import::run::{self, ImportRequest};
use crate::timetable_import::upload::{StagedUpload, upload_folder};
use crate::workbook::values;

/// The most corrections of a run.
const MAX_CORRECTIONS: usize = 5000;

/// How long a request waits for a plan that is being made.
const PATIENCE: Duration = Duration::from_secs(15);

/// Interval between two looks at such a plan.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A dry run with its stored file.
#[derive(Debug)]
pub struct PlannedImport {
    pub run: i64,
    /// Name of the file.
    pub name: String,
    pub file: PathBuf,
    pub options: ImportOptions,
}

fn conflict(detail: impl Into<String>) -> HttpProblem {
    HttpProblem::new(StatusCode::CONFLICT, detail)
}

/// Returns a dry run whose file is still stored.
///
/// # Errors
/// 409 for an import that wrote, one that a command ran, and one whose file was deleted.
pub async fn planned_import(state: &ServerState, run: &JobRun) -> Result<PlannedImport, HttpProblem> {
    let only_plans =
        || conflict(format!("run {} is not the plan of an uploaded workbook: upload it with dry_run first", run.id));
    if run.kind != IMPORTS.name || !run.dry_run {
        return Err(only_plans());
    }
    let request = jobs::request_of(&state.pool, run.id).await?.ok_or_else(only_plans)?;
    let ImportJob::Import { file: name, folder, options, .. } = request.request()? else { return Err(only_plans()) };
    let file = upload_folder(&state.config.data_dir, run.id, folder.as_deref()).join(&name);
    if !tokio::fs::try_exists(&file).await.unwrap_or(false) {
        return Err(conflict("the workbook of this plan was deleted after 24 hours: upload it again"));
    }
    Ok(PlannedImport { run: run.id, name, file, options })
}

/// Waits until a plan that is being made has ended, and returns it.
///
/// # Errors
/// 409 when it takes longer than [`PATIENCE`].
async fn ended(state: &ServerState, run: JobRun) -> Result<JobRun, HttpProblem> {
    let (start, mut run) = (Instant::now(), run);
    while run.finished_at.is_none() {
        if start.elapsed() > PATIENCE || !run.requested {
            return Err(conflict(format!(
                "the plan of run {} is still being made: try again when it has ended",
                run.id
            )));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        run = jobs::find(&state.pool, &IMPORTS, run.id)
            .await?
            .ok_or_else(|| HttpProblem::new(StatusCode::NOT_FOUND, "unknown import"))?;
    }
    Ok(run)
}

/// Replaces the corrections of a dry run, makes its plan again, and returns the corrections.
///
/// # Errors
/// 409 unless the run is a dry run whose file is stored; 400 and 422 for corrections that point at no cell.
pub async fn replace(
    state: &ServerState,
    caller: &Caller,
    run: JobRun,
    corrections: Vec<CellCorrection>,
) -> Result<Vec<StoredCorrection>, HttpProblem> {
    let run = ended(state, run).await?;
    let import = planned_import(state, &run).await?;
    let corrections = checked(corrections)?;
    let config = state.config.clone();
    let file = import.file;
    let given = corrections.clone();
    let read = tokio::task::spawn_blocking(move || originals(&file, &config, &given)).await;
    let originals = read.map_err(|error| Error::Failed(format!("reading the workbook was interrupted: {error}")))??;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    store::replace(&mut transaction, run.id, &corrections, &originals, &caller.name).await?;
    if !jobs::repeat(&mut transaction, run.id).await? {
        return Err(conflict("this plan was cancelled or is being made by another request: load it again"));
    }
    transaction.commit().await.map_err(Error::from)?;
    Ok(store::of_run(&state.pool, run.id).await?)
}

/// Checks the form of corrections, and writes the names of cells as Excel does.
fn checked(corrections: Vec<CellCorrection>) -> Result<Vec<CellCorrection>, HttpProblem> {
    let mut errors = FieldErrors::default();
    if corrections.len() > MAX_CORRECTIONS {
        let message =
            format!("more than {MAX_CORRECTIONS} corrections: change the workbook itself and upload it again");
        return Err(unprocessable(FieldError::new("", "invalid_value", message).into()));
    }
    let mut checked: Vec<CellCorrection> = Vec::with_capacity(corrections.len());
    for (at, correction) in corrections.into_iter().enumerate() {
        let Some((row, column)) = parse_cell(&correction.cell) else {
            let message = format!("\"{}\" is not a cell: write one such as E4", correction.cell);
            errors.add(|| FieldError::new(format!("/{at}/cell"), "invalid_value", message));
            continue;
        };
        let cell = spreadsheet::cell_name(row, column);
        if correction.value.chars().count() > MAX_VALUE_CHARS || contains_nul(&correction.value) {
            let message = format!("a cell has at most {MAX_VALUE_CHARS} characters, and not U+0000");
            errors.add(|| FieldError::new(format!("/{at}/value"), "invalid_value", message));
        } else if checked.iter().any(|other| other.cell == cell && other.sheet == correction.sheet) {
            errors.add(|| FieldError::new(format!("/{at}/cell"), "invalid_value", format!("{cell} is given twice")));
        } else {
            checked.push(CellCorrection { cell, ..correction });
        }
    }
    if errors.is_empty() { Ok(checked) } else { Err(unprocessable(errors)) }
}

fn unprocessable(errors: FieldErrors) -> HttpProblem {
    HttpProblem::fields(errors).as_status(StatusCode::UNPROCESSABLE_ENTITY)
}

/// Returns what the file contains at each corrected cell.
fn originals(
    file: &std::path::Path,
    config: &crate::config::Config,
    corrections: &[CellCorrection],
) -> Result<Vec<Option<String>>, HttpProblem> {
    let loaded = run::load(file, config).map_err(|error| conflict(error.to_string()))?;
    let sheet_name = &loaded.timetable.sheet;
    let mut errors = FieldErrors::default();
    for (at, correction) in corrections.iter().enumerate() {
        let is_known = !correction.sheet.is_empty() && sheet_name.starts_with(&correction.sheet);
        if !is_known {
            let message =
                format!("there is no sheet \"{}\" that is imported: it is \"{sheet_name}\"", correction.sheet);
            errors.add(|| FieldError::new(format!("/{at}/sheet"), "invalid_value", message));
        }
    }
    if !errors.is_empty() {
        return Err(unprocessable(errors));
    }
    let places: Vec<(u32, u32)> = corrections.iter().filter_map(|correction| parse_cell(&correction.cell)).collect();
    let rows: Vec<u32> = places.iter().map(|(row, _)| *row).collect();
    let sheet = loaded.rows(&rows).map_err(|error| conflict(error.to_string()))?;
    let original = |(row, column): (u32, u32)| {
        let at = sheet.rows.binary_search_by_key(&row, |row| row.number).ok()?;
        values::display(sheet.rows[at].content(column)?, sheet.since_1904)
    };
    Ok(places.into_iter().map(original).collect())
}

/// Requests the import of a plan that was shown.
///
/// # Errors
/// 409 when the plan is not complete, was applied before, or would be another one now.
pub async fn apply(
    state: &ServerState,
    caller: &Caller,
    run: JobRun,
    key: Option<&str>,
) -> Result<Enqueued, HttpProblem> {
    let run = ended(state, run).await?;
    let import = planned_import(state, &run).await?;
    let digest = run.document.as_ref().and_then(|document| document["plan"]["digest"].as_str());
    let Some(digest) = digest.filter(|_| !run.cancelled).map(str::to_owned) else {
        return Err(conflict(format!("run {} has no plan that could be applied: correct the workbook first", run.id)));
    };
    check_unchanged(state, &import, &digest).await?;
    let staged = stage_copy(state, &import).await?;
    let folder = staged.name().to_owned();
    let options = ImportOptions { dry_run: false, ..import.options };
    let plan = Some(AppliedPlan { run: run.id, digest });
    let job = ImportJob::Import { file: import.name, folder: Some(folder.clone()), plan, options }.job()?;
    let mut transaction = state.pool.begin().await.map_err(Error::from)?;
    let applied = jobs::applied_by(&mut transaction, run.id).await?;
    let enqueued = jobs::enqueue(&mut transaction, caller, &job, key, &[]).await?;
    if let Enqueued::New(import_run) = enqueued {
        // An import that failed wrote nothing.
        if let Some((earlier, exit)) = applied.filter(|(_, exit)| *exit != Some(1)) {
            let state = if exit.is_none() { "is being" } else { "was" };
            return Err(conflict(format!("this plan {state} imported already, as import {earlier}")));
        }
        store::copy(&mut transaction, run.id, import_run).await?;
        staged.move_to(&upload_folder(&state.config.data_dir, import_run, Some(&folder)))?;
        transaction.commit().await.map_err(Error::from)?;
    }
    Ok(enqueued)
}

/// Copies the file of a plan: the import has its own.
async fn stage_copy(state: &ServerState, import: &PlannedImport) -> Result<StagedUpload, HttpProblem> {
    let (data_dir, file, name) = (state.config.data_dir.clone(), import.file.clone(), import.name.clone());
    let copied = tokio::task::spawn_blocking(move || -> Result<StagedUpload, Error> {
        let staged = StagedUpload::new(&data_dir)?;
        staged.copy_from(&file, &name)?;
        Ok(staged)
    });
    let copied = copied.await.map_err(|error| Error::Failed(format!("copying the workbook was interrupted: {error}")));
    Ok(copied.and_then(|copied| copied)?)
}

/// Plans again and compares with what was shown. A plan that takes too long is compared when it is applied.
async fn check_unchanged(state: &ServerState, import: &PlannedImport, digest: &str) -> Result<(), HttpProblem> {
    let corrections = corrections_of(state, import.run).await?;
    let (file, config) = (import.file.clone(), state.config.clone());
    let planned = async {
        let loaded = tokio::task::spawn_blocking(move || run::load_valid(&file, &config, corrections)).await;
        let loaded = loaded.map_err(|error| Error::Failed(format!("reading the workbook was interrupted: {error}")))?;
        let Ok(loaded) = loaded else { return Ok(None) };
        let options = ImportOptions { dry_run: true, ..import.options };
        let request =
            ImportRequest { file: import.file.clone(), options, report: None, existing: Existing::Replace, run: None };
        let stop = CancellationToken::new();
        run::import(&state.pool, &state.config, (&loaded, &request), &stop, |_| true, |_| ()).await.map(Some)
    };
    let Ok(planned) = tokio::time::timeout(PATIENCE, planned).await else { return Ok(()) };
    let planned: Option<String> = planned?.and_then(|result| result.document.plan).map(|plan| plan.digest);
    match planned.as_deref() == Some(digest) {
        true => Ok(()),
        false => Err(conflict(PLAN_CHANGED)),
    }
}

/// Returns the corrections of a run as its file is read with.
///
/// # Errors
/// The database fails.
pub async fn corrections_of(state: &ServerState, run: i64) -> Result<SheetCorrections, Error> {
    let stored = store::of_run(&state.pool, run).await?;
    Ok(SheetCorrections::new(stored.into_iter().map(CellCorrection::from)))
}

/// Returns the stored corrections and one more, as they replace the old ones. "undo" as `None`: takes one back.
pub fn with_change(stored: Vec<StoredCorrection>, sheet: &str, cell: &str, value: Option<&str>) -> Vec<CellCorrection> {
    let mut all: Vec<CellCorrection> = stored.into_iter().map(CellCorrection::from).collect();
    all.retain(|known| known.cell != cell);
    let new = value.map(|value| CellCorrection { sheet: sheet.into(), cell: cell.into(), value: value.into() });
    all.extend(new);
    all
}

/// Returns the document of the corrections of a run.
pub fn document(run: i64, corrections: &[StoredCorrection]) -> Value {
    serde_json::json!({ "run_id": run, "corrections": corrections })
}
