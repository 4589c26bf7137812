//! SQL is written in stores only.

use super::source::{Import, PathUse, SourceFile};
use super::{Violation, allowed, check, sources};

/// Files that speak to PostgreSQL about itself, not about the table of a module.
const EXEMPT: &[(&str, &str)] = &[("src/database.rs", "sets up connections and advisory locks")];

fn is_statement(path: &PathUse) -> bool {
    let (first, rest) = path.segments.split_first().expect("a path has segments");
    let is_query = |name: &String| name.starts_with("query") || name == "raw_sql" || name == "QueryBuilder";
    first == "sqlx" && (rest.iter().any(is_query) || (path.import == Some(Import::Glob) && rest.len() != 1))
}

fn statements(files: &[SourceFile]) -> Vec<Violation> {
    let outside = files.iter().filter(|file| file.path.starts_with("src/") || file.path.starts_with("crates/"));
    let mut found = Vec::new();
    for file in outside.filter(|file| !file.is_called("store")) {
        let written = file.paths.iter().filter(|path| is_statement(path)).map(|path| path.line);
        let Some(line) = written.chain(file.raw_statements.iter().copied()).min() else { continue };
        let message =
            format!("{}:{line}: SQL outside a store: move the statement to store.rs of its module", file.path);
        found.push(Violation { key: file.path.clone(), count: 1, message });
    }
    found
}

#[test]
fn sql_is_in_stores() {
    let mut found = statements(sources());
    for (path, reason) in EXEMPT {
        let is_needed = found.iter().any(|violation| violation.key == *path);
        assert!(is_needed, "{path} ({reason}) contains no SQL any more: remove it from EXEMPT in tests/house/sql.rs");
    }
    found.retain(|violation| EXEMPT.iter().all(|(path, _)| *path != violation.key));
    check("SQL outside a store", &found, allowed::SQL_OUTSIDE_STORES);
}

#[test]
fn statement_is_found_in_every_spelling() {
    let found = |path: &str, text: &str| statements(&super::files_of(&[(path, text)])).len();
    for text in [
        "async fn f() { sqlx::query(\"SELECT 1\").execute(c).await }",
        "async fn f() { sqlx::query_as::<_, (i64,)>(A).fetch_one(c).await }",
        "fn f() { sqlx::query_scalar!(\"SELECT 1\") }",
        "use sqlx::query_as as read;",
        "use sqlx::{PgPool, query_as};",
        "use sqlx::*;",
        "fn f() { let b: sqlx::QueryBuilder<sqlx::Postgres>; }",
        "fn f() { sqlx::raw_sql(A) }",
        "async fn f() { connection.execute(\"VACUUM\").await }",
    ] {
        assert_eq!(found("src/sync/apply.rs", text), 1, "{text}");
        assert_eq!(found("src/sync/store.rs", text) + found("src/sync/store/rows.rs", text), 0, "{text}");
    }
    for text in ["// sqlx::query(A)", "use sqlx::postgres::*;", "fn f() -> sqlx::Result<()> { plan.execute(1) }"] {
        assert_eq!(found("src/sync/apply.rs", text), 0, "{text}");
    }
}
