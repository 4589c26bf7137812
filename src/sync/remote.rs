//! Administrate's records as plain data, which plans use instead of the API's types.

use std::collections::BTreeMap;

use administrate::{Client, Id, StaffMember, SupportsCustomField};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::error::Result;

/// The result of a fetch in parts, some of which may have failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched<T> {
    pub records: Vec<T>,
    /// The parts that could not be fetched, by name, with the error. Their rows are left unchanged.
    pub failed: Vec<(String, String)>,
    /// The parts for which Administrate returned no list, not even an empty one.
    pub not_reported: Vec<String>,
}

/// The definition of a custom field for one kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteCustomField {
    pub entity_type: String,
    pub external_id: String,
    pub label: String,
    pub field_type: String,
    pub description: Option<String>,
    pub is_required: bool,
    pub roles: Vec<String>,
    pub options: Vec<String>,
}

/// A tariff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemotePriceLevel {
    pub external_id: String,
    pub name: String,
    pub description: Option<String>,
}

/// A location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteLocation {
    pub external_id: String,
    pub legacy_id: Option<String>,
    pub name: String,
    pub code: Option<String>,
}

/// A venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteVenue {
    pub external_id: String,
    pub name: String,
    /// Administrate's id of its location.
    pub location: Option<String>,
}

/// A person; either name may be blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteContact {
    pub external_id: String,
    pub legacy_id: Option<String>,
    pub first_name: String,
    pub last_name: String,
}

/// The contacts that teach and the ones that administer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemotePeople {
    /// Contacts with `isInstructor`.
    pub instructors: Vec<RemoteContact>,
    /// Contacts with `isAdmin`.
    pub administrators: Vec<RemoteContact>,
}

/// A course template with the ids of its approved instructors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemoteCourseTemplate {
    pub external_id: String,
    pub code: String,
    pub title: String,
    pub learning_mode: Option<String>,
    pub custom_fields: BTreeMap<String, String>,
    pub approved: Vec<String>,
}

/// A price of a course template. A field that Administrate left out is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemotePrice {
    pub external_id: String,
    /// Id of the course template.
    pub template: String,
    pub template_code: Option<String>,
    /// Id of the price level.
    pub level: Option<String>,
    /// The amount, in `currency`.
    pub amount: Option<Decimal>,
    /// The text of an amount that is no number.
    pub unreadable: Option<String>,
    /// The code and the name of the currency, as far as they are known.
    pub currency: Vec<String>,
    /// Code of the region of the price; none for all regions.
    pub region: Option<String>,
}

/// An event. A field that is null or cannot be read is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchedEvent {
    pub external_id: String,
    pub title: String,
    pub lifecycle: Option<String>,
    pub is_sold_out: Option<bool>,
    pub max_places: Option<i64>,
    pub remaining_places: Option<i64>,
    pub time_zone: Option<String>,
    pub lms_start: Option<Timestamp>,
    pub lms_end: Option<Timestamp>,
    /// Id of its course template.
    pub template: Option<String>,
    /// Id of its location.
    pub location: Option<String>,
    /// Id of its venue.
    pub venue: Option<String>,
    /// Id of the first instructor of the whole event.
    pub instructor: Option<String>,
    /// In Administrate's order.
    pub sessions: Vec<FetchedSession>,
}

/// A session, with local times in the time zone of its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FetchedSession {
    pub external_id: String,
    pub title: String,
    pub lifecycle: Option<String>,
    pub start: Option<civil::DateTime>,
    pub end: Option<civil::DateTime>,
}

impl RemoteContact {
    /// Returns "First Last", or the one that is not blank.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name.trim(), self.last_name.trim()).trim().to_owned()
    }
}

/// Fetches the custom fields of every kind of record. Fails only if every kind fails.
pub(super) async fn custom_fields(client: &Client) -> Result<Fetched<RemoteCustomField>> {
    // One login first, so that a rejected login fails once and not in each of the parallel calls.
    client.login().await?;
    let mut calls = JoinSet::new();
    for kind in SupportsCustomField::ALL.iter().copied() {
        let client = client.clone();
        calls.spawn(async move { (kind, client.custom_fields(kind).await) });
    }
    let mut answers = calls.join_all().await;
    answers.sort_by_key(|(kind, _)| *kind);
    let mut fetched = Fetched { records: Vec::new(), failed: Vec::new(), not_reported: Vec::new() };
    let mut last = None;
    for (kind, answer) in answers {
        match answer {
            Ok(None) => fetched.not_reported.push(kind.name().to_owned()),
            Ok(Some(definitions)) => {
                fetched.records.extend(definitions.into_iter().map(|field| custom_field(kind, field)))
            }
            Err(error) => {
                fetched.failed.push((kind.name().to_owned(), error.to_string()));
                last = Some(error);
            }
        }
    }
    match last {
        Some(error) if fetched.failed.len() == SupportsCustomField::ALL.len() => Err(error.into()),
        _ => Ok(fetched),
    }
}

fn custom_field(kind: SupportsCustomField, field: administrate::CustomFieldDefinition) -> RemoteCustomField {
    RemoteCustomField {
        entity_type: kind.name().to_owned(),
        external_id: field.key.into(),
        label: field.label,
        field_type: field.field_type.unwrap_or_default(),
        description: field.description,
        is_required: field.is_required.unwrap_or_default(),
        roles: field.roles,
        options: field.options,
    }
}

