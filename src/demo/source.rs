//! The provider of the demo: the sample provider, or one that is inferred from a timetable.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::folder::{DemoMarker, Folder};
use super::provider::Provider;
use super::{from_timetable, sample, timetable, workbook};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::timetable_import::run;
use crate::timetable_import::run::LoadedTimetable;
use crate::workbook::problems::{Code, ImportProblem};

/// Name of the sample provider in a marker.
const SAMPLE: &str = "invented";

/// File name of the sample timetable in the data folder.
const WORKBOOK: &str = "timetable.xlsx";

/// The source of the provider.
#[derive(Debug)]
pub enum DemoSource {
    /// The sample provider.
    Sample,
    /// A timetable of the user.
    Workbook {
        file: PathBuf,
        loaded: Box<LoadedTimetable>,
        /// SHA-256 of the file, in hexadecimal.
        digest: String,
    },
}

/// A provider, its timetable and a search.
#[derive(Debug)]
pub struct DemoData {
    pub provider: Provider,
    /// File of the timetable to import.
    pub workbook: PathBuf,
    /// A search text that finds an event of the timetable.
    pub search_text: String,
}

impl DemoSource {
    /// Reads the timetable of the user, if there is one.
    ///
    /// # Errors
    /// The problems of a file that is not a timetable or has no event.
    pub fn read(file: Option<PathBuf>, config: &Config) -> Result<DemoSource, Vec<ImportProblem>> {
        let Some(file) = file else { return Ok(DemoSource::Sample) };
        let unreadable =
            |error| vec![ImportProblem::of_file(Code::UnreadableFile, format!("the file cannot be read: {error}"))];
        let loaded = run::load(&file, config).map_err(|error| vec![error.into()])?;
        let timetable = &loaded.timetable;
        if timetable.lacks_columns() {
            return Err(timetable.problems.clone());
        }
        if timetable.blocks.is_empty() {
            return Err(vec![ImportProblem::of_file(Code::UnreadableFile, "the timetable has no event")]);
        }
        let bytes = fs::read(&file).map_err(unreadable)?;
        let digest = hex::encode(Sha256::digest(&bytes));
        Ok(DemoSource::Workbook { file, loaded: Box::new(loaded), digest })
    }

    /// Returns the name of the provider in a marker.
    pub fn name(&self) -> String {
        match self {
            DemoSource::Sample => SAMPLE.into(),
            DemoSource::Workbook { digest, .. } => format!("workbook {digest}"),
        }
    }

    /// Creates the provider. Writes the sample timetable if its file does not exist.
    pub fn prepare(self, folder: &Folder, marker: &DemoMarker) -> Result<DemoData> {
        match self {
            DemoSource::Workbook { file, loaded, .. } => {
                let provider = from_timetable::infer(&loaded.timetable);
                Ok(DemoData { search_text: first_tutorial(&provider), provider, workbook: file })
            }
            DemoSource::Sample => {
                let today = marker.first_day();
                let provider = sample::provider(today);
                let events = timetable::timetable(&provider, today);
                let path = folder.file(WORKBOOK);
                if !path.exists() {
                    let bytes = workbook::write(&events, today)
                        .map_err(|error| Error::Failed(format!("the timetable cannot be written: {error}")))?;
                    folder.write_file(WORKBOOK, &bytes)?;
                }
                let in_room = events.iter().find(|event| event.venue.as_ref().is_some_and(|v| *v != event.location));
                let text = in_room.map(|event| format!("{} {}", subject(&provider, &event.template), event.location));
                Ok(DemoData { search_text: text.unwrap_or_default(), provider, workbook: path })
            }
        }
    }
}

/// Returns subject and location of the first tutorial.
fn first_tutorial(provider: &Provider) -> String {
    let first = provider.tutorials.first();
    first.map(|first| format!("{} {}", subject(provider, &first.template), first.location)).unwrap_or_default()
}

fn subject<'a>(provider: &'a Provider, template: &str) -> &'a str {
    provider.template(template).map_or("", |template| template.subject.as_str())
}
