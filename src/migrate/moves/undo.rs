//! Undoes a move: the inverse of each change, in reverse order.

use std::sync::atomic::Ordering;

use sqlx::PgConnection;

use super::change::{Class, ForeignKey, FormerConstraint, Inverse};
use super::rename::{Former, place};
use super::store;
use super::survey::ADM_SCHEMA;
use super::{compat_views, locks};
use crate::error::{Error, Result};
use crate::migrate::attempts::Attempts;
use crate::migrate::catalog::{self, Catalog, Relation, quote};

/// What an undo did.
#[derive(Debug, Default)]
pub struct Undone {
    /// Whether the move was in force.
    pub was_applied: bool,
    pub changes: usize,
    /// What could not be restored, and why.
    pub problems: Vec<String>,
}

/// Undoes a move, table by table. Rows that were written since stay. What is undone is taken off the journal, so that an undo
/// that was interrupted goes on where it ended.
pub async fn undo(attempts: &Attempts<'_>, name: &str) -> Result<Undone> {
    let read = async |db: &mut PgConnection| {
        let views = if name == ADM_SCHEMA { store::journal(db, compat_views::NAME).await? } else { None };
        Ok((store::journal(db, name).await?, views.unwrap_or_default(), catalog::read(db).await?))
    };
    let (journal, views, mut catalog) = attempts.transaction(read).await?;
    let Some(journal) = journal else { return Ok(Undone::default()) };
    refuse_taken_places(&journal, &views, &catalog)?;
    let changed = changed_tables(&journal, &catalog);
    let is_changed = |table: &&Relation| changed.contains(&table.oid);
    locks::try_each(attempts, catalog.tables.iter().filter(is_changed)).await?;
    let mut undone = Undone { was_applied: true, changes: journal.len() + views.len(), problems: Vec::new() };
    let mut rest = journal.as_slice();
    loop {
        let start = last_group(rest, &catalog);
        let (part, views) = (&rest[start..], if start == 0 { views.as_slice() } else { &[] });
        let invert = async |db: &mut PgConnection| {
            let (problems, validate) = (Vec::new(), Vec::new());
            let mut undo = Undo { db, catalog: catalog.clone(), journal: &journal, problems, validate };
            undo.lock(views.iter().chain(part)).await?;
            for inverse in views {
                undo.invert(inverse).await?;
            }
            for at in (start..rest.len()).rev() {
                // A relation that was renamed several times goes back in one step.
                if !rest[..at].iter().any(|earlier| is_same_relation(earlier, &rest[at])) {
                    undo.invert(&rest[at]).await?;
                }
            }
            store::shorten_journal(undo.db, name, start).await?;
            if start == 0 && name == ADM_SCHEMA {
                store::shorten_journal(undo.db, compat_views::NAME, 0).await?;
            }
            Ok((undo.catalog, undo.problems, undo.validate))
        };
        let (changed, problems, validate) = attempts.transaction(invert).await?;
        attempts.has_changed.store(true, Ordering::Relaxed);
        catalog = changed;
        undone.problems.extend(problems);
        for (table, constraint) in validate {
            let sql = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quote(&constraint));
            if attempts.patiently(async |db| store::execute(db, std::slice::from_ref(&sql)).await).await.is_err() {
                undone.problems.push(format!("rows written since break the foreign key {constraint} of {table}"));
            }
        }
        rest = &rest[..start];
        if rest.is_empty() {
            return Ok(undone);
        }
    }
}

/// Table and name of a constraint that is validated after the transaction.
type Unvalidated = (String, String);

/// Returns the tables that these changes lock. A foreign key belongs to two.
fn changed_tables<'a>(inverses: impl IntoIterator<Item = &'a Inverse>, catalog: &Catalog) -> Vec<i64> {
    let mut oids: Vec<i64> = Vec::new();
    for inverse in inverses {
        oids.extend(table_oid(inverse));
        if let Inverse::ForeignKey { table, name, former } = inverse {
            oids.extend(former.as_ref().map(|former| former.target));
            let keys = store::table_of(catalog, *table).into_iter().flat_map(|table| &table.constraints);
            let key = keys.filter(|key| key.name == *name).find_map(|key| key.target.as_ref());
            oids.extend(key.map(|target| target.oid));
        }
    }
    let is_changed = |table: &&Relation| {
        let sequences = table.sequences.iter().map(|sequence| sequence.oid);
        let parts = table.indexes.iter().map(|index| index.oid).chain(sequences).chain([table.oid]);
        table.is_table() && parts.into_iter().any(|part| oids.contains(&part))
    };
    catalog.tables.iter().filter(is_changed).map(|table| table.oid).collect()
}

