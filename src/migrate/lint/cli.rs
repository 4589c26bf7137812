//! `lectern migrate plan --lint`.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Execution, Finding, LintReport, Linter, Risk};
use crate::app::Context;
use crate::console::counted;
use crate::console::style::{Tone, paint};
use crate::error::{Error, Exit, Result, io_sentence};

/// The largest file that is judged, in bytes.
const LARGEST_FILE: u64 = 10 * 1024 * 1024;

/// The document of one file.
#[derive(Debug, Serialize)]
struct LintedFile {
    file: String,
    #[serde(flatten)]
    report: LintReport,
}

/// Judges files without a database and prints what was found.
///
/// # Errors
/// [`Error::Failed`] where a file cannot be read; then none is judged.
pub fn run(context: &Context, files: &[PathBuf], in_transaction: bool) -> Result<Exit> {
    let texts = files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
    let migrations = crate::migrate::versioned::texts();
    let mut linter = Linter::after(migrations.iter().map(String::as_str));
    let mut linted = Vec::new();
    for (file, text) in files.iter().zip(&texts) {
        let execution = Execution { in_transaction, has_lock_timeout: false };
        let report = linter
            .judge(text, execution)
            .map_err(|error| Error::Failed(format!("{}:{}: {}", file.display(), error.line, error.message)))?;
        linted.push(LintedFile { file: file.display().to_string(), report });
    }
    linted.iter().for_each(|file| print(context, file));
    match linted.as_slice() {
        [only] => context.console.document(only)?,
        several => context.console.document(&serde_json::json!({ "files": several }))?,
    }
    let needs_attention = linted.iter().any(|file| file.report.needs_attention());
    Ok(if needs_attention { Exit::NeedsAttention } else { Exit::Done })
}

/// Reads a file; `-` is the standard input.
fn read(path: &Path) -> Result<String> {
    let name = path.display();
    let failed = |error: std::io::Error| Error::Failed(format!("{name} cannot be read: {}", io_sentence(&error)));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Error::Failed(format!("{name} is larger than 10 MB: split it, or leave out its rows")));
    }
    let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    match std::str::from_utf8(&bytes) {
        Ok(text) => match text.find('\0') {
            Some(at) => Err(Error::Failed(format!(
                "{name}:{}: a NUL character, which PostgreSQL refuses: is this a text file?",
                line_of(at)
            ))),
            None => Ok(text.to_owned()),
        },
        Err(error) => Err(Error::Failed(format!(
            "{name}:{}: not UTF-8: save the file in that encoding",
            line_of(error.valid_up_to())
        ))),
    }
}

fn print(context: &Context, linted: &LintedFile) {
    let report = &linted.report;
    for finding in &report.findings {
        print_finding(context, &linted.file, finding);
    }
    let count = |risk: Risk| report.findings.iter().filter(|finding| finding.severity == risk).count();
    let counts = [
        (count(Risk::Rewrites), "rewrite"),
        (count(Risk::Blocks), "block"),
        (count(Risk::Unsafe), "unsafe"),
        (count(Risk::Note), "note"),
    ];
    let found: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let result = match (found.is_empty(), report.statements) {
        (true, 0) => "nothing to judge".to_owned(),
        (true, _) => "nothing rewrites a table or blocks readers or writers".to_owned(),
        _ => found.join(", "),
    };
    let omitted = if report.omitted > 0 { format!(", {} more not shown", report.omitted) } else { String::new() };
    context.console.notify(format_args!(
        "{}: {}: {result}{omitted}",
        linted.file,
        counted(report.statements, "statement")
    ));
}

fn print_finding(context: &Context, file: &str, finding: &Finding) {
    let (tone, name) = match finding.severity {
        Risk::Rewrites => (Tone::Bad, "rewrites"),
        Risk::Blocks => (Tone::Bad, "blocks"),
        Risk::Unsafe => (Tone::Warning, "unsafe"),
        Risk::Note | Risk::Fine => (Tone::Good, "note"),
    };
    let object = finding.object.as_deref().map(|object| format!(" {object}")).unwrap_or_default();
    let lock = match finding.lock {
        super::finding::LockMode::None => String::new(),
        lock => format!(": {} lock {}", lock.name(), finding.duration.phrase()),
    };
    let print = |line: std::fmt::Arguments<'_>| context.console.print(line);
    print(format_args!("{file}:{}: {}{object}{lock}", finding.line, paint(tone, name)));
    if !finding.statement.is_empty() {
        print(format_args!("    {}", finding.statement));
    }
    print(format_args!("    why: {}", finding.why));
    print(format_args!("    instead: {}", finding.instead));
}
