//! Custom fields: what a tenant defines beside the built-in fields, per kind of record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, GraphqlError, Outcome};
use crate::id::Id;
use crate::lenient;
use crate::schema::document::{Arg, Document};

macro_rules! supports_custom_field {
    ($($kind:ident),* $(,)?) => {
        /// A kind of record that can have custom fields (`SupportsCustomField`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum SupportsCustomField { $($kind),* }

        impl SupportsCustomField {
            /// All of them, in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),* }
            }
        }
    };
}

supports_custom_field!(
    Account,
    Achievement,
    Company,
    Contact,
    Content,
    Course,
    CourseTemplate,
    Event,
    Learner,
    LearningPath,
    LearningPathLearner,
    Opportunity,
    OpportunityEventInterestLearner,
    OpportunityPassInterestLearner,
    OpportunityPathInterestLearner,
    OpportunityStockItemInterest,
    Session,
    StockItem,
    TokenIssue,
);

impl fmt::Display for SupportsCustomField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SupportsCustomField {
    type Err = String;

    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| format!("{text:?} is no kind of record with custom fields"))
    }
}

/// A custom field's definition. The key is not unique: one field may be attached to several kinds of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomFieldDefinition {
    /// Its key, a global id.
    pub key: Id,
    /// The label that people see.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub label: String,
    /// Free text, if any.
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    pub description: Option<String>,
    /// string, number, choice, …, in lower case.
    #[serde(default, rename(deserialize = "type"), deserialize_with = "crate::lenient::lower")]
    pub field_type: Option<String>,
    /// Whether a value must be given.
    #[serde(default, deserialize_with = "crate::lenient::flag")]
    pub is_required: Option<bool>,
    /// Who may see it.
    #[serde(default, deserialize_with = "crate::lenient::texts")]
    pub roles: Vec<String>,
    /// What a choice may be; empty where that is free, or not told.
    #[serde(default, deserialize_with = "option_values")]
    pub options: Vec<String>,
}

/// A value to be written; always text: `True`, `False`, `YYYY-MM-DD`, `1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomFieldValue {
    /// Key of the definition.
    pub key: Id,
    /// The value; empty clears it.
    pub value: String,
}

impl Client {
    /// The definitions for one kind of record; empty where the tenant has none, or has no such kind. None where it tells
    /// nothing of them, which is not the same.
    ///
    /// # Errors
    /// As every call.
    pub async fn custom_fields(&self, kind: SupportsCustomField) -> Result<Option<Vec<CustomFieldDefinition>>, Error> {
        const OPERATION: &str = "customFieldTemplate";
        if !self.dialect().await?.takes_word(OPERATION, "type", kind.name()) {
            return Ok(Some(Vec::new()));
        }
        let fields = "key label description type isRequired roles options { value }";
        let document = Document::query(
            OPERATION,
            OPERATION,
            vec![("type", Arg::name(kind.name()))],
            format!("customFieldDefinitions {{ {fields} }}"),
        );
        let template = match self.run(&|_| document.clone()).await {
            Err(Error::Graphql { errors, .. }) if errors.iter().all(|error| denies(error, kind)) => {
                return Ok(Some(Vec::new()));
            }
            answer => answer?.value,
        };
        let unreadable = |detail: String| Error::Unreadable { operation: OPERATION, detail, outcome: Outcome::NotDone };
        let Some(told) = template.get("customFieldDefinitions").filter(|told| !told.is_null()) else { return Ok(None) };
        let read =
            |node: &Value| CustomFieldDefinition::deserialize(node).map_err(|error| unreadable(error.to_string()));
        lenient::nodes(told).into_iter().map(read).collect::<Result<_, _>>().map(Some)
    }
}

/// `options { value }` as texts.
fn option_values<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let list = Value::deserialize(deserializer)?;
    let values =
        lenient::nodes(&list).into_iter().filter_map(|node| node.get("value")).filter(|value| !value.is_null());
    values.map(|value| lenient::text(value.clone()).map_err(serde::de::Error::custom)).collect()
}

/// Whether the error says that the tenant's enum of kinds lacks this one: how it is told where introspection is refused.
fn denies(error: &GraphqlError, kind: SupportsCustomField) -> bool {
    !error.in_execution && error.message.contains("SupportsCustomField") && error.message.contains(kind.name())
}

/// `customFieldValues` of an input, or nothing where there are none.
pub(crate) fn values_arg(values: &[CustomFieldValue]) -> Option<Arg> {
    let items = values.iter().map(|field| {
        Arg::Object(vec![("definitionKey", Arg::id(&field.key)), ("value", Arg::Text(field.value.clone()))])
    });
    (!values.is_empty()).then(|| Arg::List(items.collect()))
}

/// The selection of a record's values; the key stands in either place.
pub(crate) const VALUES: &str = "customFieldValues { definitionKey value definition { key } }";

/// Reads `customFieldValues` as pairs of key and value, in the order of the answer; a value that is null is left out.
pub(crate) fn read_values<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<std::collections::BTreeMap<Id, String>, D::Error> {
    let list = Value::deserialize(deserializer)?;
    let mut values = std::collections::BTreeMap::new();
    for node in lenient::nodes(&list) {
        let key = node
            .pointer("/definition/key")
            .or_else(|| node.get("definitionKey"))
            .and_then(|key| Id::deserialize(key).ok());
        let value = node.get("value").filter(|value| !value.is_null());
        if let (Some(key), Some(value)) = (key, value) {
            let text = lenient::text(value.clone()).map_err(serde::de::Error::custom)?;
            values.insert(key, text);
        }
    }
    Ok(values)
}
