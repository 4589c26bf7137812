//! Undoes a move: the inverse of each change, in reverse order, in one transaction.

use sqlx::PgConnection;

use super::change::{Class, ForeignKey, FormerConstraint, Inverse};
use super::rename::{Former, place};
use super::store;
use super::survey::ADM_SCHEMA;
use super::{compat_views, locks};
use crate::error::Result;
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

/// Undoes a move. Rows that were written since stay.
pub async fn undo(attempts: &Attempts<'_>, name: &str) -> Result<Undone> {
    let (mut undone, validate) = attempts.transaction(async |db| undo_in(db, name).await).await?;
    for (table, constraint) in validate {
        let sql = format!("ALTER TABLE {table} VALIDATE CONSTRAINT {}", quote(&constraint));
        if attempts.patiently(async |db| store::execute(db, std::slice::from_ref(&sql)).await).await.is_err() {
            undone.problems.push(format!("rows written since break the foreign key {constraint} of {table}"));
        }
    }
    Ok(undone)
}

/// Table and name of a constraint that is validated after the transaction.
type Unvalidated = (String, String);

async fn undo_in(db: &mut PgConnection, name: &str) -> Result<(Undone, Vec<Unvalidated>)> {
    let Some(journal) = store::journal(db, name).await? else { return Ok((Undone::default(), Vec::new())) };
    let mut steps = vec![(name, journal)];
    if name == ADM_SCHEMA
        && let Some(views) = store::journal(db, compat_views::NAME).await?
    {
        steps.insert(0, (compat_views::NAME, views));
    }
    let catalog = catalog::read(db).await?;
    let mut undo = Undo { db, catalog, problems: Vec::new(), validate: Vec::new() };
    undo.lock(&steps).await?;
    let mut changes = 0;
    for (name, journal) in &steps {
        let mut placed = Vec::new();
        for inverse in journal.iter().rev() {
            // A relation that was renamed in two steps goes back in one.
            if let Inverse::Place { oid, class, schema, name } = inverse {
                let earliest = journal.iter().find_map(|other| match other {
                    Inverse::Place { oid: other, schema, name, .. } if other == oid => Some((schema, name)),
                    _ => None,
                });
                if placed.contains(oid) {
                    continue;
                }
                placed.push(*oid);
                let (schema, name) = earliest.unwrap_or((schema, name));
                undo.place(*oid, *class, schema, name).await?;
            } else {
                undo.invert(inverse).await?;
            }
            changes += 1;
        }
        store::mark_undone(undo.db, name).await?;
    }
    let (problems, validate) = (undo.problems, undo.validate);
    Ok((Undone { was_applied: true, changes, problems }, validate))
}

struct Undo<'a> {
    db: &'a mut PgConnection,
    /// As it is after each change, as far as the other changes need it.
    catalog: Catalog,
    problems: Vec<String>,
    validate: Vec<Unvalidated>,
}

impl Undo<'_> {
    async fn run(&mut self, sql: String) -> Result<()> {
        store::execute(self.db, &[sql]).await
    }

    /// Locks every table that changes, with one bounded wait. A foreign key belongs to two tables.
    async fn lock(&mut self, steps: &[(&str, Vec<Inverse>)]) -> Result<()> {
        let mut oids: Vec<i64> = Vec::new();
        for inverse in steps.iter().flat_map(|(_, journal)| journal) {
            oids.extend(table_oid(inverse));
            if let Inverse::ForeignKey { table, name, former } = inverse {
                oids.extend(former.as_ref().map(|former| former.target));
                let keys = store::table_of(&self.catalog, *table).into_iter().flat_map(|table| &table.constraints);
                let key = keys.filter(|key| key.name == *name).find_map(|key| key.target.as_ref());
                oids.extend(key.map(|target| target.oid));
            }
        }
        let is_changed = |table: &&Relation| {
            let sequences = table.sequences.iter().map(|sequence| sequence.oid);
            let parts = table.indexes.iter().map(|index| index.oid).chain(sequences).chain([table.oid]);
            table.is_table() && parts.into_iter().any(|part| oids.contains(&part))
        };
        let statements = locks::lock_tables(self.catalog.tables.iter().filter(is_changed), locks::EXCLUSIVE);
        store::execute(self.db, &statements).await
    }

    async fn place(&mut self, oid: i64, class: Class, schema: &str, name: &str) -> Result<()> {
        let Some((now_schema, now_name)) = store::relation(self.db, oid).await? else { return Ok(()) };
        if let Some((kind, holder)) = store::holder(self.db, schema, name).await?.filter(|(_, holder)| *holder != oid) {
            let class = match kind.as_str() {
                "i" | "I" => Class::Index,
                "S" => Class::Sequence,
                _ => Class::Table,
            };
            // It is renamed by this undo too, or it was created since.
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
        if let Some(oid) = table_oid(inverse) {
            let Some(table) = store::table_of(&self.catalog, oid).cloned() else { return Ok(()) };
            return self.invert_of_table(inverse, &table).await;
        }
        match inverse {
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
        Inverse::Usage { .. } | Inverse::View { .. } | Inverse::Schema { .. } => None,
    }
}
