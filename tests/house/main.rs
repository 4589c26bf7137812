//! The architecture rules that a program can check. ARCHITECTURE.md explains them.
//!
//! Every rule has a list of today's exceptions in `allowed.rs`. The lists may only shrink: an entry that is no
//! longer needed fails the test as well.

mod allowed;
mod circles;
mod dependencies;
mod layers;
mod licences;
mod modules;
mod size;
mod source;
mod sql;
mod types;
mod words;

use source::SourceFile;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Folders with Rust files that the rules apply to.
const FOLDERS: &[&str] = &["src", "crates", "bench", "tests"];

/// One place that breaks a rule.
pub struct Violation {
    /// Names the place in the list of exceptions.
    pub key: String,
    /// How far the rule is exceeded, such as the lines of a long file; 1 where a rule has no measure.
    pub count: usize,
    /// Says where the violation is and what to do.
    pub message: String,
}

/// A key of a violation and the highest count that is accepted for it.
pub type Allowed = (&'static str, usize);

/// Returns all Rust files of the workspace, read once for all tests.
pub fn sources() -> &'static [SourceFile] {
    static SOURCES: OnceLock<Vec<SourceFile>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let mut paths: Vec<PathBuf> =
            FOLDERS.iter().flat_map(|folder| rust_files(&Path::new(ROOT).join(folder))).collect();
        paths.sort();
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut files: Vec<SourceFile> = thread::scope(|scope| {
            let paths = &paths;
            let read = |first: usize| {
                move || paths.iter().skip(first).step_by(threads).map(|path| read(path)).collect::<Vec<_>>()
            };
            let readers: Vec<_> = (0..threads).map(|first| scope.spawn(read(first))).collect();
            readers.into_iter().flat_map(|reader| reader.join().expect("every file is read")).collect()
        });
        files.sort_by(|one, other| one.path.cmp(&other.path));
        modules::mark_test_files(&mut files);
        files
    })
}

fn read(path: &Path) -> SourceFile {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let relative = path.strip_prefix(ROOT).expect("a file of the repository");
    SourceFile::parse(&relative.to_string_lossy().replace('\\', "/"), &text)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// Fails on violations that are not allowed and on exceptions that are no longer needed.
fn check(rule: &str, found: &[Violation], allowed: &[Allowed]) {
    if let Err(message) = compare(found, allowed) {
        panic!("{rule}:\n{message}");
    }
}

fn compare(found: &[Violation], allowed: &[Allowed]) -> Result<(), String> {
    let is_allowed =
        |violation: &&Violation| allowed.iter().any(|(key, most)| *key == violation.key && violation.count <= *most);
    let new: Vec<&Violation> = found.iter().filter(|violation| !is_allowed(violation)).collect();
    let unneeded = allowed.iter().filter(|(key, _)| found.iter().all(|violation| violation.key != *key));
    let mut lines: Vec<String> = new.iter().map(|violation| format!("  {}", violation.message)).collect();
    lines.extend(unneeded.map(|(key, most)| format!("  no longer needed, remove from allowed.rs: ({key:?}, {most}),")));
    if lines.is_empty() {
        return Ok(());
    }
    if !new.is_empty() {
        lines.push("Only if the code has moved without a change, these are the entries for allowed.rs:".to_owned());
        lines.extend(new.iter().map(|violation| format!("    ({:?}, {}),", violation.key, violation.count)));
    }
    Err(lines.join("\n"))
}

/// Parses files given as path and text.
pub fn files_of(files: &[(&str, &str)]) -> Vec<SourceFile> {
    let mut files: Vec<SourceFile> = files.iter().map(|(path, text)| SourceFile::parse(path, text)).collect();
    modules::mark_test_files(&mut files);
    files
}

#[test]
fn all_folders_are_read() {
    for folder in FOLDERS {
        assert!(sources().iter().any(|file| file.path.starts_with(folder)), "no Rust file found in {folder}");
    }
    assert!(sources().len() > 300, "only {} files are read", sources().len());
}

#[test]
fn exceptions_only_shrink() {
    let violation = |key: &str, count| Violation { key: key.to_owned(), count, message: key.to_owned() };
    assert!(compare(&[violation("a", 3)], &[("a", 3)]).is_ok());
    assert!(compare(&[violation("a", 2)], &[("a", 3)]).is_ok());
    assert!(compare(&[violation("a", 4)], &[("a", 3)]).is_err());
    assert!(compare(&[violation("b", 1)], &[]).is_err());
    assert!(compare(&[], &[("a", 3)]).is_err_and(|message| message.contains("no longer needed")));
}
