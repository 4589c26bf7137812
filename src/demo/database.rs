//! The database of the demo: checked for other data, then filled with the provider.

use jiff::Timestamp;
use sqlx::PgConnection;

use super::folder::{DemoMarker, Folder};
use super::provider::Provider;
use super::{lessons, local, store};
use crate::database::Database;
use crate::error::{Error, Result};

/// Checks that folder and database are empty or belong to this demo; returns their marker. Writes only the marker of
/// the folder.
///
/// # Errors
/// [`Error::Failed`] when the database contains other data or belongs to a demo of another folder.
pub async fn claim(database: &Database, folder: &Folder, provider: &str, now: Timestamp) -> Result<DemoMarker> {
    let mut db = database.pool.acquire().await?;
    let (in_folder, in_database) = (folder.marker()?, store::marker(&mut db).await?);
    if in_database.is_none() {
        check_no_other_data(&mut db).await?;
    }
    if let Some(other) = in_database.filter(|marker| in_folder.as_ref() != Some(marker)) {
        return Err(Error::Failed(format!(
            "a demo of {} in another data folder filled this database: name that folder with --data-dir, or use another \
             database",
            describe(&other.provider)
        )));
    }
    match in_folder {
        Some(marker) => Ok(marker),
        None => {
            let microseconds = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
            let marker = DemoMarker { provider: provider.to_owned(), first_run: microseconds };
            folder.store_marker(&marker)?;
            Ok(marker)
        }
    }
}

/// Checks that the data folder is empty or belongs to a demo of this provider.
pub fn check_folder(folder: &Folder, provider: &str) -> Result<()> {
    match folder.marker()? {
        Some(marker) if marker.provider != provider => Err(Error::Failed(format!(
            "this data folder contains the demo of {}: choose another one with --data-dir, or delete it with \
             `make clean-data`",
            describe(&marker.provider)
        ))),
        _ => Ok(()),
    }
}

fn describe(provider: &str) -> &'static str {
    if is_of_workbook(provider) { "another timetable" } else { "the sample provider" }
}

fn is_of_workbook(provider: &str) -> bool {
    provider.starts_with("workbook")
}

async fn check_no_other_data(db: &mut PgConnection) -> Result<()> {
    match store::table_with_other_data(db).await? {
        None => Ok(()),
        Some(table) => Err(Error::Failed(format!(
            "the database is not empty and does not belong to a demo (it contains {table}): unset DATABASE_URL and name an \
             unused --data-dir, or name an empty database"
        ))),
    }
}

/// Inserts the provider and the marker in one transaction; returns false if an earlier demo did so.
pub async fn fill(database: &Database, provider: &Provider, marker: &DemoMarker) -> Result<bool> {
    let mut db = database.pool.begin().await?;
    if store::marker(&mut db).await?.is_some() {
        return Ok(false);
    }
    local::fill(&mut db, provider).await?;
    // Who rehearses with their own timetable wants no people.
    if !is_of_workbook(&marker.provider) {
        let today = marker.first_run.to_zoned(jiff::tz::TimeZone::UTC).date();
        lessons::fill(&mut db, today).await?;
    }
    store::store_marker(&mut db, marker).await?;
    db.commit().await?;
    Ok(true)
}
