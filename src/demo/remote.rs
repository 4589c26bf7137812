//! Converts a provider to a tenant of the Administrate simulator.

use std::collections::BTreeMap;

use administrate_sim::Tenant;
use administrate_sim::tenant::{self, Contact, FieldKind, Number, TemplateSession};

use super::provider::{PRICES, Person, Provider, Template, share_of_price};
use crate::config::Labels;
use crate::names::fold;
use crate::tutorials::LearningMode;

/// Returns a tenant with the records of a provider. `labels`: the labels of its custom fields.
pub fn tenant(provider: &Provider, labels: &Labels) -> Tenant {
    let mut tenant = Tenant::new();
    add_custom_fields(&mut tenant, labels);
    let levels: Vec<Number> = PRICES.iter().map(|(_, level, _)| tenant.add_price_level(level)).collect();
    add_places(&mut tenant, provider);
    let people = add_people(&mut tenant, provider);
    for (at, template) in provider.templates.iter().enumerate() {
        add_template(&mut tenant, template, spelling(provider, at, &template.code), &levels, &people);
    }
    tenant
}

/// Returns a name with some differences in case or white space, if the provider has spelling variants.
fn spelling(provider: &Provider, at: usize, name: &str) -> String {
    match at % 9 {
        4 if provider.has_spelling_variants => name.to_uppercase(),
        7 if provider.has_spelling_variants => format!(" {} ", name.replace(' ', "  ")),
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
        let number = tenant.add_location(&spelling(provider, at, &location.name), &location.code);
        numbers.insert(location.name.as_str(), number);
    }
    for location in &provider.remote_only_locations {
        tenant.add_location(&location.name, &location.code);
    }
    for (at, venue) in provider.venues.iter().enumerate() {
        if let Some(location) = numbers.get(venue.location.as_str()) {
            tenant.add_venue(*location, &spelling(provider, at, &venue.name));
        }
    }
}

/// Adds one contact per person, also for several roles; returns contact numbers by folded full name.
fn add_people(tenant: &mut Tenant, provider: &Provider) -> BTreeMap<String, Number> {
    let mut numbers: BTreeMap<String, Number> = BTreeMap::new();
    let instructors = provider.instructors.iter().map(|person| (person, true));
    let administrators = provider.administrators.iter().map(|person| (person, false));
    for (at, (person, is_instructor)) in instructors.chain(administrators).enumerate() {
        let name = fold(&person.full_name());
        if let Some(contact) = numbers.get(&name).and_then(|number| tenant.contacts.get_mut(*number)) {
            contact.is_instructor |= is_instructor;
            contact.is_admin |= !is_instructor;
            continue;
        }
        // Administrators are looked up in Administrate by name, and white space would hide them.
        let first_name =
            if is_instructor { spelling(provider, at, &person.first_name) } else { person.first_name.clone() };
        let number = tenant.add_contact(contact(person, first_name, is_instructor));
        numbers.insert(name, number);
    }
    numbers
}

fn contact(person: &Person, first_name: String, is_instructor: bool) -> Contact {
    Contact {
        first_name: Some(first_name),
        last_name: Some(person.last_name.clone()),
        is_staff: true,
        is_instructor,
        is_admin: !is_instructor,
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
        learning_mode: match template.mode {
            LearningMode::Blended => tenant::LearningMode::Blended,
            LearningMode::Classroom => tenant::LearningMode::Classroom,
            LearningMode::Lms => tenant::LearningMode::Lms,
        },
        sessions: TemplateSession::days(template.sessions),
        approved_instructors: template.approved.iter().filter_map(|name| people.get(&fold(name))).copied().collect(),
        ..tenant::Template::default()
    });
    for (level, (_, _, per_cent)) in levels.iter().zip(PRICES) {
        tenant.add_public_price(number, *level, 1, &share_of_price(template.price, per_cent).to_string());
    }
}
