//! Records calls in a file, one line each, for the simulator (`administrate-sim --replay`).
//!
//! The recording has no secrets and no personal data except names, which matching needs. Therefore only the owner may read
//! the file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use administrate::{BoxFuture, CallLog, CallRecord};
use serde_json::{Value, json};

use super::audit::{PERSONAL, redact_all, stored_document};
use crate::error::{Error, Result};
use crate::files::{OpenMode, open_file};

const FILE: &str = "exchanges.jsonl";

/// Returns the path of a recording in a folder.
pub fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Records every call and passes it on to another call log.
pub(crate) struct Recording {
    file: Mutex<File>,
    next: Arc<dyn CallLog>,
}

impl Recording {
    /// Starts a recording that replaces an older one.
    pub(crate) fn begin(folder: &Path, next: Arc<dyn CallLog>) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("creating the folder", folder, &error))?;
        let file = open_file(&file_in(folder), OpenMode::Truncate)?;
        Ok(Recording { file: Mutex::new(file), next })
    }
}

impl CallLog for Recording {
    fn record(&self, call: CallRecord) -> BoxFuture<'_, ()> {
        let line = line(&call).to_string();
        let written = writeln!(self.file.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        if let Err(error) = written {
            tracing::warn!(%error, operation = call.operation, "a call could not be recorded");
        }
        self.next.record(call)
    }
}

/// Keys of names of people.
const NAMES: &[&str] = &["firstName", "middleName", "lastName", "personalName"];

/// Redacts personal data except names.
fn redact(value: &mut Value) {
    let personal: Vec<&str> = PERSONAL.iter().copied().filter(|key| !NAMES.contains(key)).collect();
    redact_all(value, &personal);
}

fn line(call: &CallRecord) -> Value {
    let mut variables = call.variables.clone();
    redact(&mut variables);
    let response = call.response.as_deref().map(|body| match serde_json::from_str(body) {
        Ok(mut response) => {
            redact(&mut response);
            response
        }
        Err(_) => json!(format!("{} bytes that are no JSON", body.len())),
    });
    json!({
        "operation": call.operation,
        "document": stored_document(call.operation, &call.document),
        "variables": variables,
        "status": call.status,
        "response": response,
        "error": call.error,
        "attempt": call.attempt,
        "started": call.started,
        "duration_ms": u64::try_from(call.duration.as_millis()).unwrap_or(u64::MAX),
    })
}
