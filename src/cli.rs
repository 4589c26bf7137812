//! The command line: global options, commands and exit codes.
//!
//! Each command is implemented in the `cli.rs` of its module. This file names, describes and calls them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::app::Context;
use crate::config::effective::effective;
use crate::config::{Config, Override};
use crate::console::style::{self, ColourChoice, Stream, Tone, paint};
use crate::console::{self, Console};
use crate::doctor::settings::LoadedSettings;
use crate::error::{Error, Exit, Result};

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
  lectern doctor                        check everything and say how to fix it
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
4 done, but something needs attention · 130 a question was interrupted. No command ends with 0 when a part of it failed.";

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

/// The licences of all linked packages. The build script writes them.
const NOTICE: &str = include_str!(concat!(env!("OUT_DIR"), "/NOTICE"));

#[cfg(not(feature = "demo"))]
#[derive(Debug, Args)]
struct NoDemo {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _options: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine with sample data or your own timetable
    #[cfg(feature = "demo")]
    Demo(crate::demo::cli::Args),
    #[cfg(not(feature = "demo"))]
    #[command(hide = true)]
    Demo(NoDemo),
    /// Update the database schema
    Migrate(crate::migrate::cli::Args),
    /// Take away what Lectern added to an adopted database
    Uninstall(crate::migrate::uninstall::cli::Args),
    /// Check settings, database and Administrate, and say how to fix each
    Doctor(crate::doctor::cli::Args),
    /// Match reference data with Administrate and report differences
    Sync(crate::sync::cli::Args),
    /// Prepare subjects, products and prices of an exam session
    Catalogue(crate::catalogue::cli::Args),
    /// Import a timetable workbook and deliver it to Administrate
    Import(crate::timetable_import::cli::Args),
    /// Show and deliver what has not reached Administrate
    Outbox(crate::delivery::cli::Args),
    /// Find products with their events and sessions, and bundles
    Search(crate::search::cli::Args),
    /// Serve the HTTP API and the site
    Serve(crate::serve::cli::Args),
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// Create, list and revoke tokens for the HTTP API
    Token(crate::identity::cli::Args),
    /// Add, list, change and disable the logins of the site
    User(crate::identity::logins::cli::Args),
    /// List, replay and register webhooks from Administrate
    Webhooks(crate::webhooks::cli::Args),
    /// Print every setting with its default and explanation
    Settings(SettingsArgs),
    /// Print the licences of everything inside this program
    #[command(alias = "licenses")]
    Licences,
}

/// Options of `lectern settings`.
#[derive(Debug, Args)]
struct SettingsArgs {
    /// Print the value of each setting and where it comes from
    #[arg(long)]
    effective: bool,
}

/// Parses the command line, runs the command and returns its exit code.
pub async fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments = expand_sync_alias(arguments);
    let is_given = |option: &str| arguments.iter().take_while(|given| *given != "--").any(|given| given == option);
    // These two hold even if the rest of the command line is invalid.
    let (json, no_color) = (is_given("--json"), is_given("--no-color"));
    let colours = style::choose_colours(no_color, |name| std::env::var(name).ok());
    match parse(arguments, colours) {
        Ok(cli) => run(cli).await.unwrap_or_else(|error| {
            tracing::debug!(?error, "the command failed");
            report_failure(json, &error.to_string(), error.exit())
        }),
        Err(usage) if usage.use_stderr() => report_usage(json, &usage),
        Err(information) => {
            let _ = information.print();
            Exit::Done
        }
    }
}

fn parse(arguments: Vec<OsString>, colours: ColourChoice) -> std::result::Result<Cli, clap::Error> {
    let colours = match colours {
        ColourChoice::Never => clap::ColorChoice::Never,
        ColourChoice::AtTerminals => clap::ColorChoice::Auto,
        ColourChoice::Always => clap::ColorChoice::Always,
    };
    Cli::from_arg_matches(&Cli::command().color(colours).try_get_matches_from(arguments)?)
}

/// Reports a wrong command line: the parser's text with the prefix of all errors.
fn report_usage(json: bool, usage: &clap::Error) -> Exit {
    let text = usage.render().to_string();
    let Some(message) = text.trim_end().strip_prefix(PARSER_PREFIX) else {
        // The help of a command that needs arguments.
        let _ = usage.print();
        return Exit::Usage;
    };
    report_failure(json, message, Exit::Usage)
}

/// What the parser writes before an error.
const PARSER_PREFIX: &str = "error: ";

/// Prints the reason of a failure on stderr and, with `--json`, in the document.
fn report_failure(json: bool, message: &str, exit: Exit) -> Exit {
    let console = Console::new(json, true, CancellationToken::new());
    console.notify(format_args!("{} {message}", paint(Tone::Bad, "lectern:")));
    let _ = console.document(&serde_json::json!({ "error": message, "exit": exit as u8 }));
    exit
}

