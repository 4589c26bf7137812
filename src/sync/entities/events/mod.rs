//! Events, matched by title, with their lifecycle, dates, sessions and places left in Administrate.
//!
//! An event without a local match or with an ambiguous one gets a row without a link and without sessions. An event with
//! an undelivered change is left to delivery. A link stays when the title changes in Administrate. Two events with one
//! title are ambiguous even if one of them is linked. The module `sessions` matches sessions.

mod links;
pub mod sessions;
pub mod single;

use std::collections::{BTreeMap, HashMap, HashSet};

use administrate::Client;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::bridges::events as bridges;
use crate::bridges::events::{EventLinkRow, LastSeen, LifecycleState, RowFilter};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::config::ConflictPolicy;
use crate::error::Result;
use crate::merge::{ReferenceNames, ValueDiff};
use crate::outbox;
use crate::outbox::DeliveryState;
use crate::sync::conflicts::load::{Baselines, load_baselines};
use crate::sync::conflicts::{EventWithBaseline, configured_winner, merge};
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::{LocalCandidate, LocalRecord, MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{RowChange, SyncPlan};
use crate::sync::remote;
use crate::sync::report::findings::{RecordError, SkippedRecord};
use crate::tutorials;
use crate::tutorials::{Availability, EVENT, PlacesChange};

/// The sync of events.
pub(crate) struct Events;

/// The link row of an event with the availability of the linked local event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    #[serde(flatten)]
    pub bridge: EventLinkRow,
    /// The places to write to `acted.tutorial_events`; empty if the event is not linked.
    #[serde(flatten)]
    pub places: PlacesChange,
    /// The availability before the event was linked. A plan depends on it, and undoing the link restores it.
    #[serde(rename = "stood", default, skip_serializing_if = "Option::is_none")]
    pub availability_before_link: Option<PlacesChange>,
}

impl PartialEq for Row {
    /// Compares the stored values; the availability before the link is not one of them.
    fn eq(&self, other: &Self) -> bool {
        self.bridge == other.bridge && self.places == other.places
    }
}

/// The local events and what planning needs to know about them.
#[derive(Debug)]
pub struct LocalEvents {
    pub availabilities: Vec<Availability>,
    /// The state of undelivered changes, by local event id.
    pub undelivered: HashMap<i64, DeliveryState>,
    /// Administrate's ids of all records that a row may refer to.
    pub references: HashSet<String>,
    /// The time zone of times without a zone.
    pub time_zone: TimeZone,
    /// Events with their baselines, by local id; empty if no values are compared.
    pub baselines: HashMap<i64, EventWithBaseline>,
    /// The names of the records that those events refer to.
    pub reference_names: Option<ReferenceNames>,
    /// The side that wins a conflict, by field name.
    pub winners: BTreeMap<String, ConflictPolicy>,
}

impl Row {
    /// Returns the values that Administrate had last, with which webhooks compare the next change.
    fn last_seen(&self) -> LastSeen {
        LastSeen {
            lifecycle: self.bridge.lifecycle_state.as_deref().map(|state| state.to_lowercase().into()),
            sold_out: self.bridge.sold_out,
            max_places: self.bridge.max_places.map(Into::into),
            remaining: self.places.remain_space.map(Into::into),
        }
    }
}

impl LinkRow for Row {
    fn external_id(&self) -> &str {
        &self.bridge.external_id
    }

    fn link(&self) -> Option<i64> {
        self.bridge.tutorial_event_id
    }

    fn set_link(&mut self, local: Option<i64>) {
        if self.bridge.tutorial_event_id != local {
            self.bridge.unlink();
            self.bridge.tutorial_event_id = local;
            self.places = PlacesChange::default();
        }
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        self.bridge.bounded()
    }
}

impl EntitySync for Events {
    const ENTITY: Entity = Entity::Events;
    type Row = Row;
    type Remote = Vec<administrate::Event>;
    type Local = LocalEvents;

