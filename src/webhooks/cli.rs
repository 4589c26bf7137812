//! `lectern webhooks`.

use administrate::{NewWebhook, WebhookType};
use serde_json::{Value, json};

use super::{Item, State, store, work};
use crate::cli::Context;
use crate::console;
use crate::db::Database;
use crate::error::{Error, Exit, Result};
use crate::tenant::{Audit, connect};

/// Options of `lectern webhooks`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
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
    let ended = act(context, &database, args.action.unwrap_or(Action::List { all: false })).await;
    database.close().await;
    ended
}

async fn act(context: &Context, database: &Database, action: Action) -> Result<Exit> {
    let pool = &database.pool;
    match action {
        Action::List { all } => list(context, &super::list(pool, all).await?),
        Action::Show { id } => {
            let item = super::one(pool, id).await?.ok_or_else(|| unknown(id))?;
            let body: Value = serde_json::from_str(&item.body).unwrap_or_default();
            context.console.print(table(std::slice::from_ref(&item)));
            context.console.print(serde_json::to_string_pretty(&body).unwrap_or_default());
            context.console.document(&json!({ "item": item, "body": body }))?;
            Ok(Exit::Done)
        }
        Action::Replay { ids } => {
            for id in &ids {
                super::one(pool, *id).await?.ok_or_else(|| unknown(*id))?;
            }
            super::make_due(pool, &ids).await?;
            work::apply_due(pool, &context.config).await?;
            let items = super::list(pool, true).await?;
            let items = items.into_iter().filter(|item| ids.contains(&item.id) || item.state != State::Applied);
            list(context, &items.collect::<Vec<_>>())
        }
        Action::Register => register(context, database).await,
    }
}

fn unknown(id: i64) -> Error {
    Error::Failed(format!("there is no delivery {id}; `lectern webhooks list --all` shows them"))
}

fn list(context: &Context, items: &[Item]) -> Result<Exit> {
    context.console.print(table(items));
    context.console.document(&json!({ "items": items }))?;
    let waits = items.iter().any(|item| item.state == State::Dead);
    Ok(if waits { Exit::NeedsPerson } else { Exit::Done })
}

async fn register(context: &Context, database: &Database) -> Result<Exit> {
    let public = context.config.public_url.trim_end_matches('/');
    if public.is_empty() {
        return Err(Error::Prerequisite(
            "Administrate has to know where we are: set LECTERN_PUBLIC_URL, e.g. https://lectern.example.org".into(),
        ));
    }
    let url = format!("{public}/webhooks/administrate");
    let client = connect(&context.config, &database.pool, "webhooks register", Audit::Kept).await?;
    let known = store::registered(&database.pool, &url).await?;
    let mut made = Vec::new();
    for webhook_type in WebhookType::ALL.into_iter().filter(|kind| !known.iter().any(|known| known == kind.name())) {
        let name = format!("Lectern: {}", webhook_type.name().replace('_', " "));
        let webhook = client.create_webhook(&NewWebhook { webhook_type, name, url: url.clone() }).await?;
        store::register(&database.pool, webhook.id.as_str(), webhook_type.name(), &url).await?;
        made.push(json!({ "webhook_id": webhook.id, "type": webhook_type.name() }));
    }
    context.console.print(format_args!("{} registered at {url}, {} were", made.len(), known.len()));
    if context.config.administrate.webhook_secret.is_empty() {
        context.console.say("now set ADMINISTRATE_WEBHOOK_SECRET to the key with which Administrate signs");
    }
    context.console.document(&json!({ "url": url, "registered": made, "already": known }))?;
    Ok(Exit::Done)
}

fn table(items: &[Item]) -> String {
    if items.is_empty() {
        return "everything that Administrate told is applied".to_owned();
    }
    let mut table = console::table(["Id", "Told at", "Of what", "About", "State", "Tries", "What came of it"]);
    for item in items {
        let state = match item.state {
            State::Received => "received",
            State::Applied => "applied",
            State::Dead => "dead",
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
