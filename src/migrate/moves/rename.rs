//! Names of tables, indexes, constraints and sequences, and their statements.

use super::change::Class;
use crate::migrate::catalog::quote;

/// A relation with the place and name that it has.
pub(super) struct Former<'a> {
    pub class: Class,
    pub oid: i64,
    pub schema: &'a str,
    pub name: &'a str,
}

/// Returns a name without the prefixes that former places left in it.
pub(super) fn plain_name(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("adm.").or_else(|| name.strip_prefix("administrate_")) {
        if rest.is_empty() {
            break;
        }
        name = rest;
    }
    name
}

/// Returns the name of the index of a unique rule until the rule is added.
pub(super) fn unfinished_name(rule: &str) -> String {
    format!("{}_new", rule.chars().take(59).collect::<String>())
}

/// Returns a name that no other object has, for one that has to make room.
pub(super) fn free_name(name: &str, oid: i64) -> String {
    format!("{}_{oid}", name.chars().take(50).collect::<String>())
}

/// Returns columns for a statement.
pub(super) fn column_list(columns: &[String]) -> String {
    columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ")
}

/// Returns the statements that bring a relation to a place and name.
pub(super) fn place(former: &Former, schema: &str, name: &str) -> Vec<String> {
    let class = former.class.sql();
    let mut statements = Vec::new();
    if former.schema != schema {
        let relation = format!("{}.{}", quote(former.schema), quote(former.name));
        statements.push(format!("ALTER {class} {relation} SET SCHEMA {}", quote(schema)));
    }
    if former.name != name {
        let relation = format!("{}.{}", quote(schema), quote(former.name));
        statements.push(format!("ALTER {class} {relation} RENAME TO {}", quote(name)));
    }
    statements
}
