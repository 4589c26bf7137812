//! Judges statements on rows, and maintenance: `UPDATE`, `TRUNCATE`, `VACUUM` and others. Pure.

use super::cursor::{ObjectName, TokenCursor};
use super::finding::{Duration, LockMode, Risk, StatementEffect};

/// Judges `UPDATE`, `DELETE`, `INSERT` and `MERGE`, of which the first word is at the position.
pub fn judge_rows(mut rest: TokenCursor<'_>) -> StatementEffect {
    let verb = rest.text(0).to_uppercase();
    rest.skip(1);
    rest.eat_any(&["from", "into"]);
    rest.eat("only");
    let table = rest.eat_name().unwrap_or_default();
    let is_complete = matches!(verb.as_str(), "UPDATE" | "DELETE") && !rest.contains("where");
    if is_complete && !rest.contains("using") && !rest.contains("from") {
        return StatementEffect::new("all-rows", Risk::Blocks, LockMode::RowExclusive, Duration::Rows)
            .on(&table)
            .because(format!(
                "{verb} without WHERE locks every row: another writer of a row waits until it has committed"
            ))
            .instead("change a few thousand rows at a time by ranges of the key, and COMMIT after each");
    }
    let is_short = verb == "INSERT" && !rest.contains("select") && !rest.contains("table");
    let duration = if is_short { Duration::Metadata } else { Duration::Rows };
    StatementEffect {
        // Copying rows into a new table takes its time, too.
        concerns_new: verb == "INSERT",
        ..StatementEffect::new("fine", Risk::Fine, LockMode::RowExclusive, duration).on(&table)
    }
}

/// Returns the statement inside a `WITH` that changes rows, and the main one.
pub fn changes_in(with: TokenCursor<'_>) -> Vec<TokenCursor<'_>> {
    let mut rest = with;
    let mut found = Vec::new();
    let changes = ["update", "delete from", "insert into", "merge into"];
    while !rest.is_at_end() {
        if rest.is_any(&changes) && !is_clause(&with, &rest) {
            found.push(rest);
            return found;
        }
        let mut inner = rest;
        if let Some(inner) = inner.eat_parentheses().filter(|inner| inner.is_any(&changes)) {
            found.push(inner);
        }
        rest.skip_group();
    }
    found
}

/// Reports whether `UPDATE` is the lock clause of a query: `FOR UPDATE`.
fn is_clause<'a>(all: &TokenCursor<'a>, at: &TokenCursor<'a>) -> bool {
    let before = all.until(at);
    let last = before.tokens.len().checked_sub(1).map_or("", |last| before.text(last));
    ["for", "key", "do"].iter().any(|word| last.eq_ignore_ascii_case(word))
}

/// Judges `TRUNCATE`, of which the first word has been read.
pub fn judge_truncate(mut rest: TokenCursor<'_>) -> Vec<StatementEffect> {
    rest.eat("table");
    let judge = |mut part: TokenCursor<'_>| {
        part.eat("only");
        let table = part.eat_name().unwrap_or_default();
        StatementEffect::new("truncate", Risk::Blocks, LockMode::AccessExclusive, Duration::Metadata)
            .on(&table)
            .because("every row is deleted, and readers and writers of the table wait until the transaction ends")
            .instead("DELETE in batches of a few thousand rows, if others use the table")
    };
    rest.split_commas().into_iter().map(judge).collect()
}

/// Judges `LOCK TABLE`, of which the first word has been read.
pub fn judge_lock(mut rest: TokenCursor<'_>) -> Vec<StatementEffect> {
    rest.eat("table");
    rest.eat("only");
    let mode = rest.find("in").and_then(|mut at| {
        at.skip(1);
        LockMode::ALL.iter().find(|(_, name)| at.is(&format!("{name} MODE"))).map(|(mode, _)| *mode)
    });
    let mode = mode.unwrap_or(LockMode::AccessExclusive);
    let judge = |mut part: TokenCursor<'_>| {
        let table = part.eat_name().unwrap_or_default();
        if !mode.blocks_writers() {
            return StatementEffect::new("fine", Risk::Fine, mode, Duration::Transaction).on(&table);
        }
        let who = if mode == LockMode::AccessExclusive { "read or write" } else { "write" };
        StatementEffect::new("lock-table", Risk::Blocks, mode, Duration::Transaction)
            .on(&table)
            .because(format!("nobody can {who} the table until the transaction ends"))
            .instead("lock single rows with SELECT … FOR UPDATE, or use an advisory lock")
    };
    rest.split_commas().into_iter().map(judge).collect()
}

