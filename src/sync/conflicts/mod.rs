//! Values of linked events on which both sides differ, weighed against what they last agreed on. Pure; [`settling`]
//! writes what was decided, [`verdict`] lets a person decide.
//!
//! Changed there alone: a difference, told. Changed on both sides: a conflict, told with both values until a setting or a
//! person decides it. Either way a decision makes Administrate's value the agreed one; where theirs wins it becomes ours
//! in the same transaction, where ours wins the outbox is asked to write what now differs.

pub mod apply;
pub mod cli;
pub mod load;
pub mod resolve;

use std::collections::BTreeMap;
use std::fmt;

use administrate::{Event as Told, NewEvent, Window};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bridges::events::BaselineKind;
use crate::config::ConflictPolicy;
use crate::merge::accept::recompute_dates;
use crate::merge::desired::DesiredSession;
use crate::merge::{EventBaseline, FieldKey, ReferenceNames, ValueDiff, diff_values};
use crate::names::fold;
use crate::tutorials::{Event, KnownEvent};

/// An event of ours that both sides have agreed about.
#[derive(Debug, Clone)]
pub struct EventWithBaseline {
    /// Ours.
    pub known: KnownEvent,
    /// The values on which both sides last agreed.
    pub agreed: EventBaseline,
}

/// A value of an event that differs, for reports; nothing is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// Administrate's id of the event.
    pub external_id: String,
    /// Our code of it.
    pub name: String,
    /// `max places`, `day 2: time`.
    pub field: String,
    /// Our value.
    pub ours: Option<String>,
    /// Administrate's value.
    pub theirs: Option<String>,
    /// The value on which both last agreed.
    pub agreed: Option<String>,
}

/// Whose value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Winner {
    /// Lectern's.
    Ours,
    /// Administrate's.
    Theirs,
}

/// A dispute that is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedField {
    /// What differed.
    #[serde(flatten)]
    pub dispute: FieldConflict,
    /// Whose value holds.
    pub wins: Winner,
}

impl fmt::Display for FieldConflict {
    /// `CM2-01, max places: 14 here, 20 there, last agreed 12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (ours, theirs, agreed) = (told(&self.ours), told(&self.theirs), told(&self.agreed));
        write!(f, "{}, {}: {ours} here, {theirs} there", self.name, self.field)?;
        if self.ours == self.agreed { Ok(()) } else { write!(f, ", last agreed {agreed}") }
    }
}

impl fmt::Display for ResolvedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wins = match self.wins {
            Winner::Ours => "ours is written there",
            Winner::Theirs => "theirs is taken over",
        };
        write!(f, "{}: {wins}", self.dispute)
    }
}

/// Everything decided about one event, as it is written and taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// Administrate's id of the event.
    pub external_id: String,
    /// Our id of it.
    pub id: i64,
    /// The values.
    pub fields: Vec<ResolvedField>,
    /// Our event as it stands.
    pub before: Event,
    /// Our event as it will be.
    pub after: Event,
    /// What both will agree on.
    pub agreed: Vec<BaselineChange>,
}

/// A change of what both sides agree on about one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineChange {
    /// The kind of record, as it is stored.
    pub kind: String,
    /// Administrate's id of it.
    pub external_id: String,
    /// The values as they stand.
    pub before: Value,
    /// The values as they will be.
    pub after: Value,
}

/// What was found of one event.
#[derive(Debug, Default)]
pub struct MergeOutcome {
    /// Changed on both sides and not decided.
    pub conflicts: Vec<FieldConflict>,
    /// Changed there alone and not decided.
    pub differences: Vec<FieldConflict>,
    /// What is decided.
    pub settlement: Option<Resolution>,
    /// Why a decision could not be followed.
    pub troubles: Vec<String>,
}

/// What the settings say of a difference: `ours` of conflicts alone, `theirs` of every change there.
pub fn configured_winner(settings: &BTreeMap<String, ConflictPolicy>, difference: &ValueDiff) -> Option<Winner> {
    let field = difference.field;
    let name = field.field.name().to_lowercase().replace(' ', "_");
    let key = if field.day.is_some() { format!("session_{name}") } else { name };
    match settings.get(&key) {
        Some(ConflictPolicy::Ours) if difference.is_conflict() => Some(Winner::Ours),
        Some(ConflictPolicy::Theirs) => Some(Winner::Theirs),
        _ => None,
    }
}

/// Whether a person means this field; spaces and signs do not count.
pub fn matches_field_name(field: FieldKey, written: &str) -> bool {
    let letters = |text: &str| fold(text).chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    letters(&field.to_string()) == letters(written)
}

/// Compares what both sides hold of an event. `wins` decides; what it leaves open is told.
pub fn merge(
    held: &EventWithBaseline,
    theirs: &Told,
    directory: &ReferenceNames,
    wins: impl Fn(&ValueDiff) -> Option<Winner>,
) -> MergeOutcome {
    let mut scales = EventMerge {
        directory,
        theirs,
        name: &held.known.event.code,
        after: held.known.event.clone(),
        fields: Vec::new(),
        agreed: Vec::new(),
        weighed: MergeOutcome::default(),
    };
    let mut event = held.agreed.event.clone();
    if let Some(agreed) = &mut event {
        scales.event(agreed, &wins);
    }
    for at in 0..held.known.event.sessions.len() {
        let Some((id, agreed)) = held.agreed.sessions.get(&held.known.event.sessions[at].sequence) else { continue };
        if let Some(session) = theirs.sessions.iter().find(|session| session.id == *id) {
            scales.session(at, session, agreed, &wins);
        }
    }
    scales.finish(held, event)
}

