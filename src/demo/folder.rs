//! What the demo keeps in the data folder: whose provider it is, and where the demo that runs can be found.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Whose demo this is; it stands in the folder and in the database, and both must say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoMarker {
    /// `invented`, or `workbook` and the SHA-256 of the rehearsed file.
    pub provider: String,
    /// When the folder was made, to the microsecond.
    pub first_run: Timestamp,
}

impl DemoMarker {
    /// The day from which the made-up provider's dates are reckoned.
    pub fn first_day(&self) -> Date {
        let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
        self.first_run.to_zoned(zone).date()
    }
}

/// The data folder, held by one demo at a time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: File,
}

/// What became of the wish to hold the folder.
#[derive(Debug)]
pub enum FolderLock {
    /// It is ours as long as the value lives.
    Ours(Folder),
    /// Another demo holds it; where it serves, if it does already.
    Elsewhere(Option<String>),
}

impl Folder {
    /// Holds the folder, which is made where it is missing.
    pub fn hold(path: &Path) -> Result<FolderLock> {
        fs::create_dir_all(path).map_err(|error| Error::io("preparing the data folder", path, &error))?;
        let name = path.join("demo.lock");
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&name)
            .map_err(|error| Error::io("the data folder cannot be written:", path, &error))?;
        match lock.try_lock() {
            Ok(()) => {
                let mut folder = Folder { path: path.to_owned(), lock };
                folder.say_where("")?;
                Ok(FolderLock::Ours(folder))
            }
            Err(TryLockError::WouldBlock) => {
                let mut said = String::new();
                let _ = lock.read_to_string(&mut said);
                Ok(FolderLock::Elsewhere(Some(said.trim().to_owned()).filter(|said| !said.is_empty())))
            }
            Err(TryLockError::Error(error)) => Err(Error::io("locking", &name, &error)),
        }
    }

    /// Tells other demos where this one serves.
    pub fn say_where(&mut self, url: &str) -> Result<()> {
        let told =
            self.lock.set_len(0).and_then(|()| self.lock.rewind()).and_then(|()| self.lock.write_all(url.as_bytes()));
        told.map_err(|error| Error::io("writing", &self.path.join("demo.lock"), &error))
    }

    /// A file of this folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whose demo the folder holds, if one was here before.
    pub fn mark(&self) -> Result<Option<DemoMarker>> {
        let path = self.file("demo.json");
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                Error::Failed(format!("{} is damaged ({error}): choose another --data-dir", path.display()))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("reading", &path, &error)),
        }
    }

    /// Writes whose demo the folder holds.
    pub fn put_mark(&self, mark: &DemoMarker) -> Result<()> {
        let text = serde_json::to_vec_pretty(mark).map_err(|error| Error::Failed(error.to_string()))?;
        self.put("demo.json", &text)
    }

    /// Writes a file of this folder, whole or not at all.
    pub fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let (path, draft) = (self.file(name), self.file(&format!(".{name}.new")));
        fs::write(&draft, content)
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(|error| Error::io("writing", &path, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_demo_holds_a_folder_and_says_where_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let FolderLock::Ours(mut ours) = Folder::hold(folder.path()).expect("held") else {
            panic!("nobody else is here")
        };
        assert!(matches!(Folder::hold(folder.path()).expect("looked at"), FolderLock::Elsewhere(None)));
        ours.say_where("http://127.0.0.1:8080/").expect("said");
        match Folder::hold(folder.path()).expect("looked at") {
            FolderLock::Elsewhere(Some(url)) => assert_eq!(url, "http://127.0.0.1:8080/"),
            other => panic!("{other:?}"),
        }
        drop(ours);
        assert!(matches!(Folder::hold(folder.path()).expect("held"), FolderLock::Ours(_)));
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let FolderLock::Ours(ours) = Folder::hold(folder.path()).expect("held") else { panic!("nobody else is here") };
        assert_eq!(ours.mark().expect("read"), None);
        let first_run = "2031-03-05T23:30:00.123456Z".parse().expect("a time");
        let mark = DemoMarker { provider: "invented".into(), first_run };
        ours.put_mark(&mark).expect("written");
        assert_eq!(ours.mark().expect("read"), Some(mark.clone()));
        assert_eq!(mark.first_day(), jiff::civil::date(2031, 3, 5));
        fs::write(ours.file("demo.json"), "{").expect("written");
        assert!(ours.mark().expect_err("damaged").to_string().contains("is damaged"));
    }
}
