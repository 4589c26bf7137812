//! `lectern webhooks`.

use serde_json::{Value, json};

use super::registration::register_all;
use super::{InboxItem, InboxState, worker};
use crate::app::Context;
use crate::console;
use crate::database::Database;
use crate::error::{Error, Exit, Result};

/// Options of `lectern webhooks`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<WebhookCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum WebhookCommand {
    /// List received deliveries that are not applied (the default)
    List {
        /// Include applied deliveries
        #[arg(long)]
        all: bool,
    },
    /// Show one delivery with its content
    Show {
        /// Id from `lectern webhooks list`
        id: i64,
    },
    /// Apply deliveries again: these, or all that need attention
    Replay {
        /// Ids from `lectern webhooks list --all`
        ids: Vec<i64>,
    },
    /// Register webhooks about events at LECTERN_PUBLIC_URL
    Register,
}

/// Runs `lectern webhooks`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database().await?;
    let result = dispatch(context, &database, args.action.unwrap_or(WebhookCommand::List { all: false })).await;
    database.close().await;
    result
}

async fn dispatch(context: &Context, database: &Database, action: WebhookCommand) -> Result<Exit> {
    let pool = &database.pool;
    match action {
        WebhookCommand::List { all } => list(context, &super::list(pool, all).await?),
        WebhookCommand::Show { id } => {
            let item = super::one(pool, id).await?.ok_or_else(|| unknown(id))?;
            let body: Value = serde_json::from_str(&item.body).unwrap_or_default();
            context.console.print(table(std::slice::from_ref(&item)));
            context.console.print(serde_json::to_string_pretty(&body).unwrap_or_default());
            context.console.document(&json!({ "item": item, "body": body }))?;
            Ok(Exit::Done)
        }
        WebhookCommand::Replay { ids } => {
            for id in &ids {
                super::one(pool, *id).await?.ok_or_else(|| unknown(*id))?;
            }
            super::retry_now(pool, &ids).await?;
            worker::apply_due(pool, &context.config).await?;
            let items = super::list(pool, true).await?;
            let items = items.into_iter().filter(|item| ids.contains(&item.id) || item.state != InboxState::Applied);
            list(context, &items.collect::<Vec<_>>())
        }
        WebhookCommand::Register => register(context, database).await,
    }
}

fn unknown(id: i64) -> Error {
    Error::Usage(format!("there is no delivery {id}: list them with `lectern webhooks list --all`"))
}

fn list(context: &Context, items: &[InboxItem]) -> Result<Exit> {
    context.console.print(table(items));
    context.console.document(&json!({ "items": items }))?;
    let needs_attention = items.iter().any(|item| item.state == InboxState::Dead);
    Ok(if needs_attention { Exit::NeedsAttention } else { Exit::Done })
}

async fn register(context: &Context, database: &Database) -> Result<Exit> {
    let report = register_all(&database.pool, &context.config).await?;
    context.console.print(format_args!(
        "{} registered at {}, {} moved to it, {} already registered",
        report.registered.len(),
        report.url,
        report.moved.len(),
        report.already.len()
    ));
    if context.config.administrate.webhook_secret.is_empty() {
        context.console.notify("now set ADMINISTRATE_WEBHOOK_SECRET to the key with which Administrate signs webhooks");
    }
    context.console.document(&report)?;
    Ok(Exit::Done)
}

fn table(items: &[InboxItem]) -> String {
    if items.is_empty() {
        return "every delivery from Administrate is applied".to_owned();
    }
    let mut table = console::table(["Id", "Triggered at", "Type", "About", "State", "Attempts", "Result"]);
    for item in items {
        let state = match item.state {
            InboxState::Received => "received",
            InboxState::Applied => "applied",
            InboxState::Dead => "dead",
        };
        table.add_row([
            item.id.to_string(),
            item.triggered_at.clone(),
            item.webhook_type.clone().unwrap_or_default(),
            item.entity_id.clone(),
            state.to_owned(),
            item.attempts.to_string(),
            item.note.clone().unwrap_or_default(),
        ]);
    }
    table.to_string()
}
