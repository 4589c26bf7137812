//! All SQL of search: loads the rows of the read model in one snapshot, and the catalogue version.

pub mod changes;
mod load;
pub mod origin;
mod rows;
mod statements;

use sqlx::PgConnection;

pub use self::load::{load, load_shared, load_touched};
use crate::error::Result;

/// The NOTIFY channel for changes of the catalogue.
pub const CHANNEL: &str = "lectern_catalogue";

/// Returns the current catalogue version: the number of changes that were ever logged. Counts those that are still in the
/// log, which takes longer the more there are: who reads the log knows the version already.
pub async fn version(db: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT folded + (SELECT count(*) FROM lectern.search_changes) FROM lectern.catalogue_version",
    )
    .fetch_one(db)
    .await?)
}
