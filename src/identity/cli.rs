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
    /// Make a token and show its secret, once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What its holder may do
        #[arg(long, value_enum)]
        role: Role,
        /// Whose it is: the profile's id, for tutor, student and parent
        #[arg(long, value_name = "ID")]
        subject: Option<i64>,
        /// It ends after so many days; absent: never
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        expires_in: Option<u32>,
    },
    /// List tokens, without their secrets
    List,
    /// End a token
    Revoke {
        /// Its id as `lectern token list` shows it
        id: i64,
    },
}

/// Carries out `lectern token`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database().await?;
    let ended = act(context, &database, args.action).await;
    database.close().await;
    ended
}

async fn act(context: &Context, database: &Database, action: TokenCommand) -> Result<Exit> {
    let console = &context.console;
    match action {
        TokenCommand::Create { name, role, subject, expires_in } => {
            let asked = NewToken { name, role, subject_id: subject, days: expires_in };
            let (id, secret) = super::create(&database.pool, &asked).await?;
            console.say(format_args!("token {id}; its secret is shown this once, and nobody can read it again:"));
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
                return Err(Error::Usage(format!("there is no token {id}; `lectern token list` shows them")));
            }
            console.say(format_args!("token {id} is revoked"));
            console.document(&json!({ "id": id, "revoked": true }))?;
        }
    }
    Ok(Exit::Done)
}

fn table(tokens: &[Token]) -> String {
    let mut table = console::table(["Id", "Name", "Role", "Subject", "Made", "Last used", "State"]);
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
