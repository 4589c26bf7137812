//! What a plan depends on, read in one statement a kind, and what an empty workbook offers.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use serde_json::Value;
use sqlx::PgConnection;

use crate::bridges;
use crate::bridges::store::overrides;
use crate::error::Result;
use crate::names::fold;
use crate::tutorials::{self, KnownEvent};

use super::blocks::Timetable;
use super::plan::inputs::{Booking, ContactRecord, Definition, LinkedRecord, LocalState};
use super::plan::remote_state::RemoteState;
use super::sheet::template;
use super::values::sitting_of;
use crate::timetable_import::sheet::template::Choices;

/// Reads everything of ours that the plan of a timetable depends on.
pub async fn local_state(db: &mut PgConnection, timetable: &Timetable) -> Result<LocalState> {
    let titles = titles(timetable);
    let (events, twins) = by_title(tutorials::store::events_by_code(db, &titles).await?);
    let mut ours = LocalState {
        templates: templates(db).await?,
        locations: locations(db).await?,
        venues: sqlx::query_as(
            "SELECT DISTINCT ON (v.id) v.id, v.name, true AS is_active, b.external_id, v.location_id
             FROM acted.tutorial_venues AS v LEFT JOIN adm.venues AS b ON b.tutorial_venue_id = v.id
             ORDER BY v.id, b.id",
        )
        .fetch_all(&mut *db)
        .await?,
        instructors: instructors(db).await?,
        newcomers: Vec::new(),
        products: sqlx::query_as(
            "SELECT p.id, p.product_code AS name, e.session_code, v.code AS variation_code,
                    c.shortname AS location_name,
                    p.is_active AND x.is_active AND s.active AND c.is_active AS is_active
             FROM acted.products AS p
             JOIN acted.catalog_exam_session_subjects AS x ON x.id = p.exam_session_subject_id
             JOIN acted.catalog_exam_sessions AS e ON e.id = x.exam_session_id
             JOIN acted.catalog_subjects AS s ON s.id = x.subject_id
             JOIN acted.catalog_product_product_variations AS f ON f.id = p.product_product_variation_id
             JOIN acted.catalog_products AS c ON c.id = f.product_id
             JOIN acted.catalog_product_variations AS v ON v.id = f.product_variation_id
             WHERE v.code IS NOT NULL ORDER BY p.id",
        )
        .fetch_all(&mut *db)
        .await?,
        fields: definitions(db).await?,
        defaults: defaults(db).await?.into_iter().collect(),
        events,
        twins,
        bookings: bookings(db, timetable, &titles).await?,
        template_sessions: template_sessions(db).await?,
        links: HashMap::new(),
        agreed: HashMap::new(),
    };
    ours.mark_manual_links(&overrides::manually_linked(db).await?);
    let known: Vec<i64> = ours.events.values().map(|known| known.id).collect();
    ours.links = bridges::events::remote_status(db, &known).await?;
    Ok(ours)
}

/// Definitions of custom fields by folded (entity type, label); of several the oldest.
async fn definitions(db: &mut PgConnection) -> Result<HashMap<(String, String), Definition>> {
    let fields = bridges::store::references::custom_fields(db).await?;
    let definition = |field: bridges::reference::CustomFieldRow| {
        let options = field.options.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let of = (fold(&field.entity_type), fold(&field.label));
        let definition = Definition {
            key: field.external_id,
            label: field.label,
            field_type: field.field_type,
            is_required: field.is_required,
            options: options.collect(),
        };
        (of, definition)
    };
    Ok(fields.into_iter().rev().map(definition).collect())
}

/// Our course templates with the keys of the custom fields for which they give their events a value.
async fn defaults(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "SELECT t.tutorial_course_template_id, f.key
         FROM adm.course_templates AS t CROSS JOIN jsonb_each_text(t.custom_fields) AS f (key, value)
         WHERE t.tutorial_course_template_id IS NOT NULL AND jsonb_typeof(t.custom_fields) = 'object' AND f.value <> ''",
    )
    .fetch_all(db)
    .await?)
}

