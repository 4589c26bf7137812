//! What is known of the database and the session at a statement: earlier statements decide how it is judged. Pure.

use std::collections::{HashMap, HashSet};

use super::cursor::{ObjectName, TokenCursor};
use super::finding::LockMode;
use super::types::TypeName;

/// Whether other programs can use a table already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Created earlier in the file.
    New,
    /// Created earlier in the file with IF NOT EXISTS.
    PerhapsNew,
    Existing,
}

/// A table as far as the statements tell.
#[derive(Debug, Clone)]
pub struct KnownTable {
    schema: Option<String>,
    pub age: Age,
    pub columns: HashMap<String, TypeName>,
    /// Checks that a column is not null: name, column, whether it has been validated.
    pub not_null_checks: Vec<(String, String, bool)>,
    /// Names of constraints that were added NOT VALID in the open transaction.
    pub added_now: Vec<String>,
}

/// The tables and other objects that the statements have named.
#[derive(Debug, Default)]
pub struct KnownObjects {
    tables: HashMap<String, Vec<KnownTable>>,
    /// Objects other than tables that the file has created.
    created: HashSet<ObjectName>,
    created_in_transaction: Vec<ObjectName>,
}

fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_none() || other.is_none() || one == other
}

impl KnownObjects {
    pub fn table(&self, name: &ObjectName) -> Option<&KnownTable> {
        let tables = self.tables.get(&name.name)?;
        tables.iter().rev().find(|table| is_same(table.schema.as_deref(), name.schema.as_deref()))
    }

    pub fn table_mut(&mut self, name: &ObjectName) -> Option<&mut KnownTable> {
        let tables = self.tables.get_mut(&name.name)?;
        tables.iter_mut().rev().find(|table| is_same(table.schema.as_deref(), name.schema.as_deref()))
    }

    /// Returns the table, which is an existing one if no statement has named it yet.
    pub fn table_or_existing(&mut self, name: &ObjectName) -> &mut KnownTable {
        if self.table(name).is_none() {
            self.insert(name, Age::Existing);
        }
        let tables = self.tables.entry(name.name.clone()).or_default();
        let at = tables.iter().rposition(|table| is_same(table.schema.as_deref(), name.schema.as_deref()));
        let at = at.unwrap_or_default();
        &mut tables[at]
    }

    /// Remembers a table that a statement creates.
    pub fn insert(&mut self, name: &ObjectName, age: Age) {
        let table = KnownTable {
            schema: name.schema.clone(),
            age,
            columns: HashMap::new(),
            not_null_checks: Vec::new(),
            added_now: Vec::new(),
        };
        self.tables.entry(name.name.clone()).or_default().push(table);
        if age != Age::Existing {
            self.created_in_transaction.push(name.clone());
        }
    }

    pub fn remove(&mut self, name: &ObjectName) -> Option<KnownTable> {
        self.created.remove(name);
        let tables = self.tables.get_mut(&name.name)?;
        let at = tables.iter().rposition(|table| is_same(table.schema.as_deref(), name.schema.as_deref()))?;
        Some(tables.remove(at))
    }

    pub fn rename(&mut self, old: &ObjectName, new: ObjectName) {
        if let Some(mut table) = self.remove(old) {
            table.schema = new.schema;
            self.tables.entry(new.name).or_default().push(table);
        }
    }

    pub fn age(&self, name: &ObjectName) -> Age {
        let is_temporary = name.schema.as_deref().is_some_and(|schema| schema.starts_with("pg_temp"));
        let is_created = is_temporary || self.created.contains(name);
        self.table(name).map_or(if is_created { Age::New } else { Age::Existing }, |table| table.age)
    }

    /// Remembers an object other than a table that the file creates.
    pub fn create(&mut self, name: ObjectName) {
        self.created_in_transaction.push(name.clone());
        self.created.insert(name);
    }

    /// Forgets what a transaction that was rolled back has created.
    fn roll_back(&mut self) {
        for name in std::mem::take(&mut self.created_in_transaction) {
            self.remove(&name);
        }
    }

    /// Makes every table an existing one: the next file finds a database that is in use.
    pub fn end_file(&mut self) {
        self.created.clear();
        self.created_in_transaction.clear();
        for table in self.tables.values_mut().flatten() {
            table.age = Age::Existing;
            table.added_now.clear();
        }
    }
}