/// Reports whether an option in parentheses is switched on: `(FULL)`, `(FULL true)`.
fn has_option(rest: &TokenCursor<'_>, option: &str) -> bool {
    let mut rest = *rest;
    let Some(options) = rest.eat_parentheses() else { return false };
    options.split_commas().iter().any(|part| {
        part.is(option) && !["false", "off", "0"].iter().any(|value| part.text(1).eq_ignore_ascii_case(value))
    })
}

fn first_table(mut rest: TokenCursor<'_>) -> Option<ObjectName> {
    while rest.is("(") || rest.is_any(&["full", "freeze", "verbose", "analyze", "only"]) {
        rest.skip_group();
    }
    rest.eat_name()
}

fn on_table(effect: StatementEffect, table: Option<ObjectName>) -> StatementEffect {
    match table {
        Some(table) => effect.on(&table),
        None => effect,
    }
}

/// Judges `VACUUM`, of which the first word has been read.
pub fn judge_vacuum(rest: TokenCursor<'_>) -> StatementEffect {
    let table = first_table(rest);
    if rest.is("full") || has_option(&rest, "full") {
        let effect = StatementEffect::rewrite("vacuum-full")
            .because("the table and its indexes are written again, and readers and writers wait meanwhile")
            .instead("plain VACUUM, which makes the room usable again; pg_repack, if the file must become smaller");
        return on_table(effect, table);
    }
    on_table(StatementEffect::new("fine", Risk::Fine, LockMode::ShareUpdateExclusive, Duration::Scan), table)
}

/// Judges `CLUSTER` and `REPACK`, of which the first word has been read.
pub fn judge_cluster(mut rest: TokenCursor<'_>) -> StatementEffect {
    if has_option(&rest, "concurrently") {
        return StatementEffect::new("fine", Risk::Fine, LockMode::ShareUpdateExclusive, Duration::Scan);
    }
    while rest.is("(") || rest.is("verbose") {
        rest.skip_group();
    }
    let effect = StatementEffect::rewrite("cluster")
        .because("the table is written again in the order of an index, and readers and writers wait meanwhile")
        .instead("pg_repack, or nothing: new rows are not put into this order anyway");
    on_table(effect, rest.eat_name())
}

/// Judges `REINDEX`, of which the first word has been read.
pub fn judge_reindex(mut rest: TokenCursor<'_>) -> StatementEffect {
    let is_concurrent = has_option(&rest, "concurrently");
    rest.eat_parentheses();
    rest.eat_any(&["index", "table", "schema", "database", "system"]);
    if rest.eat("concurrently") || is_concurrent {
        return on_table(
            StatementEffect::new("fine", Risk::Fine, LockMode::ShareUpdateExclusive, Duration::Scan),
            rest.eat_name(),
        );
    }
    let effect = StatementEffect::new("reindex", Risk::Blocks, LockMode::Share, Duration::Scan)
        .because("writers of the table wait until the index is built, and queries that use the index wait, too")
        .instead("REINDEX … CONCURRENTLY, outside a transaction");
    on_table(effect, rest.eat_name())
}

/// Judges `REFRESH MATERIALIZED VIEW`, of which the first word has been read.
pub fn judge_refresh(mut rest: TokenCursor<'_>) -> StatementEffect {
    rest.eat("materialized view");
    let is_concurrent = rest.eat("concurrently");
    let view = rest.eat_name();
    let effect = if rest.contains("with no data") {
        StatementEffect::hazard("refresh-view", LockMode::AccessExclusive)
            .because("the view is emptied, and reading it fails until it is filled again")
            .instead("REFRESH MATERIALIZED VIEW CONCURRENTLY")
    } else if is_concurrent {
        StatementEffect::new("fine", Risk::Fine, LockMode::Exclusive, Duration::Scan)
    } else {
        StatementEffect::new("refresh-view", Risk::Blocks, LockMode::AccessExclusive, Duration::Scan)
            .because("readers of the view wait until its query has ended")
            .instead("REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view")
    };
    on_table(effect, view)
}
