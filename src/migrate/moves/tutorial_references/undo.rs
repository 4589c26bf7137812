//! Undoes the move, in one transaction: columns, rules, values and references are as they were; rows written since stay.

use std::sync::atomic::Ordering;

use sqlx::PgConnection;

use super::journal::{FormerColumn, FormerTable, ReferenceJournal, oids};
use super::reasons::NAME;
use super::removed::{EVENT_INSTRUCTORS, FORMER_PRODUCT};
use super::report::listed;
use super::store;
use super::triggers::{KEEP_PRODUCT, started_again, stop_triggers, switched};
use crate::error::{Error, Result};
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{self, Catalog, Relation, quote};
use crate::migrate::moves::undo::Undone;
use crate::migrate::moves::{compat_views, locks, store as records};

/// Tables in which the move created rows, those that refer to others first, with what an untouched row is.
const CREATED_IN: &[(&str, &str)] = &[
    ("acted.tutorial_session_instructors", "true"),
    ("acted.tutorial_instructors", UNTOUCHED),
    ("acted.staff", UNTOUCHED),
    ("public.auth_user", "NOT t.is_active AND t.last_login IS NULL AND t.password LIKE '!%'"),
    ("acted.tutorial_venues", UNTOUCHED),
    ("acted.tutorial_locations", UNTOUCHED),
    ("acted.tutorial_course_templates", UNTOUCHED),
];
const UNTOUCHED: &str = "t.updated_at = t.created_at";

/// Undoes the move.
pub async fn undo(attempts: &Attempts<'_>) -> Result<Undone> {
    let read = async |db: &mut PgConnection| Ok((records::journal(db, NAME).await?, catalog::read(db).await?));
    let (inverses, catalog) = attempts.transaction(read).await?;
    let Some(inverses) = inverses else { return Ok(Undone::default()) };
    let journal = ReferenceJournal::of(&inverses)?;
    refuse_taken_names(&journal, &catalog)?;
    locks::try_each(attempts, tables(&journal, &catalog).into_iter()).await?;
    let problems = attempts.transaction(async |db| undo_in(db, &journal).await).await?;
    attempts.has_changed.store(true, Ordering::Relaxed);
    let changes = journal.tables.iter().map(|table| table.columns.len()).sum();
    Ok(Undone { was_applied: true, changes, problems })
}

/// Returns the tables whose rows or columns change.
fn tables<'a>(journal: &ReferenceJournal, catalog: &'a Catalog) -> Vec<&'a Relation> {
    let created: Vec<&str> = CREATED_IN.iter().map(|(table, _)| *table).collect();
    let is_former = |table: &Relation| {
        journal.tables.iter().any(|former| former.oid == table.oid) || journal.event_instructors == Some(table.oid)
    };
    let is_created = |table: &Relation| created.contains(&format!("{}.{}", table.schema, table.name).as_str());
    catalog.tables.iter().filter(|table| table.is_table() && (is_former(table) || is_created(table))).collect()
}

/// Refuses an undo when a name is taken that has to come back.
fn refuse_taken_names(journal: &ReferenceJournal, catalog: &Catalog) -> Result<()> {
    let mut taken = Vec::new();
    for former in &journal.tables {
        let Some(table) = records::table_of(catalog, former.oid) else { continue };
        let is_taken = |column: &&FormerColumn| table.column(&column.name).is_some();
        let names =
            former.columns.iter().filter(is_taken).map(|column| format!("{}.{}", table.full_name(), column.name));
        taken.extend(names);
    }
    let holder =
        catalog.table("acted", EVENT_INSTRUCTORS).filter(|holder| Some(holder.oid) != journal.event_instructors);
    taken.extend(holder.filter(|_| journal.event_instructors.is_some()).map(Relation::full_name));
    if taken.is_empty() {
        return Ok(());
    }
    Err(Error::NeedsAttention(format!(
        "nothing was changed: {} was created since, and has to come back as it was: rename it, then run the command again",
        taken.join(", ")
    )))
}

