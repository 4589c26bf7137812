//! All SQL on `lectern.sync_decisions`.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::entity::Entity;
use super::overrides::{Decision, Decisions, Verdict};
use crate::error::Result;

/// Everything decided about an entity.
pub(super) async fn decisions(db: &mut PgConnection, entity: Entity) -> Result<Decisions> {
    let rows: Vec<(String, Option<i64>, Option<String>)> =
        sqlx::query_as("SELECT decision, local_id, external_id FROM lectern.sync_decisions WHERE entity = $1")
            .bind(entity.name())
            .fetch_all(db)
            .await?;
    let mut decisions = Decisions::default();
    for (verdict, local, external) in rows {
        match (verdict.as_str(), local, external) {
            ("link", Some(local), Some(external)) => _ = decisions.linked.insert(external, local),
            ("unlink", Some(local), Some(external)) => _ = decisions.apart.insert((local, external)),
            (_, Some(local), _) => _ = decisions.ignored_local.insert(local),
            (_, None, Some(external)) => _ = decisions.ignored_remote.insert(external),
            (_, None, None) => {}
        }
    }
    Ok(decisions)
}

/// Our records that a person has linked, of every entity.
pub(super) async fn linked_by_hand(db: &mut PgConnection) -> Result<HashSet<(String, i64)>> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT entity, local_id FROM lectern.sync_decisions WHERE decision = 'link'")
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().collect())
}

/// Keeps a decision in the place of those that it contradicts.
pub(super) async fn decide(db: &mut PgConnection, decision: &Decision) -> Result<()> {
    let Decision { entity, verdict, local, external } = decision;
    sqlx::query(
        "DELETE FROM lectern.sync_decisions
         WHERE entity = $1 AND CASE decision
             WHEN 'link' THEN CASE WHEN $2 = 'unlink' THEN local_id = $3 AND external_id = $4
                                   ELSE local_id = $3 OR external_id = $4 END
             WHEN 'unlink' THEN $2 = 'link' AND local_id = $3 AND external_id = $4
             ELSE $2 = 'link' AND (local_id = $3 OR external_id = $4) END",
    )
    .bind(entity.name())
    .bind(verdict.name())
    .bind(local)
    .bind(external)
    .execute(&mut *db)
    .await?;
    let kept: Vec<(Option<i64>, Option<&str>)> = match verdict {
        Verdict::Ignore => {
            [(*local, None), (None, external.as_deref())].into_iter().filter(|kept| *kept != (None, None)).collect()
        }
        Verdict::Link | Verdict::Unlink => vec![(*local, external.as_deref())],
    };
    let (locals, externals): (Vec<Option<i64>>, Vec<Option<&str>>) = kept.into_iter().unzip();
    sqlx::query(
        "INSERT INTO lectern.sync_decisions (entity, decision, local_id, external_id)
         SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(entity.name())
    .bind(verdict.name())
    .bind(locals)
    .bind(externals)
    .execute(db)
    .await?;
    Ok(())
}
