//! Field values of linked events that differ between both sides: a three-way merge with the baseline.
//!
//! A value changed only in Administrate is a difference; a value changed on both sides is a conflict. Both are reported
//! until a setting or a user resolves them. A resolution makes Administrate's value the baseline. If the remote value
//! wins, it is written locally in the same transaction; if the local value wins, the outbox sends it.
//!
//! This module is pure. [`load`] reads baselines, [`apply`] writes resolutions, [`resolve`] resolves one field.

pub mod apply;
pub mod cli;
pub mod load;
pub mod resolve;

use std::collections::BTreeMap;
use std::fmt;

use administrate::{NewEvent, Session, Window};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bridges::events::BaselineKind;
use crate::config::ConflictPolicy;
use crate::merge::accept::recompute_dates;
use crate::merge::desired::DesiredSession;
use crate::merge::{EventBaseline, EventField, FieldKey, ReferenceNames, ValueDiff, diff_values};
use crate::names::fold;
use crate::tutorials::{Event, KnownEvent, zone_of};

/// A local event and its baseline.
#[derive(Debug, Clone)]
pub struct EventWithBaseline {
    pub known: KnownEvent,
    pub baseline: EventBaseline,
}

/// A value of an event that differs, for reports. A value of none is empty on that side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// The event's id in Administrate.
    pub external_id: String,
    /// The event's local code.
    pub name: String,
    /// E.g. `max places` or `day 2: time`.
    pub field: String,
    /// The local value.
    #[serde(rename = "ours")]
    pub local: Option<String>,
    /// The value in Administrate.
    #[serde(rename = "theirs")]
    pub remote: Option<String>,
    /// The value that both sides had before they differed.
    #[serde(rename = "agreed")]
    pub baseline: Option<String>,
}

impl FieldConflict {
    /// Returns the difference between the code of a linked event without baseline and its title in Administrate.
    pub(in crate::sync) fn of_title(external_id: &str, code: &str, title: &str) -> Self {
        FieldConflict {
            external_id: external_id.to_owned(),
            name: code.to_owned(),
            field: EventField::Title.name().to_owned(),
            local: Some(code.to_owned()),
            remote: Some(title.to_owned()).filter(|title| !title.is_empty()),
            baseline: None,
        }
    }

    /// Reports whether it is the difference of [`Self::of_title`]: every baseline of an event has a title.
    pub(in crate::sync) fn is_other_title(&self) -> bool {
        self.baseline.is_none() && self.field == EventField::Title.name()
    }
}

/// The side whose value wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Winner {
    /// The local value, sent to Administrate
    #[serde(rename = "ours")]
    #[value(name = "ours")]
    Local,
    /// Administrate's value, accepted locally
    #[serde(rename = "theirs")]
    #[value(name = "theirs")]
    Remote,
}

/// A resolved conflict or difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedField {
    #[serde(flatten)]
    pub conflict: FieldConflict,
    pub wins: Winner,
}

impl fmt::Display for FieldConflict {
    /// `CM2-01, max places: 14 locally, 20 in Administrate, previously 12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (local, remote, baseline) = (text(&self.local), text(&self.remote), text(&self.baseline));
        write!(f, "{}, {}: {local} locally, {remote} in Administrate", self.name, self.field)?;
        if self.local == self.baseline || self.is_other_title() { Ok(()) } else { write!(f, ", previously {baseline}") }
    }
}

impl fmt::Display for ResolvedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resolution = match self.wins {
            Winner::Local => "the local value is sent to Administrate",
            Winner::Remote => "Administrate's value is accepted",
        };
        write!(f, "{}: {resolution}", self.conflict)
    }
}

/// The resolved fields of one event, as they are applied and undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// The event's id in Administrate.
    pub external_id: String,
    /// The event's local id.
    pub id: i64,
    pub fields: Vec<ResolvedField>,
    /// The current local event.
    pub before: Event,
    /// The local event after the resolution.
    pub after: Event,
    #[serde(rename = "agreed")]
    pub baselines: Vec<BaselineChange>,
}

/// A change of the baseline of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineChange {
    /// The stored name of the [`BaselineKind`].
    pub kind: String,
    /// The record's id in Administrate.
    pub external_id: String,
    pub before: Value,
    pub after: Value,
}

