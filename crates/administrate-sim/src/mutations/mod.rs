//! Mutations: pure functions of (tenant, arguments, now), so that a journal of accepted ones rebuilds the tenant.
//!
//! Each checks everything first and changes nothing when it refuses. Refusals are payload errors, never failures: HTTP is
//! 200 and the object null (facts §1.3).

mod contact;
mod course;
mod event;
mod event_staff;
mod learner;
mod places;
mod session;
mod template;
mod webhook;

use apollo_compiler::resolvers::FieldError;
use jiff::Timestamp;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::{Value, json};

use crate::faults::PayloadTrouble;
use crate::ids;
use crate::log::Mutation;
use crate::tenant::{FieldKind, FieldValues, Number, Tenant};
use crate::view::{Ask, Entity, Part, Record, World, refuse};

/// One entry of a payload's `errors`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    label: Option<String>,
    message: String,
    value: Option<String>,
}

impl Refusal {
    pub(crate) fn new(label: &str, message: impl Into<String>, value: Option<&str>) -> Self {
        Self { label: Some(label.to_owned()), message: message.into(), value: value.map(str::to_owned) }
    }

    fn part(&self) -> std::rc::Rc<Record> {
        Record::new(
            "FieldError",
            vec![
                ("label", Part::Leaf(json!(self.label))),
                ("message", Part::Leaf(json!(self.message))),
                ("value", Part::Leaf(json!(self.value))),
            ],
        )
    }
}

/// What a mutation did.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The payload's field for the object, and what it shows.
    object: Option<(&'static str, Vec<Entity>)>,
    errors: Vec<Refusal>,
    changed: bool,
}

impl Outcome {
    fn done(field: &'static str, entity: Entity) -> Self {
        Self { object: Some((field, vec![entity])), changed: true, ..Self::default() }
    }

    fn done_all(field: &'static str, entities: Vec<Entity>) -> Self {
        Self { object: Some((field, entities)), changed: true, ..Self::default() }
    }

    fn done_without_object() -> Self {
        Self { changed: true, ..Self::default() }
    }

    /// Carried out as far as possible; nothing changed when `errors` says so for every part.
    fn partly(self, errors: Vec<Refusal>, changed: bool) -> Self {
        Self { errors, changed, ..self }
    }
}

impl From<Vec<Refusal>> for Outcome {
    fn from(errors: Vec<Refusal>) -> Self {
        Self { errors, ..Self::default() }
    }
}

/// `Err` refuses.
pub(crate) type Verdict = Result<Outcome, Vec<Refusal>>;

/// Carries out `mutation { <group> { <field> } }` and gives its payload.
pub(crate) fn run(world: &World<'_>, group: &str, ask: &Ask<'_>) -> Result<Part, FieldError> {
    let operation = format!("{group}.{}", ask.field);
    let arguments = Value::Object(ask.arguments.clone());
    let trouble = world.trouble.take();
    let mut outcome = if trouble.as_ref().is_some_and(|trouble| !trouble.carried_out) {
        Outcome::default()
    } else {
        match apply(&mut world.tenant.borrow_mut(), &operation, &arguments, world.now) {
            Some(outcome) => outcome,
            None => return refuse(format!("the simulator does not know {operation}")),
        }
    };
    let mutation = Mutation { operation, arguments, at: world.now, changed: outcome.changed };
    world.mutations.borrow_mut().push(mutation);
    outcome.errors.extend(trouble.map(|trouble| troubled(&trouble)));
    Ok(payload(&outcome, ask))
}

fn troubled(trouble: &PayloadTrouble) -> Refusal {
    Refusal { label: trouble.label.clone(), message: trouble.message.clone(), value: None }
}

