//! Custom fields: fields that a tenant defines for each kind of record.

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
            /// All kinds, in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Returns the name in the API.
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

    /// Parses a name in any case.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| format!("{text:?} is not a kind of record with custom fields"))
    }
}

/// A custom field's definition. The key is not unique: one field may be attached to several kinds of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomFieldDefinition {
    /// Its key, a global id.
    pub key: Id,
    /// The label shown to users.
    #[serde(default, deserialize_with = "crate::lenient::text")]
    pub label: String,
    /// Free text, if any.
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    pub description: Option<String>,
    /// `string`, `number`, `choice`, …, in lower case.
    #[serde(default, rename(deserialize = "type"), deserialize_with = "crate::lenient::lowercase")]
    pub field_type: Option<String>,
    /// Whether a value is required.
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub is_required: Option<bool>,
    /// The roles that may see it.
    #[serde(default, deserialize_with = "crate::lenient::texts")]
    pub roles: Vec<String>,
    /// The permitted values of a choice; empty if any is permitted, or if the response contains none.
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
    /// Returns the definitions for one kind of record; empty if the tenant has none, or no such kind.
    ///
    /// None if the response contains no list, which is not the same as an empty one.
    ///
    /// # Errors
    /// As every call.
    pub async fn custom_fields(&self, kind: SupportsCustomField) -> Result<Option<Vec<CustomFieldDefinition>>, Error> {
        const OPERATION: &str = "customFieldTemplate";
        if !self.dialect().await?.accepts_enum_value(OPERATION, "type", kind.name()) {
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
            Err(Error::Graphql { errors, .. }) if errors.iter().all(|error| is_unknown_kind_error(error, kind)) => {
                return Ok(Some(Vec::new()));
            }
            response => response?.value,
        };
        let unreadable =
            |detail: String| Error::Unreadable { operation: OPERATION, detail, outcome: Outcome::NotApplied };
        let definitions = template.get("customFieldDefinitions").filter(|definitions| !definitions.is_null());
        let Some(definitions) = definitions else { return Ok(None) };
        let parse =
            |node: &Value| CustomFieldDefinition::deserialize(node).map_err(|error| unreadable(error.to_string()));
        lenient::nodes(definitions).into_iter().map(parse).collect::<Result<_, _>>().map(Some)
    }
}

/// Reads `options { value }` as texts.
fn option_values<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let list = Value::deserialize(deserializer)?;
    let values =
        lenient::nodes(&list).into_iter().filter_map(|node| node.get("value")).filter(|value| !value.is_null());
    values.map(|value| lenient::text(value.clone()).map_err(serde::de::Error::custom)).collect()
}

/// Returns whether the tenant's enum of kinds lacks this one, as reported if introspection is refused.
fn is_unknown_kind_error(error: &GraphqlError, kind: SupportsCustomField) -> bool {
    !error.has_path && error.message.contains("SupportsCustomField") && error.message.contains(kind.name())
}

/// Returns `customFieldValues` of an input; none if there are no values.
pub(crate) fn custom_fields_arg(values: &[CustomFieldValue]) -> Option<Arg> {
    let items = values.iter().map(|field| {
        Arg::Object(vec![("definitionKey", Arg::id(&field.key)), ("value", Arg::Text(field.value.clone()))])
    });
    (!values.is_empty()).then(|| Arg::List(items.collect()))
}

/// The selection of a record's values. The key is in one of two places, depending on the tenant.
pub(crate) const CUSTOM_FIELDS_SELECTION: &str = "customFieldValues { definitionKey value definition { key } }";

/// Reads `customFieldValues` as a map from key to value, without null values.
pub(crate) fn read_custom_fields<'de, D: serde::Deserializer<'de>>(
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
