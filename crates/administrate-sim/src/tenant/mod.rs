//! A tenant as plain data: the contents of one customer's Administrate.
//!
//! Fill a [`Tenant`] with its `add_…` functions or as a struct literal, pass it to
//! [`Simulator::start`](crate::Simulator::start), read it back with
//! [`RunningSimulator::tenant`](crate::RunningSimulator::tenant). References between rows are [`Number`]s, the numeric
//! part of a global id, assigned in order of insertion from 1. Referential integrity is not checked: dangling numbers
//! in a seed read as null.

mod event;
mod fill;
mod sample;
mod table;

pub use event::{Event, EventState, Learner, Session, SessionState, Staff};
pub use table::Table;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::ids;

/// The numeric part of a global id (`Location:7` → 7), also returned as `legacyId`.
pub type Number = u64;

/// Custom-field values by the number of their definition.
pub type CustomFieldValues = BTreeMap<Number, String>;

/// Everything in one tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tenant {
    /// Currencies (`FinancialUnit`).
    pub currencies: Table<Currency>,
    /// Regions, which carry the tax rate.
    pub regions: Table<Region>,
    /// Tax types, by name.
    pub tax_types: Table<NamedRecord>,
    /// Price levels.
    pub price_levels: Table<PriceLevel>,
    /// Locations.
    pub locations: Table<Location>,
    /// Venues, each in one location.
    pub venues: Table<Venue>,
    /// Accounts (organisations) that contacts belong to.
    pub accounts: Table<NamedRecord>,
    /// Contacts: instructors, staff, administrators, customers.
    pub contacts: Table<Contact>,
    /// Learning categories.
    pub categories: Table<NamedRecord>,
    /// Custom-field definitions of every entity type.
    pub custom_fields: Table<CustomField>,
    /// Course templates.
    pub templates: Table<Template>,
    /// Public prices of templates and prices of events.
    pub prices: Table<Price>,
    /// Highest number assigned to an event or a session: they share one sequence.
    pub last_course: Number,
    /// Events, by their `Course:` number.
    pub events: BTreeMap<Number, Event>,
    /// Sessions, by their `Course:` number.
    pub sessions: BTreeMap<Number, Session>,
    /// Staff of events and sessions.
    pub staff: Table<Staff>,
    /// Learners on events.
    pub learners: Table<Learner>,
    /// Registered webhooks.
    pub webhooks: Table<Webhook>,
    /// Whether cancelled events and sessions can be reinstated. Administrate does not document it.
    #[serde(rename = "cancelled_may_return")]
    pub can_reinstate_cancelled: bool,
}

/// A record with only a name: a tax type, an account, a learning category.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamedRecord {
    /// Name.
    pub name: String,
}

/// A currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO 4217 code.
    pub code: String,
    /// Name in words.
    pub name: String,
    /// Symbol before an amount.
    pub symbol: String,
    /// Whether it can be used for new prices.
    pub is_active: bool,
}

/// A region, for prices and taxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Short code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Percentage of its default tax, as a decimal string.
    pub tax_rate: String,
}

/// A price level ("Standard", "Retaker").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceLevel {
    /// Name.
    pub name: String,
    /// Description; may be null.
    #[serde(default)]
    pub description: Option<String>,
}

/// A location.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    /// Name.
    pub name: String,
    /// Short code; may be null.
    pub code: Option<String>,
    /// Region, if it has one.
    pub region: Option<Number>,
}

/// A venue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Venue {
    /// Name.
    pub name: String,
    /// Description; may be null.
    pub description: Option<String>,
    /// Location of the venue; may be null.
    pub location: Option<Number>,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// May be null in real tenants.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// May be null in real tenants.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// May teach.
    pub is_instructor: bool,
    /// Works for the provider.
    pub is_staff: bool,
    /// May be an event's administrator.
    pub is_admin: bool,
    /// Account.
    pub account: Option<Number>,
    /// Custom-field values.
    pub custom_fields: CustomFieldValues,
}

impl Contact {
    /// Returns first, middle and last name, separated by single spaces. Empty if all are null.
    pub fn full_name(&self) -> String {
        let parts = [&self.first_name, &self.middle_name, &self.last_name];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(" ")
    }
}

/// How a template's events are taught.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LearningMode {
    /// In a room, without a learning platform.
    Classroom,
    /// Self-paced on the learning platform; no sessions.
    Lms,
    /// Both.
    #[default]
    Blended,
}

/// State of a template. A published template cannot go back to draft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TemplateState {
    /// Cannot be scheduled yet.
    Draft,
    /// In use.
    #[default]
    Published,
    /// Out of use.
    Archived,
}

