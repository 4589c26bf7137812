//! A tenant as plain data: what stands in one customer's Administrate.
//!
//! Fill a [`Tenant`] with its `add_…` functions or as a struct literal, hand it to
//! [`Simulator::start`](crate::Simulator::start), read it back with [`RunningSimulator::tenant`](crate::RunningSimulator::tenant).
//! References between rows are [`Number`]s, the numeric part of a global id (facts §1.4), given in the order of
//! insertion from 1. It promises no referential integrity of its own: a seed with dangling numbers reads as null.

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

/// The numeric part of a global id (`Location:7` → 7), also shown as `legacyId`.
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
    /// The highest number given to an event or a session: they share one sequence.
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
    /// Whether what was cancelled may become a draft or published again; nobody has documented that.
    #[serde(rename = "cancelled_may_return")]
    pub can_reinstate_cancelled: bool,
}

/// Something that has only a name: a tax type, an account, a learning category.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamedRecord {
    /// Its name.
    pub name: String,
}

/// A currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO 4217 code.
    pub code: String,
    /// Name in words.
    pub name: String,
    /// Symbol shown before an amount.
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
    /// The location it lies in; null happens.
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
    /// First, middle and last name with single blanks between; empty when all are null.
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

/// A template's state (facts §1.9): published cannot go back to draft.
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
    /// Code, the key that people know it by. Administrate does not force it to be unique.
    pub code: String,
    /// Title.
    pub title: String,
    /// How its events are taught.
    pub learning_mode: LearningMode,
    /// State.
    pub state: TemplateState,
    /// One entry per day: what `createBlended` copies.
    pub sessions: Vec<TemplateSession>,
    /// Custom-field values; events start with those whose definition they share.
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
    /// Usual time of its start.
    pub starts: civil::Time,
    /// Usual time of its end.
    pub ends: civil::Time,
}

impl TemplateSession {
    /// `count` days of 09:00 to 17:00, called "Day 1" and so on.
    pub fn days(count: usize) -> Vec<Self> {
        let day =
            |n| Self { title: format!("Day {n}"), starts: civil::time(9, 0, 0, 0), ends: civil::time(17, 0, 0, 0) };
        (1..=count).map(day).collect()
    }
}

/// A price: a template's public price, or an event's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// What it is the price of.
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

/// What a price belongs to.
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
    /// The entity types it is attached to (`Event`, `Session`, …): one key may serve several (facts §1.8).
    pub entity_types: BTreeSet<String>,
    /// Label, what people know it by.
    pub label: String,
    /// Description.
    pub description: Option<String>,
    /// Kind of value.
    pub kind: FieldKind,
    /// Whether a value is asked for.
    pub is_required: bool,
    /// Roles that see it.
    pub roles: Vec<String>,
    /// Allowed values of a choice.
    pub options: Vec<String>,
}

/// Kinds of custom-field values (`CustomFieldType`).
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
    /// Several of the options; how they are joined is not known, so nothing is checked.
    Multichoice,
    /// HTML, not checked.
    Html,
    /// `True` or `False`, in any case.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// ISO 8601 with or without an offset.
    Datetime,
    /// An address, not checked.
    Url,
    /// A decimal number.
    Decimal,
}

/// A registered webhook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Webhook {
    /// The word after `WebhookType:`, `event_created`.
    pub webhook_type: String,
    /// Name.
    pub name: String,
    /// The document whose result would be sent.
    pub query: String,
    /// Where to.
    pub url: String,
    /// JSON that would be sent along.
    pub config: Option<String>,
    /// Who would hear of failures.
    pub notification_emails: Vec<String>,
    /// JMESPath that would choose what is sent.
    pub filter_expression: Option<String>,
}

impl Tenant {
    /// Global id of a location, as clients see it.
    pub fn location_id(number: Number) -> String {
        ids::encode("Location", number)
    }

    /// Global id of a course template.
    pub fn template_id(number: Number) -> String {
        ids::encode("CourseTemplate", number)
    }

    /// Global id of an event or a session.
    pub fn course_id(number: Number) -> String {
        ids::encode("Course", number)
    }

    /// Global id of a contact.
    pub fn contact_id(number: Number) -> String {
        ids::encode("Person", number)
    }

    /// Sessions of an event in the order they were made, which is day order.
    pub fn sessions_of(&self, event: Number) -> impl Iterator<Item = (Number, &Session)> {
        self.sessions
            .iter()
            .filter(move |(_, session)| session.event == event)
            .map(|(number, session)| (*number, session))
    }

    /// Staff of an event or a session (their numbers share one sequence).
    pub fn staff_of(&self, course: Number) -> impl Iterator<Item = (Number, &Staff)> {
        self.staff.iter().filter(move |(_, staff)| staff.course == course)
    }

    /// Events with exactly this title.
    pub fn events_titled<'t>(&'t self, title: &'t str) -> impl Iterator<Item = (Number, &'t Event)> {
        self.events.iter().filter(move |(_, event)| event.title == title).map(|(number, event)| (*number, event))
    }
}
