//! Mutations of course templates and prices.

use serde::Deserialize;
use serde_json::Value;

use super::{Check, CustomFieldInput, MutationResult, Outcome, PayloadError, read};
use crate::ids;
use crate::schema::scalars;
use crate::tenant::{LearningMode, Price, PriceOwner, Template, TemplateState, Tenant};
use crate::view::Entity;

#[derive(Deserialize)]
struct Create {
    input: CreateInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateInput {
    code: String,
    title: String,
    event_learning_mode: Option<LearningMode>,
    lifecycle_state: Option<TemplateState>,
    custom_field_values: Option<Vec<CustomFieldInput>>,
}

/// Creates a template without sessions, as a draft unless the input names another state.
pub(super) fn create(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Create { input } = read(arguments)?;
    let mut check = Check::default();
    let custom_fields = check.custom_fields(tenant, "CourseTemplate", input.custom_field_values.as_deref());
    if input.code.trim().is_empty() {
        check.add_error("code", "Code is required", None);
    }
    check.finish()?;
    let number = tenant.templates.add(Template {
        code: input.code,
        title: input.title,
        learning_mode: input.event_learning_mode.unwrap_or_default(),
        state: input.lifecycle_state.unwrap_or(TemplateState::Draft),
        custom_fields,
        ..Template::default()
    });
    Ok(Outcome::with_object("courseTemplate", Entity::Template(number)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    course_template_id: String,
    input: UpdateInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateInput {
    code: Option<String>,
    title: Option<String>,
    lifecycle_state: Option<TemplateState>,
    approved_instructors: Option<Vec<String>>,
    custom_field_values: Option<Vec<CustomFieldInput>>,
}

/// Updates a template. `approvedInstructors` replaces the whole list.
pub(super) fn update(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let Update { course_template_id: id, input } = read(arguments)?;
    let mut check = Check::default();
    let exists = |number| tenant.templates.get(number).is_some();
    let number = check.resolve("courseTemplateId", "CourseTemplate", &id, exists);
    let Some((number, mut template)) = number.and_then(|number| Some((number, tenant.templates.get(number)?.clone())))
    else {
        return Err(check.errors);
    };
    if let Some(instructors) = input.approved_instructors {
        let contact = |id: &String| check.contact(tenant, "approvedInstructors", id);
        template.approved_instructors = instructors.iter().filter_map(contact).collect();
    }
    if let Some(state) = input.lifecycle_state {
        if state == TemplateState::Draft && template.state != state {
            check.add_error("lifecycleState", "A published Course Template cannot go back to draft", None);
        }
        template.state = state;
    }
    template.code = input.code.unwrap_or(template.code);
    template.title = input.title.unwrap_or(template.title);
    template.custom_fields.extend(check.custom_fields(tenant, "CourseTemplate", input.custom_field_values.as_deref()));
    check.finish()?;
    if let Some(row) = tenant.templates.get_mut(number) {
        *row = template;
    }
    Ok(Outcome::with_object("courseTemplate", Entity::Template(number)))
}

#[derive(Deserialize)]
struct AddPublicPrices {
    input: AddPublicPricesInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddPublicPricesInput {
    course_template_id: String,
    price_level_id: String,
    amount: Value,
    financial_unit_id: String,
    region_id: String,
}

pub(super) fn add_public_prices(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let AddPublicPrices { input } = read(arguments)?;
    let mut check = Check::default();
    let exists = |number| tenant.templates.get(number).is_some();
    let template = check.resolve("courseTemplateId", "CourseTemplate", &input.course_template_id, exists);
    let ids =
        PriceIds { level: &input.price_level_id, currency: &input.financial_unit_id, region: Some(&input.region_id) };
    let price = build_price(&mut check, tenant, template.map(PriceOwner::Template), &ids, &input.amount);
    check.finish()?;
    let added: Vec<Entity> = price.map(|price| Entity::Price(tenant.prices.add(price))).into_iter().collect();
    Ok(Outcome::with_objects("prices", added))
}

/// Global ids of a price's level, currency and region.
pub(super) struct PriceIds<'a> {
    pub(super) level: &'a str,
    pub(super) currency: &'a str,
    pub(super) region: Option<&'a str>,
}

/// Builds a price, or returns `None` after an error. An owner has one price for each level, currency and region.
pub(super) fn build_price(
    check: &mut Check,
    tenant: &Tenant,
    owner: Option<PriceOwner>,
    ids: &PriceIds<'_>,
    amount: &Value,
) -> Option<Price> {
    let level =
        check.resolve("priceLevelId", "PriceLevel", ids.level, |number| tenant.price_levels.get(number).is_some());
    let currency =
        check.resolve("financialUnitId", "Currency", ids.currency, |number| tenant.currencies.get(number).is_some());
    let region = match ids.region {
        Some(id) => Some(check.resolve("regionId", "Region", id, |number| tenant.regions.get(number).is_some())?),
        None => None,
    };
    let (owner, level, currency) = (owner?, level?, currency?);
    let is_same =
        |other: &Price| (other.owner, other.level, other.currency, other.region) == (owner, level, currency, region);
    if tenant.prices.iter().any(|(_, other)| is_same(other)) {
        check.add_error("priceLevelId", "There is already a price for this Price Level", None);
    }
    Some(Price { owner, level, currency, region, amount: scalars::parse_decimal(amount)? })
}

#[derive(Deserialize)]
struct UpdatePrices {
    input: UpdatePricesInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdatePricesInput {
    course_price_id: String,
    amount: Value,
}

pub(super) fn update_prices(tenant: &mut Tenant, arguments: &Value) -> MutationResult {
    let UpdatePrices { input } = read(arguments)?;
    let number = ids::decode("CoursePrice", &input.course_price_id);
    let row = number.and_then(|number| tenant.prices.get_mut(number));
    match row.zip(scalars::parse_decimal(&input.amount)) {
        Some((price, amount)) => {
            price.amount = amount;
            Ok(Outcome::without_object())
        }
        None => Err(vec![PayloadError::new("coursePriceId", "The Price does not exist", Some(&input.course_price_id))]),
    }
}
