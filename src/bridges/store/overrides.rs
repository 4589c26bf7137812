//! All SQL on match overrides (`lectern.sync_decisions`).

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::bridges::overrides::{MatchOverride, MatchOverrides, OverrideKind};
use crate::error::{Error, Result};

/// Returns the overrides of an entity.
pub async fn overrides(db: &mut PgConnection, entity: &str) -> Result<MatchOverrides> {
    let rows: Vec<StoredOverride> =
        sqlx::query_as("SELECT decision, local_id, external_id FROM lectern.sync_decisions WHERE entity = $1")
            .bind(entity)
            .fetch_all(db)
            .await?;
    let mut overrides = MatchOverrides::default();
    for row in rows {
        add(&mut overrides, row).map_err(|row| unknown_override(entity, &row))?;
    }
    Ok(overrides)
}

/// Kind, local id and external id.
type StoredOverride = (String, Option<i64>, Option<String>);

/// Adds a stored override. Returns it if this version does not know what it means.
fn add(overrides: &mut MatchOverrides, row: StoredOverride) -> std::result::Result<(), StoredOverride> {
    match (OverrideKind::named(&row.0), row.1, row.2) {
        (Some(OverrideKind::Link), Some(local), Some(external)) => _ = overrides.linked.insert(external, local),
        (Some(OverrideKind::Unlink), Some(local), Some(external)) => _ = overrides.unlinked.insert((local, external)),
        (Some(OverrideKind::Ignore), Some(local), None) => _ = overrides.ignored_local.insert(local),
        (Some(OverrideKind::Ignore), None, Some(external)) => _ = overrides.ignored_remote.insert(external),
        (_, local, external) => return Err((row.0, local, external)),
    }
    Ok(())
}

/// A decision that is misread would link or leave out the wrong records, so nothing is synchronised.
fn unknown_override(entity: &str, (kind, local, external): &StoredOverride) -> Error {
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".into());
    Error::Failed(format!(
        "lectern.sync_decisions has a row for {entity} that this version cannot read (decision \"{kind}\", local_id {}, \
         external_id {}): use the version of Lectern that wrote it, or delete the row",
        or_none(local.map(|id| id.to_string())),
        or_none(external.clone()),
    ))
}

/// Returns the entity name and local id of every record that a user linked.
pub async fn manually_linked(db: &mut PgConnection) -> Result<HashSet<(String, i64)>> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT entity, local_id FROM lectern.sync_decisions WHERE decision = 'link'")
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().collect())
}

/// Deletes the overrides that leave these records out; returns their number.
pub async fn stop_ignoring(
    db: &mut PgConnection,
    entity: &str,
    local: Option<i64>,
    external: Option<&str>,
) -> Result<u64> {
    let deleted = sqlx::query(
        "DELETE FROM lectern.sync_decisions
         WHERE entity = $1 AND decision = 'ignore' AND (local_id = $2 OR external_id = $3)",
    )
    .bind(entity)
    .bind(local)
    .bind(external)
    .execute(db)
    .await?;
    Ok(deleted.rows_affected())
}

/// Stores an override in place of those that it contradicts.
pub async fn save(db: &mut PgConnection, entry: &MatchOverride) -> Result<()> {
    let MatchOverride { entity, kind, local, external } = entry;
    sqlx::query(
        "DELETE FROM lectern.sync_decisions
         WHERE entity = $1 AND CASE decision
             WHEN 'link' THEN CASE WHEN $2 = 'unlink' THEN local_id = $3 AND external_id = $4
                                   ELSE local_id = $3 OR external_id = $4 END
             WHEN 'unlink' THEN $2 = 'link' AND local_id = $3 AND external_id = $4
             ELSE $2 = 'link' AND (local_id = $3 OR external_id = $4) END",
    )
    .bind(entity)
    .bind(kind.name())
    .bind(local)
    .bind(external)
    .execute(&mut *db)
    .await?;
    let records: Vec<(Option<i64>, Option<&str>)> = match kind {
        OverrideKind::Ignore => {
            [(*local, None), (None, external.as_deref())].into_iter().filter(|record| *record != (None, None)).collect()
        }
        OverrideKind::Link | OverrideKind::Unlink => vec![(*local, external.as_deref())],
    };
    let (locals, externals): (Vec<Option<i64>>, Vec<Option<&str>>) = records.into_iter().unzip();
    sqlx::query(
        "INSERT INTO lectern.sync_decisions (entity, decision, local_id, external_id)
         SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(entity)
    .bind(kind.name())
    .bind(locals)
    .bind(externals)
    .execute(db)
    .await?;
    Ok(())
}