/// The result of merging one event.
#[derive(Debug, Default)]
pub struct MergeOutcome {
    /// Changed on both sides and not resolved.
    pub conflicts: Vec<FieldConflict>,
    /// Changed only in Administrate and not resolved.
    pub differences: Vec<FieldConflict>,
    pub resolution: Option<Resolution>,
    /// Why values of Administrate could not be accepted.
    pub errors: Vec<String>,
}

/// Returns the winner that the settings configure: local for conflicts only, remote for every remote change.
pub fn configured_winner(settings: &BTreeMap<String, ConflictPolicy>, difference: &ValueDiff) -> Option<Winner> {
    let field = difference.field;
    let name = field.field.name().to_lowercase().replace(' ', "_");
    let key = if field.day.is_some() { format!("session_{name}") } else { name };
    match settings.get(&key) {
        Some(ConflictPolicy::Local) if difference.is_conflict() => Some(Winner::Local),
        Some(ConflictPolicy::Remote) => Some(Winner::Remote),
        _ => None,
    }
}

/// Returns whether the text names this field.
pub fn matches_field_name(field: FieldKey, text: &str) -> bool {
    is_same_field(&field.to_string(), text)
}

/// Returns whether two texts name the same field. Only letters and digits count, without case.
fn is_same_field(one: &str, other: &str) -> bool {
    let letters = |text: &str| fold(text).chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    letters(one) == letters(other)
}

/// Merges both sides of an event. `winner_of` resolves a difference, or returns none to report it.
pub fn merge(
    local: &EventWithBaseline,
    remote: &administrate::Event,
    names: &ReferenceNames,
    winner_of: impl Fn(&ValueDiff) -> Option<Winner>,
) -> MergeOutcome {
    let mut merge = EventMerge {
        names,
        remote,
        code: &local.known.event.code,
        after: local.known.event.clone(),
        fields: Vec::new(),
        baselines: Vec::new(),
        outcome: MergeOutcome::default(),
    };
    let mut event_baseline = local.baseline.event.clone();
    if let Some(baseline) = &mut event_baseline {
        merge.merge_event(baseline, &winner_of);
    }
    for at in 0..local.known.event.sessions.len() {
        let sequence = local.known.event.sessions[at].sequence;
        let Some((id, baseline)) = local.baseline.sessions.get(&sequence) else { continue };
        if let Some(session) = remote.sessions.iter().find(|session| session.id == *id) {
            merge.merge_session(at, session, baseline, &winner_of);
        }
    }
    merge.finish(local, event_baseline)
}

/// The state of a merge of one event.
struct EventMerge<'a> {
    names: &'a ReferenceNames,
    remote: &'a administrate::Event,
    code: &'a str,
    /// The local event with the values accepted so far.
    after: Event,
    fields: Vec<ResolvedField>,
    baselines: Vec<BaselineChange>,
    outcome: MergeOutcome,
}

