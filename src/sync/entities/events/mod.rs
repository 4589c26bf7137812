//! Events, matched by title, with their lifecycle, dates, sessions and places left in Administrate.
//!
//! An event without a local match or with an ambiguous one gets a row without a link and without sessions. An event with
//! an undelivered change is left to delivery. A link stays when the title changes in Administrate. Two events with one
//! title are ambiguous even if one of them is linked. The module `sessions` matches sessions.

pub mod places;
pub mod row;
pub mod sessions;
pub mod single;

use std::collections::{BTreeMap, HashMap, HashSet};

use administrate::{Client, UnreadableEvent};
use jiff::tz::TimeZone;
use sqlx::PgConnection;

pub use self::row::Row;
use self::row::with_availability;
use crate::bridges::events as bridges;
use crate::bridges::events::{EventLinkRow, LifecycleState, RowFilter};
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference::LinkRow;
use crate::config::ConflictPolicy;
use crate::error::Result;
use crate::merge::{ReferenceNames, ValueDiff};
use crate::names::fold;
use crate::outbox;
use crate::outbox::DeliveryState;
use crate::sync::conflicts::load::{Baselines, load_baselines};
use crate::sync::conflicts::{EventWithBaseline, FieldConflict, configured_winner, merge};
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::{LocalCandidate, LocalRecord, MatchKey, RemoteCandidate, RemoteRecord, match_records};
use crate::sync::plan::{RowChange, SyncPlan};
use crate::sync::remote;
use crate::sync::report::findings::{RecordError, SkippedRecord};
use crate::tutorials;
use crate::tutorials::store::PlacesUpdate;
use crate::tutorials::{Availability, EVENT};

/// The sync of events.
pub(crate) struct Events;

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

impl EntitySync for Events {
    const ENTITY: Entity = Entity::Events;
    type Row = Row;
    type Remote = (Vec<administrate::Event>, Vec<UnreadableEvent>);
    type Local = LocalEvents;

    async fn prepare(db: &mut PgConnection, context: &mut SyncContext) -> Result<()> {
        context.fetch_started_at = Some(bridges::now(db).await?);
        Ok(())
    }

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        Ok(client.readable_events().await?)
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        let availabilities = tutorials::store::availabilities(db, None).await?;
        let baseline = places::load_places_baselines(db, RowFilter::All).await?;
        Ok(with_availability(bridges::rows(db, RowFilter::All).await?, &availabilities, &baseline))
    }

    async fn local_records(db: &mut PgConnection, context: &SyncContext) -> Result<Self::Local> {
        let references = bridges::known_ids(db).await?;
        let events = load_events(db, None, references, &context.time_zone).await?;
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
        let (readable, unreadable) = remote;
        plan_fetched(local, readable, unreadable, rows, overrides)
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        bridges::upsert_rows(db, &rows.iter().map(|row| &row.bridge).collect::<Vec<_>>()).await?;
        places::write(db, rows).await?;
        Self::complete(db, rows).await
    }

    async fn complete(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
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
            let (tutorial_event_id, after) = (linked.link()?, linked.availability_before?);
            Some(PlacesUpdate { tutorial_event_id, before: None, after }).filter(|_| !stays_linked)
        });
        tutorials::store::set_available_places(db, &unlinked.collect::<Vec<_>>()).await?;
        Ok(())
    }
}

/// Loads the local events with these ids, or all, without their baselines. `references` are the known external ids.
pub(crate) async fn load_events(
    db: &mut PgConnection,
    ids: Option<&[i64]>,
    references: HashSet<String>,
    time_zone: &TimeZone,
) -> Result<LocalEvents> {
    Ok(LocalEvents {
        availabilities: tutorials::store::availabilities(db, ids).await?,
        undelivered: outbox::undelivered_subjects(db, EVENT, ids).await?.into_iter().collect(),
        references,
        time_zone: time_zone.clone(),
        baselines: HashMap::new(),
        reference_names: None,
        winners: BTreeMap::new(),
    })
}

/// Plans the rows of events. Each is linked with the local one whose code is its title.
pub fn plan(
    local: &LocalEvents,
    remote: Vec<administrate::Event>,
    rows: &[Row],
    overrides: &MatchOverrides,
) -> SyncPlan<Row> {
    plan_fetched(local, remote, Vec::new(), rows, overrides)
}

