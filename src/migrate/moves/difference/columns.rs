//! Differences of columns: missing ones, defaults, and NOT NULL that is no longer required.

use super::Comparison;
use super::early::{self, Known};
use crate::migrate::catalog::{RelationColumn, quote};
use crate::migrate::moves::change::{Change, Inverse};
use crate::migrate::moves::quiet_update::quietly;

impl Comparison<'_> {
    pub(super) fn column_changes(self) -> Vec<Change> {
        let mut changes = Vec::new();
        for expected in &self.expected.columns {
            match self.found.column(&expected.name) {
                None => changes.extend(self.missing_column(expected)),
                Some(found) => changes.extend(self.column(expected, found)),
            }
        }
        let additional = self.found.columns.iter().filter(|column| self.expected.column(&column.name).is_none());
        for column in additional.filter(|column| !column.is_optional()) {
            match early::known(self.expected, &column.name) {
                Some(Known::Nullable) => changes.push(self.drop_not_null(column)),
                Some(Known::Default(value)) => changes.push(self.set_default(column, value)),
                None => {}
            }
        }
        changes
    }

    fn missing_column(self, expected: &RelationColumn) -> Option<Change> {
        let former = early::former_column(self.expected, &expected.name);
        if former.is_none() && !early::is_added_later(self.expected, &expected.name) {
            return None;
        }
        let (table, name) = (self.found.sql_name(), quote(&expected.name));
        let inverse = Inverse::Column { table: self.found.oid, name: expected.name.clone() };
        if let Some(former) = former {
            return Some(self.copied_column(expected, former));
        }
        let default = expected.default.as_ref().map(|value| format!(" DEFAULT {value}")).unwrap_or_default();
        let not_null = if expected.not_null { " NOT NULL" } else { "" };
        let sql = format!("ALTER TABLE {table} ADD COLUMN {name} {}{not_null}{default}", expected.data_type);
        Some(self.locked(format!("add column {} ({})", expected.name, expected.data_type), vec![sql], inverse))
    }

    /// Adds a column that has the values of one with its former name; a trigger keeps both equal, so that programs of
    /// either state can write.
    fn copied_column(self, expected: &RelationColumn, former: &str) -> Change {
        let (table, name, former_name) = (self.found.sql_name(), quote(&expected.name), quote(former));
        let (added, old) = (&expected.name, former);
        let function = format!("lectern.keep_{added}");
        let statements = vec![
            format!("ALTER TABLE {table} ADD COLUMN {name} {}", expected.data_type),
            quietly(&table, &[format!("UPDATE {table} SET {name} = {former_name}")]),
            format!(
                "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
                 BEGIN
                     IF TG_OP = 'INSERT' THEN
                         NEW.{name} := coalesce(NEW.{name}, NEW.{former_name});
                     ELSIF NEW.{former_name} IS DISTINCT FROM OLD.{former_name} THEN
                         NEW.{name} := NEW.{former_name};
                     END IF;
                     NEW.{former_name} := NEW.{name};
                     RETURN NEW;
                 END $$"
            ),
            format!(
                "CREATE TRIGGER lectern_keep_{added} BEFORE INSERT OR UPDATE ON {table}
                 FOR EACH ROW EXECUTE FUNCTION {function}()"
            ),
        ];
        let action = format!("add column {added} with the values of {old}, made equal by a trigger");
        let inverse = Inverse::Trigger {
            table: self.found.oid,
            name: format!("lectern_keep_{added}"),
            function,
            column: added.clone(),
        };
        self.locked(action, statements, inverse)
    }

    fn column(self, expected: &RelationColumn, found: &RelationColumn) -> Option<Change> {
        if early::is_array_of_text(expected, found) {
            return Some(self.json_instead_of_array(expected, found));
        }
        if found.not_null && !expected.not_null && !found.is_identity && found.default.is_none() {
            return Some(self.drop_not_null(found));
        }
        match &expected.default {
            Some(value) if found.default.is_none() && !found.is_identity && found.name != "id" => {
                Some(self.set_default(found, value))
            }
            _ => None,
        }
    }

    fn drop_not_null(self, column: &RelationColumn) -> Change {
        let sql = format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", self.found.sql_name(), quote(&column.name));
        let inverse = Inverse::NotNull { table: self.found.oid, column: column.name.clone() };
        self.locked(format!("allow null in column {}", column.name), vec![sql], inverse)
    }

    fn set_default(self, column: &RelationColumn, value: &str) -> Change {
        let (table, name) = (self.found.sql_name(), quote(&column.name));
        let sql = format!("ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {value}");
        let inverse =
            Inverse::Default { table: self.found.oid, column: column.name.clone(), former: column.default.clone() };
        self.locked(format!("set the default of column {} to {value}", column.name), vec![sql], inverse)
    }

    fn json_instead_of_array(self, expected: &RelationColumn, found: &RelationColumn) -> Change {
        let (table, name) = (self.found.sql_name(), quote(&found.name));
        let default = expected.default.as_deref().unwrap_or("NULL");
        let sql = format!(
            "ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT,
                 ALTER COLUMN {name} TYPE jsonb USING array_to_json({name})::jsonb,
                 ALTER COLUMN {name} SET DEFAULT {default}"
        );
        let inverse = Inverse::ArrayType {
            table: self.found.oid,
            column: found.name.clone(),
            data_type: found.data_type.clone(),
            default: found.default.clone(),
        };
        self.locked(format!("convert column {} from {} to jsonb", found.name, found.data_type), vec![sql], inverse)
    }
}
