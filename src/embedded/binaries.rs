//! Finds the server programs of PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};

use super::owner::Owner;
use crate::error::{Error, Result};

/// Returns the folder of the newest server, 15 or newer. `version`: the major version of an existing cluster, which is
/// then required.
pub(super) fn find_binaries(named: &Path, version: Option<&str>, owner: &Owner) -> Result<PathBuf> {
    if !named.as_os_str().is_empty() {
        return match major(named, owner) {
            Some(found) if version.is_none_or(|required| required == found) => Ok(named.into()),
            Some(found) => Err(Error::Failed(format!(
                "PostgreSQL {} created the data folder, but {} contains PostgreSQL {found}",
                version.unwrap_or_default(),
                named.display()
            ))),
            None => Err(Error::Failed(format!("no PostgreSQL server was found in {}", named.display()))),
        };
    }
    let mut found: Vec<(u32, PathBuf)> = candidates()
        .into_iter()
        .filter_map(|bin| major(&bin, owner).map(|major| (major, bin)))
        .filter(|(found, _)| version.is_none_or(|required| required == found))
        .filter_map(|(major, bin)| Some((major.parse().ok()?, bin)))
        .filter(|(major, _)| *major >= 15)
        .collect();
    found.sort_by_key(|(major, _)| *major);
    let required = version.map_or("15 or newer".into(), |v| format!("{v}, which created this data folder,"));
    found.pop().map(|(_, bin)| bin).ok_or_else(|| {
        Error::Prerequisite(format!(
            "no PostgreSQL server {required} is installed: install it (Debian, Ubuntu: apt-get install postgresql; \
             Fedora: dnf install postgresql-server; macOS: brew install postgresql), or name a database with --database-url"
        ))
    })
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (folder, below) in [("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin")] {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        folders.extend(entries.map(|entry| entry.path().join(below)));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // A symbolic link on the PATH may be alone in its folder. Its target has initdb and the libraries next to it.
    folders.extend(std::env::split_paths(&path).filter_map(|folder| {
        let server = folder.join("postgres").canonicalize().ok()?;
        server.parent().map(Path::to_path_buf)
    }));
    folders.retain(|bin| bin.join("postgres").is_file() && bin.join("initdb").is_file());
    folders
}

/// Returns the major version of the server in a folder, such as `15`. The program runs as the owner of the cluster.
fn major(bin: &Path, owner: &Owner) -> Option<String> {
    let output = owner.command(&bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(version.chars().take_while(char::is_ascii_digit).collect())
}
