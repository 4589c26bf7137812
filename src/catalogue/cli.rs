//! `lectern catalogue`.

use sqlx::PgConnection;

use super::copy::{CopyRequest, copy, document, subjects_by_code};
use super::store;
use crate::app::Context;
use crate::catalogue_import;
use crate::console;
use crate::error::{Error, Exit, Result};
use crate::workbook::values;

/// Options of `lectern catalogue`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: CatalogueCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CatalogueCommand {
    /// Write an empty workbook for the catalogue, with examples and instructions
    Template(catalogue_import::cli::TemplateArgs),
    /// Import a catalogue workbook: create and change its records
    Import(catalogue_import::cli::ImportArgs),
    /// Undo the import of a catalogue workbook
    Undo(catalogue_import::cli::UndoArgs),
    /// Copy what an exam session sells to the next exam session
    Copy(CopyArgs),
}

#[derive(Debug, clap::Args)]
struct CopyArgs {
    /// Code of the exam session that is copied
    #[arg(value_name = "FROM")]
    from: String,
    /// Code of the exam session that receives the copies
    #[arg(value_name = "TO")]
    to: String,
    /// Copy only these subjects, by code
    #[arg(long, value_name = "CODE,…", value_delimiter = ',')]
    subjects: Option<Vec<String>>,
    /// Show what would be created, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs `lectern catalogue`.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let args = match args.command {
        CatalogueCommand::Template(args) => return catalogue_import::cli::write_template(context, &args),
        CatalogueCommand::Import(args) => return catalogue_import::cli::import(context, &args).await,
        CatalogueCommand::Undo(args) => return catalogue_import::cli::undo(context, &args).await,
        CatalogueCommand::Copy(args) => args,
    };
    let database = context.database().await?;
    let result = run_copy(context, &database.pool, &args).await;
    database.close().await;
    result
}

async fn run_copy(context: &Context, pool: &sqlx::PgPool, args: &CopyArgs) -> Result<Exit> {
    let mut transaction = pool.begin().await?;
    let request = resolve(context, &mut transaction, args).await?;
    let counts = copy(&mut transaction, &request).await?;
    transaction.commit().await?;
    context.console.document(&document(&counts, args.dry_run))?;
    let verb = if args.dry_run { "Would be created" } else { "Created" };
    let mut table = console::table(["Records", verb, "There already"]);
    for count in &counts {
        table.add_row([&count.kind.replace('_', " "), &count.created.to_string(), &count.unchanged.to_string()]);
    }
    context.console.print(table);
    let created: i64 = counts.iter().map(|count| count.created).sum();
    let next = match (args.dry_run, created) {
        (_, 0) => format!("{} already has everything that {} sells", args.to, args.from),
        (true, _) => "nothing was written: run it again without --dry-run to copy".to_owned(),
        (false, _) => "next: `lectern import template FILE.xlsx`, fill it, `lectern import FILE.xlsx`".to_owned(),
    };
    context.console.print(next);
    Ok(Exit::Done)
}

/// Finds the records that the options name.
async fn resolve(context: &Context, db: &mut PgConnection, args: &CopyArgs) -> Result<CopyRequest> {
    let known = store::exam_sessions(db).await?;
    let (from, to) = (exam_session(context, &known, &args.from)?, exam_session(context, &known, &args.to)?);
    if from == to {
        return Err(Error::Usage("FROM and TO are the same exam session: name two".into()));
    }
    let subjects = match &args.subjects {
        None => None,
        Some(codes) => Some(subjects_by_code(db, codes).await?.map_err(|unknown| {
            let names: Vec<&str> = unknown.iter().map(|at| codes[*at].as_str()).collect();
            Error::Usage(format!("--subjects: the catalogue has no subject {}", names.join(", ")))
        })?),
    };
    Ok(CopyRequest { from, to, subjects, is_dry_run: args.dry_run })
}

fn exam_session(context: &Context, known: &[(i64, String)], code: &str) -> Result<i64> {
    let exact: Vec<i64> = known.iter().filter(|(_, known)| known == code.trim()).map(|(id, _)| *id).collect();
    // 2026A, 26A and 2026-04 are one sitting.
    let key = |code: &str| values::session_key(code, &context.config.sittings);
    let equal = || known.iter().filter(|(_, known)| key(known) == key(code)).map(|(id, _)| *id);
    let found = if exact.is_empty() { equal().collect() } else { exact };
    match found[..] {
        [id] => Ok(id),
        [] if known.is_empty() => {
            Err(Error::Usage(format!("unknown exam session \"{code}\": the catalogue has none, create it first")))
        }
        [] => {
            let codes: Vec<&str> = known.iter().take(10).map(|(_, code)| code.as_str()).collect();
            Err(Error::Usage(format!(
                "unknown exam session \"{code}\": the catalogue has {}; create a new one first",
                codes.join(", ")
            )))
        }
        _ => Err(Error::Usage(format!(
            "{} exam sessions have the code \"{code}\": give them different codes first",
            found.len()
        ))),
    }
}
