//! Before values are written over those in Administrate: whether somebody changed them there, or cancelled the event,
//! since both sides last agreed.
//!
//! An import shows the same in its plan (`timetable_import::planning::conflicts`) where it can look; this is the last look,
//! for what is delivered later, was changed there in between, or is known to be cancelled.

use administrate::{Id, Lifecycle};

use super::EventDelivery;
use crate::bridges::events;
use crate::bridges::events::{Baseline, BaselineKind, EventLink, LastSeen, LifecycleState, PublicationState};
use crate::delivery::{DeliveryError, is_called_off, store};
use crate::merge::desired::{DesiredEvent, DesiredSession, DesiredStaff};
use crate::merge::{EventBaseline, ReferenceNames, ValueDiff, diff_values, load_baselines};
use crate::tutorials::{COMPARE, COMPARE_LATER, KnownEvent, OVERWRITE_REMOTE, PUBLISH};

impl EventDelivery<'_> {
    /// Ends the errand where a value that is to be written was changed in Administrate, or the event or a session that is
    /// to be written was cancelled there, unless ours are to win: then what was cancelled is taken up again.
    pub(crate) async fn check_conflicts(
        &mut self,
        link: &EventLink,
        wanted: &DesiredEvent,
    ) -> Result<(), DeliveryError> {
        let standing = self.publication_state(link).await?;
        let by_us = standing.state == Some(Lifecycle::Cancelled);
        let ours_win = by_us || self.has_option(OVERWRITE_REMOTE);
        if !ours_win && !self.needs_remote_read(link).await? {
            return Ok(());
        }
        let writes = self.pending_writes(link, wanted, &standing).await?;
        if !by_us && !writes.anything {
            return Ok(());
        }
        self.check_cancelled()?;
        // One that is gone there is noticed by whatever is written.
        let Some(there) = self.worker.client.event(&link.external_id).await? else { return Ok(()) };
        if ours_win {
            return self.reinstate(link, &there, standing).await;
        }
        let called_off = cancelled_conflict(&there, &standing, &writes.sessions);
        let conflicts = self.find_conflicts(&there).await?;
        if called_off.is_empty() && conflicts.is_empty() {
            return Ok(());
        }
        Err(DeliveryError::Invalid(evidence(&called_off, &conflicts)))
    }

    /// Whether what stands there may be other than was agreed, and nobody has looked.
    async fn needs_remote_read(&self, link: &EventLink) -> Result<bool, DeliveryError> {
        let nobody_looked = match self.has_option(COMPARE_LATER) {
            true => self.item.attempts > 1,
            // What is published later than it was made is looked at, too: publishing would take up what was cancelled.
            false => self.has_option(PUBLISH),
        };
        if nobody_looked || self.has_option(COMPARE) {
            return Ok(true);
        }
        let seen: Option<Baseline<LastSeen>> = self.baseline(BaselineKind::EventSeen, &link.external_id).await?;
        Ok(seen.is_some_and(|seen| seen.values.lifecycle == Some(LifecycleState::Cancelled)))
    }

    /// What the steps would write.
    async fn pending_writes(
        &self,
        link: &EventLink,
        wanted: &DesiredEvent,
        standing: &PublicationState,
    ) -> Result<PendingWrites, DeliveryError> {
        let event: Option<Baseline<administrate::NewEvent>> =
            self.baseline(BaselineKind::Event, &link.external_id).await?;
        let staff: Option<Baseline<DesiredStaff>> = self.baseline(BaselineKind::EventStaff, &link.external_id).await?;
        let mut writes = PendingWrites {
            anything: event.as_ref().and_then(Baseline::certain) != Some(&wanted.event)
                || staff
                    .as_ref()
                    .map_or(wanted.staff != DesiredStaff::default(), |staff| staff.certain() != Some(&wanted.staff)),
            sessions: Vec::new(),
        };
        for (ours, session) in self.known.session_ids.iter().zip(&wanted.sessions) {
            let Some(linked) = link.sessions.iter().find(|link| link.tutorial_session_id == Some(*ours)) else {
                writes.anything = true;
                continue;
            };
            let agreed: Option<Baseline<DesiredSession>> =
                self.baseline(BaselineKind::Session, &linked.external_id).await?;
            let is_published = standing.published_sessions.contains(&linked.external_id);
            if agreed.as_ref().and_then(Baseline::certain) != Some(session) || self.has_option(PUBLISH) && !is_published
            {
                writes.sessions.push(linked.external_id.clone());
            }
        }
        let theirs: Vec<Id> = link.sessions.iter().map(|session| session.external_id.clone()).collect();
        writes.anything |= !writes.sessions.is_empty()
            || self.has_option(PUBLISH) && standing.state.is_none()
            || !events::withdrawn(&self.worker.pool, &theirs).await?.is_empty();
        Ok(writes)
    }

    /// The values that differ on all three sides.
    async fn find_conflicts(&self, there: &administrate::Event) -> Result<Vec<ValueDiff>, DeliveryError> {
        let mut db = self.worker.pool.acquire().await?;
        let agreed = load_baselines(&mut db, &[self.known.id], None).await?.remove(&self.known.id);
        let Some(agreed) = agreed else { return Ok(Vec::new()) };
        let directory = store::directory(&mut db, &self.worker.config.administrate.labels).await?;
        Ok(conflicts(&directory, self.known, &agreed, there))
    }
}