/// A strong lock that an open transaction has taken on an existing table.
#[derive(Debug, Clone)]
pub struct TakenLock {
    pub table: ObjectName,
    pub mode: LockMode,
    pub line: u32,
}

/// An open transaction.
#[derive(Debug, Default)]
pub struct OpenTransaction {
    pub line: u32,
    /// Whether no statement of the file began it.
    pub is_implicit: bool,
    pub locks: Vec<TakenLock>,
    /// Tables whose rows it has changed, with the line.
    pub written: Vec<(ObjectName, u32)>,
    /// Tables with constraints that it has added.
    altered: Vec<ObjectName>,
    /// Whether it was reported that it locks several tables.
    pub is_reported: bool,
}

/// The longest list of a transaction; further entries add nothing to what is reported.
const LONGEST: usize = 1_000;

impl OpenTransaction {
    pub fn add_lock(&mut self, lock: TakenLock) {
        if self.locks.len() < LONGEST {
            self.locks.push(lock);
        }
    }

    pub fn add_written(&mut self, table: &ObjectName, line: u32) {
        if self.written.len() < LONGEST {
            self.written.push((table.clone(), line));
        }
    }
}

/// The session that executes the statements.
#[derive(Debug, Default)]
pub struct SqlSession {
    pub transaction: Option<OpenTransaction>,
    has_lock_timeout: bool,
    has_local_lock_timeout: bool,
    is_timeout_reported: bool,
}

impl SqlSession {
    /// A session whose caller limits the waits for locks.
    pub fn with_lock_timeout() -> Self {
        SqlSession { has_lock_timeout: true, ..SqlSession::default() }
    }

    pub fn begin(&mut self, line: u32, is_implicit: bool) {
        self.transaction = Some(OpenTransaction { line, is_implicit, ..OpenTransaction::default() });
    }

    /// Remembers a constraint that waits for its validation.
    pub fn add_constraint(&mut self, objects: &mut KnownObjects, table: &ObjectName, constraint: &str) {
        if let Some(transaction) = &mut self.transaction {
            objects.table_or_existing(table).added_now.push(constraint.to_owned());
            transaction.altered.push(table.clone());
        }
    }

    pub fn end(&mut self, objects: &mut KnownObjects, is_rolled_back: bool) {
        if let Some(transaction) = self.transaction.take() {
            for table in &transaction.altered {
                if let Some(table) = objects.table_mut(table) {
                    table.added_now.clear();
                }
            }
        }
        self.has_local_lock_timeout = false;
        if is_rolled_back {
            objects.roll_back();
        }
        objects.created_in_transaction.clear();
    }

    /// Reports once whether a lock is waited for without limit.
    pub fn reports_missing_timeout(&mut self) -> bool {
        let is_missing = !self.has_lock_timeout && !self.has_local_lock_timeout;
        is_missing && !std::mem::replace(&mut self.is_timeout_reported, true)
    }

    /// Follows `SET`, `RESET` and `set_config`.
    pub fn set(&mut self, statement: TokenCursor<'_>) {
        let mut rest = statement;
        if rest.eat("reset") {
            self.has_lock_timeout &= !rest.is_any(&["lock_timeout", "all"]);
        } else if rest.eat("set") {
            let is_local = rest.eat("local");
            rest.eat("session");
            if rest.eat("lock_timeout") {
                rest.eat_any(&["=", "to"]);
                self.set_lock_timeout(rest.text(0), is_local);
            }
        }
    }

    pub fn set_config(&mut self, call: TokenCursor<'_>) {
        let arguments = call.split_commas();
        let text = |at: usize| arguments.get(at).map_or("", |argument| argument.text(0));
        if text(0).trim_matches('\'').eq_ignore_ascii_case("lock_timeout") {
            self.set_lock_timeout(text(1), text(2).eq_ignore_ascii_case("true"));
        }
    }

    fn set_lock_timeout(&mut self, value: &str, is_local: bool) {
        let digits = value.trim_matches('\'').trim_end_matches(|c: char| !c.is_ascii_digit());
        let is_limit = !value.eq_ignore_ascii_case("default") && digits.parse::<f64>().is_ok_and(|limit| limit > 0.0);
        if is_local {
            self.has_local_lock_timeout = is_limit && self.transaction.is_some();
        } else {
            self.has_lock_timeout = is_limit;
        }
    }
}
