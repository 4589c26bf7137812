//! Applies both moves: each in short transactions under short locks, what takes long while readers and writers go on.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::change::{Change, Inverse, Phase, Rule};
use super::compat_views;
use super::plan::{Plan, rules};
use super::receipt::{MoveReceipt, TableReceipt};
use super::recognition::{Action, candidates};
use super::reference::reference;
use super::store;
use crate::error::{Error, Result};
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{self, Catalog, Table, quote};

pub const ADM_SCHEMA: &str = "adm-schema";
pub const ADOPT: &str = "adopt";

/// The database as it is, and what the moves would do with it.
pub struct Survey {
    pub catalog: Catalog,
    pub plan: Plan,
    pub(super) records: store::Records,
}

/// Reads the database and plans both moves.
pub async fn survey(db: &mut PgConnection) -> Result<Survey> {
    let catalog = catalog::read(db).await?;
    let records = store::records(db).await?;
    let mut tables = candidates(&catalog);
    // Tables that refer to an empty one decide whether it may give way.
    let users: Vec<&Table> = tables
        .iter()
        .flat_map(|table| &table.referenced_by)
        .filter_map(|user| catalog.table(&user.schema, &user.table))
        .collect();
    tables.extend(users);
    let rows = store::rows_exist(db, &tables).await?;
    let plan = Plan::new(&catalog, reference(), &rows);
    Ok(Survey { catalog, plan, records })
}

impl Survey {
    /// Reports whether `adm-schema` has something to do.
    pub fn has_moving(&self) -> bool {
        !self.plan.moving.is_empty()
    }

    /// Reports whether the tables existed before Lectern: they are adopted, not created.
    pub fn is_adopted(&self) -> bool {
        let is_older = !self.records.has_schema_steps && self.plan.has_tables;
        let has_former = |change: &Change| match &change.inverse {
            Inverse::Place { .. } | Inverse::ConstraintName { .. } | Inverse::ArrayType { .. } => true,
            Inverse::ForeignKey { former, .. } => former.is_some(),
            Inverse::Constraint { former, .. } => former.is_some(),
            _ => false,
        };
        is_older
            || self.is_recorded(ADOPT)
            || self.was_undone(ADOPT)
            || self.has_moving()
            || self.plan.adoption.iter().any(has_former)
    }

    pub fn is_recorded(&self, name: &str) -> bool {
        self.records.applied.iter().any(|applied| applied == name)
    }

    pub fn was_undone(&self, name: &str) -> bool {
        self.records.undone.iter().any(|undone| undone == name)
    }
}

/// Moves the tables to schema `adm` if they are elsewhere. Returns what was done.
pub async fn adm_schema(attempts: &Attempts<'_>, compat_views: bool) -> Result<MoveReceipt> {
    let started = Instant::now();
    let before = attempts.transaction(async |db| contents(db, &Which::Placed).await).await?;
    let moved = attempts.transaction(async |db| move_tables(db, compat_views).await).await?;
    attempts.has_changed.store(true, Ordering::Relaxed);
    if !moved.oids.is_empty() {
        attempts.transaction(async |db| rename_objects(db, &moved.oids).await).await?;
    }
    let after = attempts.transaction(async |db| contents(db, &Which::Same(&before)).await).await?;
    Ok(MoveReceipt {
        name: ADM_SCHEMA.to_owned(),
        tables: TableReceipt::pairs(ADM_SCHEMA, &before, &after),
        changes: moved.changes,
        problems: Vec::new(),
        locked: moved.locked,
        took: started.elapsed(),
    })
}

/// What a transaction under locks has done.
#[derive(Default)]
struct Done {
    oids: Vec<i64>,
    changes: Vec<String>,
    locked: Duration,
}