    async fn prepare(db: &mut PgConnection, context: &mut SyncContext) -> Result<()> {
        context.fetch_started_at = Some(bridges::now(db).await?);
        Ok(())
    }

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        Ok(client.events().await?)
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        let availabilities = tutorials::store::availabilities(db, None).await?;
        Ok(with_availability(bridges::rows(db, RowFilter::All).await?, &availabilities))
    }

    async fn local_records(db: &mut PgConnection, context: &SyncContext) -> Result<Self::Local> {
        let events = load_events(db, None, &context.time_zone).await?;
        let ids: Vec<i64> = events.availabilities.iter().map(|event| event.id).collect();
        let Baselines { events: baselines, names: reference_names } = load_baselines(db, context, &ids).await?;
        Ok(LocalEvents { baselines, reference_names, winners: context.winners.clone(), ..events })
    }

    fn plan(
        local: &Self::Local,
        remote: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(local, remote, rows, overrides)
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        bridges::upsert_rows(db, &rows.iter().map(|row| &row.bridge).collect::<Vec<_>>()).await?;
        let places = rows.iter().filter_map(|row| Some((row.link()?, row.places)));
        tutorials::store::set_available_places(db, &places.collect::<Vec<_>>()).await?;
        let linked = rows.iter().filter(|row| row.link().is_some());
        bridges::record_last_seen(db, linked.map(|row| (row.external_id(), row.last_seen()))).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        bridges::delete_rows(db, &ids(rows)).await
    }

    async fn undo_side_effects(db: &mut PgConnection, inverse: &[RowChange<Self::Row>]) -> Result<()> {
        let unlinked = inverse.iter().filter_map(|change| {
            let linked = change.before.as_ref()?;
            let stays_linked = change.after.as_ref().is_some_and(|after| after.link() == linked.link());
            Some((linked.link()?, linked.availability_before_link?)).filter(|_| !stays_linked)
        });
        tutorials::store::set_available_places(db, &unlinked.collect::<Vec<_>>()).await
    }
}

/// Loads the local events with these ids, or all, without their baselines.
pub(crate) async fn load_events(
    db: &mut PgConnection,
    ids: Option<&[i64]>,
    time_zone: &TimeZone,
) -> Result<LocalEvents> {
    Ok(LocalEvents {
        availabilities: tutorials::store::availabilities(db, ids).await?,
        undelivered: outbox::undelivered_subjects(db, EVENT).await?.into_iter().collect(),
        references: bridges::known_ids(db).await?,
        time_zone: time_zone.clone(),
        baselines: HashMap::new(),
        reference_names: None,
        winners: BTreeMap::new(),
    })
}

/// Adds the current availability of the linked local events to link rows.
pub(crate) fn with_availability(rows: Vec<EventLinkRow>, availabilities: &[Availability]) -> Vec<Row> {
    let by_id: HashMap<i64, &Availability> = availabilities.iter().map(|event| (event.id, event)).collect();
    let row = |bridge: EventLinkRow| {
        let local = bridge.tutorial_event_id.and_then(|id| by_id.get(&id).copied());
        Row { bridge, places: local.map(current_places).unwrap_or_default(), availability_before_link: None }
    };
    rows.into_iter().map(row).collect()
}

fn current_places(event: &Availability) -> PlacesChange {
    PlacesChange { is_soldout: Some(event.is_soldout), remain_space: Some(event.remain_space) }
}