fn is_same_relation(earlier: &Inverse, later: &Inverse) -> bool {
    matches!((earlier, later), (Inverse::Place { oid: a, .. }, Inverse::Place { oid: b, .. }) if a == b)
}

/// Returns where the last changes begin that are undone together: those of one table, or all tables that were moved together.
fn last_group(journal: &[Inverse], catalog: &Catalog) -> usize {
    let key = |inverse: &Inverse| {
        let oid = table_oid(inverse)?;
        let owner = catalog.tables.iter().find(|table| {
            let parts = table.indexes.iter().map(|index| index.oid);
            parts.chain(table.sequences.iter().map(|sequence| sequence.oid)).any(|part| part == oid)
        });
        // Each foreign key belongs to other two tables.
        let key = if let Inverse::ForeignKey { name, .. } = inverse { name.as_str() } else { "" };
        Some((owner.map_or(oid, |table| table.oid), key.to_owned()))
    };
    let is_moved = |inverse: &Inverse| {
        matches!(inverse, Inverse::Place { class: Class::Table, .. }) || table_oid(inverse).is_none()
    };
    let Some(last) = journal.last() else { return 0 };
    if is_moved(last) {
        return 0;
    }
    let same = journal.iter().rev().take_while(|inverse| !is_moved(inverse) && key(inverse) == key(last)).count();
    journal.len() - same
}

/// Refuses an undo when another table has got the former name of one.
fn refuse_taken_places(journal: &[Inverse], views: &[Inverse], catalog: &Catalog) -> Result<()> {
    let is_undone_too = |holder: &Relation| {
        let is_placed = |inverse: &Inverse| matches!(inverse, Inverse::Place { oid, .. } if *oid == holder.oid);
        let is_view = |inverse: &Inverse| matches!(inverse, Inverse::View { schema, name } if *schema == holder.schema && *name == holder.name);
        journal.iter().any(is_placed) || views.iter().any(is_view)
    };
    let taken = journal.iter().filter_map(|inverse| match inverse {
        Inverse::Place { class: Class::Table, schema, name, .. } => catalog.table(schema, name),
        _ => None,
    });
    let taken: Vec<String> = taken.filter(|holder| !is_undone_too(holder)).map(Relation::full_name).collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(Error::NeedsAttention(format!(
        "nothing was changed: {} was created since, and a moved table has to get this name back: rename it, then run the \
         command again",
        taken.join(", ")
    )))
}

struct Undo<'a> {
    db: &'a mut PgConnection,
    /// As it is after each change, as far as the other changes need it.
    catalog: Catalog,
    journal: &'a [Inverse],
    problems: Vec<String>,
    validate: Vec<Unvalidated>,
}

