//! All SQL of search: loads the rows of the read model in one snapshot, and the catalogue version.

pub mod changes;
mod copy;
mod load;
pub mod origin;
mod statements;

use sqlx::{PgConnection, PgPool};

pub use self::load::{load, load_shared, load_touched};
use crate::error::Result;

/// The NOTIFY channel for changes of the catalogue.
pub const CHANNEL: &str = "lectern_catalogue";

/// Number of counted transactions above which they are compacted into the sum.
const COMPACT_ABOVE: i64 = 1000;

/// Returns the current catalogue version: the number of committed transactions that changed the catalogue.
pub async fn version(db: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT folded + (SELECT count(*) FROM lectern.catalogue_changes) FROM lectern.catalogue_version",
    )
    .fetch_one(db)
    .await?)
}

/// Compacts counted transactions into the sum, without changing the version.
///
/// Runs only when there are many, or always with `all`. A follower compacts all when it starts, because transaction ids
/// repeat in a restored database.
pub async fn compact_versions(pool: &PgPool, all: bool) -> Result<()> {
    sqlx::query(
        "WITH deleted AS (
             DELETE FROM lectern.catalogue_changes
             WHERE (SELECT count(*) FROM lectern.catalogue_changes) > $1
             RETURNING 1)
         UPDATE lectern.catalogue_version SET folded = folded + (SELECT count(*) FROM deleted)
         WHERE EXISTS (SELECT FROM deleted)",
    )
    .bind(if all { 0 } else { COMPACT_ABOVE })
    .execute(pool)
    .await?;
    Ok(())
}
