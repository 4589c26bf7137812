//! The rows of the catalogue, found by what identifies them and by the names by which others refer to them.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::plan::JournalEntry;
use super::sheets::SheetKind;
use super::stored::{STORED, resource_of};
use crate::error::{Error, Result};
use crate::names::{NameSet, fold};
use crate::resources::{TableResource, rows};
use crate::workbook::values;

/// How many unknown names get suggestions. Each is compared with all known names.
const MAX_SUGGESTED: usize = 1000;

/// Ids by the form in which names are equal.
type IdIndex = HashMap<String, Vec<i64>>;

/// The documents of one kind.
struct Documents {
    resource: &'static TableResource,
    keys: &'static [&'static str],
    names: &'static [&'static str],
    by_id: BTreeMap<i64, Value>,
    by_key: IdIndex,
    /// For each field of `names`.
    by_name: Vec<IdIndex>,
}

/// All documents that a workbook can name.
pub struct KnownRecords {
    kinds: HashMap<SheetKind, Documents>,
    letters: BTreeMap<String, String>,
    /// Number of names that got suggestions.
    suggested: usize,
}

/// The records that a name or a key stands for.
pub enum NamedIds {
    None,
    One(i64),
    Several(Vec<i64>),
}

impl NamedIds {
    fn of(ids: &[i64]) -> NamedIds {
        match ids {
            [] => NamedIds::None,
            [id] => NamedIds::One(*id),
            several => NamedIds::Several(several.to_vec()),
        }
    }
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
            let by_name = names.iter().map(|_| IdIndex::new()).collect();
            let (by_id, by_key) = (BTreeMap::new(), IdIndex::new());
            let mut documents = Documents { resource, keys, names, by_id, by_key, by_name };
            for document in rows::all(db, resource).await? {
                documents.insert(kind, document, letters);
            }
            kinds.insert(kind, documents);
        }
        Ok(Self { kinds, letters: letters.clone(), suggested: 0 })
    }

    pub fn resource(&self, kind: SheetKind) -> Option<&'static TableResource> {
        self.kinds.get(&kind).map(|documents| documents.resource)
    }

    pub fn document(&self, kind: SheetKind, id: i64) -> Option<&Value> {
        self.kinds.get(&kind)?.by_id.get(&id)
    }

    /// Finds the row with the same identifying fields as a document. Groups and variations, whose codes are unique, are
    /// found by their code first.
    pub fn find(&self, kind: SheetKind, document: &Value) -> NamedIds {
        let Some(documents) = self.kinds.get(&kind) else { return NamedIds::None };
        if let (SheetKind::Groups | SheetKind::Variations, Some(code)) = (kind, document["code"].as_str()) {
            let same = documents.by_name.first().and_then(|codes| codes.get(&fold(code)));
            if let Some([id]) = same.map(Vec::as_slice) {
                return NamedIds::One(*id);
            }
        }
        let ids = key_of(kind, document, documents.keys, &self.letters).and_then(|key| documents.by_key.get(&key));
        documents.most_equal(ids.map_or(&[], Vec::as_slice), |known| {
            let is_equal = |field: &str| known[field] == document[field];
            let code = document["code"].as_str().filter(|code| !code.is_empty());
            (documents.keys.iter().all(|field| is_equal(field)), code.is_some() && is_equal("code"))
        })
    }

    /// Adds a row, or replaces its document.
    pub fn insert(&mut self, kind: SheetKind, document: Value) {
        if let Some(documents) = self.kinds.get_mut(&kind) {
            documents.insert(kind, document, &self.letters);
        }
    }

    /// Takes back a change that was not stored after all.
    pub fn take_back(&mut self, entry: JournalEntry) {
        let stored = STORED.iter().find(|(_, table, ..)| *table == entry.table).map(|(kind, ..)| *kind);
        let Some(documents) = stored.and_then(|kind| self.kinds.get_mut(&kind)) else { return };
        if let Some(before) = entry.before {
            documents.by_id.insert(entry.id, before);
            return;
        }
        documents.by_id.remove(&entry.id);
        for (index, key) in documents.entries(stored.unwrap_or(SheetKind::Subjects), &entry.after, &self.letters) {
            let index = if index == 0 { &mut documents.by_key } else { &mut documents.by_name[index - 1] };
            if let Some(ids) = index.get_mut(&key) {
                ids.retain(|known| *known != entry.id);
            }
        }
    }

    /// Finds the record with a name: by the first of its names that any record has.
    pub fn named(&self, kind: SheetKind, name: &str) -> NamedIds {
        let Some(documents) = self.kinds.get(&kind) else { return NamedIds::None };
        let key = name_key(kind, name, &self.letters);
        let named = documents.names.iter().zip(&documents.by_name);
        let found = named.filter_map(|(field, names)| Some((field, names.get(&key).filter(|ids| !ids.is_empty())?)));
        match found.into_iter().next() {
            Some((field, ids)) => documents.most_equal(ids, |known| (known[*field] == name, false)),
            None if kind == SheetKind::Variations => self.variation_of_type(name),
            None if kind == SheetKind::StoreProducts => self.store_product_of(name),
            None => NamedIds::None,
        }
    }

    /// Finds the variation with a type and a name, written as `Printed: Standard`.
    fn variation_of_type(&self, name: &str) -> NamedIds {
        match name.split_once(':') {
            Some((variation_type, name)) => {
                self.find(SheetKind::Variations, &json!({ "variation_type": variation_type, "name": name }))
            }
            None => NamedIds::None,
        }
    }

    /// Finds the store product with an exam session, subject, product and variation, separated by ` / `: its code may be
    /// generated.
    fn store_product_of(&self, name: &str) -> NamedIds {
        let parts: Vec<&str> = name.split(" / ").collect();
        let [exam, subject, product, variation] = parts[..] else { return NamedIds::None };
        let id = |kind, name| match self.named(kind, name) {
            NamedIds::One(id) => Value::from(id),
            _ => Value::Null,
        };
        let found = |kind, document| match self.find(kind, &document) {
            NamedIds::One(id) => Value::from(id),
            _ => Value::Null,
        };
        let (exam, subject) = (id(SheetKind::ExamSessions, exam), id(SheetKind::Subjects, subject));
        let (product, variation) = (id(SheetKind::Products, product), id(SheetKind::Variations, variation));
        let taught = json!({ "exam_session_id": exam, "subject_id": subject });
        let pair = json!({ "product_id": product, "product_variation_id": variation });
        let sold = json!({ "exam_session_subject_id": found(SheetKind::ExamSessionSubjects, taught),
                           "product_product_variation_id": found(SheetKind::ProductVariations, pair) });
        self.find(SheetKind::StoreProducts, &sold)
    }

    /// Returns known names that resemble an unknown one.
    pub fn similar(&mut self, kind: SheetKind, name: &str) -> Vec<String> {
        let Some(documents) = self.kinds.get(&kind).filter(|_| self.suggested < MAX_SUGGESTED) else {
            return Vec::new();
        };
        self.suggested += 1;
        let names = documents.by_id.values();
        let names = names.flat_map(|document| documents.names.iter().filter_map(|field| document[*field].as_str()));
        NameSet::new(names).nearest(name)
    }

    /// Returns a name of each record by which rows can name it, in order.
    pub fn names(&self, kind: SheetKind) -> Vec<String> {
        let Some(documents) = self.kinds.get(&kind) else { return Vec::new() };
        let name = |(id, document): (&i64, &Value)| match (kind, document["code"].as_str()) {
            (SheetKind::Variations, Some(code)) => Some(code.to_owned()),
            _ => self.shown(kind, *id),
        };
        let mut names: Vec<String> = documents.by_id.iter().filter_map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the name of a record for messages.
    pub fn shown(&self, kind: SheetKind, id: i64) -> Option<String> {
        let documents = self.kinds.get(&kind)?;
        let document = documents.by_id.get(&id)?;
        let text = |field: &str| document[field].as_str();
        match kind {
            SheetKind::Variations => Some(format!("{}: {}", text("variation_type")?, text("name")?)),
            SheetKind::StoreProducts => text("product_code").map(str::to_owned),
            SheetKind::BundleTemplates => text("bundle_name").map(str::to_owned),
            _ => documents.keys.iter().chain(documents.names).find_map(|field| text(field)).map(str::to_owned),
        }
    }
}

