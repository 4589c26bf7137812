//! A provider as a tenant of the Administrate simulator.

use std::collections::BTreeMap;

use administrate_sim::Tenant;
use administrate_sim::tenant::{self, Contact, FieldKind, Number, TemplateSession};

use super::provider::{PRICES, Person, Provider, Template, priced};
use crate::config::Labels;
use crate::names::fold;
use crate::tutorials::LearningMode;

/// The tenant in which this provider has been entered, its custom fields called what the settings say.
pub fn tenant(provider: &Provider, labels: &Labels) -> Tenant {
    let mut tenant = Tenant::new();
    add_custom_fields(&mut tenant, labels);
    let levels: Vec<Number> = PRICES.iter().map(|(_, level, _)| tenant.add_price_level(level)).collect();
    add_places(&mut tenant, provider);
    let people = add_people(&mut tenant, provider);
    for (at, template) in provider.templates.iter().enumerate() {
        add_template(&mut tenant, template, spelt(provider, at, &template.code), &levels, &people);
    }
    tenant
}

/// What the made-up provider's clerks made of a name: now and then in other letters or with a blank too many. The same
/// name all the same.
fn spelt(provider: &Provider, at: usize, name: &str) -> String {
    match at % 9 {
        4 if provider.spelt_carelessly => name.to_uppercase(),
        7 if provider.spelt_carelessly => format!(" {} ", name.replace(' ', "  ")),
        _ => name.to_owned(),
    }
}

fn add_custom_fields(tenant: &mut Tenant, labels: &Labels) {
    for (entity, label, kind) in [
        ("Event", &labels.sitting, FieldKind::String),
        ("Event", &labels.finalisation_date, FieldKind::Date),
        ("Event", &labels.event_url, FieldKind::Url),
        ("Event", &labels.web_sale, FieldKind::Boolean),
        ("Event", &labels.ocr_moodle_code, FieldKind::String),
        ("Session", &labels.day, FieldKind::String),
        ("Session", &labels.session_url, FieldKind::Url),
    ] {
        tenant.add_custom_field(&[entity], label, kind);
    }
}

fn add_places(tenant: &mut Tenant, provider: &Provider) {
    let mut numbers = BTreeMap::new();
    for (at, location) in provider.locations.iter().enumerate() {
        let number = tenant.add_location(&spelt(provider, at, &location.name), &location.code);
        numbers.insert(location.name.as_str(), number);
    }
    for location in &provider.locations_of_theirs_alone {
        tenant.add_location(&location.name, &location.code);
    }
    for (at, venue) in provider.venues.iter().enumerate() {
        if let Some(location) = numbers.get(venue.location.as_str()) {
            tenant.add_venue(*location, &spelt(provider, at, &venue.name));
        }
    }
}

/// One contact a person, whatever they do; numbers by folded full name.
fn add_people(tenant: &mut Tenant, provider: &Provider) -> BTreeMap<String, Number> {
    let mut numbers: BTreeMap<String, Number> = BTreeMap::new();
    let instructors = provider.instructors.iter().map(|person| (person, true));
    let administrators = provider.administrators.iter().map(|person| (person, false));
    for (at, (person, teaches)) in instructors.chain(administrators).enumerate() {
        let name = fold(&person.full_name());
        if let Some(known) = numbers.get(&name).and_then(|number| tenant.contacts.get_mut(*number)) {
            known.is_instructor |= teaches;
            known.is_admin |= !teaches;
            continue;
        }
        // Administrators are found by asking Administrate for their names; a clerk's blanks would hide them.
        let first_name = if teaches { spelt(provider, at, &person.first_name) } else { person.first_name.clone() };
        let number = tenant.add_contact(contact(person, first_name, teaches));
        numbers.insert(name, number);
    }
    numbers
}

fn contact(person: &Person, first_name: String, teaches: bool) -> Contact {
    Contact {
        first_name: Some(first_name),
        last_name: Some(person.last_name.clone()),
        is_staff: true,
        is_instructor: teaches,
        is_admin: !teaches,
        account: Some(1),
        ..Contact::default()
    }
}

fn add_template(
    tenant: &mut Tenant,
    template: &Template,
    code: String,
    levels: &[Number],
    people: &BTreeMap<String, Number>,
) {
    let number = tenant.templates.add(tenant::Template {
        code,
        title: template.title.clone(),
        learning_mode: match template.teaching {
            LearningMode::Blended => tenant::LearningMode::Blended,
            LearningMode::Classroom => tenant::LearningMode::Classroom,
            LearningMode::Lms => tenant::LearningMode::Lms,
        },
        sessions: TemplateSession::days(template.sessions),
        approved_instructors: template.approved.iter().filter_map(|name| people.get(&fold(name))).copied().collect(),
        ..tenant::Template::default()
    });
    for (level, (_, _, per_cent)) in levels.iter().zip(PRICES) {
        tenant.add_public_price(number, *level, 1, &priced(template.price, per_cent).to_string());
    }
}
