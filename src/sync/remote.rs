//! What Administrate says, as plain records: the plans know these and not the wire.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

/// Whatever a fetch brought, and what of it failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched<T> {
    /// The records.
    pub records: Vec<T>,
    /// The parts that could not be fetched: their name and the sentence. Rows of such a part are left alone.
    pub failed: Vec<(String, String)>,
}

/// The definition of a custom field for one kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields' names say it")]
pub struct CustomField {
    pub entity_type: String,
    pub external_id: String,
    pub label: String,
    pub field_type: String,
    pub description: Option<String>,
    pub is_required: bool,
    pub roles: Vec<String>,
}

/// A tariff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields' names say it")]
pub struct PriceLevel {
    pub external_id: String,
    pub name: String,
    pub description: Option<String>,
}

/// A location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields' names say it")]
pub struct Location {
    pub external_id: String,
    pub legacy_id: Option<String>,
    pub name: String,
}

/// A venue; `location` is Administrate's id of its location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields' names say it")]
pub struct Venue {
    pub external_id: String,
    pub name: String,
    pub location: Option<String>,
}

/// A person; either name may be blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields' names say it")]
pub struct Contact {
    pub external_id: String,
    pub legacy_id: Option<String>,
    pub first_name: String,
    pub last_name: String,
}

/// Who teaches and who administers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct People {
    /// Contacts with `isInstructor`.
    pub instructors: Vec<Contact>,
    /// Contacts with `isAdmin`.
    pub administrators: Vec<Contact>,
}

/// A course template with the ids of its approved instructors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields' names say it")]
pub struct CourseTemplate {
    pub external_id: String,
    pub code: String,
    pub title: String,
    pub learning_mode: Option<String>,
    pub custom_fields: BTreeMap<String, String>,
    pub approved: Vec<String>,
}

/// A price of a course template; whatever Administrate left out is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Its id.
    pub external_id: String,
    /// Id of the course template.
    pub template: String,
    /// Id of the price level.
    pub level: Option<String>,
    /// The amount, in `currency`.
    pub amount: Option<Decimal>,
    /// What the currency goes by: its code, its name.
    pub currency: Vec<String>,
    /// Code of the region for which it holds.
    pub region: Option<String>,
}

impl Contact {
    /// "First Last", or whichever of the two there is.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name.trim(), self.last_name.trim()).trim().to_owned()
    }
}
