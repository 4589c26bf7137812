//! Judges `DROP`, and `ALTER` of everything but tables. Pure.

use super::alter_table::unknown;
use super::create::judge_alter_domain;
use super::cursor::{ObjectName, TokenCursor};
use super::finding::{Duration, LockMode, Risk, StatementEffect};
use super::state::{Age, KnownObjects};

/// Kinds of objects that programs use by name, so that dropping or renaming one makes them fail.
const USED_BY_NAME: &[&str] = &[
    "materialized view",
    "view",
    "table",
    "foreign table",
    "sequence",
    "schema",
    "type",
    "domain",
    "function",
    "procedure",
    "routine",
    "aggregate",
    "extension",
    "operator",
    "collation",
    "database",
    "server",
    "role",
    "user",
    "group",
    "tablespace",
];

/// Judges `DROP …`, of which the first word has been read.
pub fn judge_drop(mut rest: TokenCursor<'_>, objects: &mut KnownObjects) -> Vec<StatementEffect> {
    if rest.eat("index") {
        return drop_index(rest, objects);
    }
    if rest.eat("owned") {
        return vec![
            StatementEffect::mistake("drop-object")
                .because("everything that the role owns is deleted, with its rows")
                .instead("REASSIGN OWNED BY … TO …, and drop what is not needed by name"),
        ];
    }
    if rest.eat_any(&["trigger", "rule", "policy"]) {
        let table = rest.find("on").and_then(|mut at| {
            at.skip(1);
            at.eat_name()
        });
        let effect = StatementEffect::new("drop-trigger", Risk::Note, LockMode::AccessExclusive, Duration::Metadata)
            .because("readers and writers of the table wait until the transaction ends")
            .instead("set lock_timeout before it, and COMMIT directly after it");
        return vec![match table {
            Some(table) => effect.on(&table),
            None => effect,
        }];
    }
    let start = rest;
    if !rest.eat_any(USED_BY_NAME) {
        let others = [
            "statistics",
            "event trigger",
            "cast",
            "conversion",
            "text search",
            "language",
            "publication",
            "subscription",
            "foreign data wrapper",
            "access method",
            "transform",
            "user mapping",
        ];
        return vec![if rest.is_any(&others) { StatementEffect::fine(LockMode::None) } else { unknown("DROP", &rest) }];
    }
    let kind = start.until(&rest).excerpt(40).to_uppercase();
    rest.eat("if exists");
    let is_cascading = rest.contains("cascade");
    rest.split_commas().into_iter().map(|mut part| drop_object(&kind, &mut part, is_cascading, objects)).collect()
}

fn drop_object(
    kind: &str,
    part: &mut TokenCursor<'_>,
    is_cascading: bool,
    objects: &mut KnownObjects,
) -> StatementEffect {
    let name = part.eat_name().unwrap_or_default();
    let loss = match kind {
        "TABLE" | "MATERIALIZED VIEW" | "SCHEMA" | "DATABASE" => ", and what it contains is lost",
        _ => "",
    };
    let age = objects.age(&name);
    objects.remove(&name);
    if is_cascading && age == Age::New {
        return StatementEffect::note("drop-cascade")
            .on(&name)
            .because("CASCADE also drops every view, key and other object that depends on it")
            .instead("drop them by name, so that an unexpected one stops the script");
    }
    let cascade = if is_cascading { "; CASCADE drops whatever depends on it, without listing it before" } else { "" };
    if age == Age::New {
        return StatementEffect::fine(LockMode::None).on(&name);
    }
    StatementEffect::hazard("drop-object", LockMode::AccessExclusive)
        .on(&name)
        .because(format!(
            "programs that still use this {} fail from this moment on{loss}{cascade}",
            kind.to_lowercase()
        ))
        .instead("first deploy programs that do not use it; drop it in a later release")
}

fn drop_index(mut rest: TokenCursor<'_>, objects: &mut KnownObjects) -> Vec<StatementEffect> {
    let is_concurrent = rest.eat("concurrently");
    rest.eat("if exists");
    let mut effects = Vec::new();
    for mut part in rest.split_commas() {
        let name = part.eat_name().unwrap_or_default();
        effects.push(if objects.age(&name) == Age::New {
            objects.remove(&name);
            StatementEffect::fine(LockMode::None).on(&name)
        } else if is_concurrent {
            StatementEffect::fine(LockMode::ShareUpdateExclusive).on(&name)
        } else {
            StatementEffect::new("drop-index", Risk::Blocks, LockMode::AccessExclusive, Duration::Metadata)
                .on(&name)
                .because("it waits for every reader of the table, and everybody who comes later waits behind it")
                .instead("DROP INDEX CONCURRENTLY, outside a transaction")
        });
    }
    effects
}

/// Judges `ALTER …` of everything but tables; the first word has been read.
pub fn judge_alter(mut rest: TokenCursor<'_>) -> Vec<StatementEffect> {
    let start = rest;
    if rest.eat("index") {
        return vec![alter_index(rest)];
    }
    if rest.eat("domain") {
        return vec![judge_alter_domain(rest).unwrap_or_else(|| renamed(rest))];
    }
    if rest.is("type") && rest.contains("add value") {
        return vec![StatementEffect::fine(LockMode::None)];
    }
    if rest.is("type") && (rest.contains("rename value") || rest.contains("attribute")) {
        return vec![
            StatementEffect::mistake("alter-type")
                .because("programs and functions that use the old value or attribute fail from this moment on")
                .instead("add a new value or type, let the programs use it, and remove the old one in a later release"),
        ];
    }
    if rest.is("system") || rest.is("default privileges") {
        return vec![StatementEffect::fine(LockMode::None)];
    }
    if rest.eat_any(USED_BY_NAME) {
        return vec![renamed(rest)];
    }
    let others = [
        "trigger",
        "rule",
        "policy",
        "statistics",
        "event trigger",
        "language",
        "publication",
        "subscription",
        "foreign data wrapper",
        "text search",
        "conversion",
        "large object",
        "user mapping",
        "procedural language",
    ];
    vec![if rest.is_any(&others) { StatementEffect::fine(LockMode::None) } else { unknown("ALTER", &start) }]
}

fn renamed(mut rest: TokenCursor<'_>) -> StatementEffect {
    rest.eat("if exists");
    let name: ObjectName = rest.eat_name().unwrap_or_default();
    if rest.contains("rename to") || rest.contains("set schema") || rest.contains("rename column") {
        return StatementEffect::hazard("rename-object", LockMode::AccessExclusive)
            .on(&name)
            .because("programs that use the old name fail from this moment on")
            .instead("create a second object of the new name, and drop the old one in a later release");
    }
    StatementEffect::fine(LockMode::None).on(&name)
}

fn alter_index(mut rest: TokenCursor<'_>) -> StatementEffect {
    rest.eat("if exists");
    let name = rest.eat_name().unwrap_or_default();
    if rest.contains("set tablespace") || name.name == "all" {
        return StatementEffect::rewrite("move-tablespace")
            .on(&name)
            .because("the index is copied into the other tablespace, and queries that use it wait meanwhile")
            .instead("REINDEX (CONCURRENTLY, TABLESPACE …) INDEX …");
    }
    StatementEffect::fine(LockMode::ShareUpdateExclusive).on(&name)
}
