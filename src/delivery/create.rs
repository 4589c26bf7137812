//! The first step: the event comes to be in Administrate, once.

use super::pairing::paired;
use super::wanted::Wanted;
use super::{Remark, Trouble, Worker};
use crate::bridges::events::{self, Agreed, EventLink};
use crate::names::fold;
use crate::outbox::Item;
use crate::tutorials::KnownEvent;

impl Worker {
    /// Creates the event, or finds that it is there already, and stores its ids at once.
    pub(super) async fn create(
        &self,
        item: &Item,
        known: &KnownEvent,
        wanted: &Wanted,
        remarks: &mut Vec<Remark>,
    ) -> Result<EventLink, Trouble> {
        if item.look_first
            && let Some(link) = self.look(known, wanted).await?
        {
            remarks.push(Remark::Adopted);
            events::link_event(&self.pool, known.id, &link).await?;
            return Ok(link);
        }
        self.about_to_create(item).await?;
        let created = self.client.create_event(&wanted.event).await?;
        let sessions = created.sessions.into_iter().map(|session| session.id);
        let link = paired(&EventLink::of(created.id, sessions), known);
        events::link_event(&self.pool, known.id, &link).await?;
        remarks.extend(created.warnings.into_iter().map(|warning| Remark::Warning(warning.to_string())));
        if created.left_out.is_empty() {
            self.agree(Agreed::Event, &link.external_id, &wanted.event).await?;
        } else {
            remarks.push(Remark::LeftOut(created.left_out));
        }
        Ok(link)
    }

    /// From here on the next attempt looks before it creates; and nobody else may be at it.
    pub(super) async fn about_to_create(&self, item: &Item) -> Result<(), Trouble> {
        self.claims.look_first_from_now(item).await?;
        if self.claims.still_hold().await {
            return Ok(());
        }
        let why = "the connection that keeps other workers away broke".into();
        Err(Trouble::Later { why, outage: false })
    }

    /// Looks in Administrate for what may already be there.
    async fn look(&self, known: &KnownEvent, wanted: &Wanted) -> Result<Option<EventLink>, Trouble> {
        let title = fold(&wanted.event.title);
        let found = self.client.events_by_titles(&[&wanted.event.title]).await?;
        let mut found = found.into_iter().filter(|event| fold(&event.title) == title);
        let (first, second) = (found.next(), found.next());
        if let (Some(first), Some(second)) = (&first, &second) {
            return Err(Trouble::Unclear(format!(
                "Administrate has several events titled \"{}\" ({}, {}…): decide which is ours with \
                 `lectern outbox resolve`",
                wanted.event.title, first.id, second.id
            )));
        }
        let Some(event) = first else { return Ok(None) };
        if !is_the_same(&event, wanted) {
            return Err(Trouble::Unclear(format!(
                "Administrate has an event titled \"{}\" ({}) with another course template or start: decide with \
                 `lectern outbox resolve` whether it is ours",
                event.title, event.id
            )));
        }
        let sessions = event.sessions.into_iter().map(|session| session.id);
        Ok(Some(paired(&EventLink::of(event.id, sessions), known)))
    }
}

/// Whether Administrate's event is ours by its course template and its start: in the classroom, on the learning
/// platform, or whichever of the two it calls its start.
pub(crate) fn is_the_same(event: &administrate::Event, wanted: &Wanted) -> bool {
    let template = event.course_template.as_ref().is_none_or(|t| t.id == wanted.event.course_template_id);
    let zone = jiff::tz::TimeZone::get(&wanted.event.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let ours: Vec<_> = [wanted.event.classroom, wanted.event.lms].into_iter().flatten().map(|w| w.start).collect();
    let theirs = [event.start, event.time_zoned_start, event.classroom_start, event.lms_start];
    let mut theirs = theirs.into_iter().flatten().map(|moment| moment.local(&zone)).peekable();
    template && (theirs.peek().is_none() || theirs.any(|start| ours.contains(&start)))
}
