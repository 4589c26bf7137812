//! Replay of a recording: responses come from a file instead of a tenant, to reproduce a support case offline.
//!
//! A recording is a folder with `exchanges.jsonl`, one exchange a line: `document`, `variables`, `status` (null where
//! no response came) and `response`. A request gets the next unused exchange with the same document and variables.
//! Without one, it gets the next exchange whose document is equal apart from string literals, because recordings are
//! redacted. A request that comes more often than it was recorded gets the last matching response again. Nothing is
//! validated or changed.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;

/// File name within the folder of a recording.
const FILE: &str = "exchanges.jsonl";

/// An open recording.
pub(crate) struct Replay {
    exchanges: Mutex<Vec<Exchange>>,
}

#[derive(Deserialize)]
struct Exchange {
    document: String,
    #[serde(default)]
    variables: Value,
    status: Option<u16>,
    response: Option<Value>,
    #[serde(skip)]
    is_used: bool,
}

/// The recorded result of a request.
pub(crate) enum ReplayedResponse {
    /// HTTP status and JSON body.
    Response(u16, Value),
    /// The connection was lost without a response.
    ConnectionLost,
    /// The recording has no such request.
    NotRecorded,
}

impl Replay {
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(folder.join(FILE))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let exchanges = lines.map(serde_json::from_str::<Exchange>).collect::<Result<Vec<_>, _>>()?;
        let has_document = |exchange: &Exchange| !exchange.document.is_empty();
        Ok(Replay { exchanges: Mutex::new(exchanges.into_iter().filter(has_document).collect()) })
    }

    pub(crate) fn next_response(&self, document: &str, variables: &Value) -> ReplayedResponse {
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let stripped = without_strings(document);
        let is_exact = |exchange: &Exchange| exchange.document == document && exchange.variables == *variables;
        let is_similar = |exchange: &Exchange| without_strings(&exchange.document) == stripped;
        let position = next_position(&exchanges, is_exact).or_else(|| next_position(&exchanges, is_similar));
        let Some(exchange) = position.and_then(|index| exchanges.get_mut(index)) else {
            return ReplayedResponse::NotRecorded;
        };
        exchange.is_used = true;
        match exchange.status {
            Some(status) => ReplayedResponse::Response(status, exchange.response.clone().unwrap_or_default()),
            None => ReplayedResponse::ConnectionLost,
        }
    }
}

/// Returns the position of the first unused match, else of the last match.
fn next_position(exchanges: &[Exchange], matches: impl Fn(&Exchange) -> bool) -> Option<usize> {
    let unused = exchanges.iter().position(|exchange| !exchange.is_used && matches(exchange));
    unused.or_else(|| exchanges.iter().rposition(matches))
}

/// Returns a document with every string literal emptied.
fn without_strings(document: &str) -> String {
    let mut parts = document.split('"');
    let mut stripped = parts.next().unwrap_or_default().to_owned();
    // Escaped quotation marks shift the literal boundaries, but in the same way in both compared documents.
    for pair in parts.collect::<Vec<_>>().chunks(2) {
        stripped.push_str("\"\"");
        stripped.push_str(pair.get(1).copied().unwrap_or_default());
    }
    stripped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn repeated_request_gets_responses_in_order_and_then_the_last_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let line = |document: &str, variables: Value, status: Option<u16>, response: Value| {
            json!({ "document": document, "variables": variables, "status": status, "response": response }).to_string()
        };
        let lines = [
            line("", Value::Null, Some(200), Value::Null),
            line("{ a }", json!({"offset": 0}), Some(500), json!("no JSON")),
            line("{ a }", json!({"offset": 0}), Some(200), json!({"data": 1})),
            line("{ b(name: \"\") }", json!({}), None, Value::Null),
        ];
        fs::write(folder.path().join(FILE), lines.join("\n")).expect("written");
        let replay = Replay::open(folder.path()).expect("a recording");
        let status = |response: ReplayedResponse| match response {
            ReplayedResponse::Response(status, _) => i32::from(status),
            ReplayedResponse::ConnectionLost => 0,
            ReplayedResponse::NotRecorded => -1,
        };
        let statuses = [(); 3].map(|()| status(replay.next_response("{ a }", &json!({"offset": 0}))));
        assert_eq!(statuses, [500, 200, 200]);
        assert_eq!(status(replay.next_response("{ b(name: \"Ada\") }", &json!({}))), 0);
        assert_eq!(status(replay.next_response("{ c }", &json!({}))), -1);
    }
}
