//! Course templates: the templates of events, with approved instructors and prices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{CreatedRecord, Mutation, UpdateResult};
use crate::ops::custom_fields::{CUSTOM_FIELDS_SELECTION, read_custom_fields};
use crate::paging::{Connection, NestedConnection};
use crate::schema::document::Arg;

/// A course template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CourseTemplate {
    /// Global id.
    pub id: Id,
    /// Code; not unique in Administrate.
    pub code: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// `CLASSROOM`, `LMS` or `BLENDED`, or another word, in upper case.
    pub event_learning_mode: Option<String>,
    /// `draft`, `published` or `archived`, in lower case.
    pub lifecycle: Option<String>,
    /// Values of custom fields by definition key.
    pub custom_fields: BTreeMap<Id, String>,
    /// All contacts who may teach it.
    pub approved_instructors: Vec<Id>,
}

/// One public price of a course template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplatePrice {
    /// Global id of the price.
    pub id: Id,
    /// The course template.
    pub course_template_id: Id,
    /// Its code.
    pub course_template_code: Option<String>,
    /// The amount as received, usually decimal digits like `250.00`; none if the price has none.
    pub amount: Option<String>,
    /// The price level; none if the price has none.
    pub price_level_id: Option<Id>,
    /// ISO code of the currency, if the response contains it.
    pub currency_code: Option<String>,
    /// Name of the currency.
    pub currency_name: Option<String>,
    /// Code of the price's region.
    pub region_code: Option<String>,
}

/// A course template to be created, if the tenant's API supports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCourseTemplate {
    /// Code.
    pub code: String,
    /// Title.
    pub title: String,
}

impl Client {
    /// Returns every course template with its custom fields and approved instructors, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a list stays inconsistent, including nested ones.
    pub async fn course_templates(&self) -> Result<Vec<CourseTemplate>, Error> {
        let connection = Connection {
            operation: "courseTemplates",
            root: "courseTemplates",
            filters: vec![],
            selection: format!(
                "id code title eventLearningMode lifecycleState {CUSTOM_FIELDS_SELECTION} {}",
                APPROVED_INSTRUCTORS.selection()
            ),
        };
        let templates: Vec<TemplateNode> = self.list_with(&connection, &[&APPROVED_INSTRUCTORS]).await?;
        Ok(templates.into_iter().map(TemplateNode::into_template).collect())
    }

    /// Returns all approved instructors of the given templates, with one request per hundred templates.
    ///
    /// Templates that Administrate does not know are absent.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a list stays inconsistent.
    pub async fn approved_instructors(&self, templates: &[Id]) -> Result<BTreeMap<Id, Vec<Id>>, Error> {
        let mut approved = BTreeMap::new();
        for chunk in templates.chunks(100) {
            let ids = chunk.iter().map(Id::to_string).collect();
            let connection = Connection {
                operation: "courseTemplates.approvedInstructors",
                root: "courseTemplates",
                filters: vec![Arg::filter_in("id", ids)],
                selection: format!("id {}", APPROVED_INSTRUCTORS.selection()),
            };
            let nodes: Vec<TemplateNode> = self.list_with(&connection, &[&APPROVED_INSTRUCTORS]).await?;
            approved.extend(nodes.into_iter().map(|node| (node.id, ids_of(node.approved_instructors))));
        }
        Ok(approved)
    }

    /// Returns every public price of every course template, ordered by template.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if a list stays inconsistent.
    pub async fn template_prices(&self) -> Result<Vec<TemplatePrice>, Error> {
        let connection = Connection {
            operation: "courseTemplates.publicPrices",
            root: "courseTemplates",
            filters: vec![],
            selection: format!("id code {}", PRICES.selection()),
        };
        let templates: Vec<PricedNode> = self.list_with(&connection, &[&PRICES]).await?;
        Ok(templates.into_iter().flat_map(PricedNode::into_prices).collect())
    }

    /// Replaces all approved instructors of a template by `instructors`.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn approve_instructors(&self, template: &Id, instructors: &[Id]) -> Result<UpdateResult, Error> {
        let mut mutation = Mutation::new("courseTemplate.update", "courseTemplate");
        mutation.argument("courseTemplateId", Arg::id(template));
        let ids = instructors.iter().map(Id::to_string).collect();
        mutation.input("approvedInstructors", Arg::Ids(ids));
        self.write(&mutation).await
    }

    /// Creates a course template.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the API has no `courseTemplate.create`; otherwise as every mutation.
    pub async fn create_course_template(&self, template: &NewCourseTemplate) -> Result<CreatedRecord, Error> {
        let mut mutation = Mutation::new("courseTemplate.create", "courseTemplate");
        mutation.input("code", Arg::Text(template.code.clone()));
        mutation.input("title", Arg::Text(template.title.clone()));
        self.create(&mutation).await
    }
}

const APPROVED_INSTRUCTORS: NestedConnection = NestedConnection {
    operation: "courseTemplates.approvedInstructors",
    root: "courseTemplates",
    field: "approvedInstructors",
    node: "id",
};

const PRICES: NestedConnection = NestedConnection {
    operation: "courseTemplates.publicPrices",
    root: "courseTemplates",
    field: "publicPrices",
    node: "id amount priceLevel { id name } financialUnit { name ... on Currency { code symbol } } region { code }",
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateNode {
    id: Id,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    title: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::uppercase")]
    event_learning_mode: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::lowercase")]
    lifecycle_state: Option<String>,
    #[serde(default, deserialize_with = "read_custom_fields")]
    custom_field_values: BTreeMap<Id, String>,
    #[serde(default, deserialize_with = "crate::lenient::list")]
    approved_instructors: Vec<Reference>,
}

/// An object of which only the id is read.
#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) id: Id,
}

fn ids_of(references: Vec<Reference>) -> Vec<Id> {
    references.into_iter().map(|reference| reference.id).collect()
}

impl TemplateNode {
    fn into_template(self) -> CourseTemplate {
        CourseTemplate {
            id: self.id,
            code: self.code,
            title: self.title,
            event_learning_mode: self.event_learning_mode,
            lifecycle: self.lifecycle_state,
            custom_fields: self.custom_field_values,
            approved_instructors: ids_of(self.approved_instructors),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PricedNode {
    id: Id,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::list")]
    public_prices: Vec<PriceNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceNode {
    id: Id,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    amount: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::object_id")]
    price_level: Option<Id>,
    #[serde(default)]
    financial_unit: Value,
    #[serde(default)]
    region: Value,
}

impl PricedNode {
    fn into_prices(self) -> impl Iterator<Item = TemplatePrice> {
        let template = self.id;
        self.public_prices.into_iter().map(move |price| TemplatePrice {
            course_template_code: self.code.clone(),
            id: price.id,
            course_template_id: template.clone(),
            amount: price.amount,
            price_level_id: price.price_level,
            currency_code: text_field(&price.financial_unit, "code"),
            currency_name: text_field(&price.financial_unit, "name"),
            region_code: text_field(&price.region, "code"),
        })
    }
}

fn text_field(object: &Value, field: &str) -> Option<String> {
    let text = object.get(field)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