/// Fetches all price levels.
pub(super) async fn price_levels(client: &Client) -> Result<Vec<RemotePriceLevel>> {
    let level = |level: administrate::PriceLevel| RemotePriceLevel {
        external_id: level.id.into(),
        name: level.name,
        description: level.description,
    };
    Ok(client.price_levels().await?.into_iter().map(level).collect())
}

/// Fetches all locations.
pub(super) async fn locations(client: &Client) -> Result<Vec<RemoteLocation>> {
    let location = |location: administrate::Location| RemoteLocation {
        external_id: location.id.into(),
        legacy_id: location.legacy_id,
        name: location.name,
        code: location.code,
    };
    Ok(client.locations().await?.into_iter().map(location).collect())
}

/// Fetches all venues.
pub(super) async fn venues(client: &Client) -> Result<Vec<RemoteVenue>> {
    let venue = |venue: administrate::Venue| RemoteVenue {
        external_id: venue.id.into(),
        name: venue.name,
        location: venue.location_id.map(Id::into),
    };
    Ok(client.venues().await?.into_iter().map(venue).collect())
}

/// Fetches the contacts that teach and the ones that administer.
pub(super) async fn people(client: &Client) -> Result<RemotePeople> {
    let contact = |contact: administrate::Contact| RemoteContact {
        external_id: contact.id.into(),
        legacy_id: contact.legacy_id,
        first_name: contact.first_name.unwrap_or_default(),
        last_name: contact.last_name.unwrap_or_default(),
    };
    Ok(RemotePeople {
        instructors: client.instructors().await?.into_iter().map(contact).collect(),
        administrators: client.administrators().await?.into_iter().map(contact).collect(),
    })
}

/// Fetches all course templates.
pub(super) async fn course_templates(client: &Client) -> Result<Vec<RemoteCourseTemplate>> {
    let template = |template: administrate::CourseTemplate| RemoteCourseTemplate {
        external_id: template.id.into(),
        code: template.code.unwrap_or_default(),
        title: template.title.unwrap_or_default(),
        learning_mode: template.event_learning_mode,
        custom_fields: template.custom_fields.into_iter().map(|(key, value)| (key.into(), value)).collect(),
        approved: template.approved_instructors.into_iter().map(Id::into).collect(),
    };
    Ok(client.course_templates().await?.into_iter().map(template).collect())
}

/// Fetches all prices of all course templates.
pub(super) async fn prices(client: &Client) -> Result<Vec<RemotePrice>> {
    Ok(client.template_prices().await?.into_iter().map(price).collect())
}

fn price(price: administrate::TemplatePrice) -> RemotePrice {
    let amount: Option<Decimal> = price.amount.as_deref().and_then(|text| text.parse().ok());
    RemotePrice {
        amount,
        unreadable: price.amount.filter(|_| amount.is_none()),
        external_id: price.id.into(),
        template: price.course_template_id.into(),
        template_code: price.course_template_code,
        level: price.price_level_id.map(Id::into),
        currency: price.currency_code.into_iter().chain(price.currency_name).collect(),
        region: price.region_code,
    }
}

/// Converts an event of the API. Times without a zone are in `fallback`.
pub(super) fn event(event: &administrate::Event, fallback: &TimeZone) -> FetchedEvent {
    let zone = event.zone(fallback);
    let text = |id: &Id| id.to_string();
    let teaches = |member: &&StaffMember| member.staff_type.as_deref() == Some("instructor");
    let session = |session: &administrate::Session| FetchedSession {
        external_id: text(&session.id),
        title: session.title.clone(),
        lifecycle: session.lifecycle.clone(),
        start: session.start.or(session.time_zoned_start).map(|start| start.local(&zone)),
        end: session.end.or(session.time_zoned_end).map(|end| end.local(&zone)),
    };
    FetchedEvent {
        external_id: text(&event.id),
        title: event.title.clone(),
        lifecycle: event.lifecycle.clone(),
        is_sold_out: event.is_sold_out,
        max_places: event.max_places,
        remaining_places: event.remaining_places,
        time_zone: event.time_zone.clone(),
        lms_start: event.lms_start.and_then(|start| start.instant(&zone)),
        lms_end: event.lms_end.and_then(|end| end.instant(&zone)),
        template: event.course_template.as_ref().map(|template| text(&template.id)),
        location: event.location_id.as_ref().map(text),
        venue: event.venue_id.as_ref().map(text),
        instructor: event.staff.iter().find(teaches).and_then(|member| member.contact_id.as_ref()).map(text),
        sessions: in_order(&event.sessions).into_iter().map(session).collect(),
    }
}

/// Sorts sessions by their ids, as Administrate's lists are requested. A webhook may contain them in any order.
fn in_order(sessions: &[administrate::Session]) -> Vec<&administrate::Session> {
    let mut sessions: Vec<&administrate::Session> = sessions.iter().collect();
    if sessions.iter().all(|session| session.id.number().is_some()) {
        sessions.sort_by_cached_key(|session| session.id.number());
    }
    sessions
}
