//! What was decided, written in the caller's transaction, and taken back.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{BaselineChange, Resolution, Winner};
use crate::bridges::events as bridges;
use crate::error::Result;
use crate::sync::report::findings::SkippedRecord;
use crate::tutorials;
use crate::tutorials::Event;

impl Resolution {
    /// Whether something of ours is to be written over Administrate's.
    pub fn is_sent(&self) -> bool {
        self.fields.iter().any(|settled| settled.wins == Winner::Ours)
    }

    /// What takes it back.
    ///
    /// # Errors
    /// What was written over Administrate's values can be taken back only there.
    pub(in crate::sync) fn inverse(self) -> Result<Resolution, SkippedRecord> {
        if self.is_sent() {
            let reason = "our values were written over Administrate's, which only a change there takes back".into();
            return Err(SkippedRecord { external_id: self.external_id, name: self.before.code, reason });
        }
        let back = |accord: BaselineChange| BaselineChange { before: accord.after, after: accord.before, ..accord };
        let agreed = self.agreed.into_iter().map(back).collect();
        Ok(Resolution { agreed, before: self.after, after: self.before, ..self })
    }
}

/// Writes settlements, ours and what both agree on, and asks for the delivery of what ours won, as a part of `run`.
pub(in crate::sync) async fn apply_resolutions(
    db: &mut PgConnection,
    run: Option<i64>,
    settled: &[Resolution],
) -> Result<()> {
    let changed = settled.iter().filter(|settlement| settlement.before != settlement.after);
    let changed: Vec<(i64, Event)> = changed.map(|settlement| (settlement.id, settlement.after.clone())).collect();
    if !changed.is_empty() {
        tutorials::apply_remote_values(db, changed).await?;
    }
    let agreed = settled.iter().flat_map(|settlement| &settlement.agreed);
    let agreed: Vec<_> =
        agreed.map(|accord| (accord.kind.as_str(), accord.external_id.as_str(), &accord.after)).collect();
    bridges::put_baselines(db, &agreed).await?;
    let sent = settled.iter().filter(|settlement| settlement.is_sent());
    let sent: Vec<(i64, String)> = sent.map(|settlement| (settlement.id, settlement.after.code.clone())).collect();
    if !sent.is_empty() {
        tutorials::request_steps(db, run, &sent, &[]).await?;
    }
    Ok(())
}

/// How many events are no longer as the settlements left them.
pub(in crate::sync) async fn count_changed_since(db: &mut PgConnection, inverse: &[Resolution]) -> Result<usize> {
    if inverse.is_empty() {
        return Ok(0);
    }
    let ids: Vec<i64> = inverse.iter().map(|settlement| settlement.id).collect();
    let known = tutorials::store::events_by_id(db, &ids).await?;
    let known: HashMap<i64, Event> = known.into_iter().map(|known| (known.id, known.event)).collect();
    let agreed = inverse.iter().flat_map(|settlement| &settlement.agreed);
    let agreed: Vec<_> = agreed.map(|accord| (accord.kind.as_str(), accord.external_id.as_str())).collect();
    let kept = bridges::stored_baselines(db, &agreed).await?;
    let kept: HashMap<_, _> = kept.into_iter().map(|(kind, id, values)| ((kind, id), values.0)).collect();
    let stands = |accord: &BaselineChange| {
        kept.get(&(accord.kind.clone(), accord.external_id.clone())).is_some_and(|values| *values == accord.before)
    };
    let is_left = |settlement: &&Resolution| {
        let Some(event) = known.get(&settlement.id) else { return false };
        // Places come and go by bookings.
        let (is_soldout, remain_space) = (event.is_soldout, event.remain_space);
        *event == Event { is_soldout, remain_space, ..settlement.before.clone() }
            && settlement.agreed.iter().all(stands)
    };
    Ok(inverse.len() - inverse.iter().filter(is_left).count())
}
