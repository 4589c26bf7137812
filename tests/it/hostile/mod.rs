//! Malicious workbooks, read by the program with limited memory.
//!
//! Files that unpack to hundreds of megabytes are slow: `make hostile` includes them and prints the memory of each.

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

mod cfb;
mod files;

use files::write_file;

/// Writable memory that the program may use, in kilobytes (`ulimit -d`).
const MEMORY_KB: u32 = 256 * 1024;

/// Fast files: name and the code of the expected problem. A file with another code than `too_large` and
/// `unreadable_file` was read and has no header.
const SMALL: [(&str, &str); 20] = [
    ("columns.xlsx", "too_large"),
    ("sheets.xlsx", "too_large"),
    ("merged.xlsx", "missing_header"),
    ("lying.xlsx", "unreadable_file"),
    ("overlong.xlsx", "unreadable_file"),
    ("parts.xlsx", "too_large"),
    ("entities.xlsx", "unreadable_file"),
    ("external.xlsx", "unreadable_file"),
    ("formulas.xlsx", "missing_header"),
    ("repeated.ods", "too_large"),
    ("wide.ods", "too_large"),
    ("nested.ods", "too_large"),
    ("columns.csv", "too_large"),
    ("quotes.csv", "unreadable_file"),
    ("corners.xls", "missing_header"),
    ("shared.xls", "too_large"),
    ("round.xls", "unreadable_file"),
    ("password.xls", "unreadable_file"),
    ("password.xlsx", "unreadable_file"),
    ("promised.xls", "unreadable_file"),
];

/// Slow files.
const HUGE: [(&str, &str); 24] = [
    ("blank rows.xlsx", "missing_header"),
    ("blank cells.xlsx", "missing_header"),
    ("bomb.xlsx", "too_large"),
    ("cell.xlsx", "too_large"),
    ("runs.xlsx", "too_large"),
    ("rows.xlsx", "too_large"),
    ("cells.xlsx", "missing_header"),
    ("texts.xlsx", "too_large"),
    ("one text.xlsx", "too_large"),
    ("problems.xlsx", "too_large"),
    ("strings.xlsx", "too_large"),
    ("long strings.xlsx", "too_large"),
    ("nested.xlsx", "unreadable_file"),
    ("attribute.xlsx", "too_large"),
    ("relations.xlsx", "too_large"),
    ("styles.xlsx", "too_large"),
    ("many merged.xlsx", "missing_header"),
    ("cells.ods", "too_large"),
    ("paragraphs.ods", "too_large"),
    ("text.ods", "too_large"),
    ("line.csv", "too_large"),
    ("rows.csv", "too_large"),
    ("cells.xls", "missing_header"),
    ("strings.xls", "too_large"),
];

#[test]
fn hostile_file_is_one_problem_within_the_memory_limit() {
    check_files(&SMALL);
}

#[test]
#[ignore = "unpacks gigabytes: make hostile"]
fn huge_hostile_file_is_one_problem_within_the_memory_limit() {
    check_files(&HUGE);
}

fn check_files(tried: &[(&str, &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for (name, code) in tried {
        let path = folder.path().join(name);
        write_file(name, &path);
        let size = std::fs::metadata(&path).expect("a file").len();
        let (status, document, peak) = import(&path, folder.path());
        std::fs::remove_file(&path).expect("removed");
        let problem = &document["problems"][0];
        println!("{name}: {} KB, peak {} MB: {} {}", size >> 10, peak >> 10, problem["code"], problem["message"]);
        if (status.code(), problem["code"].as_str()) != (Some(1), Some(code)) || peak > u64::from(MEMORY_KB) {
            wrong.push(format!("{name}: {status}, {peak} KB, {document}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Imports a file and returns status, document and peak memory in kilobytes (`VmHWM`, as last read).
fn import(file: &Path, folder: &Path) -> (ExitStatus, serde_json::Value, u64) {
    let output = File::create(folder.join("document.json")).expect("a file");
    let mut program = Command::new("sh")
        .args(["-c", "ulimit -d \"$0\"; exec \"$@\"", &MEMORY_KB.to_string(), env!("CARGO_BIN_EXE_lectern")])
        .args(["import", file.to_str().expect("a path"), "--json", "--data-dir"])
        .arg(folder)
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
        let highest = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = highest.and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or(peak).max(peak);
        match program.try_wait().expect("a child") {
            Some(status) => break status,
            None => std::thread::park_timeout(Duration::from_millis(2)),
        }
    };
    let document = std::fs::read(folder.join("document.json")).expect("the document");
    (status, serde_json::from_slice(&document).unwrap_or_default(), peak)
}