async fn move_tables(db: &mut PgConnection, with_views: bool) -> Result<Done> {
    let survey = survey(db).await?;
    let plan = &survey.plan;
    refuse(&plan.placement_conflicts)?;
    refuse(&plan.adoption_conflicts)?;
    let views = if with_views { compat_views::missing(&survey.catalog, plan) } else { Vec::new() };
    if plan.moving.is_empty() && views.is_empty() {
        return Ok(Done::default());
    }
    let key: [u8; 32] = super::receipt::new_key()?;
    store::prepare_records(db, &key).await?;
    let oids: Vec<i64> = plan
        .placements
        .iter()
        .filter(|placed| matches!(placed.action, Action::Move | Action::MoveAndRename))
        .filter_map(|placed| placed.oid)
        .collect();
    let mut inverses = Vec::new();
    if !survey.catalog.has_schema("adm") {
        store::execute(db, &["CREATE SCHEMA adm".to_owned()]).await?;
        inverses.push(Inverse::Schema { name: "adm".to_owned() });
    }
    let tables: Vec<&Table> = oids.iter().filter_map(|oid| store::table_of(&survey.catalog, *oid)).collect();
    inverses.extend(grant_usage(db, &tables).await?);
    inverses.extend(plan.moving.iter().map(|change| change.inverse.clone()));
    store::record(db, ADM_SCHEMA, &inverses).await?;
    if !views.is_empty() {
        let inverses: Vec<Inverse> = views.iter().map(|view| view.inverse.clone()).collect();
        store::record(db, compat_views::NAME, &inverses).await?;
    }
    let mut statements = lock(&plan.moving, &survey.catalog);
    statements.extend(still_empty(plan, &survey.catalog));
    let all = || plan.moving.iter().chain(&views);
    statements.extend(all().flat_map(|change| change.statements.iter().cloned()));
    let started = Instant::now();
    store::execute(db, &statements).await?;
    let changes = all().map(|change| change.action.clone()).collect();
    Ok(Done { oids, changes, locked: started.elapsed() })
}

/// Roles that may use a moved table must be able to look into its schema.
async fn grant_usage(db: &mut PgConnection, tables: &[&Table]) -> Result<Vec<Inverse>> {
    let have = store::schema_users(db, "adm").await?;
    let mut roles: Vec<&String> = tables.iter().flat_map(|table| &table.grants).map(|grant| &grant.role).collect();
    let owners: Vec<String> = tables.iter().map(|table| table.owner.clone()).collect();
    roles.extend(&owners);
    roles.sort();
    roles.dedup();
    roles.retain(|role| !have.contains(role));
    let grantee = |role: &str| if role.is_empty() { "PUBLIC".to_owned() } else { quote(role) };
    let statements: Vec<String> =
        roles.iter().map(|role| format!("GRANT USAGE ON SCHEMA adm TO {}", grantee(role))).collect();
    store::execute(db, &statements).await?;
    Ok(roles.into_iter().map(|role| Inverse::Usage { schema: "adm".to_owned(), role: role.clone() }).collect())
}

/// An empty table that gives way must still be empty under the lock; otherwise the transaction is tried again.
fn still_empty(plan: &Plan, catalog: &Catalog) -> Vec<String> {
    let gives_way = plan.moving.iter().filter(|change| {
        matches!(&change.inverse, Inverse::Place { schema, .. } if schema == "adm")
            && change.statements.iter().any(|sql| sql.contains("SET SCHEMA \"lectern\""))
    });
    let tables = gives_way.filter_map(|change| store::table_of(catalog, change.table_oid));
    let check = |table: &Table| {
        format!(
            "DO $$ BEGIN IF EXISTS (SELECT FROM {}) THEN
                 RAISE EXCEPTION 'the table has got rows' USING ERRCODE = 'lock_not_available'; END IF; END $$",
            table.sql_name()
        )
    };
    tables.map(check).collect()
}

/// Returns the statements that lock every table of these changes, with one bounded wait for all of them: nobody waits behind
/// them for longer, and no deadlock is found on the other side.
fn lock(changes: &[Change], catalog: &Catalog) -> Vec<String> {
    let mut oids: Vec<i64> =
        changes.iter().flat_map(|change| [change.table_oid].into_iter().chain(change.also_locks.clone())).collect();
    oids.sort_unstable();
    oids.dedup();
    let tables: Vec<&Table> =
        oids.iter().filter_map(|oid| store::table_of(catalog, *oid)).filter(|table| table.is_table()).collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let names: Vec<String> = tables.iter().map(|table| table.sql_name()).collect();
    vec![
        "SELECT set_config('statement_timeout', current_setting('lock_timeout'), true)".to_owned(),
        format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", ")),
        "SET LOCAL statement_timeout = 0".to_owned(),
    ]
}

/// Gives the indexes, constraints and sequences of moved tables the names of a fresh database.
async fn rename_objects(db: &mut PgConnection, oids: &[i64]) -> Result<()> {
    let survey = survey(db).await?;
    let is_name = |change: &&Change| {
        oids.contains(&change.table_oid)
            && matches!(change.inverse, Inverse::Place { .. } | Inverse::ConstraintName { .. })
    };
    let changes: Vec<Change> = survey.plan.adoption.iter().filter(is_name).cloned().collect();
    let inverses: Vec<Inverse> = changes.iter().map(|change| change.inverse.clone()).collect();
    store::record(db, ADM_SCHEMA, &inverses).await?;
    run_locked(db, &changes, &survey.catalog).await
}

