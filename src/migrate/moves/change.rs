//! One change of a move: its statements, the rule that rows may break, and the inverse that undoes it.

use serde::{Deserialize, Serialize};

/// A change with its statements.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The table, with its schema, for people.
    pub table: String,
    pub table_oid: i64,
    /// What is done, such as `rename index "adm.locations_pkey" to locations_pkey`.
    pub action: String,
    pub statements: Vec<String>,
    pub inverse: Inverse,
    pub phase: Phase,
    /// A rule that existing rows may break. The change is made only if none does.
    pub rule: Option<Rule>,
    /// Further tables that the statements lock.
    pub also_locks: Vec<i64>,
}

impl Change {
    pub fn is_concurrent(&self) -> bool {
        self.phase == Phase::Concurrent
    }

    pub fn is_foreign_key(&self) -> bool {
        matches!(self.inverse, Inverse::ForeignKey { .. })
    }

    /// Returns what kind of change it is, in the singular, for a summary.
    pub fn noun(&self) -> &'static str {
        match &self.inverse {
            Inverse::Place { .. } | Inverse::ConstraintName { .. } => "name",
            Inverse::ForeignKey { former: Some(_), .. } => "foreign key action",
            Inverse::ForeignKey { former: None, .. } => "new foreign key",
            Inverse::Constraint { .. } | Inverse::Validation { .. } => "rule",
            Inverse::Index { .. } => "new index",
            Inverse::Column { .. } | Inverse::Trigger { .. } => "new column",
            Inverse::Default { .. } => "default",
            Inverse::NotNull { .. } => "column that may be null",
            Inverse::ArrayType { .. } => "converted column",
            _ => "other change",
        }
    }
}

/// When the statements of a change are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// In one transaction with the others, under an exclusive lock for milliseconds: names and rules without their check.
    Locked,
    /// Afterwards, each statement on its own. Readers and writers go on.
    Concurrent,
}

/// A rule that rows may break.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    Unique { name: String, columns: Vec<String> },
    Check { name: String, condition: String },
    ForeignKey { name: String, columns: Vec<String>, target_oid: i64, target: String, target_columns: Vec<String> },
}

/// How a change is undone. Objects are named by OID where they have one, because later changes may rename them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Inverse {
    /// A table, index or sequence gets its former place and name.
    Place {
        oid: i64,
        class: Class,
        schema: String,
        name: String,
    },
    /// A constraint without an index gets its former name.
    ConstraintName {
        table: i64,
        oid: i64,
        name: String,
    },
    /// A foreign key is dropped; the former one, if there was one, is created again.
    ForeignKey {
        table: i64,
        name: String,
        former: Option<ForeignKey>,
    },
    /// A restored foreign key is checked, after the transaction that restored it.
    Validation {
        table: i64,
        name: String,
    },
    /// A unique or check constraint is dropped; the former one is created again.
    Constraint {
        table: i64,
        name: String,
        former: Option<FormerConstraint>,
    },
    /// An index is dropped.
    Index {
        table: i64,
        name: String,
    },
    /// A column is dropped; its values go to the archive.
    Column {
        table: i64,
        name: String,
    },
    Default {
        table: i64,
        column: String,
        former: Option<String>,
    },
    /// A column is NOT NULL again.
    NotNull {
        table: i64,
        column: String,
    },
    /// A column that became jsonb is an array again.
    ArrayType {
        table: i64,
        column: String,
        data_type: String,
        default: Option<String>,
    },
    /// A role loses USAGE on a schema.
    Usage {
        schema: String,
        role: String,
    },
    /// A view is dropped.
    View {
        schema: String,
        name: String,
    },
    /// A trigger, its function and the column that it fills are dropped.
    Trigger {
        table: i64,
        name: String,
        function: String,
        column: String,
    },
    /// Everything that `tutorial-references` did is taken back, together.
    References {
        journal: serde_json::Value,
    },
    /// A schema is dropped if it is empty.
    Schema {
        name: String,
    },
}

/// What kind of relation gets another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Table,
    Index,
    Sequence,
}

impl Class {
    pub fn sql(self) -> &'static str {
        match self {
            Class::Table => "TABLE",
            Class::Index => "INDEX",
            Class::Sequence => "SEQUENCE",
        }
    }
}

/// A foreign key as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub target: i64,
    pub target_columns: Vec<String>,
    /// As in the system catalogue: `a`, `r`, `c`, `n`, `d`.
    pub on_delete: String,
    pub on_update: String,
    pub is_deferrable: bool,
    pub is_deferred: bool,
    pub is_valid: bool,
}

/// A constraint as it was, with its definition as PostgreSQL writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormerConstraint {
    pub name: String,
    pub definition: String,
}

impl ForeignKey {
    /// Returns the definition for a target with this name in SQL.
    pub fn definition(&self, target: &str) -> String {
        let columns = super::rename::column_list(&self.columns);
        let target_columns = super::rename::column_list(&self.target_columns);
        let mut text = format!("FOREIGN KEY ({columns}) REFERENCES {target} ({target_columns})");
        for (event, action) in [("DELETE", &self.on_delete), ("UPDATE", &self.on_update)] {
            if let Some(action) = action_words(action) {
                text += &format!(" ON {event} {action}");
            }
        }
        match (self.is_deferrable, self.is_deferred) {
            (true, true) => text += " DEFERRABLE INITIALLY DEFERRED",
            (true, false) => text += " DEFERRABLE",
            _ => {}
        }
        text
    }
}

/// Returns the words of a referential action; none for NO ACTION.
pub fn action_words(action: &str) -> Option<&'static str> {
    match action {
        "c" => Some("CASCADE"),
        "n" => Some("SET NULL"),
        "d" => Some("SET DEFAULT"),
        "r" => Some("RESTRICT"),
        _ => None,
    }
}