/// One payload, or a list with one payload where the schema has a list.
fn payload(outcome: &Outcome, ask: &Ask<'_>) -> Part {
    let mut parts = vec![("errors", Part::Records(outcome.errors.iter().map(Refusal::part).collect()))];
    parts.extend(outcome.object.as_ref().map(|(field, entities)| (*field, Part::Many(entities.clone()))));
    let record = Record::new(ask.type_name, parts);
    if ask.is_list { learner::one_payload_each(ask, outcome, &record) } else { Part::Record(record) }
}

/// Carries out one operation; `None` when there is none of that name. The journal replays through here.
pub(crate) fn apply(tenant: &mut Tenant, operation: &str, arguments: &Value, now: Timestamp) -> Option<Outcome> {
    let verdict = match operation {
        "event.createBlended" => event::create_blended(tenant, arguments, now),
        "event.createLMS" => event::create_lms(tenant, arguments, now),
        "event.createClassroom" => event::create_classroom(tenant, arguments, now),
        "event.update" => event::update(tenant, arguments, now),
        "event.delete" => event::delete(tenant, arguments),
        "event.addStaff" => event_staff::add(tenant, arguments, now),
        "event.addStaffBulk" => event_staff::add_bulk(tenant, arguments, now),
        "event.removeStaff" => event_staff::remove(tenant, arguments),
        "event.addPrices" => event::add_prices(tenant, arguments),
        "session.update" => session::update(tenant, arguments, now),
        "session.addStaff" => session::add_staff(tenant, arguments, now),
        "session.removeStaff" => event_staff::remove(tenant, arguments),
        "session.delete" => session::delete(tenant, arguments),
        "courseTemplate.create" => template::create(tenant, arguments),
        "courseTemplate.update" => template::update(tenant, arguments),
        "courseTemplate.addPublicPrices" => template::add_public_prices(tenant, arguments),
        "courseTemplate.updatePrices" => template::update_prices(tenant, arguments),
        "contact.create" => contact::create(tenant, arguments),
        "contact.update" => contact::update(tenant, arguments),
        "learner.recordAttendances" => learner::record_attendances(tenant, arguments),
        "webhooks.create" => webhook::create(tenant, arguments),
        "webhooks.update" => webhook::update(tenant, arguments),
        "location.create" => places::create_location(tenant, arguments),
        "venue.create" => places::create_venue(tenant, arguments),
        _ => return None,
    };
    Some(verdict.unwrap_or_else(Outcome::from))
}

/// The arguments as a type; validation has made sure that they fit, so a refusal here is a defect told politely.
fn read<T: DeserializeOwned>(arguments: &Value) -> Result<T, Vec<Refusal>> {
    T::deserialize(arguments).map_err(|error| vec![Refusal::new("input", error.to_string(), None)])
}

/// A field of an update: `None` absent, `Some(None)` null, which clears.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// Collects refusals, so that a client hears all of them at once.
#[derive(Default)]
struct Check {
    refusals: Vec<Refusal>,
}

impl Check {
    fn refuse(&mut self, label: &str, message: impl Into<String>, value: Option<&str>) {
        self.refusals.push(Refusal::new(label, message, value));
    }

    /// The number behind a global id, if it is of that type and exists.
    fn link(&mut self, label: &str, prefix: &str, id: &str, exists: impl Fn(Number) -> bool) -> Option<Number> {
        let number = ids::decode(prefix, id).filter(|number| exists(*number));
        if number.is_none() {
            self.refuse(label, format!("{} with id {id} does not exist", trade_name(prefix)), Some(id));
        }
        number
    }

    fn location(&mut self, tenant: &Tenant, id: Option<&str>) -> Option<Number> {
        self.link("locationId", "Location", id?, |number| tenant.locations.get(number).is_some())
    }

    /// A venue must lie in the location that goes with it.
    fn venue(&mut self, tenant: &Tenant, id: Option<&str>, location: Option<Number>) -> Option<Number> {
        let number = self.link("venueId", "Venue", id?, |number| tenant.venues.get(number).is_some())?;
        let lies_in = tenant.venues.get(number).and_then(|venue| venue.location);
        if location.is_some() && lies_in.is_some() && lies_in != location {
            self.refuse("venueId", "The Venue does not belong to the Location", id);
        }
        Some(number)
    }

