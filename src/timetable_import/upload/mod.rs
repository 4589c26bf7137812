//! Receives an uploaded timetable: writes it to disk part by part, so that it is never completely in memory.

mod form_body;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use administrate::is_control_character;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

pub use self::form_body::HeaderLimit;
use super::options::{DeliveryMode, ImportOptions};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::{self, OpenMode};
use crate::http::problem::{FieldError, HttpProblem};
use crate::web::form::{CSRF_FIELD, EXPIRED_FORM};

/// A file that is too large is read up to this multiple of the limit.
///
/// The client receives the error only if the server reads on; otherwise the connection breaks first.
const MAX_EXCESS_FACTOR: u64 = 2;

/// Maximum length of the value of a field other than the file, in bytes.
const MAX_VALUE_BYTES: usize = 64;

/// Maximum length of a stored file name, in bytes.
const MAX_NAME_BYTES: usize = 150;

/// The content of a form.
#[derive(Debug)]
pub struct Upload {
    /// The folder with the file.
    pub staged: StagedUpload,
    /// The name of the file.
    pub file: String,
    pub options: ImportOptions,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

/// Returns the folder that stores the file of a requested import until the run has ended.
///
/// The unpredictable part of its name is stored with the run. Without it, a folder that remained from another database
/// could be in the way.
pub fn upload_folder(data_dir: &Path, run: i64, name: Option<&str>) -> PathBuf {
    let folder = name.map_or_else(|| run.to_string(), |name| format!("{run}-{name}"));
    data_dir.join("uploads").join(folder)
}

/// Returns the run that a folder in `uploads` belongs to, if its name is one of [`upload_folder`].
pub fn upload_run(folder: &str) -> Option<i64> {
    folder.split_once('-').map_or(folder, |(run, _)| run).parse().ok()
}

/// A temporary folder for one file. Dropping it deletes the folder unless it was moved.
#[derive(Debug)]
pub struct StagedUpload {
    path: PathBuf,
    name: String,
}

impl StagedUpload {
    pub fn new(data_dir: &Path) -> Result<StagedUpload> {
        files::data_folder(data_dir)?;
        let uploads = data_dir.join("uploads");
        files::private_folder(&uploads)?;
        let name = files::unpredictable_name();
        let path = uploads.join(format!("incoming-{name}"));
        files::create_new_folder(&path, None).map_err(|error| Error::io("creating the folder", &path, &error))?;
        Ok(StagedUpload { path, name })
    }

    /// Returns the unpredictable part of the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies a stored file into the folder.
    pub fn copy_from(&self, file: &Path, name: &str) -> Result<()> {
        let copy = self.path.join(name);
        let failed = |error| Error::io("copying the upload to", &copy, &error);
        let mut from = std::fs::File::open(file).map_err(failed)?;
        let mut to = files::open_file(&copy, OpenMode::Truncate)?;
        std::io::copy(&mut from, &mut to).map_err(failed)?;
        to.sync_all().map_err(failed)
    }

