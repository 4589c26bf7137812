//! Which provider is shown: the made-up one, or the one that a timetable implies.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::folder::{Folder, Mark};
use super::provider::Provider;
use super::{invented, rehearsal, timetable, workbook};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::timetable_import::blocks::{self, Reading, Timetable};
use crate::timetable_import::problems::Problem;
use crate::timetable_import::workbook::{self as reader, Limits};

/// The made-up provider's name in a mark.
const INVENTED: &str = "invented";

/// The file of the made-up timetable in the data folder.
const WORKBOOK: &str = "timetable.xlsx";

/// What to show.
#[derive(Debug)]
pub enum Chosen {
    /// The made-up provider.
    Invented,
    /// The provider of a timetable that somebody brought.
    Rehearsal {
        /// Its file.
        file: PathBuf,
        /// What was read from it.
        timetable: Box<Timetable>,
        /// SHA-256 of the file, in hexadecimal.
        digest: String,
    },
}

/// A provider with the timetable that is imported for it.
#[derive(Debug)]
pub struct Ready {
    /// The provider.
    pub provider: Provider,
    /// Its timetable.
    pub workbook: PathBuf,
    /// A search that finds some of it.
    pub question: String,
}

impl Chosen {
    /// Reads the timetable that is to be rehearsed, if one is named.
    ///
    /// # Errors
    /// It is no workbook, too large, or lacks columns: what the import would say.
    pub fn read(file: Option<PathBuf>, config: &Config) -> Result<Chosen> {
        let Some(file) = file else { return Ok(Chosen::Invented) };
        let bytes = fs::read(&file).map_err(|error| Error::io("reading the timetable", &file, &error))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let limits = limits(config);
        let unfit = |unfit: reader::Unfit| Error::Failed(format!("{}: {unfit}", file.display()));
        let sheet = reader::read(&name, &bytes, &limits).map_err(unfit)?;
        let reading =
            Reading { zone: config.zone(), sittings: config.sittings.clone(), most_rows: config.import.max_rows };
        let timetable = blocks::read(&sheet, &reading).map_err(unfit)?;
        refuse_if_empty(&file, &timetable)?;
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Chosen::Rehearsal { file, timetable: Box::new(timetable), digest })
    }

    /// How a mark calls it.
    pub fn name(&self) -> String {
        match self {
            Chosen::Invented => INVENTED.into(),
            Chosen::Rehearsal { digest, .. } => format!("workbook {digest}"),
        }
    }

    /// Thinks up the provider. The made-up timetable is written where it is not yet.
    pub fn ready(self, folder: &Folder, mark: &Mark) -> Result<Ready> {
        match self {
            Chosen::Rehearsal { file, timetable, .. } => {
                let provider = rehearsal::infer(&timetable);
                Ok(Ready { question: question(&provider), provider, workbook: file })
            }
            Chosen::Invented => {
                let today = mark.first_day();
                let provider = invented::provider(today);
                let events = timetable::timetable(&provider, today);
                let path = folder.file(WORKBOOK);
                if !path.exists() {
                    let bytes = workbook::write(&events, today)
                        .map_err(|error| Error::Failed(format!("the timetable cannot be written: {error}")))?;
                    folder.put(WORKBOOK, &bytes)?;
                }
                let shown = events.iter().find(|event| event.venue.as_ref().is_some_and(|v| *v != event.location));
                let question = shown.map(|event| format!("{} {}", subject(&provider, &event.template), event.location));
                Ok(Ready { question: question.unwrap_or_default(), provider, workbook: path })
            }
        }
    }
}

fn limits(config: &Config) -> Limits {
    let import = &config.import;
    Limits {
        file_bytes: import.max_file_bytes,
        xls_bytes: import.max_xls_bytes,
        unpacked_bytes: import.max_unpacked_bytes,
        shared_string_bytes: import.max_shared_strings_bytes,
        data_rows: import.max_rows,
    }
}

/// Without a single event there is nobody to infer.
fn refuse_if_empty(file: &Path, timetable: &Timetable) -> Result<()> {
    if !timetable.blocks.is_empty() {
        return Ok(());
    }
    let said: Vec<&str> = timetable.problems.iter().map(|problem: &Problem| problem.message.as_str()).collect();
    let said = if said.is_empty() { "it names no event".to_owned() } else { said.join("; ") };
    Err(Error::Failed(format!("{}: {said}", file.display())))
}

/// Subject and location of the first tutorial.
fn question(provider: &Provider) -> String {
    let first = provider.tutorials.first();
    first.map(|first| format!("{} {}", subject(provider, &first.template), first.location)).unwrap_or_default()
}

fn subject<'a>(provider: &'a Provider, template: &str) -> &'a str {
    provider.template(template).map_or("", |template| template.subject.as_str())
}
