//! Checks that hold on any day after the move.

use serde_json::json;
use sqlx::PgConnection;

use super::options::ARCHIVE;
use super::recognition::NAMES;
use super::{shape, store};
use crate::error::Result;
use crate::migrate::catalog::Catalog;
use crate::migrate::moves::store as moves_store;
use crate::migrate::moves::verify::{Check, sequences};

/// Checks the lesson sessions and the archive.
pub async fn verify(db: &mut PgConnection, catalog: &Catalog) -> Result<Vec<Check>> {
    let Some(sessions) = catalog.table("public", "sessions") else {
        return Ok(vec![Check::new("public.sessions", "27 columns", "nothing")]);
    };
    let problem = shape::sessions_problem(sessions).unwrap_or_else(|| "27 columns".to_owned());
    let mut checks = vec![Check::new("public.sessions", "27 columns", problem)];
    let progress = store::progress(db).await?;
    let is_made = progress.is_some() || !moves_store::was_found_before(db, sessions.oid).await?;
    if is_made {
        for name in NAMES.iter().filter(|name| !name.ends_with("_seq")) {
            let found = sessions.indexes.iter().find(|index| index.name == *name);
            let found = found.map_or("missing", |index| if index.is_valid { "valid" } else { "not valid" });
            checks.push(Check::new(*name, "valid", found));
        }
    }
    let is_completed = progress.as_ref().is_some_and(|progress| !progress.journal.created_indexes.is_empty());
    if is_made && !is_completed {
        let key = sessions.constraints.iter().find(|key| key.columns == ["course_enrollment_id"] && key.kind == "f");
        let found = match key.and_then(|key| key.target.as_ref()) {
            Some(target) => format!("{}.{} ON DELETE {}", target.schema, target.table, target.on_delete),
            None => "missing".to_owned(),
        };
        checks.push(Check::new("foreign key of public.sessions", "public.enrolled_students ON DELETE c", found));
    }
    checks.extend(sequences(db, sessions).await?);
    let Some(progress) = progress else { return Ok(checks) };
    let archive = progress.source.and_then(|oid| moves_store::table_of(catalog, oid));
    if progress.source.is_some() {
        let found = archive.map_or("nothing".to_owned(), super::super::super::catalog::Relation::full_name);
        checks.push(Check::new("archive of the lesson sessions", ARCHIVE, found));
    }
    if let (Some(archive), Some((rows, ids))) = (archive, progress.journal.totals) {
        let (found_rows, found_ids) = store::archive_totals(db, &archive.sql_name()).await?;
        let totals = |rows: i64, ids: &str| json!({ "rows": rows, "sum_of_ids": ids });
        checks.push(Check::new("archived ids", totals(rows, &ids), totals(found_rows, &found_ids)));
    }
    Ok(checks)
}
