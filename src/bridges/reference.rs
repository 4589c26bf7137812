//! Link rows of reference data: the external id, the local id and the values that only Administrate has.
//!
//! A row has the values of the last sync. Its link is null until both records are known to be the same. Rows are
//! identified by external ids, never by local ids, so that a plan means the same in every database. Matching records is
//! the task of `sync`.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spelling::SpelledText;

/// A kind of record that may be created on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    Location,
    Venue,
    Instructor,
    CourseTemplate,
}

/// A row for one record of Administrate.
pub trait LinkRow: Clone + PartialEq + Serialize {
    fn external_id(&self) -> &str;

    /// Returns the key of the row within its table.
    fn identity(&self) -> String {
        self.external_id().to_owned()
    }

    /// Returns the id of the linked local record.
    fn link(&self) -> Option<i64> {
        None
    }

    /// Sets or removes the link.
    fn set_link(&mut self, _local_id: Option<i64>) {}

    /// Returns the values of columns with a maximum length.
    fn bounded(&self) -> Vec<BoundedColumn<'_>>;

    /// Returns the texts that may be spelled differently than in Administrate, by name.
    fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        Vec::new()
    }

    /// Reports whether the row adds to `before` only what an adopted database cannot have, because Lectern alone stores it.
    fn only_completes(&self, _before: &Self) -> bool {
        false
    }
}

/// The value of a column with a maximum length.
#[derive(Debug)]
pub struct BoundedColumn<'a> {
    pub column: &'static str,
    pub text: Cow<'a, str>,
    /// Maximum number of characters.
    pub most: usize,
}

/// Returns the column with `text`, or with an empty text for `None`.
pub(crate) fn bounded<'a>(column: &'static str, text: impl Into<Option<&'a String>>, most: usize) -> BoundedColumn<'a> {
    let text = text.into().map_or("", String::as_str);
    BoundedColumn { column, text: Cow::Borrowed(text), most }
}

/// The definition of a custom field for one kind of record (`adm.custom_fields`). Its options, a list of texts, are in
/// `lectern.custom_field_options`; null: not known yet, as in an adopted database.
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

/// Default for plans that were saved by versions without options.
fn no_options() -> Value {
    Value::Array(Vec::new())
}

/// A price level (`adm.pricelevels`).
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

/// A venue (`adm.venues`). `location_id` is the external id of its location.
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

/// A course template (`adm.course_templates`). Its learning mode is in upper case unless it was found otherwise,
/// `custom_fields` is `{definition key: value}`; a null value means none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct CourseTemplateRow {
    pub external_id: String,
    pub event_learning_mode: Option<String>,
    pub custom_fields: Value,
    pub tutorial_course_template_id: Option<i64>,
}

/// A price (`adm.course_template_price_levels`). Template and price level are external ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct PriceRow {
    pub external_id: String,
    pub course_template: String,
    pub price_level: String,
    pub amount: Decimal,
}

/// A contact's approval to teach a course template, as of the last sync. Both are external ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::FromRow)]
pub struct ApprovalRow {
    pub template_external_id: String,
    pub contact_external_id: String,
}

/// A contact that may administer events, as of the last sync.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::FromRow)]
pub struct AdministratorRow {
    pub external_id: String,
    pub first_name: String,
    pub last_name: String,
}

/// Rows and references that the deletion of reference data removes too, stored so that an undo can restore them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CascadedDeletes {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<PriceRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRow>,
    /// References in rows that are not deleted; they become null.
    #[serde(default, rename = "mentions", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<RowReference>,
}

impl CascadedDeletes {
    pub fn is_empty(&self) -> bool {
        self.prices.is_empty() && self.approvals.is_empty() && self.references.is_empty()
    }

    /// Returns what an earlier deletion has not removed already.
    pub fn without(mut self, earlier: &CascadedDeletes) -> CascadedDeletes {
        self.prices.retain(|price| !earlier.prices.contains(price));
        self.approvals.retain(|approval| !earlier.approvals.contains(approval));
        self.references.retain(|reference| !earlier.references.contains(reference));
        self
    }

    /// Adds what another deletion removes.
    pub fn extend(&mut self, more: CascadedDeletes) {
        self.prices.extend(more.prices);
        self.approvals.extend(more.approvals);
        self.references.extend(more.references);
    }
}

/// A reference from one row to another, both by external id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct RowReference {
    /// Table and reference, such as `events.location`.
    pub column: String,
    /// The row that refers.
    pub external_id: String,
    /// The row that is referred to.
    #[serde(rename = "mentioned")]
    #[sqlx(rename = "mentioned")]
    pub target: String,
}

/// A table whose rows may be referred to or have prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Locations,
    Venues,
    Instructors,
    CourseTemplates,
    PriceLevels,
}

impl LinkRow for LocationRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn link(&self) -> Option<i64> {
        self.tutorial_location_id
    }

    fn set_link(&mut self, local_id: Option<i64>) {
        self.tutorial_location_id = local_id;
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        vec![bounded("external_id", &self.external_id, 255), bounded("legacy_id", self.legacy_id.as_ref(), 255)]
    }

    fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        vec![("legacy_id".into(), SpelledText::Optional(&mut self.legacy_id))]
    }
}

impl LinkRow for VenueRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn link(&self) -> Option<i64> {
        self.tutorial_venue_id
    }

    fn set_link(&mut self, local_id: Option<i64>) {
        self.tutorial_venue_id = local_id;
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

    fn set_link(&mut self, local_id: Option<i64>) {
        self.tutorial_instructor_id = local_id;
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        vec![bounded("external_id", &self.external_id, 255), bounded("legacy_id", self.legacy_id.as_ref(), 255)]
    }

    fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        vec![("legacy_id".into(), SpelledText::Optional(&mut self.legacy_id))]
    }
}

impl LinkRow for CourseTemplateRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    fn link(&self) -> Option<i64> {
        self.tutorial_course_template_id
    }

    fn set_link(&mut self, local_id: Option<i64>) {
        self.tutorial_course_template_id = local_id;
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

    fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        vec![
            ("event_learning_mode".into(), SpelledText::Word(&mut self.event_learning_mode)),
            ("custom_fields".into(), SpelledText::Json(&mut self.custom_fields)),
        ]
    }
}

impl LinkRow for CustomFieldRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    /// Includes the entity type: one field may belong to several kinds of record.
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

    fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        vec![
            ("label".into(), SpelledText::Text(&mut self.label)),
            ("field_type".into(), SpelledText::Text(&mut self.field_type)),
            ("description".into(), SpelledText::Optional(&mut self.description)),
            ("roles".into(), SpelledText::Json(&mut self.roles)),
        ]
    }

    fn only_completes(&self, before: &Self) -> bool {
        before.options.is_null() && *self == CustomFieldRow { options: self.options.clone(), ..before.clone() }
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

    fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        vec![
            ("name".into(), SpelledText::Text(&mut self.name)),
            ("description".into(), SpelledText::Optional(&mut self.description)),
        ]
    }
}

impl LinkRow for PriceRow {
    fn external_id(&self) -> &str {
        &self.external_id
    }

    /// The column is `numeric(10, 2)`: at most eight digits before the decimal point.
    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        let amount = self.amount.abs().trunc().to_string();
        vec![
            bounded("external_id", &self.external_id, 255),
            BoundedColumn { column: "amount", text: amount.into(), most: 8 },
        ]
    }
}
