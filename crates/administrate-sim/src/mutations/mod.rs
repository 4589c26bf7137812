//! Mutations: pure functions of (tenant, arguments, now), so that a journal of accepted mutations rebuilds the tenant.
//!
//! A mutation checks all inputs first and changes nothing when it refuses. A refused mutation returns payload errors
//! with HTTP status 200 and a null object.

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

use crate::faults::PayloadFault;
use crate::ids;
use crate::log::Mutation;
use crate::tenant::{CustomFieldValues, FieldKind, Number, Tenant};
use crate::view::{Entity, FieldSelection, Output, Record, View, field_error};

/// One entry of a payload's `errors`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PayloadError {
    label: Option<String>,
    message: String,
    value: Option<String>,
}

impl PayloadError {
    pub(crate) fn new(label: &str, message: impl Into<String>, value: Option<&str>) -> Self {
        Self { label: Some(label.to_owned()), message: message.into(), value: value.map(str::to_owned) }
    }

    fn output(&self) -> std::rc::Rc<Record> {
        Record::new(
            "FieldError",
            vec![
                ("label", Output::Leaf(json!(self.label))),
                ("message", Output::Leaf(json!(self.message))),
                ("value", Output::Leaf(json!(self.value))),
            ],
        )
    }
}

/// The outcome of a mutation: its payload, and whether it changed the tenant.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Field of the payload for the object, and its entities.
    object: Option<(&'static str, Vec<Entity>)>,
    errors: Vec<PayloadError>,
    changed: bool,
}

impl Outcome {
    fn with_object(field: &'static str, entity: Entity) -> Self {
        Self { object: Some((field, vec![entity])), changed: true, ..Self::default() }
    }

    fn with_objects(field: &'static str, entities: Vec<Entity>) -> Self {
        Self { object: Some((field, entities)), changed: true, ..Self::default() }
    }

    fn without_object() -> Self {
        Self { changed: true, ..Self::default() }
    }

    /// Adds the errors of a partly executed mutation. `changed` is false if no part succeeded.
    fn with_errors(self, errors: Vec<PayloadError>, changed: bool) -> Self {
        Self { errors, changed, ..self }
    }
}

impl From<Vec<PayloadError>> for Outcome {
    fn from(errors: Vec<PayloadError>) -> Self {
        Self { errors, ..Self::default() }
    }
}

/// Outcome of an accepted mutation, or the payload errors of a refused one.
pub(crate) type MutationResult = Result<Outcome, Vec<PayloadError>>;

/// Executes `mutation { <group> { <field> } }` and returns its payload.
pub(crate) fn run(view: &View<'_>, group: &str, selection: &FieldSelection<'_>) -> Result<Output, FieldError> {
    let operation = format!("{group}.{}", selection.field);
    let arguments = Value::Object(selection.arguments.clone());
    let payload_fault = view.payload_fault.take();
    let mut outcome = if payload_fault.as_ref().is_some_and(|fault| !fault.is_executed) {
        Outcome::default()
    } else {
        match apply(&mut view.tenant.borrow_mut(), &operation, &arguments, view.now) {
            Some(outcome) => outcome,
            None => return field_error(format!("the simulator does not support {operation}")),
        }
    };
    let mutation = Mutation { operation, arguments, at: view.now, changed: outcome.changed };
    view.mutations.borrow_mut().push(mutation);
    outcome.errors.extend(payload_fault.map(|fault| injected_error(&fault)));
    Ok(payload(&outcome, selection))
}

fn injected_error(fault: &PayloadFault) -> PayloadError {
    PayloadError { label: fault.label.clone(), message: fault.message.clone(), value: None }
}

/// Returns one payload, or a list of payloads where the schema has a list.
fn payload(outcome: &Outcome, selection: &FieldSelection<'_>) -> Output {
    let mut fields = vec![("errors", Output::Records(outcome.errors.iter().map(PayloadError::output).collect()))];
    fields.extend(outcome.object.as_ref().map(|(field, entities)| (*field, Output::Many(entities.clone()))));
    let record = Record::new(selection.type_name, fields);
    if selection.is_list { learner::payload_list(selection, outcome, &record) } else { Output::Record(record) }
}

