//! Course templates: what an event is made from, with its approved instructors and its prices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{Created, Mutation, Written};
use crate::ops::custom_fields::{VALUES, read_values};
use crate::paging::{Listing, Nested};
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
    /// `CLASSROOM`, `LMS` or `BLENDED`, upper-case whatever case arrived; other words as they are.
    pub event_learning_mode: Option<String>,
    /// `draft`, `published` or `archived`, lower-case.
    pub lifecycle: Option<String>,
    /// Values of custom fields by definition key.
    pub custom_fields: BTreeMap<Id, String>,
    /// Contacts who may teach it, complete.
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
    /// What came as amount, in general decimal digits like `250.00`; none where the price has none.
    pub amount: Option<String>,
    /// The price level; none where the price has none.
    pub price_level_id: Option<Id>,
    /// ISO code of the currency where the tenant tells it.
    pub currency_code: Option<String>,
    /// Name of the currency.
    pub currency_name: Option<String>,
    /// Code of the region the price is for.
    pub region_code: Option<String>,
}

/// A course template to be created, where the tenant's API can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCourseTemplate {
    /// Code.
    pub code: String,
    /// Title.
    pub title: String,
}

impl Client {
    /// Every course template with its custom fields and approved instructors, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where a list, nested ones included, stays inconsistent.
    pub async fn course_templates(&self) -> Result<Vec<CourseTemplate>, Error> {
        let listing = Listing {
            operation: "courseTemplates",
            root: "courseTemplates",
            filters: vec![],
            selection: format!("id code title eventLearningMode lifecycleState {VALUES} {}", APPROVED.selection()),
        };
        let templates: Vec<TemplateNode> = self.list_with(&listing, &[&APPROVED]).await?;
        Ok(templates.into_iter().map(TemplateNode::into_template).collect())
    }

    /// The approved instructors of the given templates, complete, in one request for each hundred templates. Ids that
    /// Administrate does not know are absent.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where a list stays inconsistent.
    pub async fn approved_instructors(&self, templates: &[Id]) -> Result<BTreeMap<Id, Vec<Id>>, Error> {
        let mut approved = BTreeMap::new();
        for some in templates.chunks(100) {
            let ids = some.iter().map(Id::to_string).collect();
            let listing = Listing {
                operation: "courseTemplates.approvedInstructors",
                root: "courseTemplates",
                filters: vec![Arg::filter_in("id", ids)],
                selection: format!("id {}", APPROVED.selection()),
            };
            let nodes: Vec<TemplateNode> = self.list_with(&listing, &[&APPROVED]).await?;
            approved.extend(nodes.into_iter().map(|node| (node.id, ids_of(node.approved_instructors))));
        }
        Ok(approved)
    }

    /// Every public price of every course template, ordered by template.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] where a list stays inconsistent.
    pub async fn template_prices(&self) -> Result<Vec<TemplatePrice>, Error> {
        let listing = Listing {
            operation: "courseTemplates.publicPrices",
            root: "courseTemplates",
            filters: vec![],
            selection: format!("id code {}", PRICES.selection()),
        };
        let templates: Vec<PricedNode> = self.list_with(&listing, &[&PRICES]).await?;
        Ok(templates.into_iter().flat_map(PricedNode::into_prices).collect())
    }

    /// Replaces the approved instructors of a template by `instructors`: give the whole list.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn approve_instructors(&self, template: &Id, instructors: &[Id]) -> Result<Written, Error> {
        let mut mutation = Mutation::new("courseTemplate.update", "courseTemplate");
        mutation.argument("courseTemplateId", Arg::id(template));
        let ids = instructors.iter().map(Id::to_string).collect();
        mutation.input("approvedInstructors", Arg::Ids(ids));
        self.write(&mutation).await
    }

    /// Creates a course template.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the API has no `courseTemplate.create`; otherwise as every mutation.
    pub async fn create_course_template(&self, template: &NewCourseTemplate) -> Result<Created, Error> {
        let mut mutation = Mutation::new("courseTemplate.create", "courseTemplate");
        mutation.input("code", Arg::Text(template.code.clone()));
        mutation.input("title", Arg::Text(template.title.clone()));
        self.create(&mutation).await
    }
}

const APPROVED: Nested = Nested {
    operation: "courseTemplates.approvedInstructors",
    root: "courseTemplates",
    field: "approvedInstructors",
    node: "id",
};

const PRICES: Nested = Nested {
    operation: "courseTemplates.publicPrices",
    root: "courseTemplates",
    field: "publicPrices",
    node: "id amount priceLevel { id name } financialUnit { name ... on Currency { code symbol } } region { code }",
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TemplateNode {
    id: Id,
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    title: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::upper")]
    event_learning_mode: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::lower")]
    lifecycle_state: Option<String>,
    #[serde(default, deserialize_with = "read_values")]
    custom_field_values: BTreeMap<Id, String>,
    #[serde(default, deserialize_with = "crate::lenient::listed")]
    approved_instructors: Vec<Reference>,
}

/// An object of which only the id matters.
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
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::listed")]
    public_prices: Vec<PriceNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceNode {
    id: Id,
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    amount: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::id_of")]
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
            currency_code: word(&price.financial_unit, "code"),
            currency_name: word(&price.financial_unit, "name"),
            region_code: word(&price.region, "code"),
        })
    }
}

fn word(object: &Value, field: &str) -> Option<String> {
    let word = object.get(field)?.as_str()?.trim();
    (!word.is_empty()).then(|| word.to_owned())
}
