//! What was decided, written in the caller's transaction, and taken back.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{Accord, Settlement, Side};
use crate::bridges::events as bridges;
use crate::error::Result;
use crate::sync::report::findings::Skipped;
use crate::tutorials;
use crate::tutorials::Event;

impl Settlement {
    /// Whether something of ours is to be written over Administrate's.
    pub fn is_sent(&self) -> bool {
        self.fields.iter().any(|settled| settled.wins == Side::Ours)
    }

    /// What takes it back.
    ///
    /// # Errors
    /// What was written over Administrate's values can be taken back only there.
    pub(in crate::sync) fn inverse(self) -> Result<Settlement, Skipped> {
        if self.is_sent() {
            let reason = "our values were written over Administrate's, which only a change there takes back".into();
            return Err(Skipped { external_id: self.external_id, name: self.before.code, reason });
        }
        let back = |accord: Accord| Accord { before: accord.after, after: accord.before, ..accord };
        let agreed = self.agreed.into_iter().map(back).collect();
        Ok(Settlement { agreed, before: self.after, after: self.before, ..self })
    }
}

/// Writes settlements, ours and what both agree on, and asks for the delivery of what ours won, as a part of `run`.
pub(in crate::sync) async fn settle(db: &mut PgConnection, run: Option<i64>, settled: &[Settlement]) -> Result<()> {
    let changed = settled.iter().filter(|settlement| settlement.before != settlement.after);
    let changed: Vec<(i64, Event)> = changed.map(|settlement| (settlement.id, settlement.after.clone())).collect();
    if !changed.is_empty() {
        tutorials::accept_events(db, changed).await?;
    }
    let agreed = settled.iter().flat_map(|settlement| &settlement.agreed);
    let agreed: Vec<_> =
        agreed.map(|accord| (accord.kind.as_str(), accord.external_id.as_str(), &accord.after)).collect();
    bridges::put_agreements(db, &agreed).await?;
    let sent = settled.iter().filter(|settlement| settlement.is_sent());
    let sent: Vec<(i64, String)> = sent.map(|settlement| (settlement.id, settlement.after.code.clone())).collect();
    if !sent.is_empty() {
        tutorials::ask_also(db, run, &sent, &[]).await?;
    }
    Ok(())
}

/// How many events are no longer as the settlements left them.
pub(in crate::sync) async fn changed_since(db: &mut PgConnection, inverse: &[Settlement]) -> Result<usize> {
    if inverse.is_empty() {
        return Ok(0);
    }
    let ids: Vec<i64> = inverse.iter().map(|settlement| settlement.id).collect();
    let known = tutorials::store::events_by_id(db, &ids).await?;
    let known: HashMap<i64, Event> = known.into_iter().map(|known| (known.id, known.event)).collect();
    let agreed = inverse.iter().flat_map(|settlement| &settlement.agreed);
    let agreed: Vec<_> = agreed.map(|accord| (accord.kind.as_str(), accord.external_id.as_str())).collect();
    let kept = bridges::kept_agreements(db, &agreed).await?;
    let kept: HashMap<_, _> = kept.into_iter().map(|(kind, id, values)| ((kind, id), values.0)).collect();
    let stands = |accord: &Accord| {
        kept.get(&(accord.kind.clone(), accord.external_id.clone())).is_some_and(|values| *values == accord.before)
    };
    let is_left = |settlement: &&Settlement| {
        let Some(event) = known.get(&settlement.id) else { return false };
        // Places come and go by bookings.
        let (is_soldout, remain_space) = (event.is_soldout, event.remain_space);
        *event == Event { is_soldout, remain_space, ..settlement.before.clone() }
            && settlement.agreed.iter().all(stands)
    };
    Ok(inverse.len() - inverse.iter().filter(is_left).count())
}
