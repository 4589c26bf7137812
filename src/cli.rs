//! The command line: global options, commands and exit codes.
//!
//! Each command is implemented in the `cli.rs` of its module. This file names, describes and calls them.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::app::Context;
use crate::config::{Config, Override};
use crate::console::Console;
use crate::error::{Exit, Result};

/// Keep a provider's database, Administrate and timetables in step
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
  lectern demo                          run everything with sample data
  lectern demo --workbook FILE.xlsx     try it with your own timetable
  lectern migrate                       update the database schema
  lectern sync all --no-prompt          match reference data, as cron does
  lectern import FILE.xlsx --dry-run    show the changes and the errors
  lectern import FILE.xlsx              import a timetable and deliver it
  lectern outbox                        show what is not delivered yet
  lectern search \"cm2 london\"           find products with their events
  lectern serve                         run the API, the site and delivery";

const AFTER: &str = "\
Options override environment variables, these override lectern.toml, and that overrides the defaults \
(`lectern settings` prints and explains them). Without a database URL, Lectern runs a private \
PostgreSQL in the data folder.

Exit codes: 0 done · 1 failed · 2 wrong usage · 3 a setting or an earlier step is missing · \
4 done, but something needs attention. No command ends with 0 when a part of it failed.";

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Connect to this PostgreSQL (15 or newer) [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Store private database, reports, uploads here [env: LECTERN_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Read settings from this file instead of ./lectern.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON document on stdout and nothing else
    #[arg(long, global = true)]
    json: bool,
    /// Skip and report what needs a decision [env: LECTERN_NO_PROMPT=1]
    #[arg(long, global = true, visible_aliases = ["auto", "no-input"])]
    no_prompt: bool,
    /// Log details on stderr [env: LECTERN_LOG, a tracing filter]
    #[arg(long, global = true)]
    debug: bool,
    /// Print without colours [env: NO_COLOR]
    #[arg(long, global = true)]
    no_color: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine with sample data or your own timetable
    Demo(crate::demo::cli::Args),
    /// Update the database schema
    Migrate(crate::migrate::cli::Args),
    /// Match reference data with Administrate and report differences
    Sync(crate::sync::cli::Args),
    /// Import a timetable workbook and deliver it to Administrate
    Import(crate::timetable_import::cli::Args),
    /// Show and deliver what has not reached Administrate
    Outbox(crate::delivery::cli::Args),
    /// Find products with their events and sessions, and bundles
    Search(crate::search::cli::Args),
    /// Serve the HTTP API and the site
    Serve(crate::serve::cli::Args),
    /// Create, list and revoke tokens for the HTTP API
    Token(crate::identity::cli::Args),
    /// List, replay and register webhooks from Administrate
    Webhooks(crate::webhooks::cli::Args),
    /// Print every setting with its default and explanation
    Settings,
}

/// Parses the command line, runs the command and returns its exit code.
pub async fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = expand_sync_alias(arguments);
    // The caller of `--json` gets a document even if the rest of the command line is invalid.
    let json = arguments.iter().any(|argument| argument == "--json");
    match Cli::try_parse_from(arguments) {
        Ok(cli) => run(cli).await.unwrap_or_else(|error| {
            tracing::debug!(?error, "the command failed");
            report_failure(json, &error.to_string(), error.exit())
        }),
        Err(usage) if json && usage.use_stderr() => report_failure(json, usage.to_string().trim_end(), Exit::Usage),
        Err(usage) => {
            let _ = usage.print();
            if usage.use_stderr() { Exit::Usage } else { Exit::Done }
        }
    }
}

/// Prints the reason of a failure on stderr and, with `--json`, in the document.
fn report_failure(json: bool, message: &str, exit: Exit) -> Exit {
    let console = Console::new(json, true, CancellationToken::new());
    let message = message.strip_prefix("error: ").unwrap_or(message);
    console.notify(format_args!("lectern: {message}"));
    let _ = console.document(&serde_json::json!({ "error": message, "exit": exit as u8 }));
    exit
}

async fn run(cli: Cli) -> Result<Exit> {
    let context = cli.global.context()?;
    let exit = dispatch(&context, cli.command).await?;
    match context.console.check_written() {
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
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
        start_log(self.debug, self.no_color || is_set("NO_COLOR"));
        let mut options: Vec<Override> = Vec::new();
        options.extend(self.database_url.map(|url| ("database_url", url)));
        options.extend(self.data_dir.map(|dir| ("data_dir", dir)));
        let config = Config::load(self.config.as_deref(), variable, &options)?;
        let stop = cancel_on_signals();
        let no_prompt = self.no_prompt || is_set("LECTERN_NO_PROMPT");
        let console = Console::new(self.json, no_prompt, stop.clone()).with_verbose(self.debug);
        Ok(Context { config, console, stop })
    }
}

fn start_log(debug: bool, no_color: bool) {
    // The warnings of sqlx are about slow statements and print SQL, which users should not see.
    let fallback = if debug { "lectern=debug,administrate=debug" } else { "warn,sqlx=error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("LECTERN_LOG").unwrap_or_else(|_| fallback.into());
    let colours = !no_color && std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // The program that reads stderr may end first: a line that cannot be written must not end a worker.
    let log = log.log_internal_errors(false);
    let _ = log.try_init();
}

/// Returns a token that Ctrl-C and SIGTERM cancel. A second signal ends the process at once with exit code 130.
fn cancel_on_signals() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        cancel.cancel();
        wait_for_signal().await;
        std::process::exit(130);
    });
    stop
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
}

/// Replaces `sync_locations` by `sync locations`. Existing cron lines use the old spelling.
fn expand_sync_alias(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut expanded = Vec::new();
    let mut is_expanded = false;
    for argument in arguments {
        match argument.to_str().and_then(|text| text.strip_prefix("sync_")) {
            Some(entity) if !is_expanded => {
                is_expanded = true;
                expanded.extend(["sync".into(), entity.replace('_', "-").into()]);
            }
            _ => expanded.push(argument),
        }
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn old_cron_line_is_expanded() {
        let expanded = expand_sync_alias(["lectern", "--json", "sync_price_levels", "--no-prompt"].map(OsString::from));
        assert_eq!(expanded, ["lectern", "--json", "sync", "price-levels", "--no-prompt"].map(OsString::from));
    }
}
