//! The receipt of a migration: what each move did, with rows and content hashes before and after, signed.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::hashing::Hashed;
use crate::error::{Error, Result};

/// What one move did.
#[derive(Debug, Default)]
pub struct MoveReceipt {
    pub name: String,
    pub tables: Vec<TableReceipt>,
    /// Each change as a sentence.
    pub changes: Vec<String>,
    /// What needs a person.
    pub problems: Vec<String>,
    /// What else was not carried over; no user has to act.
    pub notes: Vec<String>,
    /// From the first lock to the commit.
    pub locked: Duration,
    pub took: Duration,
    /// Parts of this time by name, where a move names them.
    pub parts: Vec<(&'static str, Duration)>,
}

impl MoveReceipt {
    /// Returns what needs a person, and what is only reported.
    pub fn all_problems(&self) -> Vec<&String> {
        self.problems.iter().chain(&self.notes).collect()
    }

    /// Reports whether the move had nothing to do and nothing to say.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.all_problems().is_empty()
    }
}

/// A table before and after a move.
#[derive(Debug)]
pub struct TableReceipt {
    step: &'static str,
    before: Hashed,
    after: Option<Hashed>,
}

impl TableReceipt {
    pub(super) fn new(step: &'static str, before: Hashed, after: Option<Hashed>) -> TableReceipt {
        TableReceipt { step, before, after }
    }

    pub(super) fn pairs(step: &'static str, before: &[Hashed], after: &[Hashed]) -> Vec<TableReceipt> {
        let find = |oid: i64| after.iter().find(|table| table.oid == oid).cloned();
        let pair = |before: &Hashed| TableReceipt { step, before: before.clone(), after: find(before.oid) };
        before.iter().map(pair).collect()
    }

    /// Reports whether the content is proved to be the same: the same file of rows, or the same hash.
    fn is_proved(&self) -> bool {
        self.after
            .as_ref()
            .is_some_and(|after| after.filenode == self.before.filenode || after.content == self.before.content)
    }

    fn json(&self) -> Value {
        let side = |table: &Hashed| {
            json!({ "place": table.place, "rows": table.content.rows, "hash": table.content.hash, "oid": table.oid,
                    "relfilenode": table.filenode })
        };
        let after = self.after.as_ref();
        json!({
            "step": self.step,
            "table": after.unwrap_or(&self.before).name,
            "columns": self.before.columns,
            "before": side(&self.before),
            "after": after.map(side),
            "same_oid": after.is_some_and(|after| after.oid == self.before.oid),
            "same_relfilenode": after.is_some_and(|after| after.filenode == self.before.filenode),
            "same_content": after.is_some_and(|after| after.content == self.before.content),
            "ok": self.is_proved(),
        })
    }
}

/// Circumstances that a receipt names.
pub struct Origin {
    pub database: String,
    pub server: String,
    pub user: String,
    /// RFC 3339 in UTC.
    pub at: String,
}

/// Returns the signed receipt of these moves.
///
/// `django` names the migrations that Django must mark as applied.
pub fn signed(origin: &Origin, moves: &[MoveReceipt], estimate: Duration, django: &[String], key: &[u8]) -> Value {
    let tables: Vec<Value> = moves.iter().flat_map(|step| step.tables.iter().map(TableReceipt::json)).collect();
    let took: Duration = moves.iter().map(|step| step.took).sum();
    let seconds = |duration: Duration| (duration.as_secs_f64() * 1000.0).round() / 1000.0;
    let steps: Vec<Value> = moves
        .iter()
        .map(|step| {
            let mut document = json!({ "name": step.name, "changes": step.changes, "problems": step.all_problems(),
                    "locked_seconds": seconds(step.locked), "seconds": seconds(step.took) });
            step.parts.iter().for_each(|(name, took)| document[name] = seconds(*took).into());
            document
        })
        .collect();
    let problems: Vec<&String> = moves.iter().flat_map(MoveReceipt::all_problems).collect();
    let mut receipt = json!({
        "version": 1, "program": concat!("lectern ", env!("CARGO_PKG_VERSION")), "database": origin.database,
        "server": origin.server, "user": origin.user, "made_at": origin.at, "steps": steps, "tables": tables,
        "problems": problems, "django_fake": django, "ok": moves.iter().flat_map(|step| &step.tables).all(TableReceipt::is_proved),
        "estimated_seconds": seconds(estimate), "seconds": seconds(took),
        "estimate_error_seconds": seconds(took.max(estimate).saturating_sub(took.min(estimate))),
    });
    let signature = signature(&receipt, key);
    if let Value::Object(fields) = &mut receipt {
        fields.insert("signature".to_owned(), signature.into());
    }
    receipt
}

/// Reports whether a receipt has the signature of this key.
pub fn is_genuine(receipt: &Map<String, Value>, key: &[u8]) -> bool {
    let mut unsigned = receipt.clone();
    let Some(Value::String(found)) = unsigned.remove("signature") else { return false };
    let Ok(found) = hex::decode(found) else { return false };
    mac(&Value::Object(unsigned), key).verify_slice(&found).is_ok()
}

fn signature(receipt: &Value, key: &[u8]) -> String {
    hex::encode(mac(receipt, key).finalize().into_bytes())
}

fn mac(receipt: &Value, key: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(canonical(receipt).as_bytes());
    mac
}

/// Writes a document in one way, whatever the order of its keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{}:{}", json!(key), canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        // A number may pass through a program that writes 1.0 as 1.
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string()),
        other => other.to_string(),
    }
}

/// Returns a new random key.
///
/// # Errors
/// [`Error::Failed`] when the system has no randomness.
pub fn new_key() -> Result<[u8; 32]> {
    let mut key = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut key)
        .map_err(|_| Error::Failed("the system provides no random numbers".to_owned()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn altered_receipt_is_recognised() {
        let origin = Origin {
            database: "acted".into(),
            server: "15.18".into(),
            user: "lectern".into(),
            at: "2026-02-13T10:00:00Z".into(),
        };
        let key = [7; 32];
        let receipt = signed(&origin, &[], Duration::from_millis(1500), &[], &key);
        let fields = |text: &str| serde_json::from_str::<Map<String, Value>>(text).expect("a document");
        let genuine = fields(&receipt.to_string());
        assert!(is_genuine(&genuine, &key));
        assert!(!is_genuine(&genuine, &[8; 32]), "another key");
        assert!(is_genuine(&fields(&serde_json::to_string_pretty(&genuine).expect("text")), &key), "indented");
        let altered = fields(&receipt.to_string().replace("acted", "other"));
        assert!(!is_genuine(&altered, &key));
        let mut unsigned = genuine;
        unsigned.remove("signature");
        assert!(!is_genuine(&unsigned, &key));
    }
}
