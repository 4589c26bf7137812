//! Judges `CREATE`. Pure.

use super::column;
use super::cursor::{ObjectName, TokenCursor};
use super::finding::{Duration, LockMode, Risk, StatementEffect};
use super::state::{Age, KnownObjects};
use super::table_constraint;

/// Kinds of objects whose creation locks no table.
const LOCKLESS: &[&str] = &[
    "materialized view",
    "recursive view",
    "view",
    "schema",
    "sequence",
    "type",
    "domain",
    "function",
    "procedure",
    "aggregate",
    "extension",
    "event trigger",
    "role",
    "user",
    "group",
    "cast",
    "collation",
    "conversion",
    "operator",
    "text search",
    "language",
    "trusted language",
    "procedural language",
    "publication",
    "subscription",
    "server",
    "foreign data wrapper",
    "access method",
    "transform",
];

/// Judges `CREATE …`, of which the first word has been read.
pub fn judge(mut rest: TokenCursor<'_>, objects: &mut KnownObjects) -> Vec<StatementEffect> {
    rest.eat("or replace");
    let is_temporary = rest.eat_any(&["temporary", "temp", "local temporary", "local temp", "global temporary"]);
    rest.eat("unlogged");
    if rest.eat("table") || rest.eat("foreign table") {
        return create_table(rest, is_temporary, objects);
    }
    if rest.eat_any(&["index", "unique index"]) {
        return vec![create_index(rest, objects)];
    }
    if rest.eat_any(&["trigger", "constraint trigger"]) {
        return vec![create_trigger(rest)];
    }
    if rest.eat_any(&["rule", "policy"]) {
        let table = rest.find("to").or_else(|| rest.find("on"));
        return vec![brief(LockMode::AccessExclusive, table, "create-rule", "readers and writers of the table wait")];
    }
    if rest.eat("statistics") {
        return vec![StatementEffect::fine(LockMode::ShareUpdateExclusive)];
    }
    if rest.is_any(&["database", "tablespace"]) {
        return vec![StatementEffect::fine(LockMode::None)];
    }
    if rest.eat_any(LOCKLESS) {
        rest.eat("if not exists");
        if let Some(name) = rest.eat_name() {
            objects.create(name);
        }
        return vec![StatementEffect::fine(LockMode::None)];
    }
    vec![super::alter_table::unknown("CREATE", &rest)]
}

fn create_table(mut rest: TokenCursor<'_>, is_temporary: bool, objects: &mut KnownObjects) -> Vec<StatementEffect> {
    let is_conditional = rest.eat("if not exists");
    let Some(name) = rest.eat_name() else { return vec![super::alter_table::unknown("CREATE TABLE", &rest)] };
    let age = match objects.table(&name) {
        _ if is_temporary => Age::New,
        Some(known) if is_conditional => known.age,
        _ if is_conditional => Age::PerhapsNew,
        _ => Age::New,
    };
    if !is_conditional || objects.table(&name).is_none() {
        objects.insert(&name, age);
    }
    let mut effects = Vec::new();
    let fine = |table: ObjectName| {
        let mut effect = StatementEffect::fine(LockMode::None).on(&name);
        effect.other = Some((table, LockMode::ShareRowExclusive));
        effect
    };
    if rest.eat("partition of") {
        let parent = rest.eat_name().unwrap_or_default();
        effects.push(
            StatementEffect::new("create-partition", Risk::Blocks, LockMode::AccessExclusive, Duration::Metadata)
                .on(&parent)
                .because(
                    "readers and writers of the partitioned table wait until the transaction ends, and every row of a \
                          default partition is read",
                )
                .instead("CREATE TABLE … (LIKE …), add a CHECK with the bounds, then ATTACH PARTITION"),
        );
        return effects;
    }
    let Some(body) = rest.eat_parentheses() else { return vec![StatementEffect::fine(LockMode::None).on(&name)] };
    let mut columns = Vec::new();
    for part in body.split_commas() {
        if let Some(column) = column::definition(part) {
            effects.extend(column.references.map(fine));
            columns.push((column.name, column.data_type));
        } else if let Some(mut at) = part.find("references") {
            at.skip(1);
            effects.extend(at.eat_name().map(fine));
        }
    }
    objects.table_or_existing(&name).columns.extend(columns);
    if effects.is_empty() {
        effects.push(StatementEffect::fine(LockMode::None).on(&name));
    }
    effects
}

fn create_index(mut rest: TokenCursor<'_>, objects: &mut KnownObjects) -> StatementEffect {
    let is_concurrent = rest.eat("concurrently");
    rest.eat("if not exists");
    let index = if rest.is("on") { None } else { rest.eat_name() };
    if !rest.eat("on") {
        return super::alter_table::unknown("CREATE INDEX", &rest);
    }
    let is_only = rest.eat("only");
    let Some(table) = rest.eat_name() else { return super::alter_table::unknown("CREATE INDEX", &rest) };
    if let Some(index) = index {
        // An index is in the schema of its table.
        let index = ObjectName { schema: table.schema.clone(), ..index };
        match objects.age(&table) {
            Age::New => objects.create(index),
            Age::PerhapsNew | Age::Existing => {}
        }
    }
    if is_concurrent {
        return StatementEffect::new("fine", Risk::Fine, LockMode::ShareUpdateExclusive, Duration::Scan).on(&table);
    }
    if is_only {
        return StatementEffect::fine(LockMode::Share).on(&table);
    }
    StatementEffect::new("create-index", Risk::Blocks, LockMode::Share, Duration::Scan)
        .on(&table)
        .because("writers of the table wait until the index is built")
        .instead("CREATE INDEX CONCURRENTLY, outside a transaction; if it fails, drop the invalid index and repeat it")
}

fn create_trigger(mut rest: TokenCursor<'_>) -> StatementEffect {
    rest.eat_name();
    // The table follows the last ON before FOR, EXECUTE or WHEN: `UPDATE OF a, b ON t`.
    brief(LockMode::ShareRowExclusive, rest.find("on"), "create-trigger", "writers of the table wait")
}

/// A change that needs its lock only for an instant, but until the transaction ends.
fn brief(lock: LockMode, table: Option<TokenCursor<'_>>, rule: &'static str, what: &str) -> StatementEffect {
    let effect = StatementEffect::new(rule, Risk::Note, lock, Duration::Metadata)
        .because(format!("{what} until the transaction ends"))
        .instead("set lock_timeout before it, and COMMIT directly after it");
    let table = table.and_then(|mut at| {
        at.skip(1);
        at.eat_name()
    });
    match table {
        Some(table) => effect.on(&table),
        None => effect,
    }
}

/// Judges statements on a domain that check the rows of every table that uses it.
pub fn judge_alter_domain(mut rest: TokenCursor<'_>) -> Option<StatementEffect> {
    let domain = rest.eat_name()?;
    let is_checked = rest.is("set not null") || (rest.is("add") && !rest.contains("not valid"));
    is_checked.then(|| StatementEffect {
        rule: "domain-constraint",
        lock: LockMode::Share,
        why: "every row of every table that uses the domain is checked, and writers of these tables wait meanwhile"
            .into(),
        ..table_constraint::check_under_lock().on(&domain)
    })
}
