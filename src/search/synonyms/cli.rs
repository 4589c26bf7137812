//! `lectern search synonyms`.

use clap::Subcommand;
use serde_json::json;
use sqlx::PgConnection;

use super::store;
use crate::app::Context;
use crate::console;
use crate::error::{Error, Exit, Result};
use crate::search::read_model::text::words;

/// Commands of `lectern search`.
#[derive(Debug, Subcommand)]
pub enum SearchCommand {
    /// Choose words that find the same
    Synonyms {
        #[command(subcommand)]
        command: Option<SynonymsCommand>,
    },
}

/// Commands of `lectern search synonyms`.
#[derive(Debug, Subcommand)]
pub enum SynonymsCommand {
    /// List the words
    List,
    /// Choose what a word finds besides itself
    Set {
        /// The word, such as f2f
        word: String,
        /// What finds the same, such as "face to face"
        #[arg(required = true)]
        synonyms: Vec<String>,
    },
    /// Remove a word
    Remove {
        /// The word
        word: String,
    },
}

/// Runs `lectern search synonyms`.
pub async fn run(context: &Context, command: SearchCommand) -> Result<Exit> {
    let SearchCommand::Synonyms { command } = command;
    let database = context.database().await?;
    let result = match database.pool.begin().await {
        Ok(mut transaction) => match execute(context, &mut transaction, command).await {
            Ok(()) => transaction.commit().await.map_err(Error::from),
            Err(error) => Err(error),
        },
        Err(error) => Err(error.into()),
    };
    database.close().await;
    result.map(|()| Exit::Done)
}

async fn execute(context: &Context, db: &mut PgConnection, command: Option<SynonymsCommand>) -> Result<()> {
    match command.unwrap_or(SynonymsCommand::List) {
        SynonymsCommand::List => list(context, &store::all(db).await?),
        SynonymsCommand::Set { word, synonyms } => {
            let word = single_word(&word).map_err(Error::Usage)?;
            if let Some(empty) = synonyms.iter().find(|synonym| words(synonym).is_empty()) {
                return Err(Error::Usage(format!("\"{empty}\" contains no word")));
            }
            store::set(db, &word, &synonyms).await?;
            context.console.print(format_args!("{word}: {}", synonyms.join(", ")));
            context.console.document(&json!({ "word": word, "synonyms": synonyms }))
        }
        SynonymsCommand::Remove { word } => {
            let word = single_word(&word).map_err(Error::Usage)?;
            if !store::remove(db, &word).await? {
                let message = format!("\"{word}\" has no synonyms: `lectern search synonyms list` lists all");
                return Err(Error::Usage(message));
            }
            context.console.print(format_args!("{word} removed"));
            context.console.document(&json!({ "removed": word }))
        }
    }
}

fn list(context: &Context, all: &[(String, Vec<String>)]) -> Result<()> {
    if all.is_empty() {
        context.console.notify("no synonyms are set; `lectern search synonyms set WORD SYNONYM…` sets some");
    } else {
        let mut table = console::table(["Word", "Finds also"]);
        for (word, synonyms) in all {
            table.add_row([word.as_str(), &synonyms.join(", ")]);
        }
        context.console.print(table);
    }
    let documents: Vec<_> = all.iter().map(|(word, synonyms)| json!({ "word": word, "synonyms": synonyms })).collect();
    context.console.document(&json!({ "synonyms": documents }))
}

/// Returns a word as searches contain it: without separators and accents, in lower case.
pub fn single_word(text: &str) -> std::result::Result<String, String> {
    let has_space = text.trim().contains(char::is_whitespace);
    match words(text).concat() {
        word if word.is_empty() || has_space => {
            Err(format!("\"{text}\" is not one word: only synonyms can be several"))
        }
        word => Ok(word),
    }
}
