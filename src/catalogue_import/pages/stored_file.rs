//! An uploaded workbook that waits for its confirmation, in a folder with an unpredictable name.

use std::path::{Path, PathBuf};

use crate::catalogue_import::read::{self, WorkbookRows};
use crate::config::Config;
use crate::error::Error;
use crate::timetable_import::upload::{CATALOGUE_FOLDER, StagedUpload};
use crate::web::problem::PageProblem;
use crate::workbook::file::{limits, name_of};

/// A stored workbook.
#[derive(Debug)]
pub(super) struct StoredWorkbook {
    /// The unpredictable part of the name of its folder.
    pub key: String,
    path: PathBuf,
}

impl StoredWorkbook {
    /// Keeps an upload until it is imported, for a day at most.
    pub(super) fn keep(config: &Config, staged: StagedUpload) -> Result<String, Error> {
        let key = staged.name().to_owned();
        staged.move_to(&folder(config, &key))?;
        Ok(key)
    }

    /// Returns the workbook with this key.
    pub(super) fn find(config: &Config, key: &str) -> Result<StoredWorkbook, PageProblem> {
        let unknown = || PageProblem::not_found("this workbook is not stored any more: upload it again");
        if key.is_empty() || key.len() > 64 || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(unknown());
        }
        let mut files = std::fs::read_dir(folder(config, key)).map_err(|_| unknown())?;
        let file = files.next().and_then(Result::ok).ok_or_else(unknown)?;
        Ok(StoredWorkbook { key: key.to_owned(), path: file.path() })
    }

    /// Returns the name of the file.
    pub(super) fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Reads the rows.
    ///
    /// # Errors
    /// Why the workbook cannot be read, in words.
    pub(super) async fn rows(&self, config: &Config) -> Result<WorkbookRows, String> {
        let (path, limits): (PathBuf, _) = (self.path.clone(), limits(config));
        let read = move || {
            let loaded = spreadsheet::load_file(&path, &limits);
            loaded.and_then(|(_, bytes)| read::read(&bytes, &limits)).map_err(|error| error.to_string())
        };
        tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Err("the workbook cannot be read".to_owned()))
    }
}

fn folder(config: &Config, key: &str) -> PathBuf {
    Path::new(&config.data_dir).join("uploads").join(format!("{CATALOGUE_FOLDER}{key}"))
}
