//! What the move did, from its journal and from the archive as it is.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::options::{ARCHIVE, NAME};
use super::shape::SESSIONS;
use super::store;
use crate::error::Result;
use crate::migrate::catalog;
use crate::migrate::moves::hashing::Hashed;
use crate::migrate::moves::receipt::{MoveReceipt, TableReceipt};
use crate::migrate::moves::store as moves_store;

pub async fn receipt(db: &mut PgConnection, took: Duration) -> Result<MoveReceipt> {
    moves_store::hash_settings(db).await?;
    let started = Instant::now();
    let Some(progress) = store::progress(db).await? else { return Ok(MoveReceipt::default()) };
    let (catalog, journal) = (catalog::read(db).await?, progress.journal);
    let mut tables = Vec::new();
    let archive = progress.source.and_then(|oid| moves_store::table_of(&catalog, oid));
    if let (Some(archive), Some(content)) = (archive, journal.before) {
        let columns: Vec<String> = archive.columns.iter().map(|column| column.name.clone()).collect();
        let before = Hashed {
            oid: archive.oid,
            name: journal.name.clone(),
            place: format!("public.{}", journal.name),
            filenode: journal.before_filenode,
            columns: columns.clone(),
            content,
        };
        let content = moves_store::content(db, &archive.sql_name(), &columns).await?;
        let after = Hashed {
            name: archive.name.clone(),
            place: archive.full_name(),
            filenode: archive.filenode,
            content,
            ..before.clone()
        };
        tables.push(TableReceipt::new(NAME, before, Some(after)));
    }
    let sessions = catalog.table("public", "sessions");
    if let (Some(sessions), Some(expected), Some(copied)) = (sessions, journal.expected, journal.copied) {
        let before = Hashed {
            oid: progress.source.unwrap_or_default(),
            name: "sessions".to_owned(),
            place: format!("the rows of {ARCHIVE} as lesson sessions"),
            filenode: journal.before_filenode,
            columns: SESSIONS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            content: expected,
        };
        let after = Hashed {
            oid: sessions.oid,
            place: sessions.full_name(),
            filenode: sessions.filenode,
            content: copied,
            ..before.clone()
        };
        tables.push(TableReceipt::new(NAME, before, Some(after)));
    }
    let parts = parts(journal.copied_seconds, seconds(journal.verified_seconds) + started.elapsed());
    Ok(MoveReceipt {
        name: NAME.to_owned(),
        tables,
        changes: journal.changes,
        notes: journal.problems,
        locked: seconds(journal.locked_seconds),
        parts,
        took,
        ..MoveReceipt::default()
    })
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.max(0.0))
}

/// Returns the time for hashes, and that for the copy where it was made in one pass.
fn parts(copied: f64, verified: Duration) -> Vec<(&'static str, Duration)> {
    let mut parts = vec![("verified_seconds", verified)];
    if copied > 0.0 {
        parts.push(("copied_seconds", seconds(copied)));
    }
    parts
}
