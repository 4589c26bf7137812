//! `lectern webhooks`.

use administrate::{Client, Id, NewWebhook, WebhookType};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{InboxItem, InboxState, store, worker};
use crate::app::Context;
use crate::console;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::gateway::{AuditMode, connect};

/// Options of `lectern webhooks`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<WebhookCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum WebhookCommand {
    /// List what Administrate told and is not applied (the default)
    List {
        /// Also what is
        #[arg(long)]
        all: bool,
    },
    /// Show one delivery with what it says
    Show {
        /// Its id as `lectern webhooks list` shows it
        id: i64,
    },
    /// Apply deliveries again: these, or all that wait for a person
    Replay {
        /// Ids as `lectern webhooks list --all` shows them
        ids: Vec<i64>,
    },
    /// Ask Administrate to tell us about events, at LECTERN_PUBLIC_URL
    Register,
}

/// Carries out `lectern webhooks`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database().await?;
    let ended = act(context, &database, args.action.unwrap_or(WebhookCommand::List { all: false })).await;
    database.close().await;
    ended
}

async fn act(context: &Context, database: &Database, action: WebhookCommand) -> Result<Exit> {
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
    Error::Usage(format!("there is no delivery {id}; `lectern webhooks list --all` shows them"))
}

fn list(context: &Context, items: &[InboxItem]) -> Result<Exit> {
    context.console.print(table(items));
    context.console.document(&json!({ "items": items }))?;
    let waits = items.iter().any(|item| item.state == InboxState::Dead);
    Ok(if waits { Exit::NeedsAttention } else { Exit::Done })
}

async fn register(context: &Context, database: &Database) -> Result<Exit> {
    let public = context.config.public_url.trim_end_matches('/');
    if public.is_empty() {
        return Err(Error::Prerequisite(
            "Administrate has to know where we are: set LECTERN_PUBLIC_URL, e.g. https://lectern.example.org".into(),
        ));
    }
    let url = format!("{public}/webhooks/administrate");
    let client = connect(&context.config, &database.pool, "webhooks register", AuditMode::On).await?;
    let (mut made, mut moved, mut already) = (Vec::new(), Vec::new(), Vec::new());
    for kind in WebhookType::ALL {
        match registration(&database.pool, &client, kind, &url).await? {
            Registration::Made(id) => made.push(json!({ "webhook_id": id, "type": kind.name() })),
            Registration::Moved(id) => moved.push(json!({ "webhook_id": id, "type": kind.name() })),
            Registration::Known => already.push(kind.name()),
        }
    }
    context.console.print(format_args!(
        "{} registered at {url}, {} moved there, {} there already",
        made.len(),
        moved.len(),
        already.len()
    ));
    if context.config.administrate.webhook_secret.is_empty() {
        context.console.say("now set ADMINISTRATE_WEBHOOK_SECRET to the key with which Administrate signs");
    }
    context.console.document(&json!({ "url": url, "registered": made, "moved": moved, "already": already }))?;
    Ok(Exit::Done)
}

/// What was done so that one kind of news reaches us.
enum Registration {
    Made(Id),
    Moved(Id),
    Known,
}

/// Registers a kind once: a registration that tells an earlier address of ours is moved, one that is gone there made anew.
async fn registration(pool: &PgPool, client: &Client, kind: WebhookType, url: &str) -> Result<Registration> {
    let ours = store::registered(pool).await?.into_iter().filter(|known| known.webhook_type == kind.name());
    let ours: Vec<_> = ours.collect();
    if ours.iter().any(|known| known.url == url) {
        return Ok(Registration::Known);
    }
    if let Some(elsewhere) = ours.into_iter().next() {
        let id = Id::new(elsewhere.webhook_id);
        match client.update_webhook(&id, url).await {
            Ok(_) => {
                store::register(pool, id.as_str(), kind.name(), url).await?;
                return Ok(Registration::Moved(id));
            }
            Err(administrate::Error::Refused { .. }) => store::forget(pool, id.as_str()).await?,
            Err(administrate::Error::Unsupported { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name = format!("Lectern: {}", kind.name().replace('_', " "));
    let made = client.create_webhook(&NewWebhook { webhook_type: kind, name, url: url.to_owned() }).await?;
    store::register(pool, made.id.as_str(), kind.name(), url).await?;
    Ok(Registration::Made(made.id))
}

fn table(items: &[InboxItem]) -> String {
    if items.is_empty() {
        return "everything that Administrate told is applied".to_owned();
    }
    let mut table = console::table(["Id", "Told at", "Of what", "About", "State", "Tries", "What came of it"]);
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
