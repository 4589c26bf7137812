//! The row of an event: its link, its places, and the places that both sides had last.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::bridges::events::{EventLinkRow, LastSeen};
use crate::bridges::reference::{BoundedColumn, LinkRow};
use crate::bridges::spelling::SpelledText;
use crate::merge::places::ReportedPlaces;
use crate::tutorials::{Availability, PlacesChange};

/// The link row of an event with the availability of the linked local event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    #[serde(flatten)]
    pub bridge: EventLinkRow,
    /// The places to write to `acted.tutorial_events`; empty if the event is not linked.
    #[serde(flatten)]
    pub places: PlacesChange,
    /// The places with which the next sync compares; none in journals of older versions and without a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places_baseline: Option<ReportedPlaces>,
    /// The availability before the row linked the event or changed its places. A plan depends on it: other values are
    /// not overwritten. Undoing the link restores it.
    #[serde(rename = "stood", default, skip_serializing_if = "Option::is_none")]
    pub availability_before: Option<PlacesChange>,
}

impl PartialEq for Row {
    /// Compares the stored values; the availability before is not one of them. Unknown places are equal to all.
    fn eq(&self, other: &Self) -> bool {
        let are_equal = |(one, other): (ReportedPlaces, ReportedPlaces)| one == other;
        self.bridge == other.bridge
            && self.places == other.places
            && self.places_baseline.zip(other.places_baseline).is_none_or(are_equal)
    }
}

impl Row {
    /// Returns the values that Administrate had last, with which webhooks compare the next change.
    pub(super) fn last_seen(&self) -> LastSeen {
        // Rows of older versions: the last report, as far as the row contains it.
        let places = self.places_baseline.unwrap_or(ReportedPlaces {
            sold_out: self.bridge.sold_out,
            max_places: self.bridge.max_places.map(Into::into),
            remaining: self.places.remain_space.map(Into::into),
        });
        LastSeen {
            lifecycle: self.bridge.lifecycle_state.as_deref().map(|state| state.to_lowercase().into()),
            sold_out: places.sold_out,
            max_places: places.max_places,
            remaining: places.remaining,
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
            self.places_baseline = None;
        }
    }

    fn bounded(&self) -> Vec<BoundedColumn<'_>> {
        self.bridge.bounded()
    }

    fn spelled_texts(&mut self) -> Vec<(String, SpelledText<'_>)> {
        self.bridge.spelled_texts()
    }

    /// An adopted row lacks only the places that both sides had last.
    fn only_completes(&self, before: &Self) -> bool {
        before.places_baseline.is_some_and(|places| places.remaining.is_none())
            && (&self.bridge, self.places) == (&before.bridge, before.places)
    }
}

/// Adds to link rows the current availability of the linked local events and the baselines of places, by external id.
pub(crate) fn with_availability(
    rows: Vec<EventLinkRow>,
    availabilities: &[Availability],
    baseline: &HashMap<String, ReportedPlaces>,
) -> Vec<Row> {
    let by_id: HashMap<i64, &Availability> = availabilities.iter().map(|event| (event.id, event)).collect();
    let row = |bridge: EventLinkRow| {
        let local = bridge.tutorial_event_id.and_then(|id| by_id.get(&id).copied());
        Row {
            places: local.map(current_places).unwrap_or_default(),
            places_baseline: local.map(|_| baseline.get(&bridge.external_id).copied().unwrap_or_default()),
            bridge,
            availability_before: None,
        }
    };
    rows.into_iter().map(row).collect()
}

pub(super) fn current_places(event: &Availability) -> PlacesChange {
    PlacesChange { is_soldout: Some(event.is_soldout), remain_space: Some(event.remain_space) }
}
