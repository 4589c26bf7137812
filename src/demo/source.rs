//! Which provider is shown: the made-up one, or the one that a timetable implies.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::folder::{DemoMarker, Folder};
use super::provider::Provider;
use super::{from_timetable, sample, timetable, workbook};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::timetable_import::problems::{Code, ImportProblem};
use crate::timetable_import::run;
use crate::timetable_import::run::LoadedTimetable;

/// The made-up provider's name in a mark.
const INVENTED: &str = "invented";

/// The file of the made-up timetable in the data folder.
const WORKBOOK: &str = "timetable.xlsx";

/// What to show.
#[derive(Debug)]
pub enum DemoSource {
    /// The made-up provider.
    Invented,
    /// The provider of a timetable that somebody brought.
    Rehearsal {
        /// Its file.
        file: PathBuf,
        /// What was read from it.
        loaded: Box<LoadedTimetable>,
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

impl DemoSource {
    /// Reads the timetable that is to be rehearsed, if one is named; or says why nothing can be made of it.
    pub fn read(file: Option<PathBuf>, config: &Config) -> Result<DemoSource, Vec<ImportProblem>> {
        let Some(file) = file else { return Ok(DemoSource::Invented) };
        let unreadable =
            |error| vec![ImportProblem::of_file(Code::UnreadableFile, format!("it cannot be read: {error}"))];
        let loaded = run::load(&file, config).map_err(|unfit| vec![unfit.into()])?;
        let timetable = &loaded.timetable;
        if timetable.lacks_columns() {
            return Err(timetable.problems.clone());
        }
        if timetable.blocks.is_empty() {
            return Err(vec![ImportProblem::of_file(
                Code::UnreadableFile,
                "it names no event, so nobody can be thought up",
            )]);
        }
        let bytes = fs::read(&file).map_err(unreadable)?;
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(DemoSource::Rehearsal { file, loaded: Box::new(loaded), digest })
    }

    /// How a mark calls it.
    pub fn name(&self) -> String {
        match self {
            DemoSource::Invented => INVENTED.into(),
            DemoSource::Rehearsal { digest, .. } => format!("workbook {digest}"),
        }
    }

    /// Thinks up the provider. The made-up timetable is written where it is not yet.
    pub fn ready(self, folder: &Folder, mark: &DemoMarker) -> Result<Ready> {
        match self {
            DemoSource::Rehearsal { file, loaded, .. } => {
                let provider = from_timetable::infer(&loaded.timetable);
                Ok(Ready { question: question(&provider), provider, workbook: file })
            }
            DemoSource::Invented => {
                let today = mark.first_day();
                let provider = sample::provider(today);
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

/// Subject and location of the first tutorial.
fn question(provider: &Provider) -> String {
    let first = provider.tutorials.first();
    first.map(|first| format!("{} {}", subject(provider, &first.template), first.location)).unwrap_or_default()
}

fn subject<'a>(provider: &'a Provider, template: &str) -> &'a str {
    provider.template(template).map_or("", |template| template.subject.as_str())
}