async fn undo_in(db: &mut PgConnection, journal: &ReferenceJournal) -> Result<Vec<String>> {
    let catalog = catalog::read(db).await?;
    let tables = tables(journal, &catalog);
    records::execute(db, &locks::lock_tables(tables.iter().copied(), locks::EXCLUSIVE)).await?;
    let triggers = stop_triggers(db, &catalog, &tables).await?;
    let views = views(journal, &catalog);
    let mut statements = views.drop.clone();
    // A row that another program needs is found when it is deleted, not at the end.
    statements.push("SET CONSTRAINTS ALL IMMEDIATE".to_owned());
    records::execute(db, &statements).await?;
    store::analyze(db).await?;
    let indexes = add_key_indexes(db).await?;
    let mut problems = Vec::new();
    for former in &journal.tables {
        match records::table_of(&catalog, former.oid) {
            Some(table) => add_columns(db, table, former).await?,
            None => problems.push(format!("{} is gone: its columns do not come back", former.source)),
        }
    }
    store::clear_references(db).await?;
    store::delete_event_staff(db).await?;
    problems.extend(delete_created(db, &catalog).await?);
    store::drop_key_indexes(db, &indexes).await?;
    store::clear_archive(db).await?;
    let mut statements = product_again(journal);
    if let Some(table) = journal.event_instructors.and_then(|oid| records::table_of(&catalog, oid)) {
        statements.push(format!("ALTER TABLE {} SET SCHEMA acted", table.sql_name()));
    }
    records::execute(db, &statements).await?;
    for former in &journal.tables {
        if let Some(table) = records::table_of(&catalog, former.oid) {
            problems.extend(add_rules(db, table, former).await?);
        }
    }
    correct_journals(db, journal).await?;
    let mut statements = views.create;
    statements.extend(switched(&triggers, &with_event_instructors(&catalog, journal), started_again));
    records::execute(db, &statements).await?;
    records::replace_journal_end(db, NAME, 0, &[]).await?;
    Ok(problems)
}

/// Writes the OIDs of the indexes and constraints that came back into the journals of the other moves.
async fn correct_journals(db: &mut PgConnection, journal: &ReferenceJournal) -> Result<()> {
    let catalog = catalog::read(db).await?;
    let mut pairs = Vec::new();
    for former in &journal.tables {
        let Some(table) = records::table_of(&catalog, former.oid) else { continue };
        for (name, now) in oids(table) {
            let before = former.oids.iter().find(|(before, _)| *before == name).map(|(_, oid)| *oid);
            pairs.extend(before.filter(|before| *before != now).map(|before| (before, now)));
        }
    }
    records::replace_oids(db, &pairs).await
}

/// Creates the indexes with which the deletion of created rows does not read all others for each of them.
async fn add_key_indexes(db: &mut PgConnection) -> Result<Vec<store::KeyIndex>> {
    let mut targets = Vec::new();
    for (table, _) in CREATED_IN {
        if !store::created(db, table).await?.is_empty() {
            targets.push(*table);
        }
    }
    store::add_key_indexes(db, &targets).await
}

/// Deletes what the move created and nothing needs; says what stays.
async fn delete_created(db: &mut PgConnection, catalog: &Catalog) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (table, is_untouched) in CREATED_IN {
        let (ids, users) = (store::created(db, table).await?, users(catalog, table));
        let left = store::delete_created(db, table, &ids, &users, is_untouched).await?;
        if !left.is_empty() {
            problems.push(format!(
                "{table}: rows {} stay, although the move created them: other rows refer to them, or they were changed since",
                listed(&left)
            ));
        }
    }
    Ok(problems)
}

/// Returns the foreign keys to the ids of a table, as table and column.
fn users(catalog: &Catalog, target: &str) -> Vec<(String, String)> {
    let is_target = |schema: &str, name: &str| format!("{schema}.{name}") == target;
    let mut users = Vec::new();
    for table in catalog.tables.iter().filter(|table| table.is_table() && table.is_owned) {
        for key in &table.constraints {
            let Some(to) = key.target.as_ref().filter(|to| is_target(&to.schema, &to.table)) else { continue };
            if let ([column], ["id"]) = (key.columns.as_slice(), &[to.columns.first().map_or("", String::as_str)]) {
                users.push((table.sql_name(), column.clone()));
            }
        }
    }
    users
}

/// Returns the catalogue with the table of event instructors in its former place.
fn with_event_instructors(catalog: &Catalog, journal: &ReferenceJournal) -> Catalog {
    let mut moved = catalog.clone();
    for table in moved.tables.iter_mut().filter(|table| Some(table.oid) == journal.event_instructors) {
        "acted".clone_into(&mut table.schema);
    }
    moved
}

