//! Resolves conflicts by command, or by prompts at the terminal after a run.

use administrate::Client;
use sqlx::PgPool;

use super::resolve::{ResolveRequest, resolve};
use super::{FieldConflict, Winner};
use crate::app::Context;
use crate::error::{Error, Exit, Result};
use crate::gateway;
use crate::gateway::AuditMode;
use crate::outbox;
use crate::sync::cli::print_report;
use crate::sync::create_remote::{deliver, store_report};
use crate::sync::entity::Entity;
use crate::sync::overrides;
use crate::sync::report::Report;
use crate::sync::report::findings::RecordError;

/// Runs `lectern sync decide events EVENT FIELD ours|theirs`.
pub(crate) async fn resolve_command(
    context: &Context,
    pool: &PgPool,
    entity: Entity,
    event: &str,
    field: &str,
    winner: Winner,
) -> Result<Exit> {
    if entity != Entity::Events {
        return Err(Error::Usage(format!("{} have no conflicts: only events have", entity.plural())));
    }
    let event = overrides::find_local(&mut *pool.acquire().await?, entity, event).await?;
    let client = gateway::connect(&context.config, pool, "sync decide", AuditMode::On).await?;
    let request = ResolveRequest { event, field: field.to_owned(), wins: winner, shown: None, actor: None };
    let mut report = resolve(pool, &client, &context.config, &request).await?;
    deliver_resolutions(context, pool, &client, &mut report).await?;
    print_report(&context.console, &report);
    context.console.document(&report)?;
    Ok(report.exit())
}

/// Delivers the local values that won in a run, then prompts for its open conflicts at a terminal.
pub(crate) async fn prompt_conflicts(
    context: &Context,
    pool: &PgPool,
    client: &Client,
    report: &mut Report,
) -> Result<()> {
    deliver_resolutions(context, pool, client, report).await?;
    if report.dry_run || report.conflicts.is_empty() || !context.console.can_prompt {
        return Ok(());
    }
    for conflict in report.conflicts.clone() {
        let Some(winner) = prompt_winner(context, &conflict)? else { continue };
        match resolve_prompted(context, pool, client, &conflict, winner).await {
            Ok(resolved) => report.record_resolutions(resolved),
            Err(error) => {
                let (external_id, message) =
                    (Some(conflict.external_id.clone()), format!("{}: {error}", conflict.name));
                context.console.notify(format_args!("  {message}"));
                report.add_error(RecordError { external_id, message });
            }
        }
    }
    store_report(pool, report).await
}

async fn resolve_prompted(
    context: &Context,
    pool: &PgPool,
    client: &Client,
    conflict: &FieldConflict,
    winner: Winner,
) -> Result<Report> {
    let event = overrides::find_local(&mut *pool.acquire().await?, Entity::Events, &conflict.name).await?;
    let (field, shown) = (conflict.field.clone(), Some(conflict.clone()));
    let request = ResolveRequest { event, field, wins: winner, shown, actor: None };
    let mut report = resolve(pool, client, &context.config, &request).await?;
    deliver_resolutions(context, pool, client, &mut report).await?;
    Ok(report)
}

/// Delivers the local values that won.
async fn deliver_resolutions(context: &Context, pool: &PgPool, client: &Client, report: &mut Report) -> Result<()> {
    let Some(run) = report.run_id.filter(|_| !report.resolved.is_empty()) else { return Ok(()) };
    if !outbox::count_by_state(pool, Some(run)).await?.is_open() {
        return Ok(());
    }
    deliver(context, pool, client, report).await?;
    store_report(pool, report).await
}

/// Prompts for the side to keep; none leaves the conflict open.
fn prompt_winner(context: &Context, conflict: &FieldConflict) -> Result<Option<Winner>> {
    let console = &context.console;
    console.notify(conflict);
    loop {
        let answer =
            console.prompt_line("  keep which value? ours (local), theirs (Administrate), or leave it open [open]")?;
        match answer.to_lowercase().as_str() {
            "ours" | "o" => return Ok(Some(Winner::Local)),
            "theirs" | "t" => return Ok(Some(Winner::Remote)),
            "" | "open" => return Ok(None),
            _ => console.notify(format_args!("  \"{answer}\" is not understood: enter ours, theirs or open")),
        }
    }
}
