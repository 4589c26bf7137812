//! Checks before remote values are overwritten that they were not changed, and the event not cancelled, since the baseline.
//!
//! An import shows such conflicts in its plan where it can read Administrate. This check covers what is delivered later,
//! was changed in between, or is known to be cancelled.

use administrate::{Id, Lifecycle};

use super::lifecycle::is_event_cancelled;
use super::{EventDelivery, missing_event};
use crate::bridges::events;
use crate::bridges::events::{Baseline, BaselineKind, EventLink, LastSeen, LifecycleState, PublicationState};
use crate::delivery::DeliveryError;
use crate::merge::desired::{DesiredEvent, DesiredSession, DesiredStaff};
use crate::merge::{EventBaseline, ReferenceNames, ValueDiff, diff_values, load_baselines, load_reference_names};
use crate::outbox::DeliveryStep;
use crate::tutorials::KnownEvent;

impl EventDelivery<'_> {
    /// Fails if a value that would be written was changed in Administrate, or if the event or a session that would be
    /// written was cancelled there. If local values win, cancelled records are reinstated instead.
    pub(crate) async fn check_conflicts(
        &mut self,
        link: &EventLink,
        desired: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        let publication = self.publication_state(link).await?;
        let is_cancelled_by_delivery = publication.state == Some(Lifecycle::Cancelled);
        let local_wins = is_cancelled_by_delivery || self.has_step(DeliveryStep::OverwriteRemote);
        if !local_wins && !self.needs_remote_read(link).await? {
            return Ok(());
        }
        let overwrites = self.has_step(DeliveryStep::OverwriteRemote);
        let writes = self.pending_writes(link, desired, &publication).await?;
        if !is_cancelled_by_delivery && !writes.has_any && !overwrites {
            return Ok(());
        }
        self.check_cancelled()?;
        let Some(remote) = self.worker.client.event(&link.external_id).await? else {
            // Otherwise the next write notices that the event no longer exists in Administrate.
            return if overwrites { Err(missing_event(&link.external_id)) } else { Ok(()) };
        };
        if overwrites {
            self.relink_lost_sessions(link.clone(), &remote).await?;
            self.refresh_baselines(link, &remote).await?;
        }
        if local_wins {
            return self.reinstate(link, &remote, publication).await;
        }
        let cancelled = cancelled_conflict(&remote, &publication, &writes.sessions);
        let conflicts = self.find_conflicts(&remote).await?;
        if cancelled.is_empty() && conflicts.is_empty() {
            return Ok(());
        }
        Err(DeliveryError::Invalid(conflict_message(&cancelled, &conflicts)))
    }

    /// Sets the baselines to what Administrate has, so that the next steps write everything that differs locally.
    ///
    /// People who were added in Administrate are no part of a baseline: they stay.
    async fn refresh_baselines(&self, link: &EventLink, remote: &administrate::Event) -> Result<(), DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let names = load_reference_names(&mut db, &self.worker.config.administrate.labels).await?;
        let names = names.with_sittings(&self.worker.config.sittings);
        drop(db);
        let event: Option<Baseline<administrate::NewEvent>> =
            self.baseline(BaselineKind::Event, &link.external_id).await?;
        if let Some(before) = event.as_ref().and_then(Baseline::certain) {
            let mut now = before.clone();
            names.refresh_event_baseline(remote, &mut now);
            if now != *before {
                self.set_baseline(BaselineKind::Event, &link.external_id, &now).await?;
            }
        }
        let staff: Option<Baseline<DesiredStaff>> = self.baseline(BaselineKind::EventStaff, &link.external_id).await?;
        if let Some(before) = staff.as_ref().and_then(Baseline::certain) {
            let now = before.within(remote);
            if now != *before {
                self.set_baseline(BaselineKind::EventStaff, &link.external_id, &now).await?;
            }
        }
        for session in &remote.sessions {
            let baseline: Option<Baseline<DesiredSession>> = self.baseline(BaselineKind::Session, &session.id).await?;
            let Some(before) = baseline.as_ref().and_then(Baseline::certain) else { continue };
            let mut now = before.clone();
            names.refresh_session_baseline((remote, session), &mut now);
            if now != *before {
                self.set_baseline(BaselineKind::Session, &session.id, &now).await?;
            }
        }
        Ok(())
    }

    /// Returns whether the remote event may differ from the baseline and has not been read for this attempt.
    async fn needs_remote_read(&self, link: &EventLink) -> Result<bool, DeliveryError> {
        let is_unchecked = match self.has_step(DeliveryStep::CompareLater) {
            true => self.item.attempts > 1,
            // Publishing would reinstate an event that was cancelled in Administrate.
            false => self.has_step(DeliveryStep::Publish),
        };
        if is_unchecked || self.has_step(DeliveryStep::Compare) {
            return Ok(true);
        }
        let seen: Option<Baseline<LastSeen>> = self.baseline(BaselineKind::EventSeen, &link.external_id).await?;
        Ok(seen.is_some_and(|seen| seen.values.lifecycle == Some(LifecycleState::Cancelled)))
    }

    /// Returns what the steps would write.
    async fn pending_writes(
        &self,
        link: &EventLink,
        desired: &DesiredEvent,
        publication: &PublicationState,
    ) -> Result<PendingWrites, DeliveryError> {
        let event: Option<Baseline<administrate::NewEvent>> =
            self.baseline(BaselineKind::Event, &link.external_id).await?;
        let staff: Option<Baseline<DesiredStaff>> = self.baseline(BaselineKind::EventStaff, &link.external_id).await?;
        let mut writes = PendingWrites {
            has_any: event.as_ref().and_then(Baseline::certain) != Some(&desired.event)
                || staff
                    .as_ref()
                    .map_or(desired.staff != DesiredStaff::default(), |staff| staff.certain() != Some(&desired.staff)),
            sessions: Vec::new(),
        };
        for (local_id, session) in self.known.session_ids.iter().zip(&desired.sessions) {
            let Some(linked) = link.sessions.iter().find(|link| link.tutorial_session_id == Some(*local_id)) else {
                writes.has_any = true;
                continue;
            };
            let baseline: Option<Baseline<DesiredSession>> =
                self.baseline(BaselineKind::Session, &linked.external_id).await?;
            let is_published = publication.published_sessions.contains(&linked.external_id);
            if baseline.as_ref().and_then(Baseline::certain) != Some(session)
                || self.has_step(DeliveryStep::Publish) && !is_published
            {
                writes.sessions.push(linked.external_id.clone());
            }
        }
        let remote_ids: Vec<Id> = link.sessions.iter().map(|session| session.external_id.clone()).collect();
        writes.has_any |= !writes.sessions.is_empty()
            || self.has_step(DeliveryStep::Publish) && publication.state.is_none()
            || !events::withdrawn(&self.worker.pool, &remote_ids).await?.is_empty();
        Ok(writes)
    }

    /// Returns the values that differ between the local event, the remote event and the baseline.
    async fn find_conflicts(&self, remote: &administrate::Event) -> Result<Vec<ValueDiff>, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let baseline = load_baselines(&mut db, &[self.known.id], None).await?.remove(&self.known.id);
        let Some(baseline) = baseline else { return Ok(Vec::new()) };
        if let Some(reason) = baseline.unreadable {
            return Err(DeliveryError::Invalid(reason));
        }
        let names = load_reference_names(&mut db, &self.worker.config.administrate.labels).await?;
        let names = names.with_sittings(&self.worker.config.sittings);
        Ok(conflicts(&names, self.known, &baseline, remote))
    }
}

