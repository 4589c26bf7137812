//! `lectern token`.

use serde_json::json;

use super::{NewToken, Role, Token};
use crate::app::Context;
use crate::console;
use crate::database::Database;
use crate::error::{Error, Exit, Result};

/// Options of `lectern token`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: TokenCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TokenCommand {
    /// Create a token and show its secret once
    Create {
        /// Describe the purpose of the token
        #[arg(long)]
        name: String,
        /// Grant the rights of this role
        #[arg(long, value_enum)]
        role: Role,
        /// Limit a tutor, student or parent to this profile id
        #[arg(long, value_name = "ID")]
        subject: Option<i64>,
        /// Expire the token after this many days; without it, never
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_in: Option<u32>,
    },
    /// List tokens without their secrets
    List,
    /// Revoke a token
    Revoke {
        /// The id that `lectern token list` shows
        id: i64,
    },
}

/// Runs `lectern token`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    if let TokenCommand::Create { name, role, subject, expires_in } = &args.action {
        NewToken { name: name.clone(), role: *role, subject_id: *subject, days: *expires_in }.check()?;
    }
    let database = context.database().await?;
    let result = run_action(context, &database, args.action).await;
    database.close().await;
    result
}

async fn run_action(context: &Context, database: &Database, action: TokenCommand) -> Result<Exit> {
    let console = &context.console;
    match action {
        TokenCommand::Create { name, role, subject, expires_in } => {
            let token = NewToken { name, role, subject_id: subject, days: expires_in };
            let (id, secret) = super::create(&database.pool, &token).await?;
            console.notify(format_args!("created token {id}; copy its secret now, it is not shown again:"));
            console.print(secret.reveal());
            console.document(&json!({ "id": id, "token": secret.reveal() }))?;
        }
        TokenCommand::List => {
            let tokens = super::list(&database.pool).await?;
            console.print(table(&tokens));
            console.document(&json!({ "tokens": tokens }))?;
        }
        TokenCommand::Revoke { id } => {
            if !super::revoke(&database.pool, id).await? {
                return Err(Error::Usage(format!("unknown token {id}: `lectern token list` shows the ids")));
            }
            console.notify(format_args!("token {id} is revoked"));
            console.document(&json!({ "id": id, "revoked": true }))?;
        }
    }
    Ok(Exit::Done)
}

fn table(tokens: &[Token]) -> String {
    let mut table = console::table(["Id", "Name", "Role", "Subject", "Created", "Last used", "State"]);
    for token in tokens {
        let state = match (&token.revoked_at, &token.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("until {at}"),
            (None, None) => "valid".to_owned(),
        };
        table.add_row([
            token.id.to_string(),
            token.name.clone(),
            format!("{:?}", token.role).to_lowercase(),
            token.subject_id.map(|id| id.to_string()).unwrap_or_default(),
            token.created_at.clone(),
            token.last_used_at.clone().unwrap_or_default(),
            state,
        ]);
    }
    table.to_string()
}