/// A course template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Template {
    /// Code, by which users identify a template. Administrate does not enforce uniqueness.
    pub code: String,
    /// Title.
    pub title: String,
    /// How its events are taught.
    pub learning_mode: LearningMode,
    /// State.
    pub state: TemplateState,
    /// One entry per day. New events get a session for each.
    pub sessions: Vec<TemplateSession>,
    /// Custom-field values. New events inherit those whose definition applies to events too.
    pub custom_fields: CustomFieldValues,
    /// Contacts who may teach it.
    pub approved_instructors: BTreeSet<Number>,
    /// Learning categories.
    pub categories: Vec<Number>,
}

/// One day of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateSession {
    /// Title of the session.
    pub title: String,
    /// Start time of the session.
    pub starts: civil::Time,
    /// End time of the session.
    pub ends: civil::Time,
}

impl TemplateSession {
    /// Returns `count` days from 09:00 to 17:00, titled "Day 1" and so on.
    pub fn days(count: usize) -> Vec<Self> {
        let day =
            |n| Self { title: format!("Day {n}"), starts: civil::time(9, 0, 0, 0), ends: civil::time(17, 0, 0, 0) };
        (1..=count).map(day).collect()
    }
}

/// A price: a template's public price, or an event's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Owner of the price.
    #[serde(rename = "of")]
    pub owner: PriceOwner,
    /// Price level.
    pub level: Number,
    /// Currency.
    pub currency: Number,
    /// Region; null for an event's price.
    pub region: Option<Number>,
    /// Decimal string, `"250.00"`.
    pub amount: String,
}

/// The template or event that a price belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceOwner {
    /// A course template.
    Template(Number),
    /// An event.
    Event(Number),
}

/// A custom-field definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CustomField {
    /// The entity types it is attached to (`Event`, `Session`, …): one definition may apply to several.
    pub entity_types: BTreeSet<String>,
    /// Label, by which users identify it.
    pub label: String,
    /// Description.
    pub description: Option<String>,
    /// Type of its values.
    pub kind: FieldKind,
    /// Whether a value is required.
    pub is_required: bool,
    /// Roles that see it.
    pub roles: Vec<String>,
    /// Allowed values of a choice.
    pub options: Vec<String>,
}

/// Type of custom-field values (`CustomFieldType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// Any text.
    #[default]
    String,
    /// A number.
    Number,
    /// One of the options.
    Choice,
    /// Several of the options. Not checked, because the separator is unknown.
    Multichoice,
    /// HTML. Not checked.
    Html,
    /// `True` or `False`, in any case.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// ISO 8601 with or without an offset.
    Datetime,
    /// A URL. Not checked.
    Url,
    /// A decimal number.
    Decimal,
}

/// A registered webhook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Webhook {
    /// Type of the webhook: the word after `WebhookType:` in its id, such as `event_created`.
    pub webhook_type: String,
    /// Name.
    pub name: String,
    /// GraphQL document whose result Administrate would send.
    pub query: String,
    /// Address that Administrate would send to.
    pub url: String,
    /// JSON that Administrate would add to each request.
    pub config: Option<String>,
    /// Addresses that Administrate would notify of failures.
    pub notification_emails: Vec<String>,
    /// JMESPath expression that selects which changes are sent.
    pub filter_expression: Option<String>,
}

impl Tenant {
    /// Returns the global id of a location.
    pub fn location_id(number: Number) -> String {
        ids::encode("Location", number)
    }

    /// Returns the global id of a course template.
    pub fn template_id(number: Number) -> String {
        ids::encode("CourseTemplate", number)
    }

    /// Returns the global id of an event or a session.
    pub fn course_id(number: Number) -> String {
        ids::encode("Course", number)
    }

    /// Returns the global id of a contact.
    pub fn contact_id(number: Number) -> String {
        ids::encode("Person", number)
    }

    /// Returns the sessions of an event in order of creation, which is day order.
    pub fn sessions_of(&self, event: Number) -> impl Iterator<Item = (Number, &Session)> {
        self.sessions
            .iter()
            .filter(move |(_, session)| session.event == event)
            .map(|(number, session)| (*number, session))
    }

    /// Returns the staff of an event or a session (their numbers share one sequence).
    pub fn staff_of(&self, course: Number) -> impl Iterator<Item = (Number, &Staff)> {
        self.staff.iter().filter(move |(_, staff)| staff.course == course)
    }

    /// Returns the events with exactly this title.
    pub fn events_titled<'t>(&'t self, title: &'t str) -> impl Iterator<Item = (Number, &'t Event)> {
        self.events.iter().filter(move |(_, event)| event.title == title).map(|(number, event)| (*number, event))
    }
}
