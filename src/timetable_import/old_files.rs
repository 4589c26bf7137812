//! Old files of imports in the data folder: reports, and uploads whose import has ended.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sqlx::PgPool;

use super::upload::upload_run;
use crate::error::Result;
use crate::runs;

/// Removes the reports that are older than `age`, and returns their number. `now` is the time of the file system.
///
/// Only files that an import has named itself are removed.
pub fn sweep_reports(data_dir: &Path, age: Duration, now: SystemTime) -> usize {
    let reports = entries(&data_dir.join("reports"));
    let is_report = |name: &str| {
        let number = name.strip_prefix("import-").and_then(|rest| rest.strip_suffix(".xlsx"));
        number.is_some_and(|number| number.parse::<u64>().is_ok())
    };
    let is_old = |path: &PathBuf| {
        // The file itself, not what a link points to.
        let about = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file);
        let changed = about.and_then(|about| about.modified().ok());
        changed.is_some_and(|changed| now.duration_since(changed).is_ok_and(|passed| passed >= age))
    };
    let old = reports.into_iter().filter(|(name, path)| is_report(name) && is_old(path));
    old.filter(|(_, path)| std::fs::remove_file(path).is_ok()).count()
}

/// Removes the uploads of imports that ended more than `days` ago, and returns their number.
///
/// An upload is removed when its import ends, and that of a dry run a day later: until then its plan can be applied. What
/// else is found here is left of a process that was killed when the import ended.
///
/// # Errors
/// The database fails.
pub async fn sweep_uploads(pool: &PgPool, data_dir: &Path, days: i32) -> Result<usize> {
    let folders: Vec<(i64, PathBuf)> = entries(&data_dir.join("uploads"))
        .into_iter()
        .filter_map(|(name, path)| Some((upload_run(&name)?, path)))
        .collect();
    if folders.is_empty() {
        return Ok(0);
    }
    let runs: Vec<i64> = folders.iter().map(|(run, _)| *run).collect();
    let ended = runs::ended_before(pool, &runs, days).await?;
    let old = folders.into_iter().filter(|(run, _)| ended.contains(run));
    Ok(old.filter(|(_, folder)| std::fs::remove_dir_all(folder).is_ok()).count())
}

/// Returns the names and paths in a folder; none if it cannot be read.
fn entries(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_reports_of_imports_are_removed() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("reports");
        std::fs::create_dir(&folder).expect("a folder");
        for name in ["import-7.xlsx", "import-x.xlsx", "mine.xlsx"] {
            std::fs::write(folder.join(name), b"x").expect("a file");
        }
        std::fs::create_dir(folder.join("import-8.xlsx")).expect("a folder");
        std::os::unix::fs::symlink(folder.join("mine.xlsx"), folder.join("import-9.xlsx")).expect("a link");
        let (day, now) = (Duration::from_secs(86_400), SystemTime::now());
        assert_eq!(sweep_reports(data.path(), day, now), 0, "it is new");
        assert_eq!(sweep_reports(data.path(), day, now + 2 * day), 1);
        assert!(!folder.join("import-7.xlsx").exists());
        assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 4);
        assert_eq!(sweep_reports(&data.path().join("missing"), day, now), 0);
    }
}