/// Events by folded title, and the codes of those of which several have one.
fn by_title(known: Vec<KnownEvent>) -> (HashMap<String, KnownEvent>, HashMap<String, Vec<String>>) {
    let (mut events, mut twins) = (HashMap::<String, KnownEvent>::new(), HashMap::new());
    for known in known {
        match events.entry(fold(&known.event.code)) {
            Entry::Vacant(free) => drop(free.insert(known)),
            Entry::Occupied(other) => {
                let codes = twins.entry(other.key().clone()).or_insert_with(|| vec![other.get().event.code.clone()]);
                codes.push(known.event.code);
            }
        }
    }
    (events, twins)
}

fn titles(timetable: &Timetable) -> Vec<&str> {
    timetable.blocks.iter().filter_map(|block| block.event.title.as_deref()).collect()
}

async fn templates(db: &mut PgConnection) -> Result<Vec<LinkedRecord>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT ON (t.id) t.id, t.code AS name, t.is_active, b.external_id
         FROM acted.tutorial_course_templates AS t
         LEFT JOIN adm.course_templates AS b ON b.tutorial_course_template_id = t.id
         ORDER BY t.id, b.id",
    )
    .fetch_all(db)
    .await?)
}

async fn locations(db: &mut PgConnection) -> Result<Vec<LinkedRecord>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT ON (l.id) l.id, l.name, l.is_active, b.external_id
         FROM acted.tutorial_locations AS l LEFT JOIN adm.locations AS b ON b.tutorial_location_id = l.id
         ORDER BY l.id, b.id",
    )
    .fetch_all(db)
    .await?)
}

async fn instructors(db: &mut PgConnection) -> Result<Vec<LinkedRecord>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT ON (i.id) i.id, concat_ws(' ', u.first_name, u.last_name) AS name,
                i.is_active AND u.id IS NOT NULL AS is_active, b.external_id
         FROM acted.tutorial_instructors AS i
         LEFT JOIN acted.staff AS s ON s.id = i.staff_id
         LEFT JOIN public.auth_user AS u ON u.id = s.user_id
         LEFT JOIN adm.instructors AS b ON b.tutorial_instructor_id = i.id
         ORDER BY i.id, b.is_active DESC NULLS LAST, b.id",
    )
    .fetch_all(db)
    .await?)
}

type BookingRow = (String, String, Option<i64>, Vec<i64>, SqlTimestamp, SqlTimestamp);

/// Sessions of other events, not called off, in the time that the timetable spans.
async fn bookings(db: &mut PgConnection, timetable: &Timetable, titles: &[&str]) -> Result<Vec<Booking>> {
    let Some((first, last)) = span(timetable) else { return Ok(Vec::new()) };
    let rows: Vec<BookingRow> = sqlx::query_as(
        "SELECT e.code, s.title,
                CASE WHEN s.location_id IS NULL AND s.venue_id IS NULL THEN e.venue_id ELSE s.venue_id END,
                ARRAY(SELECT i.tutorialinstructor_id FROM acted.tutorial_session_instructors AS i
                      WHERE i.tutorialsessions_id = s.id),
                s.start_date, s.end_date
         FROM acted.tutorial_sessions AS s
         JOIN acted.tutorial_events AS e ON e.id = s.tutorial_event_id
         LEFT JOIN lectern.event_details AS d ON d.tutorial_event_id = e.id
         WHERE s.start_date < $2 AND s.end_date > $1 AND lower(e.code) <> ALL ($3) AND NOT coalesce(d.cancelled, false)
         ORDER BY s.id",
    )
    .bind(first.to_sqlx())
    .bind(last.to_sqlx())
    .bind(titles.iter().map(|title| title.to_lowercase()).collect::<Vec<_>>())
    .fetch_all(db)
    .await?;
    let booking = |(event, session, venue_id, instructor_ids, start, end): BookingRow| Booking {
        event,
        session,
        venue_id,
        instructor_ids,
        start: start.to_jiff(),
        end: end.to_jiff(),
    };
    Ok(rows.into_iter().map(booking).collect())
}

fn span(timetable: &Timetable) -> Option<(Timestamp, Timestamp)> {
    let sessions = || timetable.blocks.iter().flat_map(|block| &block.sessions);
    let first = sessions().filter_map(|(_, session)| session.start).map(|moment| moment.at).min()?;
    let last = sessions().filter_map(|(_, session)| session.end).map(|moment| moment.at).max()?;
    Some((first, last))
}