impl Documents {
    fn insert(&mut self, kind: SheetKind, document: Value, letters: &BTreeMap<String, String>) {
        let Some(id) = document["id"].as_i64() else { return };
        for (index, key) in self.entries(kind, &document, letters) {
            let index = if index == 0 { &mut self.by_key } else { &mut self.by_name[index - 1] };
            let ids = index.entry(key).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        self.by_id.insert(id, document);
    }

    /// Returns the entries of a document in the indexes: 0 for that of the key, then those of the names.
    fn entries(&self, kind: SheetKind, document: &Value, letters: &BTreeMap<String, String>) -> Vec<(usize, String)> {
        let key = key_of(kind, document, self.keys, letters).map(|key| (0, key));
        let names = (1..).zip(self.names).filter_map(|(index, field)| {
            let name = document[*field].as_str().filter(|name| !name.trim().is_empty())?;
            Some((index, name_key(kind, name, letters)))
        });
        key.into_iter().chain(names).collect()
    }

    /// Chooses among records: by the first of two equalities that one record alone has.
    fn most_equal(&self, ids: &[i64], equality: impl Fn(&Value) -> (bool, bool)) -> NamedIds {
        if let [] | [_] = ids {
            return NamedIds::of(ids);
        }
        let having = |choose: fn((bool, bool)) -> bool| -> Vec<i64> {
            let known = ids.iter().copied();
            known.filter(|id| self.by_id.get(id).is_some_and(|document| choose(equality(document)))).collect()
        };
        let chosen = [having(|(first, _)| first), having(|(_, second)| second)];
        NamedIds::of(chosen.iter().find(|chosen| chosen.len() == 1).map_or(ids, Vec::as_slice))
    }
}

/// Returns the form in which two names of a record are equal.
pub fn name_key(kind: SheetKind, name: &str, letters: &BTreeMap<String, String>) -> String {
    match kind {
        SheetKind::ExamSessions => values::session_key(name, letters),
        _ => fold(name),
    }
}

fn key_of(kind: SheetKind, document: &Value, fields: &[&str], letters: &BTreeMap<String, String>) -> Option<String> {
    let mut key = String::new();
    for field in fields {
        match &document[*field] {
            Value::String(text) => key.push_str(&name_key(kind, text, letters)),
            Value::Number(number) => key.push_str(&number.to_string()),
            // A person may have one name.
            Value::Null if *field == "last_name" => {}
            _ => return None,
        }
        key.push(if kind == SheetKind::Instructors { ' ' } else { '\u{1f}' });
    }
    // The names of people are compared as a whole, never split.
    Some(if kind == SheetKind::Instructors { fold(&key) } else { key })
}
