//! Conflicts decided about by a person: by a command, or asked at the terminal after a run.

use administrate::Client;
use sqlx::PgPool;

use super::resolve::{ResolveRequest, resolve};
use super::{FieldConflict, Winner};
use crate::app::Context;
use crate::error::{Error, Exit, Result};
use crate::gateway;
use crate::gateway::AuditMode;
use crate::outbox;
use crate::runs;
use crate::sync::cli::print_report;
use crate::sync::create_remote::deliver;
use crate::sync::entity::Entity;
use crate::sync::overrides;
use crate::sync::report::Report;
use crate::sync::report::findings::RecordError;

/// `lectern sync decide events EVENT FIELD ours|theirs`
pub(crate) async fn resolve_command(
    context: &Context,
    pool: &PgPool,
    entity: Entity,
    event: &str,
    field: &str,
    wins: Winner,
) -> Result<Exit> {
    if entity != Entity::Events {
        return Err(Error::Usage(format!(
            "{} hold nothing that both sides could change: only values of events are decided about",
            entity.plural()
        )));
    }
    let event = overrides::find_local(&mut *pool.acquire().await?, entity, event).await?;
    let client = gateway::connect(&context.config, pool, "sync decide", AuditMode::On).await?;
    let verdict = ResolveRequest { event, field: field.to_owned(), wins, shown: None };
    let mut report = resolve(pool, &client, &context.config, &verdict).await?;
    deliver_resolutions(context, pool, &client, &mut report).await?;
    print_report(&context.console, &report);
    context.console.document(&report)?;
    Ok(report.exit())
}

/// After a run: what ours won is delivered, and a person at the terminal is asked about what is open.
pub(crate) async fn prompt_conflicts(
    context: &Context,
    pool: &PgPool,
    client: &Client,
    report: &mut Report,
) -> Result<()> {
    deliver_resolutions(context, pool, client, report).await?;
    if report.dry_run || report.conflicts.is_empty() || !context.console.may_ask {
        return Ok(());
    }
    for dispute in report.conflicts.clone() {
        let Some(wins) = ask(context, &dispute)? else { continue };
        match settle(context, pool, client, &dispute, wins).await {
            Ok(decided) => report.record_resolutions(decided),
            Err(error) => {
                let (external_id, message) = (Some(dispute.external_id.clone()), format!("{}: {error}", dispute.name));
                context.console.say(format_args!("  {message}"));
                report.add_error(RecordError { external_id, message });
            }
        }
    }
    keep(pool, report).await
}

async fn settle(
    context: &Context,
    pool: &PgPool,
    client: &Client,
    dispute: &FieldConflict,
    wins: Winner,
) -> Result<Report> {
    let event = overrides::find_local(&mut *pool.acquire().await?, Entity::Events, &dispute.name).await?;
    let verdict = ResolveRequest { event, field: dispute.field.clone(), wins, shown: Some(dispute.clone()) };
    let mut report = resolve(pool, client, &context.config, &verdict).await?;
    deliver_resolutions(context, pool, client, &mut report).await?;
    Ok(report)
}

/// Delivers what the overrides have asked for.
async fn deliver_resolutions(context: &Context, pool: &PgPool, client: &Client, report: &mut Report) -> Result<()> {
    let Some(run) = report.run_id.filter(|_| !report.settled.is_empty()) else { return Ok(()) };
    if !outbox::count_by_state(pool, Some(run)).await?.is_open() {
        return Ok(());
    }
    deliver(context, pool, client, report).await?;
    keep(pool, report).await
}

async fn keep(pool: &PgPool, report: &Report) -> Result<()> {
    match report.run_id {
        Some(run) => runs::update_result(&mut *pool.acquire().await?, run, report.exit(), report).await,
        None => Ok(()),
    }
}

fn ask(context: &Context, dispute: &FieldConflict) -> Result<Option<Winner>> {
    let console = &context.console;
    console.say(dispute);
    loop {
        let answer = console.line("  whose value holds? ours, theirs, or leave it open [open]")?;
        match answer.to_lowercase().as_str() {
            "ours" | "o" => return Ok(Some(Winner::Ours)),
            "theirs" | "t" => return Ok(Some(Winner::Theirs)),
            "" | "open" => return Ok(None),
            _ => console.say(format_args!("  \"{answer}\" is none of these")),
        }
    }
}