/// Most sessions that Administrate made for an event, by course template.
async fn template_sessions(db: &mut PgConnection) -> Result<HashMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT d.course_template_id, max(made.count)
         FROM adm.events AS e
         JOIN lectern.event_details AS d ON d.tutorial_event_id = e.tutorial_event_id
         JOIN (SELECT event_id, count(*) FROM adm.sessions WHERE external_id IS NOT NULL GROUP BY event_id) AS made
              ON made.event_id = e.id
         WHERE d.course_template_id IS NOT NULL GROUP BY d.course_template_id",
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Administrate's ids of the course templates that a timetable names.
pub fn template_ids(timetable: &Timetable, ours: &LocalState) -> Vec<String> {
    let codes: HashSet<String> =
        timetable.blocks.iter().filter_map(|block| block.event.template.as_deref().map(fold)).collect();
    let named = ours.templates.iter().filter(|template| codes.contains(&fold(&template.record.name)));
    named.filter_map(|template| template.external_id.clone()).collect()
}

/// The remote facts as the last sync kept them; which events stand in Administrate is left to delivery.
pub async fn stored_remote_state(db: &mut PgConnection, templates: &[String]) -> Result<RemoteState> {
    let approved: Vec<(String, String)> = sqlx::query_as(
        "SELECT template_external_id, contact_external_id FROM lectern.approved_instructors
         WHERE template_external_id = ANY ($1)",
    )
    .bind(templates)
    .fetch_all(&mut *db)
    .await?;
    let administrators = administrators(db).await?;
    let mut facts = RemoteState { administrators, ..RemoteState::default() };
    for (template, contact) in approved {
        facts.approved.entry(template).or_default().insert(contact);
    }
    Ok(facts)
}

/// Who may administer an event, as the last sync kept it.
async fn administrators(db: &mut PgConnection) -> Result<Vec<ContactRecord>> {
    Ok(sqlx::query_as(
        "SELECT external_id, trim(concat_ws(' ', first_name, last_name)) AS name FROM lectern.administrators",
    )
    .fetch_all(db)
    .await?)
}

/// The advisory lock of whoever writes a timetable.
const WRITE_LOCK: i32 = 0x4C_49_4D;

/// Takes the turn of writing a timetable, for as long as the connection lasts; false while somebody else has it.
pub async fn try_write_lock(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, 0)").bind(WRITE_LOCK).fetch_one(db).await?)
}

/// Whether reference data was ever brought together with Administrate's.
pub async fn is_synced(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM adm.course_templates) AND EXISTS (SELECT FROM adm.locations)")
        .fetch_one(db)
        .await?)
}

/// What the cells of an empty workbook offer; `letters` are those of sittings, `zone` is the provider's own.
pub async fn choices(db: &mut PgConnection, letters: &BTreeMap<String, String>, zone: &str) -> Result<Choices> {
    let named = |records: Vec<LinkedRecord>| {
        let active = records.into_iter().filter(|linked| linked.is_active).map(|linked| linked.record.name);
        let mut names: Vec<String> = active.collect();
        names.sort();
        names.dedup();
        names
    };
    let venues = sqlx::query_scalar("SELECT DISTINCT name FROM acted.tutorial_venues ORDER BY name");
    let venues = venues.fetch_all(&mut *db).await?;
    let zones = sqlx::query_scalar("SELECT DISTINCT time_zone FROM lectern.event_details ORDER BY time_zone");
    let zones: Vec<String> = zones.fetch_all(&mut *db).await?;
    let mut administrators: Vec<String> = administrators(db).await?.into_iter().map(|contact| contact.name).collect();
    administrators.sort();
    administrators.dedup();
    // The latest first: of an old provider's many it is those that timetables are made for.
    let sold = sqlx::query_scalar(
        "SELECT DISTINCT e.session_code FROM acted.products AS p
         JOIN acted.catalog_exam_session_subjects AS x ON x.id = p.exam_session_subject_id
         JOIN acted.catalog_exam_sessions AS e ON e.id = x.exam_session_id
         WHERE p.is_active AND x.is_active ORDER BY e.session_code DESC",
    );
    let sold: Vec<String> = sold.fetch_all(&mut *db).await?;
    let mut sittings: Vec<String> = sold.iter().filter_map(|code| sitting_of(code, letters)).collect();
    sittings.dedup();
    Ok(Choices {
        templates: named(templates(db).await?),
        locations: named(locations(db).await?),
        venues,
        instructors: named(instructors(db).await?),
        administrators,
        sittings,
        zones: template::zones(zone, &zones),
    })
}
