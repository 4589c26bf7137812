//! Resolves one field of one event as the user requests, with the event's current values in Administrate.

use administrate::{Client, Id};
use sqlx::{PgConnection, PgPool};

use super::{FieldConflict, Resolution, ResolvedField, Winner, is_same_field, load, matches_field_name, merge};
use crate::bridges::events as bridges;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::history::{self, Interface};
use crate::merge::ValueDiff;
use crate::merge::places::REMAINING_PLACES;
use crate::names::{fold, tidy};
use crate::outbox;
use crate::outbox::{DeliveryState, DeliveryStep};
use crate::runs;
use crate::sync::apply::apply;
use crate::sync::entities::events::single::decide_places;
use crate::sync::entities::events::{Events, Row};
use crate::sync::entity::Entity;
use crate::sync::entity_sync::SyncContext;
use crate::sync::matching::MatchResult;
use crate::sync::plan::SyncPlan;
use crate::sync::report::Report;
use crate::sync::undo::journal::UndoJournalRef;
use crate::tutorials;
use crate::tutorials::reference::Named;
use crate::tutorials::{EVENT, Event};

/// Most characters of an event's code.
const MAX_CODE: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRequest {
    /// The local event.
    pub event: Named,
    /// The field as a report names it.
    pub field: String,
    pub wins: Winner,
    /// The values that the user saw; other values are not resolved.
    pub shown: Option<FieldConflict>,
    /// Who is named in the history; none: the user of the command.
    pub actor: Option<String>,
}

/// Resolves a conflict or a difference in a run of its own and returns its report.
///
/// # Errors
/// [`Error::Usage`] where both sides have the same value or the event is not linked; [`Error::NeedsAttention`] where
/// the event is being delivered or the values are not those that the user saw.
pub async fn resolve(pool: &PgPool, client: &Client, config: &Config, request: &ResolveRequest) -> Result<Report> {
    let mut db = pool.acquire().await?;
    let (event_id, code) = (request.event.id, &request.event.name);
    let link = bridges::link_of(&mut db, event_id).await?;
    let link = link.ok_or_else(|| {
        Error::Usage(format!("{code} is not linked to an event in Administrate: run `lectern sync events` first"))
    })?;
    let context = SyncContext { fetch_started_at: Some(bridges::now(&mut db).await?), ..SyncContext::of(config) };
    drop(db);
    let remote = client.event(&Id::new(link.external_id.as_str())).await?;
    let remote = remote.ok_or_else(|| Error::Failed(format!("Administrate no longer has {code}")))?;
    let mut tx = pool.begin().await?;
    history::sign_run(&mut tx, None, Interface::Sync).await?;
    if let Some(actor) = &request.actor {
        history::sign(&mut tx, actor, Interface::Sync).await?;
    }
    // A delivery that a conflict stopped has failed: no worker continues it until it is requested again.
    let undelivered = outbox::undelivered_state(&mut tx, EVENT, event_id).await?;
    if undelivered.is_some_and(|state| state != DeliveryState::Failed) {
        return Err(Error::NeedsAttention(format!("{code} is being delivered to Administrate: see `lectern outbox`")));
    }
    let plan = match is_same_field(REMAINING_PLACES, &request.field) {
        true => places_plan(&mut tx, &remote, request).await?,
        false => values_plan(&mut tx, &context, &remote, request).await?,
    };
    let run = runs::begin(&mut tx, runs::RunKind::Sync, Entity::Events.name()).await?;
    apply::<Events>(&mut tx, &plan, Some(run)).await?;
    if undelivered.is_some() {
        tutorials::request_steps(&mut tx, Some(run), &[(event_id, code.clone())], &[DeliveryStep::Compare]).await?;
    }
    runs::save_journal(&mut tx, run, &UndoJournalRef::of(&plan)).await?;
    let report = Report::of(&plan, Some(run), false);
    runs::finish(&mut tx, run, report.exit(), &report).await?;
    tx.commit().await?;
    Ok(report)
}

/// Plans the resolution of remaining places that were sold on both sides.
async fn places_plan(
    db: &mut PgConnection,
    remote: &administrate::Event,
    request: &ResolveRequest,
) -> Result<SyncPlan<Row>> {
    let plan = decide_places(db, remote, request.event.id, request.wins).await?;
    let shown = plan.findings.resolved_places.first();
    let shown = shown.ok_or_else(|| no_difference(&request.event.name, &request.field, &[]))?;
    check_shown(request, std::slice::from_ref(shown))?;
    Ok(plan)
}

