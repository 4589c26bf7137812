//! Events that are known here, matched by title, and what Administrate says of them: lifecycle, dates, sessions, and how
//! many places are left.
//!
//! An event that nobody here knows, or that could be several of ours, gets a row without a link and without sessions; one
//! whose delivery is not done is left to delivery. A link once made holds when the title changes there; two events of one
//! title are ambiguous even where one of them is linked. Which session is which: `sessions`.

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
use crate::names::fold;
use crate::outbox;
use crate::outbox::DeliveryState;
use crate::sync::conflicts::load::{Baselines, load_baselines};
use crate::sync::conflicts::{EventWithBaseline, configured_winner, merge};
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::{
    Ambiguity, LocalCandidate, LocalRecord, MatchKey, MatchResult, RemoteCandidate, RemoteRecord, match_records,
};
use crate::sync::plan::{RowChange, SyncPlan};
use crate::sync::remote;
use crate::sync::report::findings::{RecordError, SkippedRecord};
use crate::tutorials;
use crate::tutorials::{Availability, EVENT, PlacesChange};

/// Events on the way of every entity.
pub(crate) struct Events;

/// The row of an event and, where it is linked, how bookable ours is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// The bridge row.
    #[serde(flatten)]
    pub bridge: EventLinkRow,
    /// Plan items towards `acted.tutorial_events`.
    #[serde(flatten)]
    pub places: PlacesChange,
    /// How bookable ours was before it was linked: what a plan that links it rests on, and what taking that back restores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood: Option<PlacesChange>,
}

impl PartialEq for Row {
    /// What stands; how it came to be is no part of it.
    fn eq(&self, other: &Self) -> bool {
        self.bridge == other.bridge && self.places == other.places
    }
}

/// Our side of events.
#[derive(Debug)]
pub struct LocalEvents {
    /// The events.
    pub offers: Vec<Availability>,
    /// Those whose delivery is not done, by our ids, and how far it has come.
    pub undelivered: HashMap<i64, DeliveryState>,
    /// Administrate's ids of everything that a row may refer to.
    pub references: HashSet<String>,
    /// In which times are told that name no zone.
    pub time_zone: TimeZone,
    /// Those that both sides have agreed about, by our ids; none where nothing is to be compared.
    pub held: HashMap<i64, EventWithBaseline>,
    /// The names under which both sides know what those refer to.
    pub directory: Option<ReferenceNames>,
    /// Whose value of a field holds that both sides have changed.
    pub winners: BTreeMap<String, ConflictPolicy>,
}

