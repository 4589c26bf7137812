//! Turns texts of events and sessions into references.

use sqlx::PgConnection;

use super::matching::{NamedPlaces, is_undecided};
use super::removed::FORMER_PRODUCT;
use super::report::{RowReport, listed, unresolved};
use super::store::{self, TextUse};
use crate::console::counted;
use crate::error::Result;

pub const EVENTS: &str = "acted.tutorial_events";
pub const SESSIONS: &str = "acted.tutorial_sessions";
const SESSIONS_OF_EVENTS: &str =
    "acted.tutorial_sessions AS t JOIN acted.tutorial_events AS e ON e.id = t.tutorial_event_id";

/// A text with the reference that it becomes.
#[derive(Clone, Copy)]
struct TextColumn {
    source: &'static str,
    field: &'static str,
    reference: &'static str,
}

/// Resolves what has one meaning, and reports the rest.
pub async fn resolve(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool, report: &mut RowReport) -> Result<()> {
    let locations = NamedPlaces::new(store::own_locations(db).await?.iter().map(store::OwnRow::named).collect());
    let venues = NamedPlaces::new(store::own_venues(db).await?.iter().map(store::OwnRow::named).collect());
    if has("tutorial_events", "location") {
        let texts = store::texts(db, "acted.tutorial_events AS t", "location", "location_id", "NULL").await?;
        let field = TextColumn { source: EVENTS, field: "location", reference: "location_id" };
        apply(db, field, &locations, &texts, report).await?;
    }
    if has("tutorial_events", "venue") {
        locations_of_products(db, has, &locations, report).await?;
        let texts = store::texts(db, "acted.tutorial_events AS t", "venue", "venue_id", "t.location_id").await?;
        apply(db, TextColumn { source: EVENTS, field: "venue", reference: "venue_id" }, &venues, &texts, report)
            .await?;
    }
    if has("tutorial_sessions", "location") {
        let texts = store::texts(db, "acted.tutorial_sessions AS t", "location", "location_id", "NULL").await?;
        let field = TextColumn { source: SESSIONS, field: "location", reference: "location_id" };
        apply(db, field, &locations, &texts, report).await?;
    }
    if has("tutorial_sessions", "venue") {
        let location = "coalesce(t.location_id, e.location_id)";
        let texts = store::texts(db, SESSIONS_OF_EVENTS, "venue", "venue_id", location).await?;
        apply(db, TextColumn { source: SESSIONS, field: "venue", reference: "venue_id" }, &venues, &texts, report)
            .await?;
    }
    Ok(())
}

/// The location of an event is the one whose name is the short name of its product.
async fn locations_of_products(
    db: &mut PgConnection,
    has: &impl Fn(&str, &str) -> bool,
    locations: &NamedPlaces,
    report: &mut RowReport,
) -> Result<()> {
    let product = if has("tutorial_events", FORMER_PRODUCT) { FORMER_PRODUCT } else { "product_id" };
    let has_text = match has("tutorial_events", "location") {
        true => "coalesce(trim(t.location), '') <> ''",
        false => "false",
    };
    let mut links = Vec::new();
    for product in store::product_names(db, product, has_text).await? {
        match locations.find(&product.text, None) {
            Ok(id) => links.extend(product.ids.iter().map(|event| (*event, id))),
            Err(why) => report.notes.push(format!(
                "{EVENTS}: {} ({}) of the product \"{}\" without location: {}",
                counted(product.ids.len(), "event"),
                listed(&product.ids),
                product.text,
                why.reason("location")
            )),
        }
    }
    if !links.is_empty() {
        report.changes.push(format!("{EVENTS}: {} got the location of their product", counted(links.len(), "row")));
    }
    store::link(db, EVENTS, "location_id", &links).await
}

async fn apply(
    db: &mut PgConnection,
    field: TextColumn,
    places: &NamedPlaces,
    texts: &[TextUse],
    report: &mut RowReport,
) -> Result<()> {
    let mut links = Vec::new();
    for text in texts {
        match places.find(&text.text, text.location) {
            Ok(id) => links.extend(text.ids.iter().map(|row| (*row, id))),
            Err(_) if is_undecided(&text.text) => {}
            Err(why) => {
                let reason = why.reason(field.field);
                store::keep_unresolved(db, field.source, field.field, &text.text, &text.ids, &reason).await?;
                report.problems.push(unresolved(field.source, field.field, text, why));
            }
        }
    }
    if !links.is_empty() {
        let rows = counted(links.len(), "row");
        report.changes.push(format!("{}: {} of {rows} became {}", field.source, field.field, field.reference));
    }
    store::link(db, field.source, field.reference, &links).await
}

/// Brings instructors of sessions and events to their tables.
pub async fn instructors(
    db: &mut PgConnection,
    has: &impl Fn(&str, &str) -> bool,
    has_event_instructors: bool,
    report: &mut RowReport,
) -> Result<()> {
    let mut staff = 0;
    if has("tutorial_sessions", "instructor_id") {
        let added = store::add_session_instructors(db).await?;
        if added > 0 {
            report
                .changes
                .push(format!("acted.tutorial_session_instructors: {added} added from instructor_id of sessions"));
        }
    }
    if has("tutorial_events", "instructor_id") {
        let pairs = "SELECT id, instructor_id FROM acted.tutorial_events WHERE instructor_id IS NOT NULL";
        staff += store::add_event_staff(db, pairs).await?;
    }
    if has_event_instructors {
        staff += store::add_event_staff(db, store::former_event_instructors()).await?;
    }
    if staff > 0 {
        report.changes.push(format!("lectern.event_staff: {staff} added from the instructors of events"));
    }
    Ok(())
}