    /// Moves the folder to its final path.
    pub fn move_to(self, path: &Path) -> Result<()> {
        std::fs::rename(&self.path, path).map_err(|error| Error::io("moving the upload to", path, &error))
    }
}

impl Drop for StagedUpload {
    fn drop(&mut self) {
        // After `move_to` the folder does not exist.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Age at which a folder is abandoned: no upload takes so long.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// The beginning of the names of folders with workbooks of the catalogue, which are stored for a day.
pub const CATALOGUE_FOLDER: &str = "catalogue-";
const CATALOGUE_STORED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Removes the folders of uploads whose process has ended, and returns their number. `now` is the time of the file system.
pub fn sweep(data_dir: &Path, now: SystemTime) -> usize {
    let Ok(folders) = std::fs::read_dir(data_dir.join("uploads")) else { return 0 };
    let stored_for = |name: &OsStr| match name.to_string_lossy() {
        name if name.starts_with("incoming-") => Some(ABANDONED_AFTER),
        name if name.starts_with(CATALOGUE_FOLDER) => Some(CATALOGUE_STORED_FOR),
        _ => None,
    };
    let is_abandoned = |folder: &DirEntry| {
        let changed = folder.metadata().and_then(|about| about.modified());
        let age = changed.ok().and_then(|changed| now.duration_since(changed).ok());
        stored_for(&folder.file_name()).zip(age).is_some_and(|(limit, age)| age >= limit)
    };
    let abandoned = folders.flatten().filter(is_abandoned);
    abandoned.filter(|folder| std::fs::remove_dir_all(folder.path()).is_ok()).count()
}

/// The largest body of an upload: a file up to the size that is read, and the other fields.
pub fn body_limit(config: &Config) -> usize {
    let file = config.import.max_file_bytes.saturating_mul(MAX_EXCESS_FACTOR);
    usize::try_from(file.saturating_add(64 * 1024)).unwrap_or(usize::MAX)
}

/// Reads a form. `dry_run`: the parameter of the address, which is the same as the field. `csrf_token`: what the form of a
/// page has to contain before the file; none for programs.
///
/// Returns 400 for an invalid form, a missing file, or an invalid value; 413 for a file larger than
/// `import.max_file_bytes`; 422 for options that need Administrate in a queued import.
pub async fn receive(
    mut form: Multipart,
    limit: &HeaderLimit,
    (dry_run, csrf_token): (Option<bool>, Option<&str>),
    config: &Config,
) -> Result<Upload, HttpProblem> {
    let staged = StagedUpload::new(&config.data_dir)?;
    let (mut file, mut options) = (None, ImportOptions { dry_run: dry_run == Some(true), ..ImportOptions::default() });
    let mut seen = HashSet::new();
    let mut is_own_form = csrf_token.is_none();
    loop {
        limit.begin_header();
        let Some(mut field) = form.next_field().await.map_err(|error| invalid_part(error, limit))? else { break };
        limit.begin_content();
        let name = field.name().unwrap_or_default().to_owned();
        if !seen.insert(name.clone()) {
            return Err(invalid_field(&format!("/{name}"), "this field is given twice"));
        }
        match name.as_str() {
            CSRF_FIELD if csrf_token.is_some() => is_own_form = csrf_token == Some(value(&mut field).await?.as_str()),
            _ if !is_own_form => return Err(HttpProblem::new(StatusCode::FORBIDDEN, EXPIRED_FORM)),
            // What a browser sends where no file was chosen.
            "file" if field.file_name() == Some("") => {}
            "file" => {
                let name = safe_name(field.file_name().unwrap_or_default());
                let digest = write_file(&mut field, &staged.path.join(&name), config.import.max_file_bytes).await?;
                file = Some((name, digest));
            }
            "dry_run" => {
                options.dry_run = flag(&mut field).await?;
                if dry_run.is_some_and(|parameter| parameter != options.dry_run) {
                    let message = "the field and the parameter of the address differ: send one of them";
                    return Err(invalid_field("/dry_run", message));
                }
            }
            "publish" => options.publish = flag(&mut field).await?,
            "delete_drafts" => options.delete_drafts = flag(&mut field).await?,
            "ours" => options.overwrite_remote = flag(&mut field).await?,
            "approve_instructors" => options.approve_instructors = flag(&mut field).await?,
            "deliver" => options.deliver = delivery_mode(&value(&mut field).await?)?,
            "create_missing" => match value(&mut field).await?.as_str() {
                "instructors" => options.create_instructors = true,
                _ => return Err(invalid_field("/create_missing", "only instructors can be created")),
            },
            // An unknown field is an error: a misspelt `dry_run` must not start a real import.
            _ => {
                let error = FieldError::new(format!("/{name}"), "unknown_field", "unknown field");
                return Err(HttpProblem::fields(error));
            }
        }
    }
    let (file, digest) = file.ok_or_else(|| invalid_field("/file", "the part named file is missing"))?;
    if (options.approve_instructors || options.create_instructors) && options.is_queued() {
        let message = "approving or creating instructors needs Administrate: leave out deliver=queue";
        let error = FieldError::new("/deliver", "invalid_value", message);
        return Err(HttpProblem::fields(error).as_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    Ok(Upload { staged, file, options, digest })
}

/// Writes a file to disk while it is received. Returns its SHA-256.
async fn write_file(field: &mut Field<'_>, path: &Path, limit: u64) -> Result<[u8; 32], HttpProblem> {
    let write_error = |error| HttpProblem::from(Error::io("writing the upload to", path, &error));
    let mut file = tokio::fs::File::from_std(files::open_file(path, OpenMode::Truncate)?);
    let (mut digest, mut size) = (Sha256::new(), 0_u64);
    while let Some(chunk) = field.chunk().await.map_err(invalid_form)? {
        size += chunk.len() as u64;
        if size > limit.saturating_mul(MAX_EXCESS_FACTOR) {
            break;
        }
        if size <= limit {
            digest.update(&chunk);
            file.write_all(&chunk).await.map_err(write_error)?;
        }
    }
    if size > limit {
        let detail = format!("the file is larger than {} MB: split it into several workbooks", limit >> 20);
        return Err(HttpProblem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    // The 202 response promises an import of this file, so it must survive a crash.
    file.sync_all().await.map_err(write_error)?;
    Ok(digest.finalize().into())
}

async fn value(field: &mut Field<'_>) -> Result<String, HttpProblem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(invalid_form)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_VALUE_BYTES {
            return Err(invalid_field(&format!("/{}", field.name().unwrap_or_default()), "the value is too long"));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).trim().to_lowercase())
}

/// Reads a field that is true or false.
async fn flag(field: &mut Field<'_>) -> Result<bool, HttpProblem> {
    let text = value(field).await?;
    let name = field.name().unwrap_or_default();
    parse_flag(&text).ok_or_else(|| invalid_field(&format!("/{name}"), &format!("{name} is true or false")))
}

/// Reads the parameter `dry_run` of the address.
pub(super) fn dry_run_parameter(parameters: &[(String, String)]) -> Result<Option<bool>, HttpProblem> {
    let mut given = None;
    for (_, value) in parameters.iter().filter(|(name, _)| name == "dry_run") {
        let flag = parse_flag(&value.trim().to_lowercase());
        match (flag, given) {
            (None, _) => return Err(invalid_field("/dry_run", "dry_run is true or false")),
            (Some(flag), Some(before)) if flag != before => {
                return Err(invalid_field("/dry_run", "this parameter is given twice"));
            }
            _ => given = flag,
        }
    }
    Ok(given)
}

fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn delivery_mode(text: &str) -> Result<DeliveryMode, HttpProblem> {
    match text {
        "wait" => Ok(DeliveryMode::Wait),
        "queue" => Ok(DeliveryMode::Queue),
        _ => Err(invalid_field("/deliver", "deliver is wait or queue")),
    }
}

fn invalid_part(error: MultipartError, limit: &HeaderLimit) -> HttpProblem {
    match limit.is_exceeded() {
        true => HttpProblem::new(StatusCode::BAD_REQUEST, "the headers of a part of the form are too long"),
        false => invalid_form(error),
    }
}

fn invalid_form(error: MultipartError) -> HttpProblem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return HttpProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large: send one workbook");
    }
    tracing::debug!(%error, "an uploaded form cannot be read");
    HttpProblem::new(StatusCode::BAD_REQUEST, "the form is invalid or incomplete: send it again")
}

fn invalid_field(pointer: &str, message: &str) -> HttpProblem {
    HttpProblem::fields(FieldError::new(pointer, "invalid_value", message))
}

/// Returns a file name without folders and control characters, short enough for every file system.
fn safe_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let printable: String = last.chars().filter(|c| !is_control_character(*c)).collect();
    let mut name = printable.trim().trim_start_matches('.').to_owned();
    while name.len() > MAX_NAME_BYTES {
        // Cut at the start: the end contains the extension.
        name.remove(0);
    }
    if name.is_empty() { "timetable".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_is_reduced_to_safe_characters() {
        for (given, expected) in [
            ("t.xlsx", "t.xlsx"),
            ("C:\\plans\\t 1.xlsx", "t 1.xlsx"),
            ("../../etc/passwd", "passwd"),
            ("..", "timetable"),
            ("", "timetable"),
            ("a\u{0}\nb.csv", "ab.csv"),
            ("photo\u{202e}\u{200f}xslx.exe", "photoxslx.exe"),
        ] {
            assert_eq!(safe_name(given), expected, "{given:?}");
        }
        assert!(safe_name(&"é".repeat(200)).len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn form_values_are_parsed() {
        assert_eq!(["on", "off", "", "perhaps"].map(parse_flag), [Some(true), Some(false), None, None]);
        assert_eq!(delivery_mode("queue").expect("known"), DeliveryMode::Queue);
        assert!(delivery_mode("later").is_err());
    }
}

#[cfg(test)]
mod sweeping {
    use super::*;

    #[test]
    fn sweep_removes_only_abandoned_folders() {
        let data = tempfile::tempdir().expect("a folder");
        let staged = StagedUpload::new(data.path()).expect("a folder");
        std::fs::write(staged.path.join("t.xlsx"), b"half").expect("a file");
        std::fs::create_dir(data.path().join("uploads/7")).expect("a folder");
        let now = SystemTime::now();
        assert_eq!(sweep(data.path(), now), 0, "a recent folder is in use");
        assert_eq!(sweep(data.path(), now + 2 * ABANDONED_AFTER), 1);
        assert!(!staged.path.exists() && data.path().join("uploads/7").exists());
        assert_eq!(sweep(&data.path().join("missing"), now), 0);
    }
}