/// Plans the resolution of a field of the event or of one of its sessions.
async fn values_plan(
    db: &mut PgConnection,
    context: &SyncContext,
    remote: &administrate::Event,
    request: &ResolveRequest,
) -> Result<SyncPlan<Row>> {
    let (event_id, code) = (request.event.id, &request.event.name);
    let baselines = load::load_baselines(db, context, &[event_id]).await?;
    let Some((local, names)) = baselines.events.get(&event_id).zip(baselines.names.as_ref()) else {
        return title_plan(db, remote, request).await;
    };
    if let Some(reason) = &local.baseline.unreadable {
        return Err(Error::Failed(format!("{code}: {reason}")));
    }
    let winner_of =
        |difference: &ValueDiff| matches_field_name(difference.field, &request.field).then_some(request.wins);
    let outcome = merge(local, remote, names, winner_of);
    if let Some(reason) = outcome.errors.into_iter().next() {
        return Err(Error::NeedsAttention(reason));
    }
    let open: Vec<FieldConflict> = outcome.conflicts.into_iter().chain(outcome.differences).collect();
    let resolution = outcome.resolution.ok_or_else(|| no_difference(code, &request.field, &open))?;
    check_shown(request, &resolution.fields)?;
    let mut plan = SyncPlan::between(Entity::Events, Vec::new(), &[], MatchResult::default());
    plan.fetched = 1;
    plan.resolutions.push(resolution);
    Ok(plan)
}

/// Plans to give a linked event without baseline, such as an adopted one, its title in Administrate as code.
async fn title_plan(
    db: &mut PgConnection,
    remote: &administrate::Event,
    request: &ResolveRequest,
) -> Result<SyncPlan<Row>> {
    let (event_id, code) = (request.event.id, &request.event.name);
    let title = tidy(&remote.title);
    let conflict = FieldConflict::of_title(remote.id.as_str(), code, &title);
    if !is_same_field(&conflict.field, &request.field) {
        let message = "was never exchanged with Administrate, so only its title can be decided";
        return Err(Error::Usage(format!("{code} {message}: {} is not compared", request.field)));
    }
    if fold(code) == fold(&title) {
        return Err(no_difference(code, &request.field, &[]));
    }
    if request.wins == Winner::Local {
        let message = "was never exchanged with Administrate, so its title is not sent: rename the event there";
        return Err(Error::Usage(format!("{code} {message}, or leave both as they are")));
    }
    if title.is_empty() || title.chars().count() > MAX_CODE {
        let message = format!("the title in Administrate has to have 1 to {MAX_CODE} characters to become its code");
        return Err(Error::NeedsAttention(format!("{code}: {message}")));
    }
    let others = tutorials::store::event_codes(db).await?;
    if let Some(other) = others.iter().find(|other| other.id != event_id && fold(&other.name) == fold(&title)) {
        let message = format!("another event has the code {} already: rename one of them", other.name);
        return Err(Error::NeedsAttention(format!("{code}: {message}")));
    }
    let event = tutorials::store::events_by_id(db, &[event_id]).await?.into_iter().next();
    let before = event.ok_or_else(|| Error::Usage(format!("{code} no longer exists")))?.event;
    let mut plan = SyncPlan::between(Entity::Events, Vec::new(), &[], MatchResult::default());
    plan.fetched = 1;
    plan.resolutions.push(Resolution {
        external_id: remote.id.to_string(),
        id: event_id,
        fields: vec![ResolvedField { conflict, wins: request.wins }],
        after: Event { code: title, ..before.clone() },
        before,
        baselines: Vec::new(),
    });
    check_shown(request, &plan.resolutions[0].fields)?;
    Ok(plan)
}

/// Checks that the values are those that the user saw.
fn check_shown(request: &ResolveRequest, fields: &[ResolvedField]) -> Result<()> {
    let is_other = |shown: &FieldConflict| fields.iter().any(|field| field.conflict != *shown);
    if request.shown.as_ref().is_some_and(is_other) {
        let code = &request.event.name;
        return Err(Error::NeedsAttention(format!("{code} has changed meanwhile: run `lectern sync events` again")));
    }
    Ok(())
}

fn no_difference(code: &str, field: &str, open: &[FieldConflict]) -> Error {
    let fields: Vec<String> = open.iter().map(|conflict| format!("\"{}\"", conflict.field)).collect();
    let fields = if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    Error::Usage(format!("\"{field}\" of {code} has the same value on both sides; fields that differ: {fields}"))
}
