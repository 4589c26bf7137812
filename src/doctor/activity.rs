//! What happens on the server: idle transactions, replication slots, statements on compatibility views.

use sqlx::PgPool;

use super::store::{self, IdleTransaction, ReplicationSlot, ServerFacts};
use super::{CheckResult, bytes, listed, quoted};
use crate::console::counted;
use crate::error::{Error, Result};

/// A slot without a consumer for which the server retains more than this is a deviation.
const MAX_RETAINED: i64 = 1 << 30;

/// Finds transactions that have locked tables and do nothing for `seconds`.
pub(super) async fn idle_transactions(pool: &PgPool, facts: &ServerFacts, seconds: u32) -> Result<CheckResult> {
    let idle = store::idle_transactions(pool, seconds).await?;
    let Some(oldest) = idle.first() else {
        let whose = if facts.sees_others { "" } else { " of this user" };
        return Ok(CheckResult::good(format!("no transaction{whose} has locked a table and is idle for {seconds} s")));
    };
    let described: Vec<String> = idle.iter().map(describe).collect();
    let end = match (&oldest.prepared, oldest.process) {
        (Some(name), _) => format!("ROLLBACK PREPARED {name}"),
        (None, process) => format!("SELECT pg_terminate_backend({})", process.unwrap_or_default()),
    };
    Ok(CheckResult::bad(
        listed(&described),
        format!("let that program finish or end it: {end}; idle_in_transaction_session_timeout prevents it"),
    ))
}

fn describe(idle: &IdleTransaction) -> String {
    let tables = listed(&idle.tables);
    let IdleTransaction { user_name, program, host, since, .. } = idle;
    match (&idle.prepared, idle.process) {
        (Some(name), _) => format!("prepared transaction {name} of user {user_name} has locked {tables} since {since}"),
        (None, process) => format!(
            "server process {} (user {user_name}, program \"{program}\", {host}) has locked {tables} and is idle since \
             {since}",
            process.unwrap_or_default()
        ),
    }
}

/// Finds replication slots for which the server retains its log.
pub(super) async fn replication_slots(pool: &PgPool) -> Result<CheckResult> {
    let slots = store::replication_slots(pool).await?;
    let blocking: Vec<&ReplicationSlot> = slots.iter().filter(|slot| is_blocking(slot)).collect();
    let Some(first) = blocking.first() else {
        return Ok(CheckResult::good(match slots.len() {
            0 => "none".to_owned(),
            count => format!("{}; none holds back much of the log", counted(count, "slot")),
        }));
    };
    let described = blocking.iter().map(|slot| {
        let retained = bytes(u64::try_from(slot.retained).unwrap_or_default());
        let status = slot.wal_status.as_deref().unwrap_or("unknown");
        format!("slot {} has no consumer and holds back {retained} of the log (status {status})", slot.name)
    });
    let name = first.name.replace('\'', "''");
    Ok(CheckResult::bad(
        listed(&described.collect::<Vec<_>>()),
        format!("start its consumer, or drop it: SELECT pg_drop_replication_slot('{name}')"),
    ))
}

fn is_blocking(slot: &ReplicationSlot) -> bool {
    let is_lost = matches!(slot.wal_status.as_deref(), Some("lost" | "unreserved"));
    !slot.is_active && (is_lost || slot.retained > MAX_RETAINED)
}

/// Counts the statements that still use the names of tables before they were moved to `adm`.
pub(super) async fn compat_views(pool: &PgPool, facts: &ServerFacts, names: &[String]) -> Result<CheckResult> {
    let views = store::compat_views(pool, names).await?;
    let extension = store::statement_statistics(pool).await?;
    let there = match &extension {
        Some(_) => "pg_stat_statements is installed",
        None => "pg_stat_statements is not installed in this database",
    };
    if views.is_empty() {
        return Ok(CheckResult::good(format!("there are no compatibility views; {there}")));
    }
    let count = counted(views.len(), "compatibility view");
    let Some(schema) = extension else {
        return Ok(CheckResult::good(format!(
            "{count}; {there}, so that statements on them are not counted (CREATE EXTENSION pg_stat_statements, with \
             shared_preload_libraries = 'pg_stat_statements')"
        )));
    };
    let counts = match store::statements_on_views(pool, &schema, &views).await {
        Ok(counts) => counts,
        Err(Error::Database(sqlx::Error::Database(refusal))) => {
            return Ok(CheckResult::good(format!(
                "{count}; statements on them are not counted: {}",
                refusal.message()
            )));
        }
        Err(error) => return Err(error),
    };
    let used: Vec<String> = counts
        .iter()
        .filter(|count| count.calls > 0)
        .map(|count| {
            format!(
                "{} on public.{}",
                counted(usize::try_from(count.calls).unwrap_or(usize::MAX), "statement"),
                view_name(&count.view)
            )
        })
        .collect();
    let used = if used.is_empty() { "no statement on them".to_owned() } else { listed(&used) };
    let text = format!("{count}; {used} since the statistics were reset (names without a schema are not counted)");
    Ok(CheckResult::good(match facts.sees_others {
        false => format!(
            "{text}; only statements of user {} are visible (GRANT pg_read_all_stats TO {})",
            facts.user_name,
            quoted(&facts.user_name)
        ),
        true => text,
    }))
}

fn view_name(name: &str) -> String {
    if name.contains('.') { quoted(name) } else { name.to_owned() }
}