/// What the delivery of an event would write.
struct PendingWrites {
    has_any: bool,
    /// Remote ids of the sessions that would be written.
    sessions: Vec<Id>,
}

/// Describes what is cancelled in Administrate although it takes place locally, with both states.
fn cancelled_conflict(remote: &administrate::Event, publication: &PublicationState, sessions: &[Id]) -> Vec<String> {
    if is_event_cancelled(remote) {
        let local = if publication.state.is_some() { "published" } else { "not cancelled" };
        return vec![format!("state: {local} locally; Administrate has cancelled")];
    }
    let sessions = remote.sessions.iter().filter(|session| sessions.contains(&session.id));
    let cancelled =
        sessions.filter(|session| LifecycleState::of(session.lifecycle.as_deref()) == Some(LifecycleState::Cancelled));
    cancelled.map(|s| format!("state of \"{}\": not cancelled locally; Administrate has cancelled", s.title)).collect()
}

fn conflicts(
    names: &ReferenceNames,
    known: &KnownEvent,
    baseline: &EventBaseline,
    remote: &administrate::Event,
) -> Vec<ValueDiff> {
    let mut found = Vec::new();
    if let Some(event) = &baseline.event {
        let values = names.remote_event(remote, event);
        found.extend(diff_values(None, &names.event(&known.event), &names.baseline_event(event), &values));
    }
    for session in &known.event.sessions {
        let Some((id, before)) = baseline.sessions.get(&session.sequence) else { continue };
        let Some(remote_session) = remote.sessions.iter().find(|session| session.id == *id) else { continue };
        let remote_values = names.remote_session((remote, remote_session), before);
        let local_values = names.session((&known.event, session));
        let before = names.baseline_session(before);
        found.extend(diff_values(Some(session.sequence), &local_values, &before, &remote_values));
    }
    found.retain(ValueDiff::is_conflict);
    found
}

fn conflict_message(cancelled: &[String], conflicts: &[ValueDiff]) -> String {
    let found: Vec<String> = cancelled.iter().cloned().chain(conflicts.iter().map(describe)).collect();
    let advice = match (cancelled.is_empty(), conflicts.is_empty()) {
        (true, _) => {
            "`lectern sync decide events` decides value by value, `lectern import --ours` writes the local values"
        }
        (false, true) => "cancel it in the timetable too, or reinstate it in Administrate with `lectern import --ours`",
        (false, false) => {
            "cancel it in the timetable too, or reinstate it and write the local values with `lectern import --ours`"
        }
    };
    let found = found.join("; ");
    format!("changed in Administrate since both sides last agreed, so nothing was written ({found}): {advice}")
}

fn describe(diff: &ValueDiff) -> String {
    let display = |value: &str| if value.is_empty() { "nothing".to_owned() } else { value.to_owned() };
    let (before, local, remote) = (display(&diff.baseline), display(&diff.local), display(&diff.remote));
    format!("{}: {before} → {local}; Administrate has {remote}", diff.field)
}
