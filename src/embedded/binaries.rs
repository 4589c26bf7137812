//! Where PostgreSQL's server programs are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// Looks for the server's binaries; an existing cluster wants exactly its own major.
pub(super) fn find_binaries(named: &Path, version: Option<&str>) -> Result<PathBuf> {
    if !named.as_os_str().is_empty() {
        return match major(named) {
            Some(found) if version.is_none_or(|wanted| wanted == found) => Ok(named.into()),
            Some(found) => Err(Error::Failed(format!(
                "the data folder was made by PostgreSQL {}, but {} holds {found}",
                version.unwrap_or_default(),
                named.display()
            ))),
            None => Err(Error::Failed(format!("there is no PostgreSQL server in {}", named.display()))),
        };
    }
    let mut found: Vec<(u32, PathBuf)> = candidates()
        .into_iter()
        .filter_map(|bin| major(&bin).map(|major| (major, bin)))
        .filter(|(found, _)| version.is_none_or(|wanted| wanted == found))
        .filter_map(|(major, bin)| Some((major.parse().ok()?, bin)))
        .filter(|(major, _)| *major >= 15)
        .collect();
    found.sort_by_key(|(major, _)| *major);
    let wanted = version.map_or("15 or newer".into(), |v| format!("{v}, which made this data folder,"));
    found.pop().map(|(_, bin)| bin).ok_or_else(|| {
        Error::Prerequisite(format!(
            "no PostgreSQL server {wanted} is installed: install it (Debian, Ubuntu: apt-get install postgresql; \
             Fedora: dnf install postgresql-server; macOS: brew install postgresql), or name a database with --database-url"
        ))
    })
}

fn candidates() -> Vec<PathBuf> {
    let mut places = Vec::new();
    for (folder, below) in [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin")] {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        places.extend(entries.map(|entry| entry.path().join(below)));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A link on the PATH may stand alone; beside what it points to stand initdb and the libraries.
    places.extend(std::env::split_paths(&path).filter_map(|folder| {
        let server = folder.join("postgres").canonicalize().ok()?;
        server.parent().map(Path::to_path_buf)
    }));
    places.retain(|bin| bin.join("postgres").is_file() && bin.join("initdb").is_file());
    places
}

/// The major version of the server in this folder, e.g. `15`.
fn major(bin: &Path) -> Option<String> {
    let said = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}
