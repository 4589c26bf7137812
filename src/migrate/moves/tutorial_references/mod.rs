//! The move `tutorial-references`: reference data of `adm` is copied to `acted.tutorial_*`, texts become references, and the
//! columns that held them go. Nothing is guessed: what does not have one meaning stays null, is reported, and stays in
//! `lectern.archive`.

mod copy;
mod matching;
mod removed;
mod store;
mod texts;
mod undo;

use std::time::Instant;

use sqlx::PgConnection;

use self::removed::{Removed, event_instructors};
use super::change::{Class, Inverse};
use super::compat_views;
use super::hashing::{Hashed, Which, contents, hash};
use super::receipt::{MoveReceipt, TableReceipt};
use super::store as records;
use super::survey::refuse;
use crate::error::Result;
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{self, Catalog, Relation, quote};

pub(super) use self::undo::{restore_column, undo_rows};

pub const NAME: &str = "tutorial-references";

/// What the move would do, read from the catalogue.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct ReferencesPlan {
    /// Each table with the columns that go, as `acted.tutorial_events` and `venue`.
    pub removed: Vec<(String, String)>,
    pub conflicts: Vec<String>,
}

impl ReferencesPlan {
    pub fn new(catalog: &Catalog) -> ReferencesPlan {
        let columns = removed::columns(catalog);
        let mut removed: Vec<(String, String)> =
            columns.iter().map(|column| (column.source(), column.column.name.clone())).collect();
        if let Some(table) = event_instructors(catalog) {
            removed.push((table.full_name(), String::new()));
        }
        ReferencesPlan { removed, conflicts: removed::conflicts(&columns) }
    }

    /// Reports whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty()
    }
}

/// Applies the move. Returns what was done, and what was not carried over.
pub async fn tutorial_references(attempts: &Attempts<'_>) -> Result<MoveReceipt> {
    let started = Instant::now();
    let plan = attempts.transaction(async |db| Ok(ReferencesPlan::new(&catalog::read(db).await?))).await?;
    if plan.is_empty() {
        return Ok(MoveReceipt { name: NAME.to_owned(), ..MoveReceipt::default() });
    }
    let before = attempts.transaction(contents_before).await?;
    let (changes, problems, locked) = attempts.transaction(async |db| apply_in(db).await).await?;
    attempts.has_changed.store(true, std::sync::atomic::Ordering::Relaxed);
    let after = attempts.transaction(async |db| contents(db, &Which::Same(&before)).await).await?;
    Ok(MoveReceipt {
        name: NAME.to_owned(),
        tables: TableReceipt::pairs(NAME, &before, &after),
        changes,
        problems,
        locked,
        took: started.elapsed(),
    })
}

/// Changes, problems, and how long the locks were held.
type Done = (Vec<String>, Vec<String>, std::time::Duration);

/// References that the move sets.
const REFERENCES: &[&str] = &[
    "venue_id",
    "location_id",
    "tutorial_course_template_id",
    "tutorial_location_id",
    "tutorial_venue_id",
    "tutorial_instructor_id",
];

/// Hashes what the move leaves as it is: the columns that neither go nor are set.
async fn contents_before(db: &mut PgConnection) -> Result<Vec<Hashed>> {
    super::store::hash_settings(db).await?;
    let catalog = catalog::read(db).await?;
    let removed = removed::columns(&catalog);
    let goes = |oid: i64, name: &str| removed.iter().any(|gone| gone.table.oid == oid && gone.column.name == name);
    let chosen = |table: &Relation| {
        let is_changed = removed.iter().any(|gone| gone.table.oid == table.oid);
        let is_set = |name: &str| REFERENCES.contains(&name) && !(table.name == "venues" && name == "location_id");
        let names = table.columns.iter().map(|column| column.name.clone());
        is_changed.then(|| names.filter(|name| !goes(table.oid, name) && !is_set(name)).collect())
    };
    hash(db, &catalog, chosen).await
}

async fn apply_in(db: &mut PgConnection) -> Result<Done> {
    let catalog = catalog::read(db).await?;
    let columns = removed::columns(&catalog);
    refuse(&removed::conflicts(&columns))?;
    let started = Instant::now();
    let triggers = lock(db, &catalog, &columns).await?;
    let has = |table: &str, column: &str| {
        columns.iter().any(|removed| removed.table.name == table && removed.column.name == column)
    };
    let mut report = Report::default();
    copy::reference_data(db, &has, &mut report).await?;
    texts::resolve(db, &has, &mut report).await?;
    texts::instructors(db, &has, event_instructors(&catalog).is_some()).await?;
    let mut inverses = vec![Inverse::Rows];
    for column in &columns {
        // A column that another one has replaced holds nothing more.
        if column.column.name != "exam_session_subject_product_variation_id" {
            store::keep_column(db, &column.source(), &column.column.name).await?;
        }
    }
    // The trigger comes back after the columns.
    let mut last = remove(db, &catalog, &columns, &triggers).await?;
    inverses.append(&mut last);
    inverses.extend(columns.iter().flat_map(Removed::inverses));
    records::record(db, NAME, &inverses).await?;
    let mut changes: Vec<String> = report.changes;
    changes.extend(columns.iter().map(|column| format!("remove column {} of {}", column.column.name, column.source())));
    Ok((changes, report.problems, started.elapsed()))
}

