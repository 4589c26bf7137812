//! Writes resolutions in the caller's transaction, and their inverse.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{BaselineChange, Resolution, Winner};
use crate::bridges::events as bridges;
use crate::error::{Error, Result};
use crate::outbox::DeliveryStep;
use crate::sync::report::findings::SkippedRecord;
use crate::tutorials;
use crate::tutorials::Event;

impl Resolution {
    /// Returns whether a local value has to be sent to Administrate.
    pub fn is_sent(&self) -> bool {
        self.fields.iter().any(|field| field.wins == Winner::Local)
    }

    /// Returns the resolution that undoes this one.
    ///
    /// # Errors
    /// The event as a skipped record if local values were sent: they can be changed back only in Administrate.
    pub(in crate::sync) fn inverse(self) -> Result<Resolution, SkippedRecord> {
        if self.is_sent() {
            let reason = "local values were sent to Administrate: change them back in Administrate".into();
            return Err(SkippedRecord { external_id: self.external_id, name: self.before.code, reason });
        }
        let reversed = |change: BaselineChange| BaselineChange { before: change.after, after: change.before, ..change };
        let baselines = self.baselines.into_iter().map(reversed).collect();
        Ok(Resolution { baselines, before: self.after, after: self.before, ..self })
    }
}

/// Writes the accepted remote values and the baselines, and requests the delivery of local values as a part of `run`.
pub(in crate::sync) async fn apply_resolutions(
    db: &mut PgConnection,
    run: Option<i64>,
    resolutions: &[Resolution],
) -> Result<()> {
    for Resolution { id, before, after, .. } in resolutions.iter().filter(|one| one.before.code != one.after.code) {
        if !tutorials::store::rename_event(db, *id, &after.code).await? {
            let message = format!("{}: its code stays, because another event is called {}", before.code, after.code);
            return Err(Error::NeedsAttention(message));
        }
    }
    let has_other_values =
        |one: &&Resolution| Event { code: one.before.code.clone(), ..one.after.clone() } != one.before;
    let changed = resolutions.iter().filter(has_other_values);
    let changed: Vec<(i64, Event)> = changed.map(|resolution| (resolution.id, resolution.after.clone())).collect();
    if !changed.is_empty() {
        tutorials::apply_remote_values(db, changed).await?;
    }
    let baselines = resolutions.iter().flat_map(|resolution| &resolution.baselines);
    let baselines: Vec<_> =
        baselines.map(|change| (change.kind.as_str(), change.external_id.as_str(), &change.after)).collect();
    bridges::put_baselines(db, &baselines).await?;
    let sent = resolutions.iter().filter(|resolution| resolution.is_sent());
    let sent: Vec<(i64, String)> = sent.map(|resolution| (resolution.id, resolution.after.code.clone())).collect();
    if !sent.is_empty() {
        // Other values may be in conflict still: nothing is written before they are decided too.
        tutorials::request_steps(db, run, &sent, &[DeliveryStep::Compare]).await?;
    }
    Ok(())
}

/// Returns those of these resolutions whose event has changed since the run that they undo.
pub(in crate::sync) async fn changed_since<'a>(
    db: &mut PgConnection,
    inverse: &'a [Resolution],
) -> Result<impl Iterator<Item = &'a Resolution> + use<'a>> {
    let ids: Vec<i64> = inverse.iter().map(|resolution| resolution.id).collect();
    let events = tutorials::store::events_by_id(db, &ids).await?;
    let events: HashMap<i64, Event> = events.into_iter().map(|known| (known.id, known.event)).collect();
    let records = inverse.iter().flat_map(|resolution| &resolution.baselines);
    let records: Vec<_> = records.map(|change| (change.kind.as_str(), change.external_id.as_str())).collect();
    let stored = bridges::stored_baselines(db, &records).await?;
    let stored: HashMap<_, _> = stored.into_iter().map(|(kind, id, values)| ((kind, id), values.0)).collect();
    let is_baseline_unchanged = move |change: &BaselineChange| {
        let record = (change.kind.clone(), change.external_id.clone());
        stored.get(&record).is_some_and(|values| *values == change.before)
    };
    let is_unchanged = move |resolution: &Resolution| {
        let Some(event) = events.get(&resolution.id) else { return false };
        // Bookings change the availability; it does not count.
        let (is_soldout, remain_space) = (event.is_soldout, event.remain_space);
        *event == Event { is_soldout, remain_space, ..resolution.before.clone() }
            && resolution.baselines.iter().all(&is_baseline_unchanged)
    };
    Ok(inverse.iter().filter(move |resolution| !is_unchanged(resolution)))
}
