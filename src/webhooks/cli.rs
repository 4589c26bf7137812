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
    let url = super::delivery_url(&context.config.public_url).ok_or_else(|| {
        Error::Prerequisite(
            "webhooks need the public address of this server: set LECTERN_PUBLIC_URL, e.g. https://lectern.example.org"
                .into(),
        )
    })?;
    let client = connect(&context.config, &database.pool, "webhooks register", AuditMode::On).await?;
    let (mut created, mut moved, mut already) = (Vec::new(), Vec::new(), Vec::new());
    for kind in WebhookType::ALL {
        match registration(&database.pool, &client, kind, &url).await? {
            Registration::Created(id) => created.push(json!({ "webhook_id": id, "type": kind.name() })),
            Registration::Moved(id) => moved.push(json!({ "webhook_id": id, "type": kind.name() })),
            Registration::Known => already.push(kind.name()),
        }
    }
    context.console.print(format_args!(
        "{} registered at {url}, {} moved to it, {} already registered",
        created.len(),
        moved.len(),
        already.len()
    ));
    if context.config.administrate.webhook_secret.is_empty() {
        context.console.notify("now set ADMINISTRATE_WEBHOOK_SECRET to the key with which Administrate signs webhooks");
    }
    context.console.document(&json!({ "url": url, "registered": created, "moved": moved, "already": already }))?;
    Ok(Exit::Done)
}

/// The result of registering one type of webhook.
enum Registration {
    Created(Id),
    Moved(Id),
    Known,
}

/// Registers a type of webhook once.
///
/// A registration with an earlier address of this server is moved; one that Administrate no longer has is created again.
async fn registration(pool: &PgPool, client: &Client, kind: WebhookType, url: &str) -> Result<Registration> {
    let registered = store::registered(pool).await?.into_iter().filter(|known| known.webhook_type == kind.name());
    let registered: Vec<_> = registered.collect();
    if registered.iter().any(|known| known.url == url) {
        return Ok(Registration::Known);
    }
    if let Some(earlier) = registered.into_iter().next() {
        let id = Id::new(earlier.webhook_id);
        match client.update_webhook(&id, url).await {
            Ok(_) => {
                store::register(pool, id.as_str(), kind.name(), url).await?;
                return Ok(Registration::Moved(id));
            }
            Err(administrate::Error::Refused { .. }) => store::unregister(pool, id.as_str()).await?,
            Err(administrate::Error::Unsupported { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name = format!("Lectern: {}", kind.name().replace('_', " "));
    let created = client.create_webhook(&NewWebhook { webhook_type: kind, name, url: url.to_owned() }).await?;
    store::register(pool, created.id.as_str(), kind.name(), url).await?;
    Ok(Registration::Created(created.id))
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
