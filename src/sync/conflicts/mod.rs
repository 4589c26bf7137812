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

use crate::bridges::events::Agreed;
use crate::config::Winner;
use crate::merge::accept::set_dates;
use crate::merge::desired::WantedSession;
use crate::merge::{Difference, Directory, Field, LastAgreed, differences};
use crate::names::fold;
use crate::tutorials::{Event, KnownEvent};

/// An event of ours that both sides have agreed about.
#[derive(Debug, Clone)]
pub struct Held {
    /// Ours.
    pub known: KnownEvent,
    /// The values on which both sides last agreed.
    pub agreed: LastAgreed,
}

/// A value of an event that differs, for reports; nothing is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
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
pub enum Side {
    /// Lectern's.
    Ours,
    /// Administrate's.
    Theirs,
}

/// A dispute that is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// What differed.
    #[serde(flatten)]
    pub dispute: Dispute,
    /// Whose value holds.
    pub wins: Side,
}

impl fmt::Display for Dispute {
    /// `CM2-01, max places: 14 here, 20 there, last agreed 12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (ours, theirs, agreed) = (told(&self.ours), told(&self.theirs), told(&self.agreed));
        write!(f, "{}, {}: {ours} here, {theirs} there", self.name, self.field)?;
        if self.ours == self.agreed { Ok(()) } else { write!(f, ", last agreed {agreed}") }
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wins = match self.wins {
            Side::Ours => "ours is written there",
            Side::Theirs => "theirs is taken over",
        };
        write!(f, "{}: {wins}", self.dispute)
    }
}

/// Everything decided about one event, as it is written and taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// Administrate's id of the event.
    pub external_id: String,
    /// Our id of it.
    pub id: i64,
    /// The values.
    pub fields: Vec<Settled>,
    /// Our event as it stands.
    pub before: Event,
    /// Our event as it will be.
    pub after: Event,
    /// What both will agree on.
    pub agreed: Vec<Accord>,
}

/// A change of what both sides agree on about one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accord {
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
pub struct Weighed {
    /// Changed on both sides and not decided.
    pub conflicts: Vec<Dispute>,
    /// Changed there alone and not decided.
    pub differences: Vec<Dispute>,
    /// What is decided.
    pub settlement: Option<Settlement>,
    /// Why a decision could not be followed.
    pub troubles: Vec<String>,
}

/// What the settings say of a difference: `ours` of conflicts alone, `theirs` of every change there.
pub fn by_settings(settings: &BTreeMap<String, Winner>, difference: &Difference) -> Option<Side> {
    let field = difference.field;
    let name = field.aspect.name().to_lowercase().replace(' ', "_");
    let key = if field.day.is_some() { format!("session_{name}") } else { name };
    match settings.get(&key) {
        Some(Winner::Ours) if difference.is_conflict() => Some(Side::Ours),
        Some(Winner::Theirs) => Some(Side::Theirs),
        _ => None,
    }
}

/// Whether a person means this field; spaces and signs do not count.
pub fn is_meant(field: Field, written: &str) -> bool {
    let letters = |text: &str| fold(text).chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    letters(&field.to_string()) == letters(written)
}

/// Compares what both sides hold of an event. `wins` decides; what it leaves open is told.
pub fn weigh(held: &Held, theirs: &Told, directory: &Directory, wins: impl Fn(&Difference) -> Option<Side>) -> Weighed {
    let mut scales = Scales {
        directory,
        theirs,
        name: &held.known.event.code,
        after: held.known.event.clone(),
        fields: Vec::new(),
        agreed: Vec::new(),
        weighed: Weighed::default(),
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

struct Scales<'a> {
    directory: &'a Directory,
    theirs: &'a Told,
    name: &'a str,
    after: Event,
    fields: Vec<Settled>,
    agreed: Vec<Accord>,
    weighed: Weighed,
}

impl Scales<'_> {
    fn event(&mut self, agreed: &mut NewEvent, wins: &impl Fn(&Difference) -> Option<Side>) {
        let said = self.directory;
        let theirs = said.their_event(self.theirs, agreed);
        for difference in differences(None, &said.event(&self.after), &said.agreed_event(agreed), &theirs) {
            let Some(side) = wins(&difference) else {
                self.leave(difference);
                continue;
            };
            let (aspect, mut accord) = (difference.field.aspect, agreed.clone());
            said.agree_on_event(aspect, self.theirs, &mut accord);
            let taken = match side {
                Side::Ours => Ok(()),
                Side::Theirs => said.take_of_event(aspect, &accord, &mut self.after),
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
        agreed: &WantedSession,
        wins: &impl Fn(&Difference) -> Option<Side>,
    ) {
        let (said, mut settled) = (self.directory, agreed.clone());
        let ours = said.session((&self.after, &self.after.sessions[at]));
        let day = self.after.sessions[at].sequence;
        let told = said.their_session((self.theirs, theirs), agreed);
        for difference in differences(Some(day), &ours, &said.agreed_session(agreed), &told) {
            let Some(side) = wins(&difference) else {
                self.leave(difference);
                continue;
            };
            let (aspect, mut accord) = (difference.field.aspect, settled.clone());
            said.agree_on_session(aspect, (self.theirs, theirs), &mut accord);
            let taken = match side {
                Side::Ours => Ok(()),
                Side::Theirs => said.take_of_session(aspect, &accord, &mut self.after.sessions[at]),
            };
            if self.decide(difference, side, taken) {
                settled = accord;
            }
        }
        self.accord(Agreed::Session, theirs.id.as_str(), agreed, &settled);
    }

    fn dispute(&self, difference: &Difference) -> Dispute {
        let told = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
        Dispute {
            external_id: self.theirs.id.to_string(),
            name: self.name.to_owned(),
            field: difference.field.to_string(),
            ours: told(&difference.ours),
            theirs: told(&difference.theirs),
            agreed: told(&difference.agreed),
        }
    }

    fn leave(&mut self, difference: Difference) {
        let dispute = self.dispute(&difference);
        let list = if difference.is_conflict() { &mut self.weighed.conflicts } else { &mut self.weighed.differences };
        list.push(dispute);
    }

    fn decide(&mut self, difference: Difference, wins: Side, taken: Result<(), String>) -> bool {
        let dispute = self.dispute(&difference);
        match taken {
            Ok(()) => {
                self.fields.push(Settled { dispute, wins });
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

    fn accord(&mut self, kind: Agreed, external_id: &str, before: &impl Serialize, after: &impl Serialize) {
        // Plain data of our own always serialises.
        let value = |value: Result<Value, _>| value.unwrap_or_default();
        let (before, after) = (value(serde_json::to_value(before)), value(serde_json::to_value(after)));
        if before != after {
            let kind = kind.name().to_owned();
            self.agreed.push(Accord { kind, external_id: external_id.to_owned(), before, after });
        }
    }

    fn finish(mut self, held: &Held, event: Option<NewEvent>) -> Weighed {
        let times = |event: &Event| event.sessions.iter().map(|one| (one.start, one.end)).collect::<Vec<_>>();
        let mut event = event;
        if times(&self.after) != times(&held.known.event) {
            set_dates(&mut self.after);
            if let Some(agreed) = &mut event {
                agreed.classroom = classroom(&self.after).or(agreed.classroom);
            }
        }
        if let (Some(before), Some(after)) = (&held.agreed.event, &event) {
            self.accord(Agreed::Event, &held.agreed.external_id, before, after);
        }
        if !self.fields.is_empty() {
            self.weighed.settlement = Some(Settlement {
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
