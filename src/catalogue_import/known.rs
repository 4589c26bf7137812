//! The rows of the catalogue, found by what identifies them and by the names by which others refer to them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sqlx::PgConnection;

use super::sheets::{Kind, STORED, resource_of};
use crate::error::{Error, Result};
use crate::names::{fold, nearest};
use crate::resources::{TableResource, rows};
use crate::timetable_import::values;

/// The documents of one kind.
struct Documents {
    resource: &'static TableResource,
    keys: &'static [&'static str],
    names: &'static [&'static str],
    by_id: BTreeMap<i64, Value>,
    by_key: HashMap<String, i64>,
    /// For each field of `names`: ids by folded value.
    by_name: Vec<HashMap<String, Vec<i64>>>,
}

/// All documents that a workbook can name.
pub struct KnownRecords {
    kinds: HashMap<Kind, Documents>,
    letters: BTreeMap<String, String>,
}

/// What a name stands for.
pub enum Found {
    One(i64),
    /// Several records, as they are shown.
    Several(Vec<String>),
    /// None, with similar names.
    None(Vec<String>),
}

impl KnownRecords {
    /// Reads all records. `letters`: letter of a sitting → suffix of a session code.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load(db: &mut PgConnection, letters: &BTreeMap<String, String>) -> Result<Self> {
        let mut kinds = HashMap::new();
        for (kind, table, keys, names) in STORED {
            let resource = resource_of(table).ok_or_else(|| Error::Failed(format!("{table} is no resource")))?;
            let by_name = names.iter().map(|_| HashMap::new()).collect();
            let (by_id, by_key) = (BTreeMap::new(), HashMap::new());
            let mut documents = Documents { resource, keys, names, by_id, by_key, by_name };
            for document in rows::all(db, resource).await? {
                documents.insert(kind, document, letters);
            }
            kinds.insert(kind, documents);
        }
        Ok(Self { kinds, letters: letters.clone() })
    }

    pub fn resource(&self, kind: Kind) -> Option<&'static TableResource> {
        self.kinds.get(&kind).map(|documents| documents.resource)
    }

    pub fn document(&self, kind: Kind, id: i64) -> Option<&Value> {
        self.kinds.get(&kind)?.by_id.get(&id)
    }

    /// Returns the row with the same identifying fields as a document. A group is also found by its code.
    pub fn find(&self, kind: Kind, document: &Value) -> Option<i64> {
        let documents = self.kinds.get(&kind)?;
        if let (Kind::Groups, Some(code)) = (kind, document["code"].as_str()) {
            let same = documents.by_name.first().and_then(|codes| codes.get(&fold(code))).and_then(|ids| ids.first());
            if let Some(id) = same {
                return Some(*id);
            }
        }
        documents.by_key.get(&key_of(kind, document, documents.keys, &self.letters)?).copied()
    }

    /// Adds a row, or replaces its document.
    pub fn insert(&mut self, kind: Kind, document: Value) {
        if let Some(documents) = self.kinds.get_mut(&kind) {
            documents.insert(kind, document, &self.letters);
        }
    }

    /// Finds the record with a name: by the first of its names that any record has.
    pub fn named(&self, kind: Kind, name: &str) -> Found {
        let Some(documents) = self.kinds.get(&kind) else { return Found::None(Vec::new()) };
        let wanted = name_key(kind, name, &self.letters);
        for names in &documents.by_name {
            match names.get(&wanted).map(Vec::as_slice) {
                Some([id]) => return Found::One(*id),
                Some(several) if !several.is_empty() => {
                    return Found::Several(several.iter().filter_map(|id| documents.shown(*id)).collect());
                }
                _ => {}
            }
        }
        let known = documents
            .by_id
            .values()
            .flat_map(|document| documents.names.iter().filter_map(|field| document[*field].as_str()));
        Found::None(nearest(name, known))
    }

    /// Returns the name of a record for messages.
    pub fn shown(&self, kind: Kind, id: i64) -> Option<String> {
        self.kinds.get(&kind)?.shown(id)
    }
}

impl Documents {
    fn insert(&mut self, kind: Kind, document: Value, letters: &BTreeMap<String, String>) {
        let Some(id) = document["id"].as_i64() else { return };
        if let Some(key) = key_of(kind, &document, self.keys, letters) {
            self.by_key.entry(key).or_insert(id);
        }
        for (field, names) in self.names.iter().zip(&mut self.by_name) {
            if let Some(name) = document[*field].as_str().filter(|name| !name.trim().is_empty()) {
                let ids = names.entry(name_key(kind, name, letters)).or_default();
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        self.by_id.insert(id, document);
    }

    fn shown(&self, id: i64) -> Option<String> {
        let document = self.by_id.get(&id)?;
        let name = self.keys.iter().chain(self.names).find_map(|field| document[*field].as_str());
        name.map(str::to_owned)
    }
}

/// Returns the form in which two names of a record are equal.
pub fn name_key(kind: Kind, name: &str, letters: &BTreeMap<String, String>) -> String {
    match kind {
        Kind::ExamSessions => {
            values::sitting(name.trim(), letters).map_or_else(|_| fold(name), |sitting| sitting.mapped)
        }
        _ => fold(name),
    }
}

fn key_of(kind: Kind, document: &Value, fields: &[&str], letters: &BTreeMap<String, String>) -> Option<String> {
    let mut key = String::new();
    for field in fields {
        match &document[*field] {
            Value::String(text) => key.push_str(&name_key(kind, text, letters)),
            Value::Number(number) => key.push_str(&number.to_string()),
            _ => return None,
        }
        key.push('\u{1f}');
    }
    Some(key)
}