async fn run_locked(db: &mut PgConnection, changes: &[Change], catalog: &Catalog) -> Result<()> {
    let mut statements = lock(changes, catalog);
    statements.extend(changes.iter().flat_map(|change| change.statements.iter().cloned()));
    store::execute(db, &statements).await
}

/// Brings the existing tables to the shape of a fresh database. Returns what was done, and the rules that rows break.
///
/// It is called before the versioned SQL and after it: then the tables exist to which added foreign keys refer.
pub async fn adopt(attempts: &Attempts<'_>) -> Result<MoveReceipt> {
    let started = Instant::now();
    let before = attempts.transaction(async |db| contents(db, &Which::Changing).await).await?;
    if before.is_empty() {
        return Ok(MoveReceipt { name: ADOPT.to_owned(), ..MoveReceipt::default() });
    }
    let done = attempts.transaction(change_tables).await?;
    attempts.has_changed.store(true, Ordering::Relaxed);
    let mut changes = done.changes;
    // What lets readers and writers go on is done one by one, each in its own time.
    loop {
        let change = attempts.transaction(async |db| next_concurrent(db).await).await?;
        let Some(change) = change else { break };
        attempts.transaction(async |db| store::record(db, ADOPT, std::slice::from_ref(&change.inverse)).await).await?;
        for statement in &change.statements {
            attempts.patiently(async |db| store::execute(db, std::slice::from_ref(statement)).await).await?;
        }
        changes.push(change.action);
    }
    let mut problems = validate(attempts).await?;
    let after = attempts.transaction(async |db| contents(db, &Which::Same(&before)).await).await?;
    problems.extend(attempts.transaction(broken_rules).await?);
    Ok(MoveReceipt {
        name: ADOPT.to_owned(),
        tables: TableReceipt::pairs(ADOPT, &before, &after),
        changes,
        problems,
        locked: done.locked,
        took: started.elapsed(),
    })
}

/// Records that existing tables are adopted as they are, if nothing is recorded yet.
pub async fn record_adoption(db: &mut PgConnection) -> Result<()> {
    store::prepare_records(db, &super::receipt::new_key()?).await?;
    store::record(db, ADOPT, &[]).await
}

async fn change_tables(db: &mut PgConnection) -> Result<Done> {
    let survey = survey(db).await?;
    refuse(&survey.plan.adoption_conflicts)?;
    let mut changes = Vec::new();
    for change in survey.plan.adoption.iter().filter(|change| change.phase == Phase::Locked) {
        if is_kept(db, &survey.catalog, change).await? {
            changes.push(change.clone());
        }
    }
    let key = super::receipt::new_key()?;
    store::prepare_records(db, &key).await?;
    let inverses: Vec<Inverse> = changes.iter().map(|change| change.inverse.clone()).collect();
    store::record(db, ADOPT, &inverses).await?;
    let views = compat_views::around(&survey.catalog, &changes)?;
    let mut statements = lock(&changes, &survey.catalog);
    statements.extend(views.drop);
    for change in &changes {
        statements.extend(change.statements.iter().cloned());
        statements.extend(restored(change, &survey.catalog));
    }
    statements.extend(views.create);
    let started = Instant::now();
    store::execute(db, &statements).await?;
    let actions = changes.iter().map(|change| format!("{}: {}", change.table, change.action)).collect();
    Ok(Done { oids: Vec::new(), changes: actions, locked: started.elapsed() })
}

/// Returns the statements that give an added column the values that an undo has archived.
fn restored(change: &Change, catalog: &Catalog) -> Vec<String> {
    let Inverse::Column { table, name } = &change.inverse else { return Vec::new() };
    let Some(table) = store::table_of(catalog, *table) else { return Vec::new() };
    let expected = reference().catalog.table(&table.schema, &table.name).and_then(|table| table.column(name));
    let Some(expected) = expected else { return Vec::new() };
    let source = format!("{}.{}", table.schema, table.name);
    store::restore_column(&table.sql_name(), &source, name, &expected.data_type)
}

/// Reports whether no row breaks the rule of a change.
async fn is_kept(db: &mut PgConnection, catalog: &Catalog, change: &Change) -> Result<bool> {
    let (Some(rule), Some(table)) = (&change.rule, store::table_of(catalog, change.table_oid)) else { return Ok(true) };
    Ok(store::violations(db, table, rule).await?.is_empty())
}

async fn next_concurrent(db: &mut PgConnection) -> Result<Option<Change>> {
    let survey = survey(db).await?;
    for change in survey.plan.adoption.into_iter().filter(|change| change.phase == Phase::Concurrent) {
        if is_kept(db, &survey.catalog, &change).await? {
            return Ok(Some(change));
        }
    }
    Ok(None)
}

