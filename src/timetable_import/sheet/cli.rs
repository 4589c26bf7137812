//! `lectern import template`.

use std::path::Path;

use serde_json::json;

use crate::app::Context;
use crate::error::{Error, Exit, Result};
use crate::output_file::{self, Existing};
use crate::text::shell_word;
use crate::timetable_import::store;

/// Writes an empty timetable.
pub async fn template(context: &Context, file: &Path, existing: Existing) -> Result<Exit> {
    output_file::check(file, existing)?;
    let database = context.database().await?;
    let choices = store::choices(&mut *database.pool.acquire().await?, &context.config).await;
    database.close().await;
    let bytes = super::template::empty(&choices?)
        .map_err(|error| Error::Failed(format!("the workbook cannot be written: {error}")))?;
    output_file::write(file, &bytes, existing)?;
    context.console.notify(format_args!("empty timetable written: {}", file.display()));
    context
        .console
        .notify(format_args!("next: fill it, then lectern import {} --dry-run", shell_word(&file.to_string_lossy())));
    context.console.document(&json!({ "file": file.display().to_string() }))?;
    Ok(Exit::Done)
}