async fn run(cli: Cli) -> Result<Exit> {
    start_log(cli.global.debug);
    let (config, fault) = match (&cli.command, cli.global.config()) {
        // It examines settings that no other command accepts.
        (Command::Doctor(_), Err(fault)) => {
            (Config::load_without_file(variable, &cli.global.overrides())?, Some(fault))
        }
        (_, config) => (config?, None),
    };
    let context = cli.global.context(config);
    let located = |error| crate::database::with_location(error, &context.config);
    let exit = dispatch(&cli.global, &context, cli.command, fault).await.map_err(located);
    if context.console.was_interrupted() {
        let reason = exit.err().map(|error| format!(": {error}")).unwrap_or_default();
        context.console.notify(format_args!("{} interrupted at a question{reason}", paint(Tone::Bad, "lectern:")));
        return Ok(Exit::Interrupted);
    }
    let exit = exit?;
    match context.console.check_written() {
        Err(error) if exit == Exit::Done => Err(error),
        _ => Ok(exit),
    }
}

/// Returns where the settings come from, or why they could not be loaded.
fn loaded_settings(global: &Global, error: Option<Error>) -> Result<LoadedSettings> {
    let named = global.config.as_deref();
    let effective = match error {
        None => effective(named, variable, &global.overrides())?,
        Some(_) => Vec::new(),
    };
    Ok(LoadedSettings { file: Config::file(named), effective, error })
}

/// Prints the settings: as a file with explanations, or as values with their sources.
fn settings(global: &Global, console: &Console, is_effective: bool) -> Result<Exit> {
    let settings = effective(global.config.as_deref(), variable, &global.overrides())?;
    if is_effective {
        let mut table = console::table(["Setting", "Value", "Source"]);
        for setting in &settings {
            let value = setting.value.as_str().map_or_else(|| setting.value.to_string(), str::to_owned);
            table.add_row([&setting.name, &value, &setting.source]);
        }
        console.print(table);
    } else {
        console.print(crate::config::DEFAULTS);
    }
    console.document(&serde_json::json!({ "settings": settings }))?;
    Ok(Exit::Done)
}

async fn dispatch(global: &Global, context: &Context, command: Command, fault: Option<Error>) -> Result<Exit> {
    match command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => crate::demo::cli::run(context, args).await,
        #[cfg(not(feature = "demo"))]
        Command::Demo(_) => Err(Error::Prerequisite(
            "this program was built without the demo and its simulator: build it with `cargo build --features demo`"
                .into(),
        )),
        Command::Doctor(args) => {
            let settings = loaded_settings(global, fault)?;
            crate::doctor::cli::run(context, args, &settings).await
        }
        Command::Migrate(args) => crate::migrate::cli::run(context, args).await,
        Command::Uninstall(args) => crate::migrate::uninstall::cli::run(context, args).await,
        Command::Outbox(args) => crate::delivery::cli::run(context, args).await,
        Command::Search(args) => crate::search::cli::run(context, args).await,
        Command::Serve(args) => crate::serve::cli::run(context, args).await,
        Command::Catalogue(args) => crate::catalogue::cli::run(context, args).await,
        Command::Import(args) => crate::timetable_import::cli::run(context, args).await,
        Command::Sync(args) => crate::sync::cli::run(context, args).await,
        Command::Token(args) => crate::identity::cli::run(context, args).await,
        Command::User(args) => crate::identity::logins::cli::run(context, args).await,
        Command::Webhooks(args) => crate::webhooks::cli::run(context, args).await,
        Command::Openapi => {
            let document = crate::serve::description::document(&context.config);
            context.console.print(serde_json::to_string_pretty(&document).unwrap_or_default());
            context.console.document(&document)?;
            Ok(Exit::Done)
        }
        Command::Settings(args) => settings(global, &context.console, args.effective),
        Command::Licences => {
            context.console.print_text(NOTICE);
            context.console.document(&serde_json::json!({ "notice": NOTICE }))?;
            Ok(Exit::Done)
        }
    }
}

impl Global {
    /// Returns the settings that options set.
    fn overrides(&self) -> Vec<Override> {
        let given = [("database_url", &self.database_url), ("data_dir", &self.data_dir)];
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    fn config(&self) -> Result<Config> {
        Config::load(self.config.as_deref(), variable, &self.overrides())
    }

    fn context(&self, config: Config) -> Context {
        let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
        let stop = cancel_on_signals();
        let no_prompt = self.no_prompt || is_set("LECTERN_NO_PROMPT");
        let console = Console::new(self.json, no_prompt, stop.clone()).with_verbose(self.debug);
        // Settings with a fault have no effective value.
        let settings = effective(self.config.as_deref(), variable, &self.overrides()).unwrap_or_default();
        Context { config, settings, console, stop }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn start_log(debug: bool) {
    // The warnings of sqlx are about slow statements and print SQL, which users should not see.
    let fallback = if debug { "lectern=debug,administrate=debug" } else { "warn,sqlx=error" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("LECTERN_LOG").unwrap_or_else(|_| fallback.into());
    let colours = Stream::Err.is_coloured();
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