impl Undo<'_> {
    async fn run(&mut self, sql: String) -> Result<()> {
        store::execute(self.db, &[sql]).await
    }

    /// Locks every table that changes, with one bounded wait.
    async fn lock<'i>(&mut self, inverses: impl Iterator<Item = &'i Inverse>) -> Result<()> {
        let oids = changed_tables(inverses, &self.catalog);
        let is_changed = |table: &&Relation| oids.contains(&table.oid);
        let statements = locks::lock_tables(self.catalog.tables.iter().filter(is_changed), locks::EXCLUSIVE);
        store::execute(self.db, &statements).await
    }

    async fn place(&mut self, oid: i64, class: Class, schema: &str, name: &str) -> Result<()> {
        let Some((now_schema, now_name)) = store::relation(self.db, oid).await? else { return Ok(()) };
        let mut sequences = self.catalog.tables.iter().flat_map(|table| &table.sequences);
        let follows = class == Class::Index || sequences.any(|sequence| sequence.oid == oid && sequence.is_owned);
        // An index and an owned sequence are where their table is.
        let schema = if follows { now_schema.as_str() } else { schema };
        if let Some((kind, holder)) = store::holder(self.db, schema, name).await?.filter(|(_, holder)| *holder != oid) {
            let is_undone_too = |inverse: &Inverse| matches!(inverse, Inverse::Place { oid, .. } if *oid == holder);
            if !self.journal.iter().any(is_undone_too) {
                self.problems.push(format!(
                    "{now_schema}.{now_name} keeps this name, because {schema}.{name} was created since"
                ));
                return Ok(());
            }
            let class = match kind.as_str() {
                "i" | "I" => Class::Index,
                "S" => Class::Sequence,
                _ => Class::Table,
            };
            // It is renamed by this undo too.
            let holder = Former { class, oid: holder, schema, name };
            let aside = format!("lectern_{}", holder.oid);
            store::execute(self.db, &place(&holder, schema, &aside)).await?;
        }
        let former = Former { class, oid, schema: &now_schema, name: &now_name };
        store::execute(self.db, &place(&former, schema, name)).await?;
        if let Some(table) = self.table(oid) {
            (table.schema, table.name) = (schema.to_owned(), name.to_owned());
        }
        Ok(())
    }

    fn table(&mut self, oid: i64) -> Option<&mut Relation> {
        self.catalog.tables.iter_mut().find(|table| table.oid == oid)
    }

    async fn invert(&mut self, inverse: &Inverse) -> Result<()> {
        if let Some(oid) = table_oid(inverse).filter(|_| !matches!(inverse, Inverse::Place { .. })) {
            let Some(table) = store::table_of(&self.catalog, oid).cloned() else { return Ok(()) };
            return self.invert_of_table(inverse, &table).await;
        }
        match inverse {
            Inverse::Place { oid, class, schema, name } => self.place(*oid, *class, schema, name).await,
            Inverse::Usage { schema, role } => {
                let role = if role.is_empty() { "PUBLIC".to_owned() } else { quote(role) };
                self.run(format!("REVOKE USAGE ON SCHEMA {} FROM {role}", quote(schema))).await
            }
            Inverse::View { schema, name } => {
                self.run(format!("DROP VIEW IF EXISTS {}.{}", quote(schema), quote(name))).await
            }
            Inverse::Schema { name } if store::is_schema_empty(self.db, name).await? => {
                self.run(format!("DROP SCHEMA {}", quote(name))).await
            }
            _ => Ok(()),
        }
    }

    async fn invert_of_table(&mut self, inverse: &Inverse, table: &Relation) -> Result<()> {
        let alter = format!("ALTER TABLE {}", table.sql_name());
        let column = |name: &str| format!("{alter} ALTER COLUMN {}", quote(name));
        match inverse {
            Inverse::ConstraintName { oid, name, .. } => {
                let Some(now) = store::constraint_name(self.db, *oid).await?.filter(|now| now != name) else {
                    return Ok(());
                };
                self.run(format!("{alter} RENAME CONSTRAINT {} TO {}", quote(&now), quote(name))).await
            }
            Inverse::ForeignKey { name, former, .. } => {
                self.run(format!("{alter} DROP CONSTRAINT IF EXISTS {}", quote(name))).await?;
                match former {
                    Some(former) => self.former_key(table, former).await,
                    None => Ok(()),
                }
            }
            Inverse::Constraint { name, former, .. } => {
                self.run(format!("{alter} DROP CONSTRAINT IF EXISTS {}", quote(name))).await?;
                match former {
                    Some(former) => self.former_rule(table, former).await,
                    None => Ok(()),
                }
            }
            Inverse::Index { name, .. } => {
                self.run(format!("DROP INDEX IF EXISTS {}.{}", quote(&table.schema), quote(name))).await
            }
            Inverse::Column { name, .. } => {
                if table.column(name).is_none() {
                    return Ok(());
                }
                store::archive_column(self.db, table, name).await?;
                self.drop_column(table, name).await
            }
            Inverse::Default { column: name, former, .. } => {
                let change = former.as_ref().map_or("DROP DEFAULT".to_owned(), |value| format!("SET DEFAULT {value}"));
                self.run(format!("{} {change}", column(name))).await
            }
            Inverse::NotNull { column: name, .. } => self.not_null(table, name).await,
            Inverse::ArrayType { column: name, data_type, default, .. } => {
                self.array_again(table, name, data_type, default.as_deref()).await
            }
            Inverse::Trigger { name, function, column, .. } => {
                let sql = [
                    format!("DROP TRIGGER IF EXISTS {} ON {}", quote(name), table.sql_name()),
                    format!("DROP FUNCTION IF EXISTS {function}()"),
                ];
                store::execute(self.db, &sql).await?;
                self.drop_column(table, column).await
            }
            _ => Ok(()),
        }
    }

    /// Drops a column, also from the views under former names.
    async fn drop_column(&mut self, table: &Relation, name: &str) -> Result<()> {
        let mut rest = table.clone();
        rest.columns.retain(|column| column.name != name);
        rest.grants.retain(|grant| grant.column.as_deref() != Some(name));
        let around = compat_views::around_column(&rest, name)?;
        let mut statements = around.drop;
        statements.push(format!("ALTER TABLE {} DROP COLUMN IF EXISTS {}", table.sql_name(), quote(name)));
        statements.extend(around.create);
        store::execute(self.db, &statements).await?;
        if let Some(table) = self.table(table.oid) {
            *table = rest;
        }
        Ok(())
    }

    /// Creates a rule again, unless rows written since break it.
    async fn former_rule(&mut self, table: &Relation, former: &FormerConstraint) -> Result<()> {
        let (place, name) = (table.sql_name(), quote(&former.name));
        let sql = format!("ALTER TABLE {place} ADD CONSTRAINT {name} {}", former.definition);
        if !store::execute_unless_violated(self.db, &sql).await? {
            self.problems.push(format!(
                "{}: the rule {} is not restored, because rows written since break it",
                table.full_name(),
                former.name
            ));
        }
        Ok(())
    }

    async fn former_key(&mut self, table: &Relation, former: &ForeignKey) -> Result<()> {
        let Some(target) = store::table_of(&self.catalog, former.target) else {
            let place = table.full_name();
            self.problems.push(format!("{place}: the table of the foreign key {} is gone", former.name));
            return Ok(());
        };
        let definition = former.definition(&target.sql_name());
        let alter = format!("ALTER TABLE {}", table.sql_name());
        self.run(format!("{alter} ADD CONSTRAINT {} {definition} NOT VALID", quote(&former.name))).await?;
        if former.is_valid {
            self.validate.push((table.sql_name(), former.name.clone()));
        }
        Ok(())
    }

    async fn not_null(&mut self, table: &Relation, column: &str) -> Result<()> {
        if table.column(column).is_none() {
            return Ok(());
        }
        let ids = store::rows_with_null(self.db, table, column).await?;
        if !ids.is_empty() {
            self.problems.push(format!(
                "{}: column {column} stays nullable, because rows written since have no value: {}",
                table.full_name(),
                ids.join(", ")
            ));
            return Ok(());
        }
        self.run(format!("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", table.sql_name(), quote(column))).await
    }

    async fn array_again(
        &mut self,
        table: &Relation,
        column: &str,
        data_type: &str,
        default: Option<&str>,
    ) -> Result<()> {
        let (name, alter) = (quote(column), format!("ALTER TABLE {}", table.sql_name()));
        let around = compat_views::around_column(table, column)?;
        let default = default.map(|value| format!(", ALTER COLUMN {name} SET DEFAULT {value}")).unwrap_or_default();
        let mut statements = around.drop;
        statements.extend([
            "CREATE FUNCTION pg_temp.lectern_texts(jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS
             $$ SELECT CASE WHEN $1 IS NOT NULL THEN array(SELECT jsonb_array_elements_text($1)) END $$"
                .to_owned(),
            format!(
                "{alter} ALTER COLUMN {name} DROP DEFAULT,
                     ALTER COLUMN {name} TYPE {data_type} USING pg_temp.lectern_texts({name})::{data_type}{default}"
            ),
            "DROP FUNCTION pg_temp.lectern_texts(jsonb)".to_owned(),
        ]);
        statements.extend(around.create);
        store::execute(self.db, &statements).await
    }
}

/// Returns the table or relation that an inverse changes.
fn table_oid(inverse: &Inverse) -> Option<i64> {
    match inverse {
        Inverse::ConstraintName { table, .. }
        | Inverse::ForeignKey { table, .. }
        | Inverse::Constraint { table, .. }
        | Inverse::Index { table, .. }
        | Inverse::Column { table, .. }
        | Inverse::Default { table, .. }
        | Inverse::NotNull { table, .. }
        | Inverse::ArrayType { table, .. }
        | Inverse::Trigger { table, .. } => Some(*table),
        Inverse::Place { oid, .. } => Some(*oid),
        Inverse::Usage { .. } | Inverse::View { .. } | Inverse::References { .. } | Inverse::Schema { .. } => None,
    }
}
