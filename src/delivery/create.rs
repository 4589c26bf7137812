//! The first step: the event comes to be in Administrate, once.

use std::time::Duration;

use administrate::Event;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use super::errand::Errand;
use super::pairing::paired;
use super::wanted::Wanted;
use super::{Remark, Trouble};
use crate::bridges::events::{self, Agreed, EventLink, Standing};

impl Errand<'_> {
    /// Creates the event, or finds that it is there already, and stores its ids at once.
    pub(super) async fn create(&mut self, wanted: &Wanted) -> Result<EventLink, Trouble> {
        if let Some(link) = self.found(wanted).await? {
            return Ok(link);
        }
        let claims = &self.worker.claims;
        claims.in_doubt_from_now(self.item).await?;
        if !claims.still_hold(self.item).await {
            return Err(Trouble::later("the connection that keeps other workers away broke"));
        }
        let created = self.worker.client.create_event(&wanted.event);
        let created = in_time(created, Duration::from_millis(self.worker.config.http_timeout_ms)).await?;
        if self.item.in_doubt {
            self.stands_alone(&created.id, wanted).await?;
        }
        let sessions = created.sessions.into_iter().map(|session| session.id);
        let link = paired(&EventLink::of(created.id, sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        self.remarks.extend(created.warnings.into_iter().map(|warning| Remark::Warning(warning.to_string())));
        if created.left_out.is_empty() {
            self.agree(Agreed::Event, &link.external_id, &wanted.event).await?;
        } else {
            self.remarks.push(Remark::LeftOut(created.left_out));
        }
        Ok(link)
    }

    /// What may already be there, found by title, template and start where there is a doubt, and linked.
    pub(super) async fn found(&mut self, wanted: &Wanted) -> Result<Option<EventLink>, Trouble> {
        if !self.item.look_first {
            return Ok(None);
        }
        let candidates = self.candidates(wanted).await?;
        let same: Vec<&Event> = candidates.iter().filter(|event| is_the_same(event, wanted)).collect();
        let event = match same.as_slice() {
            [event] => *event,
            [] if candidates.is_empty() => return Ok(None),
            [] => return Err(Trouble::Unclear(evidence(wanted, &candidates, "another course template or start"))),
            _ => return Err(Trouble::Unclear(evidence(wanted, &candidates, "the same course template and start"))),
        };
        let sessions = event.sessions.iter().map(|session| session.id.clone());
        let link = paired(&EventLink::of(event.id.clone(), sessions), self.known);
        events::link_event(&self.worker.pool, self.known.id, &link).await?;
        if !self.item.in_doubt {
            let standing = Standing { found_there: true, ..Standing::default() };
            self.agree(Agreed::Standing, &link.external_id, &standing).await?;
            self.remarks.push(Remark::Adopted);
        }
        Ok(Some(link))
    }

    /// Administrate's events of this title that are not called off and not linked to another event of ours.
    async fn candidates(&self, wanted: &Wanted) -> Result<Vec<Event>, Trouble> {
        let mut found = self.worker.client.events_by_titles(&[&wanted.event.title]).await?;
        found.retain(|event| {
            event.title.trim() == wanted.event.title && event.lifecycle.as_deref() != Some("cancelled")
        });
        let ids: Vec<_> = found.iter().map(|event| event.id.clone()).collect();
        let mut db = self.worker.pool.acquire().await?;
        let elsewhere = events::linked_elsewhere(&mut db, self.known.id, &ids).await?;
        found.retain(|event| !elsewhere.contains(&event.id));
        Ok(found)
    }

    /// After a doubt, the creation that nobody saw end may have been carried out late, beside the one made now.
    async fn stands_alone(&self, created: &administrate::Id, wanted: &Wanted) -> Result<(), Trouble> {
        let mut candidates = self.candidates(wanted).await?;
        candidates.retain(|event| is_the_same(event, wanted) || event.id == *created);
        if candidates.len() > 1 {
            let what = "the same course template and start, made by two requests of ours of which one was late";
            return Err(Trouble::Unclear(evidence(wanted, &candidates, what)));
        }
        Ok(())
    }
}

/// A creation; one that took all the time it may take can still be carried out, so that nobody looks for a while.
async fn in_time<T>(
    creation: impl Future<Output = Result<T, administrate::Error>>,
    timeout: Duration,
) -> Result<T, Trouble> {
    let started = Instant::now();
    creation.await.map_err(|error| match Trouble::from(error) {
        Trouble::Later { why, outage, .. } if started.elapsed() >= timeout => {
            Trouble::Later { why, outage, at_least: timeout }
        }
        trouble => trouble,
    })
}

fn evidence(wanted: &Wanted, found: &[Event], what: &str) -> String {
    let ids: Vec<String> = found.iter().map(|event| event.id.to_string()).collect();
    format!(
        "Administrate has {} titled \"{}\" with {what} ({}): decide with `lectern outbox resolve` which is ours",
        if found.len() == 1 { "an event" } else { "several events" },
        wanted.event.title,
        ids.join(", ")
    )
}

/// Whether Administrate's event is ours by its course template and its start: in the classroom, on the learning
/// platform, or whichever of the two it calls its start.
fn is_the_same(event: &Event, wanted: &Wanted) -> bool {
    let template = event.course_template.as_ref().is_none_or(|t| t.id == wanted.event.course_template_id);
    let zone = TimeZone::get(&wanted.event.time_zone).unwrap_or(TimeZone::UTC);
    let ours: Vec<_> = [wanted.event.classroom, wanted.event.lms].into_iter().flatten().map(|w| w.start).collect();
    let theirs = [event.start, event.time_zoned_start, event.classroom_start, event.lms_start];
    let mut theirs = theirs.into_iter().flatten().map(|moment| moment.local(&zone)).peekable();
    template && (theirs.peek().is_none() || theirs.any(|start| ours.contains(&start)))
}