impl Row {
    /// What Administrate said of it, for whoever is told of the next change.
    fn seen(&self) -> LastSeen {
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

    fn set_link(&mut self, ours: Option<i64>) {
        if self.bridge.tutorial_event_id != ours {
            self.bridge.unlink();
            self.bridge.tutorial_event_id = ours;
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

    async fn prepare(db: &mut PgConnection, ground: &mut SyncContext) -> Result<()> {
        ground.asked_at = Some(bridges::now(db).await?);
        Ok(())
    }

    async fn fetch(client: &Client, _ground: &SyncContext) -> Result<Self::Remote> {
        Ok(client.events().await?)
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        let offers = tutorials::store::availabilities(db, None).await?;
        Ok(with_availability(bridges::rows(db, RowFilter::All).await?, &offers))
    }

    async fn local_records(db: &mut PgConnection, ground: &SyncContext) -> Result<Self::Local> {
        let known = known(db, None, &ground.time_zone).await?;
        let ids: Vec<i64> = known.offers.iter().map(|offer| offer.id).collect();
        let Baselines { held, directory } = load_baselines(db, ground, &ids).await?;
        Ok(LocalEvents { held, directory, winners: ground.winners.clone(), ..known })
    }

    fn plan(
        ours: &Self::Local,
        theirs: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(ours, theirs, rows, overrides)
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        bridges::upsert_rows(db, &rows.iter().map(|row| &row.bridge).collect::<Vec<_>>()).await?;
        let places = rows.iter().filter_map(|row| Some((row.link()?, row.places)));
        tutorials::store::set_available_places(db, &places.collect::<Vec<_>>()).await?;
        let linked = rows.iter().filter(|row| row.link().is_some());
        bridges::record_last_seen(db, linked.map(|row| (row.external_id(), row.seen()))).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        bridges::delete_rows(db, &ids(rows)).await
    }

    async fn undo_side_effects(db: &mut PgConnection, inverse: &[RowChange<Self::Row>]) -> Result<()> {
        let unlinked = inverse.iter().filter_map(|change| {
            let linked = change.before.as_ref()?;
            let stays = change.after.as_ref().is_some_and(|after| after.link() == linked.link());
            Some((linked.link()?, linked.stood?)).filter(|_| !stays)
        });
        tutorials::store::set_available_places(db, &unlinked.collect::<Vec<_>>()).await
    }
}

pub(crate) async fn known(db: &mut PgConnection, ids: Option<&[i64]>, time_zone: &TimeZone) -> Result<LocalEvents> {
    Ok(LocalEvents {
        offers: tutorials::store::availabilities(db, ids).await?,
        undelivered: outbox::undelivered_subjects(db, EVENT).await?.into_iter().collect(),
        references: bridges::known_ids(db).await?,
        time_zone: time_zone.clone(),
        held: HashMap::new(),
        directory: None,
        winners: BTreeMap::new(),
    })
}

/// The rows beside how bookable ours are.
pub(crate) fn with_availability(rows: Vec<EventLinkRow>, offers: &[Availability]) -> Vec<Row> {
    let offers: HashMap<i64, &Availability> = offers.iter().map(|offer| (offer.id, offer)).collect();
    let row = |bridge: EventLinkRow| {
        let ours = bridge.tutorial_event_id.and_then(|id| offers.get(&id));
        Row { bridge, places: ours.map(stood).unwrap_or_default(), stood: None }
    };
    rows.into_iter().map(row).collect()
}

/// How bookable ours is.
fn stood(offer: &&Availability) -> PlacesChange {
    PlacesChange { is_soldout: Some(offer.is_soldout), remain_space: Some(offer.remain_space) }
}

/// Links each event of theirs with the one of ours that has its title as code.
pub fn plan(
    ours: &LocalEvents,
    theirs: Vec<administrate::Event>,
    rows: &[Row],
    overrides: &MatchOverrides,
) -> SyncPlan<Row> {
    let mut pairing = match_records(candidates(&ours.offers), theirs.iter().map(counterpart).collect(), overrides);
    let standing: HashMap<&str, &Row> = rows.iter().map(|row| (row.external_id(), row)).collect();
    let offers: HashMap<i64, &Availability> = ours.offers.iter().map(|offer| (offer.id, offer)).collect();
    keep_links(&mut pairing, &standing, &offers, overrides);
    let links = std::mem::take(&mut pairing.links);
    let ambiguous: HashSet<String> =
        pairing.ambiguous.iter().flat_map(|one| &one.remote).map(|record| record.external_id.clone()).collect();
    let ignored = std::mem::take(&mut pairing.ignored);
    let mut plan = SyncPlan::between(Entity::Events, Vec::new(), &[], pairing);
    plan.fetched = theirs.len();
    let mut seen: HashSet<String> = HashSet::new();
    let keeps_sessions = |told: &&administrate::Event| {
        let stands = standing.get(told.id.as_str()).is_some_and(|row| !row.bridge.sessions.is_empty());
        stands || links.contains_key(told.id.as_str())
    };
    let kept: HashSet<String> = theirs.iter().filter(keeps_sessions).flat_map(session_ids).collect();
    for told in theirs {
        let event = remote::event(&told, &ours.time_zone);
        seen.insert(event.external_id.clone());
        let before = standing.get(event.external_id.as_str()).copied();
        let link = links.get(&event.external_id).and_then(|id| offers.get(id)).copied();
        let was_linked = before.and_then(LinkRow::link);
        let mut subjects = link.map(|offer| offer.id).into_iter().chain(was_linked);
        if ambiguous.contains(&event.external_id) && before.is_some() {
            plan.unchanged.push(event.external_id);
        } else if let Some(state) = subjects.find_map(|id| ours.undelivered.get(&id)) {
            compare(&mut plan, ours, &told, link, false);
            leave_to_delivery(&mut plan, event, *state);
        } else if ignored.contains(&event.external_id) && before.is_none() {
            plan.findings.skipped.push(SkippedRecord::ignored(&event.external_id, event.title));
        } else {
            let name = event.title.clone();
            let row = wanted(event, link, before, (ours, &told.zone(&ours.time_zone), &kept));
            compare(&mut plan, ours, &told, link, true);
            if let Some(offer) = link {
                let stand = before.map_or(&[][..], |row| &row.bridge.sessions);
                plan.findings.differences.extend(sessions::unpaired(
                    told.id.as_str(),
                    offer,
                    &row.bridge.sessions,
                    stand,
                ));
            }
            plan.take(name, before, row);
        }
    }
    let is_gone = |row: &&Row| !seen.contains(row.external_id());
    let is_delivery_s = |row: &&Row| row.link().is_some_and(|id| ours.undelivered.contains_key(&id));
    plan.missing_remote = rows.iter().filter(is_gone).filter(|row| !is_delivery_s(row)).cloned().collect();
    plan.release_links(&links.into_values().collect());
    plan
}

fn candidates(offers: &[Availability]) -> Vec<LocalCandidate> {
    let candidate = |offer: &Availability| LocalCandidate {
        record: LocalRecord::new(offer.id, &offer.code),
        key: MatchKey::of(&offer.code),
    };
    offers.iter().map(candidate).collect()
}

fn counterpart(event: &administrate::Event) -> RemoteCandidate {
    RemoteCandidate { record: RemoteRecord::new(event.id.as_str(), &event.title), key: MatchKey::of(&event.title) }
}

fn session_ids(event: &administrate::Event) -> impl Iterator<Item = String> {
    event.sessions.iter().map(|session| session.id.to_string())
}

/// Weighs what both sides hold of an event.
fn compare(
    plan: &mut SyncPlan<Row>,
    ours: &LocalEvents,
    told: &administrate::Event,
    link: Option<&Availability>,
    may_settle: bool,
) {
    let held = link.and_then(|offer| ours.held.get(&offer.id));
    let held = held.filter(|held| held.agreed.external_id == told.id.as_str());
    let Some((held, directory)) = held.zip(ours.directory.as_ref()) else { return };
    let wins = |difference: &ValueDiff| if may_settle { configured_winner(&ours.winners, difference) } else { None };
    let weighed = merge(held, told, directory, wins);
    let findings = &mut plan.findings;
    findings.conflicts.extend(weighed.conflicts);
    findings.differences.extend(weighed.differences);
    let trouble = |message| RecordError { external_id: Some(told.id.to_string()), message };
    findings.errors.extend(weighed.troubles.into_iter().map(trouble));
    plan.settlements.extend(weighed.settlement);
}

/// A link that stands holds where titles alone find nobody; where they find somebody else, a person has to choose.
fn keep_links(
    pairing: &mut MatchResult,
    standing: &HashMap<&str, &Row>,
    offers: &HashMap<i64, &Availability>,
    overrides: &MatchOverrides,
) {
    let linked_to: HashMap<i64, String> = pairing.links.iter().map(|(theirs, ours)| (*ours, theirs.clone())).collect();
    let mut free: HashSet<i64> = pairing.unmatched_local.iter().map(|ours| ours.id).collect();
    for record in std::mem::take(&mut pairing.unmatched_remote) {
        let link = standing.get(record.external_id.as_str()).and_then(|row| row.link());
        let link = link.filter(|ours| !overrides.unlinked.contains(&(*ours, record.external_id.clone())));
        let rival = link.and_then(|ours| linked_to.get(&ours)).filter(|rival| !overrides.linked.contains_key(*rival));
        match (link, rival) {
            (Some(ours), None) if free.remove(&ours) => _ = pairing.links.insert(record.external_id, ours),
            (Some(ours), Some(rival)) => {
                pairing.links.remove(rival);
                pairing.ambiguous.push(contested(ours, rival, record, offers));
            }
            _ => pairing.unmatched_remote.push(record),
        }
    }
    pairing.unmatched_local.retain(|ours| free.contains(&ours.id));
}

/// Ours is linked to a record whose title has changed, and goes by the title of another, its rival.
fn contested(ours: i64, rival: &str, linked: RemoteRecord, offers: &HashMap<i64, &Availability>) -> Ambiguity {
    let code = offers.get(&ours).map_or("", |offer| offer.code.as_str());
    let remote = vec![RemoteRecord::new(rival, code), linked];
    Ambiguity { key: fold(code), local: vec![LocalRecord::new(ours, code)], remote }
}

/// What is on its way is not overtaken; what waits for a person is told as what it is.
fn leave_to_delivery(plan: &mut SyncPlan<Row>, event: remote::FetchedEvent, state: DeliveryState) {
    let remote::FetchedEvent { external_id, title: name, .. } = event;
    match state {
        DeliveryState::Failed | DeliveryState::Unknown => {
            let message = format!(
                "{name}: its delivery waits for a person, and nothing of it is taken over: see `lectern outbox`"
            );
            plan.findings.errors.push(RecordError { external_id: Some(external_id), message });
        }
        DeliveryState::Pending | DeliveryState::Delivered => {
            let reason = "it is on its way to Administrate: see `lectern outbox`".into();
            plan.findings.skipped.push(SkippedRecord { external_id, name, reason });
        }
    }
}

/// The row as Administrate asks for it.
fn wanted(
    event: remote::FetchedEvent,
    link: Option<&Availability>,
    before: Option<&Row>,
    (ours, zone, kept): (&LocalEvents, &TimeZone, &HashSet<String>),
) -> Row {
    let known = |id: Option<String>| id.filter(|id| ours.references.contains(id));
    let stands = before.map(|row| &row.bridge);
    let mut row = Row {
        bridge: EventLinkRow {
            cancelled: LifecycleState::of(event.lifecycle.as_deref()).map(|state| state == LifecycleState::Cancelled),
            max_places: event.max_places.and_then(|places| i32::try_from(places).ok()).filter(|places| *places >= 0),
            lms_start_date: event.lms_start,
            lms_end_date: event.lms_end,
            timezone: event.time_zone,
            course_template: known(event.template),
            location: known(event.location),
            // Some tenants' APIs do not show it.
            venue: known(event.venue).or_else(|| stands.and_then(|row| row.venue.clone())),
            primary_instructor: known(event.instructor),
            sold_out: event.is_sold_out,
            // The field writes it so in this column.
            lifecycle_state: event.lifecycle.map(|state| state.to_uppercase()),
            title: Some(event.title),
            sessions: match stands {
                None if link.is_none() => Vec::new(),
                stands => sessions::rows(event.sessions, stands.map_or(&[], |row| &row.sessions), kept),
            },
            tutorial_event_id: before.and_then(LinkRow::link),
            external_id: event.external_id,
        },
        places: PlacesChange::default(),
        stood: None,
    };
    row.set_link(link.map(|offer| offer.id));
    if let Some(offer) = link {
        sessions::pair(&mut row.bridge.sessions, &offer.sessions, zone);
        let left = event.remaining_places.and_then(|places| i32::try_from(places).ok());
        row.places = PlacesChange {
            is_soldout: Some(event.is_sold_out.unwrap_or(offer.is_soldout)),
            remain_space: Some(left.unwrap_or(offer.remain_space)),
        };
        row.stood = Some(stood(&offer)).filter(|_| before.and_then(LinkRow::link) != Some(offer.id));
    }
    row
}
