//! Before values are written over those in Administrate: whether somebody changed them there since both sides last agreed.
//!
//! What is about to change is compared, nothing else. An import shows the same in its plan
//! (`timetable_import::planning::conflicts`) where it can look; this is the last look, for what is delivered later or was
//! changed there in between.

use administrate::Id;

use super::comparison::{Difference, Directory, LastAgreed, Said, differences, last_agreed};
use super::errand::Errand;
use super::{Trouble, store};
use crate::tutorials::{COMPARE, COMPARE_LATER, KnownEvent, OURS};

impl Errand<'_> {
    /// Ends the errand where a value that is to be written was changed in Administrate, unless ours are to win.
    pub(super) async fn compare(&self) -> Result<(), Trouble> {
        let is_due = self.is_asked(COMPARE) || self.is_asked(COMPARE_LATER) && self.item.attempts > 1;
        if !is_due || self.is_asked(OURS) {
            return Ok(());
        }
        let mut db = self.worker.pool.acquire().await?;
        let Some(agreed) = last_agreed(&mut db, &[self.known.id], None).await?.remove(&self.known.id) else {
            return Ok(());
        };
        let directory = store::directory(&mut db, &self.worker.config.administrate.labels).await?;
        drop(db);
        if !changes_anything(&directory, self.known, &agreed) {
            return Ok(());
        }
        self.go_on()?;
        let theirs = self.worker.client.event(&Id::new(agreed.external_id.as_str())).await?;
        let found = theirs.map(|theirs| conflicts(&directory, self.known, &agreed, &theirs)).unwrap_or_default();
        if found.is_empty() { Ok(()) } else { Err(Trouble::Refused(told(&found))) }
    }
}

/// Whether ours differs from what was agreed, in a value that is compared.
fn changes_anything(said: &Directory, known: &KnownEvent, agreed: &LastAgreed) -> bool {
    let differ = |ours: &Said, agreed: &Said| agreed.iter().any(|(aspect, value)| ours.get(aspect) != Some(value));
    let event = agreed.event.as_ref().is_some_and(|of| differ(&said.event(&known.event), &said.agreed_event(of)));
    event
        || known.event.sessions.iter().any(|session| {
            let of = agreed.sessions.get(&session.sequence);
            of.is_some_and(|(_, of)| differ(&said.session((&known.event, session)), &said.agreed_session(of)))
        })
}

/// The values that differ on all three sides.
fn conflicts(
    said: &Directory,
    known: &KnownEvent,
    agreed: &LastAgreed,
    theirs: &administrate::Event,
) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(of) = &agreed.event {
        let theirs = said.their_event(theirs, of);
        found.extend(differences(None, &said.event(&known.event), &said.agreed_event(of), &theirs));
    }
    for session in &known.event.sessions {
        let Some((id, of)) = agreed.sessions.get(&session.sequence) else { continue };
        let Some(there) = theirs.sessions.iter().find(|there| there.id == *id) else { continue };
        let there = said.their_session((theirs, there), of);
        let ours = said.session((&known.event, session));
        found.extend(differences(Some(session.sequence), &ours, &said.agreed_session(of), &there));
    }
    found.retain(Difference::is_conflict);
    found
}

fn told(conflicts: &[Difference]) -> String {
    let shown = |value: &str| if value.is_empty() { "nothing".to_owned() } else { value.to_owned() };
    let one = |Difference { field, ours, theirs, agreed }: &Difference| {
        format!("{field}: {} → {}; Administrate has {}", shown(agreed), shown(ours), shown(theirs))
    };
    format!(
        "changed in Administrate since both sides last agreed, so nothing was written ({}): `lectern sync decide events` \
         decides value by value, `lectern import --ours` writes ours",
        conflicts.iter().map(one).collect::<Vec<_>>().join("; ")
    )
}
