//! The command line: options, commands, and how they end.
//!
//! Each command lives in the `cli.rs` of its module; here they are named, described and called.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::app::Context;
use crate::config::{Config, Override};
use crate::console::Console;
use crate::error::{Exit, Result};

/// Keeps tutorials, Administrate and timetables in step.
#[derive(Debug, Parser)]
#[command(
    name = "lectern",
    version,
    arg_required_else_help = true,
    before_help = EXAMPLES,
    after_help = AFTER
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples
  lectern demo                              see everything at work, with made-up data
  lectern demo --once --workbook FILE.xlsx  rehearse your own timetable, nothing leaves this machine
  lectern migrate                           bring a database to this program's schema
  lectern sync all --no-prompt              match reference data with Administrate, as cron does
  lectern import FILE.xlsx --dry-run        what would a timetable change, and what is wrong in it
  lectern import FILE.xlsx                  bring it here and to Administrate
  lectern outbox                            what has not reached Administrate yet
  lectern search \"cm2 london\"               products with events with sessions
  lectern serve                             the HTTP API, the site and the delivery worker";

const AFTER: &str = "\
Settings come from the options, else the environment, else lectern.toml, else the defaults \
(`lectern settings` prints them with their explanation). Without a database named, Lectern runs \
a PostgreSQL of its own in the data folder.

Exit codes: 0 done · 1 failed · 2 wrong usage · 3 something has to be set or run first · \
4 done, but something needs a person. No command ends 0 when a part of it failed.";

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// PostgreSQL 15 or newer, e.g. postgres://user:password@host/name; absent: a private one is run [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Where the private database, reports and uploads live [env: LECTERN_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// A settings file, instead of ./lectern.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON document on stdout, nothing else there
    #[arg(long, global = true)]
    json: bool,
    /// Never ask; what is unmatched is skipped and logged [env: LECTERN_NO_PROMPT=1]
    #[arg(long, global = true, visible_aliases = ["auto", "no-input"])]
    no_prompt: bool,
    /// Say more, on stderr [env: LECTERN_LOG, a tracing filter]
    #[arg(long, global = true)]
    debug: bool,
    /// No colours [env: NO_COLOR]
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See everything at work on this machine, with made-up data or with your own timetable
    Demo(crate::demo::cli::Args),
    /// Bring the database to this program's schema
    Migrate(crate::migrate::cli::Args),
    /// Match reference data with Administrate and report what has no counterpart
    Sync(crate::sync::cli::Args),
    /// Bring a timetable workbook here and to Administrate
    Import(crate::timetable_import::cli::Args),
    /// Show what has not reached Administrate, and deliver it
    Outbox(crate::delivery::cli::Args),
    /// Find products with their events and sessions, and bundles
    Search(crate::search::cli::Args),
    /// Serve the HTTP API and the site
    Serve(crate::serve::cli::Args),
    /// Make, list and revoke the tokens of programs that use the HTTP API
    Token(crate::identity::cli::Args),
    /// Show what Administrate told by itself, apply it again, ask to be told
    Webhooks(crate::webhooks::cli::Args),
    /// Print every setting with its default and its explanation
    Settings,
}

/// Reads the command line, carries the command out, and says how it ended.
pub async fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = expand_sync_alias(arguments);
    // Whoever wants a document gets one also where the rest of the line cannot be read.
    let json = arguments.iter().any(|argument| argument == "--json");
    match Cli::try_parse_from(arguments) {
        Ok(cli) => run(cli).await.unwrap_or_else(|error| {
            tracing::debug!(?error, "the command failed");
            failed(json, &error.to_string(), error.exit())
        }),
        Err(usage) if json && usage.use_stderr() => failed(json, usage.to_string().trim_end(), Exit::Usage),
        Err(usage) => {
            let _ = usage.print();
            if usage.use_stderr() { Exit::Usage } else { Exit::Done }
        }
    }
}

/// Says on stderr, and in the document, why nothing came of it.
fn failed(json: bool, sentence: &str, exit: Exit) -> Exit {
    let console = Console::new(json, true, CancellationToken::new());
    let sentence = sentence.strip_prefix("error: ").unwrap_or(sentence);
    console.say(format_args!("lectern: {sentence}"));
    let _ = console.document(&serde_json::json!({ "error": sentence, "exit": exit as u8 }));
    exit
}

async fn run(cli: Cli) -> Result<Exit> {
    let context = cli.global.context()?;
    let exit = dispatch(&context, cli.command).await?;
    match context.console.written() {
        Err(error) if exit == Exit::Done => Err(error),
        _ => Ok(exit),
    }
}

async fn dispatch(context: &Context, command: Command) -> Result<Exit> {
    match command {
        Command::Demo(args) => crate::demo::cli::run(context, args).await,
        Command::Migrate(args) => crate::migrate::cli::run(context, args).await,
        Command::Outbox(args) => crate::delivery::cli::run(context, args).await,
        Command::Search(args) => crate::search::cli::run(context, args).await,
        Command::Serve(args) => crate::serve::cli::run(context, args).await,
        Command::Import(args) => crate::timetable_import::cli::run(context, args).await,
        Command::Sync(args) => crate::sync::cli::run(context, args).await,
        Command::Token(args) => crate::identity::cli::run(context, args).await,
        Command::Webhooks(args) => crate::webhooks::cli::run(context, args).await,
        Command::Settings => {
            context.console.print(crate::config::DEFAULTS);
            Ok(Exit::Done)
        }
    }
}

impl Global {
    fn context(self) -> Result<Context> {
        let variable = |name: &str| std::env::var(name).ok();
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
        start_log(self.debug, self.no_color || set("NO_COLOR"));
        let mut options: Vec<Override> = Vec::new();
        options.extend(self.database_url.map(|url| ("database_url", url)));
        options.extend(self.data_dir.map(|dir| ("data_dir", dir)));
        let config = Config::load(self.config.as_deref(), variable, &options)?;
        let stop = stop_on_signals();
        let console =
            Console::new(self.json, self.no_prompt || set("LECTERN_NO_PROMPT"), stop.clone()).with_verbose(self.debug);
        Ok(Context { config, console, stop })
    }
}

fn start_log(debug: bool, no_color: bool) {
    // What sqlx warns of are slow statements, and it shows them: nothing for a person.
    let fallback = if debug { "lectern=debug,administrate=debug" } else { "warn,sqlx=error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("LECTERN_LOG").unwrap_or_else(|_| fallback.into());
    let colours = !no_color && std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let _ = log.try_init();
}

/// A token that Ctrl-C and SIGTERM cancel; a second Ctrl-C ends the process at once.
fn stop_on_signals() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        signalled().await;
        cancel.cancel();
        signalled().await;
        std::process::exit(130);
    });
    stop
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
}

/// `lectern sync_locations` is what existing cron lines say; it means `lectern sync locations`.
fn expand_sync_alias(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut spelled = Vec::new();
    let mut seen = false;
    for argument in arguments {
        match argument.to_str().and_then(|text| text.strip_prefix("sync_")) {
            Some(entity) if !seen => {
                seen = true;
                spelled.extend(["sync".into(), entity.replace('_', "-").into()]);
            }
            _ => spelled.push(argument),
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cron_line_of_old_is_understood() {
        let spelled = expand_sync_alias(["lectern", "--json", "sync_price_levels", "--no-prompt"].map(OsString::from));
        assert_eq!(spelled, ["lectern", "--json", "sync", "price-levels", "--no-prompt"].map(OsString::from));
    }
}