/// Plans the rows of events. Each is linked with the local one whose code is its title.
pub fn plan(
    local: &LocalEvents,
    remote: Vec<administrate::Event>,
    rows: &[Row],
    overrides: &MatchOverrides,
) -> SyncPlan<Row> {
    let candidates = remote.iter().map(remote_candidate).collect();
    let mut matches = match_records(local_candidates(&local.availabilities), candidates, &[] as &[Row], overrides);
    let stored: HashMap<&str, &Row> = rows.iter().map(|row| (row.external_id(), row)).collect();
    let by_id: HashMap<i64, &Availability> = local.availabilities.iter().map(|event| (event.id, event)).collect();
    links::keep_links(&mut matches, &stored, &by_id, overrides);
    let links = std::mem::take(&mut matches.links);
    let ambiguous: HashSet<String> =
        matches.ambiguous.iter().flat_map(|one| &one.remote).map(|record| record.external_id.clone()).collect();
    let ignored = std::mem::take(&mut matches.ignored);
    let mut plan = SyncPlan::between(Entity::Events, Vec::new(), &[], matches);
    plan.fetched = remote.len();
    let mut seen: HashSet<String> = HashSet::new();
    let has_session_rows = |event: &&administrate::Event| {
        let is_stored = stored.get(event.id.as_str()).is_some_and(|row| !row.bridge.sessions.is_empty());
        is_stored || links.contains_key(event.id.as_str())
    };
    let known_sessions: HashSet<String> = remote.iter().filter(has_session_rows).flat_map(session_ids).collect();
    for remote_event in remote {
        let event = remote::event(&remote_event, &local.time_zone);
        seen.insert(event.external_id.clone());
        let before = stored.get(event.external_id.as_str()).copied();
        let link = links.get(&event.external_id).and_then(|id| by_id.get(id)).copied();
        let was_linked = before.and_then(LinkRow::link);
        let mut local_ids = link.map(|event| event.id).into_iter().chain(was_linked);
        if ambiguous.contains(&event.external_id) && before.is_some() {
            plan.unchanged.push(event.external_id);
        } else if let Some(state) = local_ids.find_map(|id| local.undelivered.get(&id)) {
            compare_values(&mut plan, local, &remote_event, link, false);
            leave_to_delivery(&mut plan, event, *state);
        } else if ignored.contains(&event.external_id) && before.is_none() {
            plan.findings.skipped.push(SkippedRecord::ignored(&event.external_id, event.title));
        } else {
            let name = event.title.clone();
            let zone = remote_event.zone(&local.time_zone);
            let row = desired_row(event, link, before, local, &zone, &known_sessions);
            compare_values(&mut plan, local, &remote_event, link, true);
            if let Some(availability) = link {
                let stored_sessions = before.map_or(&[][..], |row| &row.bridge.sessions);
                plan.findings.differences.extend(sessions::unlinked_sessions(
                    remote_event.id.as_str(),
                    availability,
                    &row.bridge.sessions,
                    stored_sessions,
                ));
            }
            plan.add_row(name, before, row);
        }
    }
    let is_missing = |row: &&Row| !seen.contains(row.external_id());
    let is_undelivered = |row: &&Row| row.link().is_some_and(|id| local.undelivered.contains_key(&id));
    plan.missing_remote = rows.iter().filter(is_missing).filter(|row| !is_undelivered(row)).cloned().collect();
    plan.release_links(&links.into_values().collect());
    plan
}

fn local_candidates(events: &[Availability]) -> Vec<LocalCandidate> {
    let candidate = |event: &Availability| LocalCandidate {
        record: LocalRecord::new(event.id, &event.code),
        key: MatchKey::of(&event.code),
    };
    events.iter().map(candidate).collect()
}

fn remote_candidate(event: &administrate::Event) -> RemoteCandidate {
    RemoteCandidate { record: RemoteRecord::new(event.id.as_str(), &event.title), key: MatchKey::of(&event.title) }
}

fn session_ids(event: &administrate::Event) -> impl Iterator<Item = String> {
    event.sessions.iter().map(|session| session.id.to_string())
}