impl EventMerge<'_> {
    /// Merges the fields of the event itself and updates `baseline` for those that are resolved.
    fn merge_event(&mut self, baseline: &mut NewEvent, winner_of: &impl Fn(&ValueDiff) -> Option<Winner>) {
        let names = self.names;
        let remote = names.remote_event(self.remote, baseline);
        for difference in diff_values(None, &names.event(&self.after), &names.baseline_event(baseline), &remote) {
            let Some(winner) = winner_of(&difference) else {
                self.report(&difference);
                continue;
            };
            let (field, mut resolved) = (difference.field.field, baseline.clone());
            names.update_event_baseline(field, self.remote, &mut resolved);
            let accepted = match winner {
                Winner::Local => Ok(()),
                Winner::Remote => names.accept_event_field(field, &resolved, &mut self.after),
            };
            if self.resolve(&difference, winner, accepted) {
                *baseline = resolved;
            }
        }
    }

    /// Merges the fields of the local session at this index.
    fn merge_session(
        &mut self,
        at: usize,
        remote: &Session,
        baseline: &DesiredSession,
        winner_of: &impl Fn(&ValueDiff) -> Option<Winner>,
    ) {
        let (names, mut merged) = (self.names, baseline.clone());
        let local_values = names.session((&self.after, &self.after.sessions[at]));
        let day = self.after.sessions[at].sequence;
        let remote_values = names.remote_session((self.remote, remote), baseline);
        for difference in diff_values(Some(day), &local_values, &names.baseline_session(baseline), &remote_values) {
            let Some(winner) = winner_of(&difference) else {
                self.report(&difference);
                continue;
            };
            let (field, mut resolved) = (difference.field.field, merged.clone());
            names.update_session_baseline(field, (self.remote, remote), &mut resolved);
            let accepted = match winner {
                Winner::Local => Ok(()),
                Winner::Remote => names.accept_session_field(field, &resolved, &mut self.after.sessions[at]),
            };
            if self.resolve(&difference, winner, accepted) {
                merged = resolved;
            }
        }
        self.change_baseline(BaselineKind::Session, remote.id.as_str(), baseline, &merged);
    }

    fn conflict(&self, difference: &ValueDiff) -> FieldConflict {
        let non_empty = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
        FieldConflict {
            external_id: self.remote.id.to_string(),
            name: self.code.to_owned(),
            field: difference.field.to_string(),
            local: non_empty(&difference.local),
            remote: non_empty(&difference.remote),
            baseline: non_empty(&difference.baseline),
        }
    }

    /// Adds an unresolved difference to the outcome.
    fn report(&mut self, difference: &ValueDiff) {
        let conflict = self.conflict(difference);
        let list = if difference.is_conflict() { &mut self.outcome.conflicts } else { &mut self.outcome.differences };
        list.push(conflict);
    }

    /// Records a resolved field, or reports why the remote value could not be accepted. Returns whether it is resolved.
    fn resolve(&mut self, difference: &ValueDiff, winner: Winner, accepted: Result<(), String>) -> bool {
        let conflict = self.conflict(difference);
        match accepted {
            Ok(()) => {
                self.fields.push(ResolvedField { conflict, wins: winner });
                true
            }
            Err(reason) => {
                let (code, field) = (self.code, &conflict.field);
                self.outcome.errors.push(format!("{code}, {field}: Administrate's value was not accepted: {reason}"));
                self.report(difference);
                false
            }
        }
    }

    fn change_baseline(
        &mut self,
        kind: BaselineKind,
        external_id: &str,
        before: &impl Serialize,
        after: &impl Serialize,
    ) {
        // These types always serialise: they have no maps with keys other than text.
        let value = |value: Result<Value, _>| value.unwrap_or_default();
        let (before, after) = (value(serde_json::to_value(before)), value(serde_json::to_value(after)));
        if before != after {
            let kind = kind.name().to_owned();
            self.baselines.push(BaselineChange { kind, external_id: external_id.to_owned(), before, after });
        }
    }

    /// Completes the merge. `event_baseline`: the event's own baseline after the merge.
    fn finish(mut self, local: &EventWithBaseline, mut event_baseline: Option<NewEvent>) -> MergeOutcome {
        let times =
            |event: &Event| event.sessions.iter().map(|session| (session.start, session.end)).collect::<Vec<_>>();
        if times(&self.after) != times(&local.known.event) {
            recompute_dates(&mut self.after);
            if let Some(baseline) = &mut event_baseline {
                baseline.classroom = classroom(&self.after).or(baseline.classroom);
            }
        }
        if let (Some(before), Some(after)) = (&local.baseline.event, &event_baseline) {
            self.change_baseline(BaselineKind::Event, &local.baseline.external_id, before, after);
        }
        if !self.fields.is_empty() {
            self.outcome.resolution = Some(Resolution {
                external_id: local.baseline.external_id.clone(),
                id: local.known.id,
                fields: self.fields,
                before: local.known.event.clone(),
                after: self.after,
                baselines: self.baselines,
            });
        }
        self.outcome
    }
}

/// Returns the window from the first session's start to the last session's end, as delivery sends it.
fn classroom(event: &Event) -> Option<Window> {
    let zone = zone_of(&event.time_zone);
    let start = event.sessions.iter().map(|session| session.start).min()?;
    let end = event.sessions.iter().map(|session| session.end).max()?;
    Some(Window { start: zone.to_datetime(start), end: zone.to_datetime(end) })
}