    fn contact(&mut self, tenant: &Tenant, label: &str, id: &str) -> Option<Number> {
        self.link(label, "Person", id, |number| tenant.contacts.get(number).is_some())
    }

    fn time_zone(&mut self, name: Option<&str>) {
        if let Some(name) = name.filter(|name| jiff::tz::TimeZone::get(name).is_err()) {
            self.refuse("timeZoneName", format!("{name} is not a valid time zone"), Some(name));
        }
    }

    fn in_order<T: PartialOrd>(&mut self, label: &str, start: Option<&T>, end: Option<&T>) {
        if start.zip(end).is_some_and(|(start, end)| end <= start) {
            self.refuse(label, "The end must be after the start", None);
        }
    }

    fn custom_fields(&mut self, tenant: &Tenant, entity_type: &str, values: Option<&[FieldValue]>) -> FieldValues {
        let mut checked = FieldValues::new();
        for field in values.unwrap_or_default() {
            let value = field.value.as_deref().unwrap_or_default();
            let attached =
                |number| tenant.custom_fields.get(number).is_some_and(|row| row.entity_types.contains(entity_type));
            let Some(number) = self.link("customFieldValues", "CustomFieldDefinition", &field.definition_key, attached)
            else {
                continue;
            };
            let definition = tenant.custom_fields.get(number);
            if let Some(row) = definition.filter(|row| !value.is_empty() && !suits(row.kind, &row.options, value)) {
                let message = format!("{value} is not a valid value for {}", row.label);
                self.refuse("customFieldValues", message, Some(value));
            }
            checked.insert(number, value.to_owned());
        }
        checked
    }

    fn verdict(self) -> Result<(), Vec<Refusal>> {
        if self.refusals.is_empty() { Ok(()) } else { Err(self.refusals) }
    }
}

/// One of `customFieldValues` on the way in.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldValue {
    definition_key: String,
    value: Option<String>,
}

fn suits(kind: FieldKind, options: &[String], value: &str) -> bool {
    match kind {
        FieldKind::Date => value.parse::<jiff::civil::Date>().is_ok(),
        FieldKind::Boolean => ["true", "false"].contains(&value.to_ascii_lowercase().as_str()),
        FieldKind::Number => value.parse::<f64>().is_ok(),
        FieldKind::Decimal => crate::schema::scalars::decimal(&json!(value)).is_some(),
        FieldKind::Choice => options.is_empty() || options.iter().any(|option| option == value),
        FieldKind::Datetime => {
            crate::schema::scalars::local(value).is_some() || crate::schema::scalars::instant(value).is_some()
        }
        FieldKind::String | FieldKind::Multichoice | FieldKind::Html | FieldKind::Url => true,
    }
}

/// The word that messages use for an id's prefix.
fn trade_name(prefix: &str) -> &str {
    match prefix {
        "Course" => "Event",
        "Person" => "Contact",
        "Organisation" => "Account",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::SchemaOf;
    use crate::schema::profile::Profile;

    #[test]
    fn every_verb_of_the_schema_is_known() {
        for profile in Profile::ALL {
            let schema = SchemaOf::new(profile).expect("valid").schema;
            let mutation = schema.get_object("Mutation").expect("mutations");
            let mut verbs = 0;
            for (group, definition) in &mutation.fields {
                let group_type = schema.get_object(definition.ty.inner_named_type()).expect("a group");
                for verb in group_type.fields.keys() {
                    let known =
                        apply(&mut Tenant::new(), &format!("{group}.{verb}"), &json!({}), Timestamp::UNIX_EPOCH);
                    assert!(known.is_some(), "{profile}: {group}.{verb}");
                    verbs += 1;
                }
            }
            assert!(verbs >= 18, "{profile}");
        }
    }
}