/// What the move says about its rows.
#[derive(Debug, Default)]
struct Report {
    changes: Vec<String>,
    problems: Vec<String>,
}

/// Keeps writers out of the tables that change, and stops the triggers that would change more of their rows. Returns the
/// stopped triggers with their tables.
async fn lock(db: &mut PgConnection, catalog: &Catalog, columns: &[Removed<'_>]) -> Result<Vec<(String, String)>> {
    let others = ["tutorial_course_templates", "tutorial_locations", "tutorial_venues", "tutorial_instructors"];
    let mut names: Vec<String> = columns.iter().map(|column| column.table.sql_name()).collect();
    names.extend(
        ["tutorial_events", "tutorial_sessions"].iter().chain(&others).map(|name| format!("\"acted\".{}", quote(name))),
    );
    names.extend(["\"acted\".\"staff\"".to_owned(), "\"public\".\"auth_user\"".to_owned()]);
    names.sort();
    names.dedup();
    let mut statements = vec![
        "SELECT set_config('statement_timeout', current_setting('lock_timeout'), true)".to_owned(),
        format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", ")),
        "SET LOCAL statement_timeout = 0".to_owned(),
    ];
    let mut stopped = Vec::new();
    for table in catalog.tables.iter().filter(|table| names.contains(&table.sql_name())) {
        for trigger in
            table.triggers.iter().filter(|trigger| trigger.is_enabled && trigger.name != "lectern_catalogue_changed")
        {
            statements.push(format!("ALTER TABLE {} DISABLE TRIGGER {}", table.sql_name(), quote(&trigger.name)));
            stopped.push((table.sql_name(), quote(&trigger.name)));
        }
    }
    records::execute(db, &statements).await?;
    Ok(stopped)
}

/// The trigger of the move `adopt` that keeps both columns equal.
const KEEP_PRODUCT: &str = "CREATE TRIGGER lectern_keep_product_id BEFORE INSERT OR UPDATE ON acted.tutorial_events
    FOR EACH ROW EXECUTE FUNCTION lectern.keep_product_id()";

/// Removes the columns, brings the table of event instructors to schema `lectern`, and starts the triggers again.
async fn remove(
    db: &mut PgConnection,
    catalog: &Catalog,
    columns: &[Removed<'_>],
    triggers: &[(String, String)],
) -> Result<Vec<Inverse>> {
    let mut statements = vec!["SET CONSTRAINTS ALL IMMEDIATE".to_owned()];
    let mut inverses = Vec::new();
    let keeps_product = columns.iter().any(|column| column.column.name == "exam_session_subject_product_variation_id");
    if keeps_product {
        inverses.push(Inverse::Statement { sql: KEEP_PRODUCT.to_owned() });
        inverses.push(Inverse::Statement {
            sql: "ALTER TABLE acted.tutorial_events ALTER COLUMN product_id DROP NOT NULL".to_owned(),
        });
        statements.push("DROP TRIGGER IF EXISTS lectern_keep_product_id ON acted.tutorial_events".to_owned());
        statements.push("ALTER TABLE acted.tutorial_events ALTER COLUMN product_id SET NOT NULL".to_owned());
    }
    let views = compat_views::without_columns(catalog, columns.iter().map(|column| (column.table, column.column)));
    statements.extend(views.drop);
    for column in columns {
        statements.push(format!("ALTER TABLE {} DROP COLUMN {}", column.table.sql_name(), quote(&column.column.name)));
    }
    statements.extend(views.create);
    if let Some(table) = event_instructors(catalog) {
        inverses.push(Inverse::Place {
            oid: table.oid,
            class: Class::Table,
            schema: table.schema.clone(),
            name: table.name.clone(),
        });
        statements.push(format!("ALTER TABLE {} SET SCHEMA lectern", table.sql_name()));
    }
    let kept = |trigger: &&(String, String)| !(keeps_product && trigger.1 == "\"lectern_keep_product_id\"");
    statements.extend(
        triggers.iter().filter(kept).map(|(table, trigger)| format!("ALTER TABLE {table} ENABLE TRIGGER {trigger}")),
    );
    records::execute(db, &statements).await?;
    Ok(inverses)
}