struct EventMerge<'a> {
    directory: &'a ReferenceNames,
    theirs: &'a Told,
    name: &'a str,
    after: Event,
    fields: Vec<ResolvedField>,
    agreed: Vec<BaselineChange>,
    weighed: MergeOutcome,
}

impl EventMerge<'_> {
    fn event(&mut self, agreed: &mut NewEvent, wins: &impl Fn(&ValueDiff) -> Option<Winner>) {
        let said = self.directory;
        let theirs = said.remote_event(self.theirs, agreed);
        for difference in diff_values(None, &said.event(&self.after), &said.baseline_event(agreed), &theirs) {
            let Some(side) = wins(&difference) else {
                self.leave(difference);
                continue;
            };
            let (aspect, mut accord) = (difference.field.field, agreed.clone());
            said.update_event_baseline(aspect, self.theirs, &mut accord);
            let taken = match side {
                Winner::Ours => Ok(()),
                Winner::Theirs => said.accept_event_field(aspect, &accord, &mut self.after),
            };
            if self.decide(difference, side, taken) {
                *agreed = accord;
            }
        }
    }

    fn session(
        &mut self,
        at: usize,
        theirs: &administrate::Session,
        agreed: &DesiredSession,
        wins: &impl Fn(&ValueDiff) -> Option<Winner>,
    ) {
        let (said, mut settled) = (self.directory, agreed.clone());
        let ours = said.session((&self.after, &self.after.sessions[at]));
        let day = self.after.sessions[at].sequence;
        let told = said.remote_session((self.theirs, theirs), agreed);
        for difference in diff_values(Some(day), &ours, &said.baseline_session(agreed), &told) {
            let Some(side) = wins(&difference) else {
                self.leave(difference);
                continue;
            };
            let (aspect, mut accord) = (difference.field.field, settled.clone());
            said.update_session_baseline(aspect, (self.theirs, theirs), &mut accord);
            let taken = match side {
                Winner::Ours => Ok(()),
                Winner::Theirs => said.accept_session_field(aspect, &accord, &mut self.after.sessions[at]),
            };
            if self.decide(difference, side, taken) {
                settled = accord;
            }
        }
        self.accord(BaselineKind::Session, theirs.id.as_str(), agreed, &settled);
    }

    fn dispute(&self, difference: &ValueDiff) -> FieldConflict {
        let told = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
        FieldConflict {
            external_id: self.theirs.id.to_string(),
            name: self.name.to_owned(),
            field: difference.field.to_string(),
            ours: told(&difference.ours),
            theirs: told(&difference.theirs),
            agreed: told(&difference.agreed),
        }
    }

    fn leave(&mut self, difference: ValueDiff) {
        let dispute = self.dispute(&difference);
        let list = if difference.is_conflict() { &mut self.weighed.conflicts } else { &mut self.weighed.differences };
        list.push(dispute);
    }

    fn decide(&mut self, difference: ValueDiff, wins: Winner, taken: Result<(), String>) -> bool {
        let dispute = self.dispute(&difference);
        match taken {
            Ok(()) => {
                self.fields.push(ResolvedField { dispute, wins });
                true
            }
            Err(why) => {
                let (name, field) = (&dispute.name, &dispute.field);
                self.weighed.troubles.push(format!("{name}, {field}: Administrate's value was not taken over: {why}"));
                self.leave(difference);
                false
            }
        }
    }

    fn accord(&mut self, kind: BaselineKind, external_id: &str, before: &impl Serialize, after: &impl Serialize) {
        // Plain data of our own always serialises.
        let value = |value: Result<Value, _>| value.unwrap_or_default();
        let (before, after) = (value(serde_json::to_value(before)), value(serde_json::to_value(after)));
        if before != after {
            let kind = kind.name().to_owned();
            self.agreed.push(BaselineChange { kind, external_id: external_id.to_owned(), before, after });
        }
    }

    fn finish(mut self, held: &EventWithBaseline, event: Option<NewEvent>) -> MergeOutcome {
        let times = |event: &Event| event.sessions.iter().map(|one| (one.start, one.end)).collect::<Vec<_>>();
        let mut event = event;
        if times(&self.after) != times(&held.known.event) {
            recompute_dates(&mut self.after);
            if let Some(agreed) = &mut event {
                agreed.classroom = classroom(&self.after).or(agreed.classroom);
            }
        }
        if let (Some(before), Some(after)) = (&held.agreed.event, &event) {
            self.accord(BaselineKind::Event, &held.agreed.external_id, before, after);
        }
        if !self.fields.is_empty() {
            self.weighed.settlement = Some(Resolution {
                external_id: held.agreed.external_id.clone(),
                id: held.known.id,
                fields: self.fields,
                before: held.known.event.clone(),
                after: self.after,
                agreed: self.agreed,
            });
        }
        self.weighed
    }
}

/// From the first session's start to the last one's end, as delivery tells it.
fn classroom(event: &Event) -> Option<Window> {
    let zone = TimeZone::get(&event.time_zone).unwrap_or(TimeZone::UTC);
    let start = event.sessions.iter().map(|session| session.start).min()?;
    let end = event.sessions.iter().map(|session| session.end).max()?;
    Some(Window { start: zone.to_datetime(start), end: zone.to_datetime(end) })
}