/// What would be written of an event.
struct PendingWrites {
    anything: bool,
    /// Administrate's ids of its sessions among it.
    sessions: Vec<Id>,
}

/// What of an event that takes place here is cancelled there, in words, with both states.
fn cancelled_conflict(there: &administrate::Event, standing: &PublicationState, sessions: &[Id]) -> Vec<String> {
    if is_called_off(there) {
        let ours = if standing.state.is_some() { "published" } else { "not cancelled" };
        return vec![format!("state: {ours} here; Administrate has cancelled")];
    }
    let sessions = there.sessions.iter().filter(|session| sessions.contains(&session.id));
    let cancelled =
        sessions.filter(|session| LifecycleState::of(session.lifecycle.as_deref()) == Some(LifecycleState::Cancelled));
    cancelled.map(|s| format!("state of \"{}\": not cancelled here; Administrate has cancelled", s.title)).collect()
}

/// The values that differ on all three sides.
fn conflicts(
    said: &ReferenceNames,
    known: &KnownEvent,
    agreed: &EventBaseline,
    theirs: &administrate::Event,
) -> Vec<ValueDiff> {
    let mut found = Vec::new();
    if let Some(of) = &agreed.event {
        let theirs = said.remote_event(theirs, of);
        found.extend(diff_values(None, &said.event(&known.event), &said.baseline_event(of), &theirs));
    }
    for session in &known.event.sessions {
        let Some((id, of)) = agreed.sessions.get(&session.sequence) else { continue };
        let Some(there) = theirs.sessions.iter().find(|there| there.id == *id) else { continue };
        let there = said.remote_session((theirs, there), of);
        let ours = said.session((&known.event, session));
        found.extend(diff_values(Some(session.sequence), &ours, &said.baseline_session(of), &there));
    }
    found.retain(ValueDiff::is_conflict);
    found
}

fn evidence(called_off: &[String], conflicts: &[ValueDiff]) -> String {
    let found: Vec<String> = called_off.iter().cloned().chain(conflicts.iter().map(told)).collect();
    let decide = match (called_off.is_empty(), conflicts.is_empty()) {
        (true, _) => "`lectern sync decide events` decides value by value, `lectern import --ours` writes ours",
        (false, true) => "cancel it in the timetable too, or take it up again there with `lectern import --ours`",
        (false, false) => {
            "cancel it in the timetable too, or take it up again there and write ours with `lectern import --ours`"
        }
    };
    let found = found.join("; ");
    format!("changed in Administrate since both sides last agreed, so nothing was written ({found}): {decide}")
}

fn told(ValueDiff { field, ours, theirs, agreed }: &ValueDiff) -> String {
    let shown = |value: &str| if value.is_empty() { "nothing".to_owned() } else { value.to_owned() };
    format!("{field}: {} → {}; Administrate has {}", shown(agreed), shown(ours), shown(theirs))
}
