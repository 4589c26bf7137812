//! The demo's database: nobody else's, at this program's schema, with the provider in it.

use jiff::Timestamp;
use sqlx::PgConnection;

use super::folder::{DemoMarker, Folder};
use super::provider::Provider;
use super::{local, store};
use crate::database::Database;
use crate::error::{Error, Result};

/// Makes sure that folder and database are this demo's or nobody's, and gives their mark. Writes nothing but the
/// folder's mark.
///
/// # Errors
/// Either holds something else.
pub async fn claim(database: &Database, folder: &Folder, provider: &str, now: Timestamp) -> Result<DemoMarker> {
    let mut db = database.pool.acquire().await?;
    let (here, there) = (folder.mark()?, store::mark(&mut db).await?);
    if there.is_none() {
        refuse_somebodys(&mut db).await?;
    }
    if let Some(there) = there.filter(|there| here.as_ref() != Some(there)) {
        return Err(Error::Failed(format!(
            "the database was filled by a demo of {} whose data folder is another one: name that folder with --data-dir, \
             or another database",
            spoken(&there.provider)
        )));
    }
    match here {
        Some(mark) => Ok(mark),
        None => {
            let microseconds = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
            let mark = DemoMarker { provider: provider.to_owned(), first_run: microseconds };
            folder.put_mark(&mark)?;
            Ok(mark)
        }
    }
}

/// Refuses a folder that shows another provider.
pub fn refuse_another(folder: &Folder, provider: &str) -> Result<()> {
    match folder.mark()? {
        Some(mark) if mark.provider != provider => Err(Error::Failed(format!(
            "this data folder holds the demo of {}: choose another with --data-dir, or remove that one \
             with `make clean-data`",
            spoken(&mark.provider)
        ))),
        _ => Ok(()),
    }
}

fn spoken(provider: &str) -> &'static str {
    if provider.starts_with("workbook") { "another timetable" } else { "the made-up provider" }
}

async fn refuse_somebodys(db: &mut PgConnection) -> Result<()> {
    match store::somebodys_table(db).await? {
        None => Ok(()),
        Some(table) => Err(Error::Failed(format!(
            "the database is not empty and no demo made it ({table} is somebody's): the demo needs an empty one; \
             leave DATABASE_URL unset and name an unused --data-dir, or name an empty database"
        ))),
    }
}

/// Brings the provider in, with the mark, all or nothing. Says whether that was still to be done.
pub async fn fill(database: &Database, provider: &Provider, mark: &DemoMarker) -> Result<bool> {
    let mut db = database.pool.begin().await?;
    if store::mark(&mut db).await?.is_some() {
        return Ok(false);
    }
    local::fill(&mut db, provider).await?;
    store::put_mark(&mut db, mark).await?;
    db.commit().await?;
    Ok(true)
}
