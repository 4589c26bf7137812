//! The data folder of the demo: its lock, its marker and the URL of the running demo.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{self, OpenMode};

/// Identifies a demo. The data folder and the database store the same marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoMarker {
    /// `invented` for the sample provider, or `workbook` and the SHA-256 of the file.
    pub provider: String,
    /// Time of the first run, in microseconds as PostgreSQL stores it.
    pub first_run: Timestamp,
}

impl DemoMarker {
    /// Returns the day from which the dates of the sample provider are calculated.
    pub fn first_day(&self) -> Date {
        let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
        self.first_run.to_zoned(zone).date()
    }
}

/// The data folder. Only one demo at a time can lock it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: File,
}

/// The result of [`Folder::lock`].
#[derive(Debug)]
pub enum FolderLock {
    /// The folder is locked until the value is dropped.
    Acquired(Folder),
    /// Another demo has locked it. Its URL, if it serves the site.
    Busy(Option<String>),
}

impl Folder {
    /// Locks the folder and creates it if necessary.
    pub fn lock(path: &Path) -> Result<FolderLock> {
        files::data_folder(path)?;
        let name = path.join("demo.lock");
        let mut lock = files::open_file(&name, OpenMode::ReadWrite)?;
        match lock.try_lock() {
            Ok(()) => {
                let mut folder = Folder { path: path.to_owned(), lock };
                folder.publish_url("")?;
                Ok(FolderLock::Acquired(folder))
            }
            Err(TryLockError::WouldBlock) => {
                let mut url = String::new();
                let _ = lock.read_to_string(&mut url);
                Ok(FolderLock::Busy(Some(url.trim().to_owned()).filter(|url| !url.is_empty())))
            }
            Err(TryLockError::Error(error)) => Err(Error::io("locking", &name, &error)),
        }
    }

    /// Writes the URL of the site to the lock file, where other demos read it.
    pub fn publish_url(&mut self, url: &str) -> Result<()> {
        let written =
            self.lock.set_len(0).and_then(|()| self.lock.rewind()).and_then(|()| self.lock.write_all(url.as_bytes()));
        written.map_err(|error| Error::io("writing", &self.path.join("demo.lock"), &error))
    }

    /// Returns the path of a file in this folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads the marker, if an earlier demo stored one.
    pub fn marker(&self) -> Result<Option<DemoMarker>> {
        let path = self.file("demo.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                Error::Failed(format!("{} is damaged ({error}): choose another --data-dir", path.display()))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("reading", &path, &error)),
        }
    }

    /// Stores the marker.
    pub fn store_marker(&self, marker: &DemoMarker) -> Result<()> {
        let text = serde_json::to_vec_pretty(marker).map_err(|error| Error::Failed(error.to_string()))?;
        self.write_file("demo.json", &text)
    }

    /// Writes a file of this folder atomically.
    pub fn write_file(&self, name: &str, content: &[u8]) -> Result<()> {
        files::write_file(&self.file(name), content, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_folder_reports_url_of_running_demo() {
        let folder = tempfile::tempdir().expect("a folder");
        let FolderLock::Acquired(mut first) = Folder::lock(folder.path()).expect("locked") else {
            panic!("no other demo runs")
        };
        assert!(matches!(Folder::lock(folder.path()).expect("a result"), FolderLock::Busy(None)));
        first.publish_url("http://127.0.0.1:8080/").expect("written");
        match Folder::lock(folder.path()).expect("a result") {
            FolderLock::Busy(Some(url)) => assert_eq!(url, "http://127.0.0.1:8080/"),
            other => panic!("{other:?}"),
        }
        drop(first);
        assert!(matches!(Folder::lock(folder.path()).expect("locked"), FolderLock::Acquired(_)));
    }

    #[test]
    fn stored_marker_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let FolderLock::Acquired(locked) = Folder::lock(folder.path()).expect("locked") else {
            panic!("no other demo runs")
        };
        assert_eq!(locked.marker().expect("read"), None);
        let first_run = "2031-03-05T23:30:00.123456Z".parse().expect("a time");
        let marker = DemoMarker { provider: "invented".into(), first_run };
        locked.store_marker(&marker).expect("written");
        assert_eq!(locked.marker().expect("read"), Some(marker.clone()));
        assert_eq!(marker.first_day(), jiff::civil::date(2031, 3, 5));
        fs::write(locked.file("demo.json"), "{").expect("written");
        assert!(locked.marker().expect_err("damaged").to_string().contains("is damaged"));
    }
}