/// Applies one operation to the tenant. Returns `None` for an unknown operation. The journal is replayed with it.
pub(crate) fn apply(tenant: &mut Tenant, operation: &str, arguments: &Value, now: Timestamp) -> Option<Outcome> {
    let result = match operation {
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
    Some(result.unwrap_or_else(Outcome::from))
}

/// Deserializes the arguments. They were validated before, so an error here is a bug of the simulator.
fn read<T: DeserializeOwned>(arguments: &Value) -> Result<T, Vec<PayloadError>> {
    T::deserialize(arguments).map_err(|error| vec![PayloadError::new("input", error.to_string(), None)])
}

/// Deserializes a field of an update: `None` if absent, `Some(None)` for null, which clears the value.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// Collects errors, so that a client gets all of them at once.
#[derive(Default)]
struct Check {
    errors: Vec<PayloadError>,
}

impl Check {
    fn add_error(&mut self, label: &str, message: impl Into<String>, value: Option<&str>) {
        self.errors.push(PayloadError::new(label, message, value));
    }

    /// Returns the number of a global id, or adds an error if it has another type or does not exist.
    fn resolve(&mut self, label: &str, prefix: &str, id: &str, exists: impl Fn(Number) -> bool) -> Option<Number> {
        let number = ids::decode(prefix, id).filter(|number| exists(*number));
        if number.is_none() {
            self.add_error(label, format!("{} with id {id} does not exist", display_name(prefix)), Some(id));
        }
        number
    }

    fn location(&mut self, tenant: &Tenant, id: Option<&str>) -> Option<Number> {
        self.resolve("locationId", "Location", id?, |number| tenant.locations.get(number).is_some())
    }

    /// Resolves a venue. It must belong to the location.
    fn venue(&mut self, tenant: &Tenant, id: Option<&str>, location: Option<Number>) -> Option<Number> {
        let number = self.resolve("venueId", "Venue", id?, |number| tenant.venues.get(number).is_some())?;
        let venue_location = tenant.venues.get(number).and_then(|venue| venue.location);
        if location.is_some() && venue_location.is_some() && venue_location != location {
            self.add_error("venueId", "The Venue does not belong to the Location", id);
        }
        Some(number)
    }

    fn contact(&mut self, tenant: &Tenant, label: &str, id: &str) -> Option<Number> {
        self.resolve(label, "Person", id, |number| tenant.contacts.get(number).is_some())
    }

    fn time_zone(&mut self, name: Option<&str>) {
        if let Some(name) = name.filter(|name| jiff::tz::TimeZone::get(name).is_err()) {
            self.add_error("timeZoneName", format!("{name} is not a valid time zone"), Some(name));
        }
    }

    fn check_order<T: PartialOrd>(&mut self, label: &str, start: Option<&T>, end: Option<&T>) {
        if start.zip(end).is_some_and(|(start, end)| end <= start) {
            self.add_error(label, "The end must be after the start", None);
        }
    }

    fn custom_fields(
        &mut self,
        tenant: &Tenant,
        entity_type: &str,
        values: Option<&[CustomFieldInput]>,
    ) -> CustomFieldValues {
        let mut checked = CustomFieldValues::new();
        for field in values.unwrap_or_default() {
            let value = field.value.as_deref().unwrap_or_default();
            let is_attached =
                |number| tenant.custom_fields.get(number).is_some_and(|row| row.entity_types.contains(entity_type));
            let Some(number) =
                self.resolve("customFieldValues", "CustomFieldDefinition", &field.definition_key, is_attached)
            else {
                continue;
            };
            let definition = tenant.custom_fields.get(number);
            if let Some(row) =
                definition.filter(|row| !value.is_empty() && !is_valid_value(row.kind, &row.options, value))
            {
                let message = format!("{value} is not a valid value for {}", row.label);
                self.add_error("customFieldValues", message, Some(value));
            }
            checked.insert(number, value.to_owned());
        }
        checked
    }

    fn finish(self) -> Result<(), Vec<PayloadError>> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }
}

/// An entry of `customFieldValues` in an input.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomFieldInput {
    definition_key: String,
    value: Option<String>,
}

fn is_valid_value(kind: FieldKind, options: &[String], value: &str) -> bool {
    match kind {
        FieldKind::Date => value.parse::<jiff::civil::Date>().is_ok(),
        FieldKind::Boolean => ["true", "false"].contains(&value.to_ascii_lowercase().as_str()),
        FieldKind::Number => value.parse::<f64>().is_ok(),
        FieldKind::Decimal => crate::schema::scalars::parse_decimal(&json!(value)).is_some(),
        FieldKind::Choice => options.is_empty() || options.iter().any(|option| option == value),
        FieldKind::Datetime => {
            crate::schema::scalars::parse_local(value).is_some()
                || crate::schema::scalars::parse_instant(value).is_some()
        }
        FieldKind::String | FieldKind::Multichoice | FieldKind::Html | FieldKind::Url => true,
    }
}

/// Returns the type name that messages use for the prefix of an id.
fn display_name(prefix: &str) -> &str {
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
    use crate::schema::ProfileSchema;
    use crate::schema::profile::Profile;

    #[test]
    fn every_mutation_of_the_schema_is_supported() {
        for profile in Profile::ALL {
            let schema = ProfileSchema::new(profile).expect("valid").schema;
            let mutation = schema.get_object("Mutation").expect("mutations");
            let mut mutations = 0;
            for (group, definition) in &mutation.fields {
                let group_type = schema.get_object(definition.ty.inner_named_type()).expect("a group");
                for field in group_type.fields.keys() {
                    let outcome =
                        apply(&mut Tenant::new(), &format!("{group}.{field}"), &json!({}), Timestamp::UNIX_EPOCH);
                    assert!(outcome.is_some(), "{profile}: {group}.{field}");
                    mutations += 1;
                }
            }
            assert!(mutations >= 18, "{profile}");
        }
    }
}
