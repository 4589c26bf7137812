//! Turns texts of events and sessions into references.

use sqlx::PgConnection;

use super::Report;
use super::matching::{Places, Unresolved, is_undecided};
use super::store::{self, TextUse};
use crate::console::counted;
use crate::error::Result;

const EVENTS: &str = "acted.tutorial_events";
const SESSIONS: &str = "acted.tutorial_sessions";
const SESSIONS_OF_EVENTS: &str =
    "acted.tutorial_sessions AS t JOIN acted.tutorial_events AS e ON e.id = t.tutorial_event_id";

/// Resolves what has one meaning, and reports the rest.
pub(super) async fn resolve(
    db: &mut PgConnection,
    has: &impl Fn(&str, &str) -> bool,
    report: &mut Report,
) -> Result<()> {
    let locations = Places::new(store::own_locations(db).await?);
    let venues = Places::new(store::own_venues(db).await?);
    if has("tutorial_events", "venue") {
        events_of_products(db, &locations, report).await?;
        let texts = store::texts(db, "acted.tutorial_events AS t", "t.venue", "t.venue_id", "t.location_id").await?;
        apply(db, Field { source: EVENTS, field: "venue", reference: "venue_id" }, &venues, &texts, report).await?;
    }
    if has("tutorial_sessions", "location") {
        let texts =
            store::texts(db, "acted.tutorial_sessions AS t", "t.location", "t.location_id", "NULL::bigint").await?;
        let field = Field { source: SESSIONS, field: "location", reference: "location_id" };
        apply(db, field, &locations, &texts, report).await?;
    }
    if has("tutorial_sessions", "venue") {
        let location = "coalesce(t.location_id, e.location_id)";
        let texts = store::texts(db, SESSIONS_OF_EVENTS, "t.venue", "t.venue_id", location).await?;
        apply(db, Field { source: SESSIONS, field: "venue", reference: "venue_id" }, &venues, &texts, report).await?;
    }
    Ok(())
}

/// The location of an event is the one whose name is the short name of its product.
async fn events_of_products(db: &mut PgConnection, locations: &Places, report: &mut Report) -> Result<()> {
    let mut links = Vec::new();
    for product in store::product_names(db).await? {
        match locations.find(&product.text, None) {
            Ok(id) => links.extend(product.ids.iter().map(|event| (*event, id))),
            Err(why) => report.problems.push(format!(
                "{EVENTS}: {} of the product \"{}\" without location: {}",
                counted(product.ids.len(), "event"),
                product.text,
                why.reason("location")
            )),
        }
    }
    store::link(db, EVENTS, "location_id", &links).await
}

#[derive(Clone, Copy)]
struct Field {
    source: &'static str,
    field: &'static str,
    reference: &'static str,
}

async fn apply(
    db: &mut PgConnection,
    field: Field,
    places: &Places,
    texts: &[TextUse],
    report: &mut Report,
) -> Result<()> {
    let mut links = Vec::new();
    for text in texts {
        match places.find(&text.text, text.location) {
            Ok(id) => links.extend(text.ids.iter().map(|row| (*row, id))),
            Err(_) if is_undecided(&text.text) => {}
            Err(why) => {
                let reason = why.reason(field.field);
                store::keep_unresolved(db, field.source, field.field, &text.text, &text.ids, &reason).await?;
                report.problems.push(problem(field, text, why));
            }
        }
    }
    report.changes.push(format!(
        "{}: {} set from {}",
        field.source,
        counted(links.len(), field.reference),
        field.field
    ));
    store::link(db, field.source, field.reference, &links).await
}

fn problem(field: Field, text: &TextUse, why: Unresolved) -> String {
    let shown: Vec<String> = text.ids.iter().take(10).map(i64::to_string).collect();
    format!(
        "{}: {} \"{}\" of {} ({}{}) stays a text in lectern.archive: {}",
        field.source,
        field.field,
        text.text,
        counted(text.ids.len(), "row"),
        shown.join(", "),
        if text.ids.len() > shown.len() { ", …" } else { "" },
        why.reason(field.field)
    )
}

/// Brings instructors of sessions and events to their tables.
pub(super) async fn instructors(
    db: &mut PgConnection,
    has: &impl Fn(&str, &str) -> bool,
    has_event_instructors: bool,
) -> Result<()> {
    if has("tutorial_sessions", "instructor_id") {
        store::add_session_instructors(db).await?;
    }
    if has("tutorial_events", "instructor_id") {
        let pairs = "SELECT id, instructor_id FROM acted.tutorial_events WHERE instructor_id IS NOT NULL";
        store::add_event_staff(db, pairs).await?;
    }
    if has_event_instructors {
        let pairs = "SELECT tutorialevents_id, tutorialinstructor_id FROM acted.tutorial_event_instructors";
        store::add_event_staff(db, pairs).await?;
    }
    Ok(())
}