/// Returns how the views under former names get the columns again.
fn views(journal: &ReferenceJournal, catalog: &Catalog) -> compat_views::Around {
    let mut views = compat_views::Around::default();
    for former in &journal.tables {
        let Some(table) = records::table_of(catalog, former.oid) else { continue };
        let mut full = table.clone();
        full.columns.extend(
            former.columns.iter().map(|column| catalog::RelationColumn {
                name: column.name.clone(),
                ..catalog::RelationColumn::default()
            }),
        );
        full.grants.extend(former.columns.iter().flat_map(|column| column.grants.clone()));
        // Those that were dropped since stay away; those that are new show every column.
        let mut shown = compat_views::columns_of_views(catalog, table);
        for (name, columns) in &mut shown {
            match former.views.iter().find(|(view, _)| view == name) {
                Some((_, former)) => columns.clone_from(former),
                None => columns.extend(former.columns.iter().map(|column| column.name.clone())),
            }
        }
        let of_table = compat_views::with_columns(&full, &shown);
        views.drop.extend(of_table.drop);
        views.create.extend(of_table.create);
    }
    views
}

/// Brings columns back with their values.
async fn add_columns(db: &mut PgConnection, table: &Relation, former: &FormerTable) -> Result<()> {
    let (place, name) = (table.sql_name(), |column: &FormerColumn| quote(&column.name));
    let mut statements = Vec::new();
    for column in &former.columns {
        let collation = column.details.collation.as_ref().map(|collation| format!(" COLLATE {collation}"));
        let collation = collation.unwrap_or_default();
        statements.push(format!("ALTER TABLE {place} ADD COLUMN {} {}{collation}", name(column), column.data_type));
    }
    records::execute(db, &statements).await?;
    for column in &former.columns {
        if column.name == FORMER_PRODUCT {
            let sql = format!("UPDATE {place} SET {} = product_id", name(column));
            records::execute(db, &[sql]).await?;
            continue;
        }
        store::fill_column(db, &place, &former.source, &column.name, &column.data_type).await?;
        if let Some(current) = store::current_value(&former.source, &column.name) {
            // The links of Administrate's side are no texts of its own.
            if former.source.starts_with("acted.") {
                store::empty_cleared(db, &place, &former.source, &column.name, current.0).await?;
            }
            store::fill_changed(db, &place, &former.source, &column.name, current, former.last_id).await?;
        }
    }
    Ok(())
}

/// Brings defaults, rules, comments and privileges of columns back. Returns the rules that rows written since break.
async fn add_rules(db: &mut PgConnection, table: &Relation, former: &FormerTable) -> Result<Vec<String>> {
    let place = table.sql_name();
    let mut statements = Vec::new();
    for column in &former.columns {
        let name = quote(&column.name);
        if let Some(default) = &column.default {
            statements.push(format!("ALTER TABLE {place} ALTER COLUMN {name} SET DEFAULT {default}"));
        }
        if let Some(comment) = &column.details.comment {
            statements.push(format!("COMMENT ON COLUMN {place}.{name} IS '{}'", comment.replace('\'', "''")));
        }
        for grant in &column.grants {
            let role = if grant.role.is_empty() { "PUBLIC".to_owned() } else { quote(&grant.role) };
            let option = if grant.can_grant { " WITH GRANT OPTION" } else { "" };
            statements.push(format!("GRANT {} ({name}) ON {place} TO {role}{option}", grant.privilege));
        }
    }
    records::execute(db, &statements).await?;
    let not_null = former.columns.iter().filter(|column| column.not_null);
    let not_null = not_null.map(|column| {
        let sql = format!("ALTER TABLE {place} ALTER COLUMN {} SET NOT NULL", quote(&column.name));
        (format!("NOT NULL of {}", column.name), sql)
    });
    let constraints = former.constraints.iter();
    let constraints = constraints.map(|(name, definition)| (name.clone(), format!("ALTER TABLE {place} {definition}")));
    let indexes = former.indexes.iter().map(|(name, definition)| (name.clone(), format!("CREATE {definition}")));
    let mut problems = Vec::new();
    for (name, sql) in not_null.chain(constraints).chain(indexes) {
        if !records::execute_unless_violated(db, &sql).await? {
            problems.push(format!("{}: {name} does not come back, because rows written since break it", former.source));
        }
    }
    Ok(problems)
}

/// Returns the statements that keep the former and the present column of the product equal, as the move `adopt` has it.
fn product_again(journal: &ReferenceJournal) -> Vec<String> {
    if !journal.had_former_product {
        return Vec::new();
    }
    vec![
        "ALTER TABLE acted.tutorial_events ALTER COLUMN product_id DROP NOT NULL".to_owned(),
        format!(
            "CREATE TRIGGER {KEEP_PRODUCT} BEFORE INSERT OR UPDATE ON acted.tutorial_events FOR EACH ROW EXECUTE FUNCTION \
             lectern.keep_product_id()"
        ),
    ]
}