/// Validates the constraints that were added without a check of the existing rows. Returns those that rows break.
async fn validate(attempts: &Attempts<'_>) -> Result<Vec<String>> {
    let catalog = attempts.transaction(async |db| catalog::read(db).await).await?;
    let mut problems = Vec::new();
    for expected in &reference().catalog.tables {
        let Some(table) = catalog.table(&expected.schema, &expected.name) else { continue };
        for constraint in table.constraints.iter().filter(|constraint| !constraint.is_valid) {
            let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", table.sql_name(), quote(&constraint.name));
            match attempts.patiently(async |db| store::execute(db, std::slice::from_ref(&sql)).await).await {
                Ok(()) => {}
                Err(error) if is_violation(&error) => problems.push(format!(
                    "{}: rows break the constraint {}, which holds for new rows only: correct them, then run `lectern \
                     migrate` again",
                    table.full_name(),
                    constraint.name
                )),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(problems)
}

fn is_violation(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    matches!(code.as_deref(), Some("23503" | "23514"))
}

/// Returns a sentence for each value that breaks a rule which is therefore not created.
pub async fn broken_rules(db: &mut PgConnection) -> Result<Vec<String>> {
    let survey = survey(db).await?;
    let mut problems = Vec::new();
    for (change, rule) in rules(&survey.plan.adoption) {
        let Some(table) = store::table_of(&survey.catalog, change.table_oid) else { continue };
        for violation in store::violations(db, table, rule).await? {
            problems.push(sentence(table, rule, &violation));
        }
    }
    Ok(problems)
}

fn sentence(table: &Table, rule: &Rule, violation: &store::Violation) -> String {
    let (table, ids) = (table.full_name(), violation.ids.join(", "));
    match rule {
        Rule::Unique { name, columns } => format!(
            "{table}: rows {ids} have the same {} ({}): {name} is not created until one of them changes; everything else works",
            columns.join(", "),
            violation.value
        ),
        Rule::Check { name, condition } => {
            format!("{table}: rows {ids} break {condition}: {name} is not created until they are corrected")
        }
        Rule::ForeignKey { name, columns, target, .. } => format!(
            "{table}: rows {ids} have {} {}, which {target} does not contain: {name} is not created until they are corrected",
            columns.join(", "),
            violation.value
        ),
    }
}

fn refuse(conflicts: &[String]) -> Result<()> {
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Error::NeedsAttention(format!("nothing was changed: {}", conflicts.join("; "))))
}

/// The tables whose content is hashed.
enum Which<'a> {
    /// Those that `adm-schema` moves.
    Placed,
    /// Those that `adopt` changes.
    Changing,
    /// Those that were hashed before, with the same columns.
    Same(&'a [Hashed]),
}

/// A table with its content at one moment.
#[derive(Debug, Clone)]
pub(super) struct Hashed {
    pub oid: i64,
    pub name: String,
    pub place: String,
    pub filenode: i64,
    pub columns: Vec<String>,
    pub content: store::Content,
}

/// Hashes tables, all as of one moment, under locks that let writers go on.
async fn contents(db: &mut PgConnection, which: &Which<'_>) -> Result<Vec<Hashed>> {
    store::hash_settings(db).await?;
    let survey = survey(db).await?;
    let chosen: Vec<(i64, Option<Vec<String>>)> = match which {
        Which::Placed => survey.plan.moving.iter().map(|change| (change.table_oid, None)).collect(),
        Which::Changing => survey.plan.adoption.iter().map(|change| (change.table_oid, None)).collect(),
        Which::Same(before) => before.iter().map(|table| (table.oid, Some(table.columns.clone()))).collect(),
    };
    // A converted column has another text afterwards.
    let is_converted = |table: &Table, column: &str| {
        survey.plan.adoption.iter().any(|change| {
            matches!(&change.inverse, Inverse::ArrayType { table: oid, column: name, .. } if *oid == table.oid && name == column)
        })
    };
    let mut hashed = Vec::new();
    for table in survey.catalog.tables.iter().filter(|table| table.is_table()) {
        let Some((_, columns)) = chosen.iter().find(|(oid, _)| *oid == table.oid) else { continue };
        let names = table.columns.iter().map(|column| column.name.clone());
        let all = || names.filter(|name| !is_converted(table, name)).collect();
        let columns = columns.clone().unwrap_or_else(all);
        let content = store::content(db, &table.sql_name(), &columns).await?;
        hashed.push(Hashed {
            oid: table.oid,
            name: table.name.clone(),
            place: table.full_name(),
            filenode: table.filenode,
            columns,
            content,
        });
    }
    Ok(hashed)
}
