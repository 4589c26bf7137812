//! Exchanges kept in a folder, one line each, so that the simulator can answer them again (`administrate-sim --replay`).
//!
//! Without secrets, and of people without all that no matching needs: their names stay, because ours are matched with
//! them, and a case with instructors could not be repeated otherwise. So only the owner may read the file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use administrate::{BoxFuture, CallLog, CallRecord};
use serde_json::{Value, json};

use super::audit::{PERSONAL, redact_all, stored_document};
use crate::error::{Error, Result};

/// The file in the folder.
const FILE: &str = "exchanges.jsonl";

/// Keeps every call, and tells it to another ledger.
pub(crate) struct Recording {
    file: Mutex<File>,
    other: Arc<dyn CallLog>,
}

impl Recording {
    /// Begins a new recording in place of an older one.
    pub(crate) fn begin(folder: &Path, other: Arc<dyn CallLog>) -> Result<Self> {
        let path = folder.join(FILE);
        let open = || {
            std::fs::create_dir_all(folder)?;
            OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)
        };
        let file = open().map_err(|error| Error::Failed(format!("cannot record in {}: {error}", path.display())))?;
        Ok(Recording { file: Mutex::new(file), other })
    }
}

impl CallLog for Recording {
    fn record(&self, call: CallRecord) -> BoxFuture<'_, ()> {
        let line = line(&call).to_string();
        let written = writeln!(self.file.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        if let Err(error) = written {
            tracing::warn!(%error, operation = call.operation, "a call could not be recorded");
        }
        self.other.record(call)
    }
}

/// Keys under which the names of people stand.
const NAMES: &[&str] = &["firstName", "middleName", "lastName", "personalName"];

/// Hides what is personal but for names.
fn redact(value: &mut Value) {
    let personal: Vec<&str> = PERSONAL.iter().copied().filter(|key| !NAMES.contains(key)).collect();
    redact_all(value, &personal);
}

fn line(call: &CallRecord) -> Value {
    let mut variables = call.variables.clone();
    redact(&mut variables);
    let response = call.response.as_deref().map(|body| match serde_json::from_str(body) {
        Ok(mut answer) => {
            redact(&mut answer);
            answer
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