/// Compares the values of an event on both sides with its baseline, and adds conflicts and resolutions to the plan.
///
/// Settings resolve conflicts only if `may_resolve` is true. An event without a link or a baseline is not compared.
fn compare_values(
    plan: &mut SyncPlan<Row>,
    local: &LocalEvents,
    remote_event: &administrate::Event,
    link: Option<&Availability>,
    may_resolve: bool,
) {
    let event = link.and_then(|event| local.baselines.get(&event.id));
    let event = event.filter(|event| event.baseline.external_id == remote_event.id.as_str());
    let Some((event, reference_names)) = event.zip(local.reference_names.as_ref()) else { return };
    let winner = |difference: &ValueDiff| match may_resolve {
        true => configured_winner(&local.winners, difference),
        false => None,
    };
    let outcome = merge(event, remote_event, reference_names, winner);
    let findings = &mut plan.findings;
    findings.conflicts.extend(outcome.conflicts);
    findings.differences.extend(outcome.differences);
    let error = |message| RecordError { external_id: Some(remote_event.id.to_string()), message };
    findings.errors.extend(outcome.errors.into_iter().map(error));
    plan.resolutions.extend(outcome.resolution);
}

/// Reports an event whose local change is not delivered yet: as skipped or, if its delivery failed, as an error.
fn leave_to_delivery(plan: &mut SyncPlan<Row>, event: remote::FetchedEvent, state: DeliveryState) {
    let remote::FetchedEvent { external_id, title: name, .. } = event;
    match state {
        DeliveryState::Failed | DeliveryState::Unknown => {
            let message = format!(
                "{name}: its delivery needs attention, so no value of Administrate is accepted: see `lectern outbox`"
            );
            plan.findings.errors.push(RecordError { external_id: Some(external_id), message });
        }
        DeliveryState::Pending | DeliveryState::Delivered => {
            let reason = "it is on its way to Administrate: see `lectern outbox`".into();
            plan.findings.skipped.push(SkippedRecord { external_id, name, reason });
        }
    }
}

/// Returns the row that an event of Administrate requires.
///
/// Sessions in `known_sessions` belong to events with session rows: one that left this event has moved to another.
fn desired_row(
    event: remote::FetchedEvent,
    link: Option<&Availability>,
    before: Option<&Row>,
    local: &LocalEvents,
    zone: &TimeZone,
    known_sessions: &HashSet<String>,
) -> Row {
    let known = |id: Option<String>| id.filter(|id| local.references.contains(id));
    let stored = before.map(|row| &row.bridge);
    let mut row = Row {
        bridge: EventLinkRow {
            cancelled: LifecycleState::of(event.lifecycle.as_deref()).map(|state| state == LifecycleState::Cancelled),
            max_places: event.max_places.and_then(|places| i32::try_from(places).ok()).filter(|places| *places >= 0),
            lms_start_date: event.lms_start,
            lms_end_date: event.lms_end,
            timezone: event.time_zone,
            course_template: known(event.template),
            location: known(event.location),
            // The API of some tenants does not expose the venue.
            venue: known(event.venue).or_else(|| stored.and_then(|row| row.venue.clone())),
            primary_instructor: known(event.instructor),
            sold_out: event.is_sold_out,
            // This column stores states in upper case.
            lifecycle_state: event.lifecycle.map(|state| state.to_uppercase()),
            title: Some(event.title),
            sessions: match stored {
                None if link.is_none() => Vec::new(),
                stored => {
                    sessions::session_rows(event.sessions, stored.map_or(&[], |row| &row.sessions), known_sessions)
                }
            },
            tutorial_event_id: before.and_then(LinkRow::link),
            external_id: event.external_id,
        },
        places: PlacesChange::default(),
        availability_before_link: None,
    };
    row.set_link(link.map(|event| event.id));
    if let Some(availability) = link {
        sessions::link_sessions(&mut row.bridge.sessions, &availability.sessions, zone);
        let remaining = event.remaining_places.and_then(|places| i32::try_from(places).ok());
        row.places = PlacesChange {
            is_soldout: Some(event.is_sold_out.unwrap_or(availability.is_soldout)),
            remain_space: Some(remaining.unwrap_or(availability.remain_space)),
        };
        let is_linked_before = before.and_then(LinkRow::link) == Some(availability.id);
        row.availability_before_link = Some(current_places(availability)).filter(|_| !is_linked_before);
    }
    row
}