/// Plans as [`plan`] does. An event that cannot be read is matched like the others, but its row stays as it is.
fn plan_fetched(
    local: &LocalEvents,
    remote: Vec<administrate::Event>,
    unreadable: Vec<UnreadableEvent>,
    rows: &[Row],
    overrides: &MatchOverrides,
) -> SyncPlan<Row> {
    let unreadable_candidate = |event: &UnreadableEvent| RemoteCandidate {
        record: RemoteRecord::new(event.id.as_str(), &event.title),
        key: MatchKey::of(&event.title),
    };
    let candidates = remote.iter().map(remote_candidate).chain(unreadable.iter().map(unreadable_candidate)).collect();
    let mut matches = match_records(local_candidates(&local.availabilities), candidates, rows, overrides);
    let stored: HashMap<&str, &Row> = rows.iter().map(|row| (row.external_id(), row)).collect();
    let by_id: HashMap<i64, &Availability> = local.availabilities.iter().map(|event| (event.id, event)).collect();
    let links = std::mem::take(&mut matches.links);
    let ambiguous: HashSet<String> =
        matches.ambiguous.iter().flat_map(|one| &one.remote).map(|record| record.external_id.clone()).collect();
    let ignored = std::mem::take(&mut matches.ignored);
    let mut plan = SyncPlan::between(Entity::Events, Vec::new(), &[], matches);
    plan.fetched = remote.len() + unreadable.len();
    let mut seen: HashSet<String> = unreadable.iter().map(|event| event.id.to_string()).collect();
    plan.findings.errors.extend(unreadable.into_iter().map(unreadable_error));
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
        if ambiguous.contains(&event.external_id) && link.is_none() && before.is_some() {
            plan.unchanged.push(event.external_id);
        } else if let Some(state) = local_ids.find_map(|id| local.undelivered.get(&id)) {
            compare_values(&mut plan, local, &remote_event, link, false);
            leave_to_delivery(&mut plan, event, *state);
        } else if ignored.contains(&event.external_id) && before.is_none() {
            plan.findings.skipped.push(SkippedRecord::ignored(&event.external_id, event.title));
        } else {
            let name = event.title.clone();
            let zone = remote_event.zone(&local.time_zone);
            let mut row = desired_row(event, link, before, local, &zone, &known_sessions);
            compare_values(&mut plan, local, &remote_event, link, true);
            if let Some(availability) = link {
                complete_linked(&mut plan, &mut row, before, (local, availability), &remote_event);
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

/// Merges the places of a linked event into its row, and reports its sessions without a match.
fn complete_linked(
    plan: &mut SyncPlan<Row>,
    row: &mut Row,
    before: Option<&Row>,
    (local, availability): (&LocalEvents, &Availability),
    remote_event: &administrate::Event,
) {
    let (winner, remote) = (places::configured_winner(&local.winners), places::reported(remote_event));
    if let Some(conflict) = places::merge_into(row, before, availability, remote, winner) {
        places::report(plan, row.external_id(), &availability.code, conflict, winner);
    }
    let stored_sessions = before.map_or(&[][..], |row| &row.bridge.sessions);
    plan.findings.differences.extend(sessions::unlinked_sessions(
        remote_event.id.as_str(),
        availability,
        &row.bridge.sessions,
        stored_sessions,
    ));
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
/// Settings resolve conflicts only if `may_resolve` is true. Of an event without a baseline, such as an adopted one, only
/// the title is compared: nothing says which side has changed the other values.
fn compare_values(
    plan: &mut SyncPlan<Row>,
    local: &LocalEvents,
    remote_event: &administrate::Event,
    link: Option<&Availability>,
    may_resolve: bool,
) {
    let Some(link) = link else { return };
    let event = local.baselines.get(&link.id);
    let event = event.filter(|event| event.baseline.external_id == remote_event.id.as_str());
    let Some((event, reference_names)) = event.zip(local.reference_names.as_ref()) else {
        plan.findings.differences.extend(other_title(link, remote_event));
        return;
    };
    let error = |message| RecordError { external_id: Some(remote_event.id.to_string()), message };
    if let Some(reason) = &event.baseline.unreadable {
        plan.findings.errors.push(error(format!("{}: {reason}", event.known.event.code)));
        return;
    }
    let winner = |difference: &ValueDiff| match may_resolve {
        true => configured_winner(&local.winners, difference),
        false => None,
    };
    let outcome = merge(event, remote_event, reference_names, winner);
    let findings = &mut plan.findings;
    findings.conflicts.extend(outcome.conflicts);
    findings.differences.extend(outcome.differences);
    findings.errors.extend(outcome.errors.into_iter().map(error));
    plan.resolutions.extend(outcome.resolution);
}

/// Returns the difference between the code of a linked event and its title; none if they are equal as names.
fn other_title(link: &Availability, remote_event: &administrate::Event) -> Option<FieldConflict> {
    (fold(&link.code) != fold(&remote_event.title))
        .then(|| FieldConflict::of_title(remote_event.id.as_str(), &link.code, &remote_event.title))
}

fn unreadable_error(event: UnreadableEvent) -> RecordError {
    let name = if event.title.is_empty() { event.id.as_str() } else { &event.title };
    let message = format!("{name}: it cannot be read ({}): correct it in Administrate", event.reason);
    RecordError { external_id: Some(event.id.to_string()), message }
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
            lifecycle_state: match (event.lifecycle, stored.and_then(|row| row.lifecycle_state.as_ref())) {
                // An adopted database may have another spelling.
                (Some(state), Some(stored)) if state.eq_ignore_ascii_case(stored) => Some(stored.clone()),
                (state, _) => state.map(|state| state.to_uppercase()),
            },
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
        // Merged by the caller.
        places: before.map(|row| row.places).unwrap_or_default(),
        places_baseline: before.and_then(|row| row.places_baseline),
        availability_before: None,
    };
    row.set_link(link.map(|event| event.id));
    if let Some(availability) = link {
        sessions::link_sessions(&mut row.bridge.sessions, &availability.sessions, zone);
        sessions::number_days(&mut row.bridge.sessions, &availability.sessions);
    }
    row
}
