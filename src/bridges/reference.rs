//! The rows that stand for Administrate's reference data: their id beside ours, and what is theirs alone.
//!
//! Promises: a row says what Administrate said when it was last looked at; its link is null until both sides are known to
//! be the same. Rows are told apart by Administrate's ids, never by ours, so that a plan means the same in every
//! database. It does not decide who is who (`sync` does) and does not speak to Administrate.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::cascade::{CascadedDeletes, Table};

/// The kinds of record that may be created on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    Location,
    Venue,
    Instructor,
    CourseTemplate,
}

/// A row that stands for one record of Administrate's.
pub trait LinkRow: Clone + PartialEq + Serialize {
    /// Administrate's id.
    fn external_id(&self) -> &str;

    /// What tells the row from every other of its table.
    fn identity(&self) -> String {
        self.external_id().to_owned()
    }

    /// The id of our record, where it is linked.
    fn link(&self) -> Option<i64> {
        None
    }

    /// Links the row, or takes its link away.
    fn set_link(&mut self, _ours: Option<i64>) {}

    /// What stands in the columns that PostgreSQL bounds.
    fn bounded(&self) -> Vec<BoundedColumn<'_>>;
}

/// A column whose values PostgreSQL bounds.
#[derive(Debug)]
pub struct BoundedColumn<'a> {
    /// Its name.
    pub column: &'static str,
    /// What stands there.
    pub text: Cow<'a, str>,
    /// How many characters fit.
    pub most: usize,
}

/// A column that holds `text`, nothing where there is none.
pub(crate) fn bounded<'a>(column: &'static str, text: impl Into<Option<&'a String>>, most: usize) -> BoundedColumn<'a> {
    let text = text.into().map_or("", String::as_str);
    BoundedColumn { column, text: Cow::Borrowed(text), most }
}

/// The definition of a custom field for one kind of record (`adm.custom_fields`; its options, a list of texts, in
/// `lectern.custom_field_options`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct CustomFieldRow {
    pub entity_type: String,
    pub external_id: String,
    pub label: String,
    pub field_type: String,
    pub description: Option<String>,
    pub is_required: bool,
    pub roles: Value,
    #[serde(default = "no_options")]
    pub options: Value,
}

/// Of plans that were saved before options were read.
fn no_options() -> Value {
    Value::Array(Vec::new())
}

/// A tariff (`adm.pricelevels`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct PriceLevelRow {
    pub external_id: String,
    pub name: String,
    pub description: Option<String>,
}

/// A location (`adm.locations`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct LocationRow {
    pub external_id: String,
    pub legacy_id: Option<String>,
    pub tutorial_location_id: Option<i64>,
}

/// A venue (`adm.venues`); `location_id` is Administrate's id of its location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct VenueRow {
    pub external_id: String,
    pub location_id: Option<String>,
    pub tutorial_venue_id: Option<i64>,
}

/// An instructor (`adm.instructors`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct InstructorRow {
    pub external_id: String,
    pub legacy_id: Option<String>,
    pub is_active: bool,
    pub tutorial_instructor_id: Option<i64>,
}

/// A course template (`adm.course_templates`): its learning mode in upper case, `custom_fields` as
/// `{definition key: value}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct CourseTemplateRow {
    pub external_id: String,
    pub event_learning_mode: Option<String>,
    pub custom_fields: Value,
    pub tutorial_course_template_id: Option<i64>,
}

/// A price (`adm.course_template_price_levels`), its template and its price level by Administrate's ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct PriceRow {
    pub external_id: String,
    pub course_template: String,
    pub price_level: String,
    pub amount: Decimal,
}

/// That a contact may teach a course template, as the last sync saw it (both by Administrate's ids).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::FromRow)]
pub struct ApprovalRow {
    pub template_external_id: String,
    pub contact_external_id: String,
}

/// A contact that may administer events, as the last sync saw it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::FromRow)]
pub struct AdministratorRow {
    pub external_id: String,
    pub first_name: String,
    pub last_name: String,
}

impl LinkRow for LocationRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn link(&self) -> Option<i64> {
        self.tutorial_location_id
    }

    fn set_link(&mut self, ours: Option<i64>) {
        self.tutorial_location_id = ours;
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        vec![bounded("external_id", &self.external_id, 255), bounded("legacy_id", self.legacy_id.as_ref(), 255)]
    }
}

impl LinkRow for VenueRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn link(&self) -> Option<i64> {
        self.tutorial_venue_id
    }

    fn set_link(&mut self, ours: Option<i64>) {
        self.tutorial_venue_id = ours;
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        vec![bounded("external_id", &self.external_id, 255)]
    }
}

impl LinkRow for InstructorRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn link(&self) -> Option<i64> {
        self.tutorial_instructor_id
    }

    fn set_link(&mut self, ours: Option<i64>) {
        self.tutorial_instructor_id = ours;
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        vec![bounded("external_id", &self.external_id, 255), bounded("legacy_id", self.legacy_id.as_ref(), 255)]
    }
}

impl LinkRow for CourseTemplateRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn link(&self) -> Option<i64> {
        self.tutorial_course_template_id
    }

    fn set_link(&mut self, ours: Option<i64>) {
        self.tutorial_course_template_id = ours;
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        let values = self.custom_fields.as_object().into_iter().flat_map(|fields| fields.values());
        let values = values.filter_map(serde_json::Value::as_str);
        let mode = bounded("event_learning_mode", self.event_learning_mode.as_ref(), 20);
        let mut columns = vec![bounded("external_id", &self.external_id, 50), mode];
        columns.extend(values.map(|text| BoundedColumn {
            column: "custom_fields",
            text: text.into(),
            most: usize::MAX,
        }));
        columns
    }
}

impl LinkRow for CustomFieldRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    /// One field may be attached to several kinds of record.
    fn identity(&self) -> String {
        format!("{} {}", self.entity_type, self.external_id)
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        vec![
            bounded("external_id", &self.external_id, 255),
            bounded("label", &self.label, 255),
            bounded("field_type", &self.field_type, 50),
            bounded("entity_type", &self.entity_type, 50),
            bounded("description", self.description.as_ref(), usize::MAX),
        ]
    }
}

impl LinkRow for PriceLevelRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        vec![
            bounded("external_id", &self.external_id, 255),
            bounded("name", &self.name, 255),
            bounded("description", self.description.as_ref(), usize::MAX),
        ]
    }
}

impl LinkRow for PriceRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    /// `numeric(10, 2)` is eight digits, the point, and two.
    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        let amount = self.amount.abs().trunc().to_string();
        vec![
            bounded("external_id", &self.external_id, 255),
            BoundedColumn { column: "amount", text: amount.into(), most: 8 },
        ]
    }
}
