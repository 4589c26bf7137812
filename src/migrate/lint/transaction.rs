//! Judges statements that begin and end transactions, and settings. Pure.

use super::cursor::TokenCursor;
use super::finding::{Duration, LockMode, Risk, StatementEffect};
use super::state::{KnownObjects, OpenTransaction, SqlSession};

/// Follows a statement that controls the transaction or a setting; none if it is another one.
pub fn judge(
    statement: TokenCursor<'_>,
    line: u32,
    session: &mut SqlSession,
    objects: &mut KnownObjects,
) -> Option<Vec<StatementEffect>> {
    let is_open = session.transaction.is_some();
    if statement.is_any(&["begin", "start transaction"]) {
        if is_open {
            return Some(vec![
                StatementEffect::note("nested-transaction")
                    .because("a transaction is open already, so that this begins none")
                    .instead("SAVEPOINT, or COMMIT before it"),
            ]);
        }
        session.begin(line, false);
        return Some(Vec::new());
    }
    if statement.is("prepare transaction") {
        session.end(objects, false);
        return Some(vec![
            StatementEffect::mistake("prepared-transaction")
                .because("all locks stay until COMMIT PREPARED, even if this program has ended")
                .instead("COMMIT"),
        ]);
    }
    if statement.is_any(&["commit prepared", "rollback prepared", "savepoint", "release", "rollback to"])
        || statement.is_any(&["rollback work to", "rollback transaction to", "prepare"])
    {
        return Some(Vec::new());
    }
    let is_rolled_back = statement.is_any(&["rollback", "abort"]);
    if is_rolled_back || statement.is_any(&["commit", "end"]) {
        session.end(objects, is_rolled_back);
        if statement.contains("and chain") {
            session.begin(line, false);
        }
        let outside = StatementEffect::note("no-transaction")
            .because("no transaction is open here")
            .instead("BEGIN before the statements that belong together");
        return Some(if is_open { Vec::new() } else { vec![outside] });
    }
    if statement.is_any(&["set", "reset"]) {
        session.set(statement);
        let is_lost = statement.is("set local") && !is_open;
        let lost = StatementEffect::note("no-transaction")
            .because("SET LOCAL has no effect outside a transaction")
            .instead("SET without LOCAL, or BEGIN before it");
        return Some(if is_lost { vec![lost] } else { Vec::new() });
    }
    None
}

/// Reports whether PostgreSQL refuses a statement inside a transaction.
pub fn is_impossible_inside(statement: TokenCursor<'_>) -> bool {
    let mut rest = statement;
    let always = [
        "vacuum",
        "alter system",
        "create database",
        "drop database",
        "create tablespace",
        "drop tablespace",
        "reindex database",
        "reindex system",
        "reindex schema",
    ];
    if rest.is_any(&always) {
        return true;
    }
    let has_choice = ["create index", "create unique index", "drop index", "reindex index", "reindex table"];
    if rest.eat_any(&has_choice) {
        return rest.is("concurrently");
    }
    if rest.eat("reindex") {
        let options = rest.eat_parentheses();
        return options.is_some_and(|options| options.contains("concurrently"));
    }
    rest.is("alter table") && rest.contains("detach partition") && rest.contains("concurrently")
}

/// Returns what an effect means because of the locks and changes of the same transaction.
pub fn judge_in(open: &mut OpenTransaction, effect: &StatementEffect) -> Option<StatementEffect> {
    let target = effect.target.as_ref()?;
    let earlier = open.locks.last();
    if let Some(lock) = earlier.filter(|_| effect.duration.is_long() && effect.risk <= Risk::Note) {
        let mut context = StatementEffect::new("long-work-under-lock", Risk::Blocks, lock.mode, effect.duration)
            .on(&lock.table)
            .because(format!(
                "the {} lock on {} of line {} stays until COMMIT, {}",
                lock.mode.name(),
                lock.table,
                lock.line,
                effect.duration.phrase()
            ))
            .instead("COMMIT before it; change rows in batches, each in a transaction of its own");
        context.concerns_new = true;
        return Some(context);
    }
    if effect.lock != LockMode::AccessExclusive {
        return None;
    }
    if let Some((_, written)) = open.written.iter().find(|(table, _)| table == target) {
        return Some(
            StatementEffect::mistake("pending-trigger-events")
                .on(target)
                .because(format!(
                    "it fails if the table has deferred foreign keys, as Django creates them: the change of rows in line \
                     {written} is checked at COMMIT only"
                ))
                .instead("COMMIT between both, or SET CONSTRAINTS ALL IMMEDIATE before this"),
        );
    }
    let other = open.locks.iter().find(|lock| lock.mode == LockMode::AccessExclusive && lock.table != *target)?;
    if std::mem::replace(&mut open.is_reported, true) {
        return None;
    }
    let mut context = StatementEffect::new(
        "several-exclusive-locks",
        Risk::Unsafe,
        LockMode::AccessExclusive,
        Duration::Transaction,
    )
    .on(target)
    .because(format!(
        "{} is locked since line {}, and readers and writers wait while this waits for the next lock; a program that uses \
             both tables in the other order ends in a deadlock",
        other.table, other.line
    ))
    .instead("one transaction for each table");
    context.concerns_new = true;
    Some(context)
}
