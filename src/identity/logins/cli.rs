//! `lectern user`.

use std::io::Read;

use serde_json::json;

use super::{Login, Rights};
use crate::app::Context;
use crate::console;
use crate::database::Database;
use crate::error::{Error, Exit, Result};
use crate::identity::Role;
use crate::identity::caller::check_has_subject;
use crate::identity::passwords::{MAX_BYTES, Password};

/// Options of `lectern user`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: UserCommand,
}

#[derive(Debug, clap::Subcommand)]
enum UserCommand {
    /// Create a login for the site
    Add {
        /// The name to sign in with
        name: String,
        #[command(flatten)]
        rights: RightsArgs,
        /// Read the password from stdin instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
    /// List logins
    List,
    /// Give a login or an existing account a role
    Grant {
        /// Name of the login, or user name or e-mail address of an existing account
        name: String,
        #[command(flatten)]
        rights: RightsArgs,
    },
    /// Disable a login and end its sessions
    Disable {
        /// Name of the login
        name: String,
    },
    /// Change the password of a login and end its sessions
    Password {
        /// Name of the login
        name: String,
        /// Read the password from stdin instead of asking for it
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct RightsArgs {
    /// Grant the rights of this role
    #[arg(long, value_enum)]
    role: Role,
    /// Limit a tutor, student or parent to this profile id
    #[arg(long, value_name = "ID")]
    subject: Option<i64>,
}

impl From<RightsArgs> for Rights {
    fn from(args: RightsArgs) -> Self {
        Rights { role: args.role, subject_id: args.subject }
    }
}

/// Runs `lectern user`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    // What can be refused is refused before anybody types a password.
    if let UserCommand::Add { rights, .. } | UserCommand::Grant { rights, .. } = &args.action {
        check_has_subject(rights.role, rights.subject)?;
    }
    let password = match &args.action {
        UserCommand::Add { password_stdin, .. } | UserCommand::Password { password_stdin, .. } => {
            let password = read_password(context, *password_stdin)?;
            password.check()?;
            Some(password)
        }
        _ => None,
    };
    let database = context.database().await?;
    let result = run_action(context, &database, args.action, password).await;
    database.close().await;
    result
}

async fn run_action(
    context: &Context,
    database: &Database,
    action: UserCommand,
    password: Option<Password>,
) -> Result<Exit> {
    let (console, pool, settings) = (&context.console, &database.pool, &context.config.login);
    let password = password.unwrap_or_else(|| Password::typed(""));
    match action {
        UserCommand::Add { name, rights, .. } => {
            let id = super::add(pool, &name, rights.into(), password, settings).await?;
            console.notify(format_args!("created login {id}: {name} can sign in at /login"));
            console.document(&json!({ "id": id, "name": name, "role": rights.role, "subject": rights.subject }))?;
        }
        UserCommand::List => {
            let logins = super::list(pool).await?;
            console.print(table(&logins));
            console.document(&json!({ "users": logins }))?;
        }
        UserCommand::Grant { name, rights } => {
            let id = super::grant(pool, &name, rights.into()).await?;
            console.notify(format_args!("{name} is {} now", article(rights.role)));
            console.document(&json!({ "id": id, "name": name, "role": rights.role, "subject": rights.subject }))?;
        }
        UserCommand::Disable { name } => {
            let id = super::disable(pool, &name).await?;
            console.notify(format_args!("{name} cannot sign in any more; `lectern user grant` allows it again"));
            console.document(&json!({ "id": id, "name": name, "disabled": true }))?;
        }
        UserCommand::Password { name, .. } => {
            let id = super::set_password(pool, &name, password, settings).await?;
            console.notify(format_args!("{name} has a new password; all its sessions have ended"));
            console.document(&json!({ "id": id, "name": name }))?;
        }
    }
    Ok(Exit::Done)
}

fn read_password(context: &Context, from_stdin: bool) -> Result<Password> {
    if !from_stdin {
        let typed = context.console.prompt_secret("password")?;
        let again = context.console.prompt_secret("the same password again")?;
        return match typed == again {
            true => Ok(Password::typed(&typed)),
            false => Err(Error::Usage("the two passwords differ: type the same one twice".into())),
        };
    }
    let mut text = String::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 2;
    let read = std::io::stdin().take(limit).read_to_string(&mut text);
    read.map_err(|error| Error::Usage(format!("the password on stdin cannot be read: {error}")))?;
    Ok(Password::typed(text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line))))
}

fn role_name(role: Role) -> String {
    format!("{role:?}").to_lowercase()
}

fn article(role: Role) -> String {
    let name = role_name(role);
    format!("{} {name}", if name.starts_with(['a', 'o']) { "an" } else { "a" })
}

fn table(logins: &[Login]) -> String {
    let mut table = console::table(["Id", "Name", "Account", "Role", "Subject", "Last used", "State"]);
    for login in logins {
        let role = login.role.map_or_else(|| "admin (superuser)".to_owned(), role_name);
        table.add_row([
            login.id.to_string(),
            login.name.clone(),
            login.account.clone(),
            role,
            login.subject_id.map(|id| id.to_string()).unwrap_or_default(),
            login.last_used_at.clone().unwrap_or_default(),
            login.disabled_at.as_ref().map_or_else(|| "enabled".to_owned(), |at| format!("disabled {at}")),
        ]);
    }
    table.to_string()
}
