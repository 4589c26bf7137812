//! Reads the local state that a plan depends on, one statement for each kind of record, and the choices of an empty workbook.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges;
use crate::bridges::events::BaselineKind;
use crate::bridges::store::overrides;
use crate::config::Config;
use crate::error::Result;
use crate::merge::desired::DesiredStaff;
use crate::names::fold;
use crate::tutorials::{self, KnownEvent};

use super::blocks::Timetable;
use super::mapping;
use super::plan::inputs::{Booking, ContactRecord, Definition, LinkedRecord, LocalState};
use super::plan::remote_state::RemoteState;
use super::sheet::lists;
use crate::timetable_import::sheet::lists::Choices;
use crate::workbook::values::sitting_of_session_code;

/// Reads all local records that the plan of a timetable depends on.
pub async fn local_state(db: &mut PgConnection, timetable: &Timetable) -> Result<LocalState> {
    let titles = titles(timetable);
    let (events, duplicates) = by_title(tutorials::store::events_by_code(db, &titles).await?);
    let mut local = LocalState {
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
        new_instructors: Vec::new(),
        products: sqlx::query_as(
            "SELECT p.id, p.product_code AS name, e.session_code, COALESCE(v.code, '') AS variation_code,
                    c.shortname AS location_name, s.id::bigint AS subject_id, s.code AS subject_code,
                    v.variation_type = 'Tutorial' AS is_tutorial, f.id::bigint AS product_variation_id,
                    p.is_active AND x.is_active AND s.active AND c.is_active AS is_active
             FROM acted.products AS p
             JOIN acted.catalog_exam_session_subjects AS x ON x.id = p.exam_session_subject_id
             JOIN acted.catalog_exam_sessions AS e ON e.id = x.exam_session_id
             JOIN acted.catalog_subjects AS s ON s.id = x.subject_id
             JOIN acted.catalog_product_product_variations AS f ON f.id = p.product_product_variation_id
             JOIN acted.catalog_products AS c ON c.id = f.product_id
             JOIN acted.catalog_product_variations AS v ON v.id = f.product_variation_id
             ORDER BY p.id",
        )
        .fetch_all(&mut *db)
        .await?,
        mappings: mapping::store::all(db).await?,
        fields: definitions(db).await?,
        defaults: defaults(db).await?.into_iter().collect(),
        events,
        ambiguous_titles: duplicates,
        bookings: bookings(db, timetable, &titles).await?,
        template_sessions: template_sessions(db).await?,
        links: HashMap::new(),
        baselines: HashMap::new(),
        staff_baselines: HashMap::new(),
    };
    local.mark_manual_links(&overrides::manually_linked(db).await?);
    let known: Vec<i64> = local.events.values().map(|known| known.id).collect();
    local.links = bridges::events::remote_status(db, &known).await?;
    Ok(local)
}

/// Returns the definitions of custom fields by folded (entity type, label), the oldest if several share a label.
async fn definitions(db: &mut PgConnection) -> Result<HashMap<(String, String), Definition>> {
    let fields = bridges::store::references::custom_fields(db).await?;
    let definition = |field: bridges::reference::CustomFieldRow| {
        let options = field.options.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let key = (fold(&field.entity_type), fold(&field.label));
        let definition = Definition {
            key: field.external_id,
            label: field.label,
            field_type: field.field_type,
            is_required: field.is_required,
            options: options.collect(),
        };
        (key, definition)
    };
    Ok(fields.into_iter().rev().map(definition).collect())
}

/// Returns the local course templates with the keys of the custom fields that they set on their events.
async fn defaults(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "SELECT t.tutorial_course_template_id, f.key
         FROM adm.course_templates AS t CROSS JOIN jsonb_each_text(t.custom_fields) AS f (key, value)
         WHERE t.tutorial_course_template_id IS NOT NULL AND jsonb_typeof(t.custom_fields) = 'object' AND f.value <> ''",
    )
    .fetch_all(db)
    .await?)
}

/// Returns the events by folded title, and the codes of events that share a folded title.
fn by_title(known: Vec<KnownEvent>) -> (HashMap<String, KnownEvent>, HashMap<String, Vec<String>>) {
    let (mut events, mut duplicates) = (HashMap::<String, KnownEvent>::new(), HashMap::new());
    for known in known {
        match events.entry(fold(&known.event.code)) {
            Entry::Vacant(entry) => drop(entry.insert(known)),
            Entry::Occupied(first) => {
                let codes =
                    duplicates.entry(first.key().clone()).or_insert_with(|| vec![first.get().event.code.clone()]);
                codes.push(known.event.code);
            }
        }
    }
    (events, duplicates)
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

/// Returns the sessions of other events in the period of the timetable, without cancelled events.
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

/// Returns the largest number of sessions that Administrate created for an event, by course template.
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

/// Returns the certain baselines of the staff of whole events, by Administrate's id.
pub async fn staff_baselines(db: &mut PgConnection, external_ids: &[&str]) -> Result<HashMap<String, DesiredStaff>> {
    let rows: Vec<(String, Json<DesiredStaff>)> = sqlx::query_as(
        "SELECT external_id, fields FROM lectern.agreed
         WHERE entity = $1 AND external_id = ANY ($2) AND NOT coalesce((fields->>'unsure')::boolean, false)",
    )
    .bind(BaselineKind::EventStaff.name())
    .bind(external_ids)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(id, Json(staff))| (id, staff)).collect())
}

/// Returns Administrate's ids of the course templates that a timetable names.
pub fn template_ids(timetable: &Timetable, local: &LocalState) -> Vec<String> {
    let codes: HashSet<String> =
        timetable.blocks.iter().filter_map(|block| block.event.template.as_deref().map(fold)).collect();
    let named = local.templates.iter().filter(|template| codes.contains(&fold(&template.record.name)));
    named.filter_map(|template| template.external_id.clone()).collect()
}

/// Returns the remote state as the last sync stored it, without events: delivery looks for those in Administrate.
pub async fn stored_remote_state(db: &mut PgConnection, templates: &[String]) -> Result<RemoteState> {
    let approved: Vec<(String, String)> = sqlx::query_as(
        "SELECT template_external_id, contact_external_id FROM lectern.approved_instructors
         WHERE template_external_id = ANY ($1)",
    )
    .bind(templates)
    .fetch_all(&mut *db)
    .await?;
    let administrators = administrators(db).await?;
    let mut remote_state = RemoteState { administrators, ..RemoteState::default() };
    for (template, contact) in approved {
        remote_state.approved.entry(template).or_default().insert(contact);
    }
    Ok(remote_state)
}

/// Returns the contacts that may administer an event, as the last sync stored them.
async fn administrators(db: &mut PgConnection) -> Result<Vec<ContactRecord>> {
    Ok(sqlx::query_as(
        "SELECT external_id, trim(concat_ws(' ', first_name, last_name)) AS name FROM lectern.administrators",
    )
    .fetch_all(db)
    .await?)
}

/// The key of the advisory lock of the import that writes locally.
const WRITE_LOCK: i32 = 0x4C_49_4D;

/// Tries to lock local writing for as long as the connection lasts; false while another import has the lock.
pub async fn try_write_lock(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, 0)").bind(WRITE_LOCK).fetch_one(db).await?)
}

/// Reports whether there is nothing that an event could be sold as.
pub async fn is_catalogue_empty(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM acted.products) OR NOT EXISTS (SELECT FROM acted.tutorial_course_templates)",
    )
    .fetch_one(db)
    .await?)
}

/// Reports whether reference data was ever synced with Administrate.
pub async fn is_synced(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM adm.course_templates) AND EXISTS (SELECT FROM adm.locations)")
        .fetch_one(db)
        .await?)
}

/// Returns the choices in the cells of a workbook.
pub async fn choices(db: &mut PgConnection, config: &Config) -> Result<Choices> {
    let (letters, zone) = (&config.sittings, config.zone());
    let zone = zone.iana_name().unwrap_or("UTC");
    let active_names = |records: Vec<LinkedRecord>| {
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
    // The latest sittings first: timetables are planned for them.
    let sold = sqlx::query_scalar(
        "SELECT DISTINCT e.session_code FROM acted.products AS p
         JOIN acted.catalog_exam_session_subjects AS x ON x.id = p.exam_session_subject_id
         JOIN acted.catalog_exam_sessions AS e ON e.id = x.exam_session_id
         WHERE p.is_active AND x.is_active ORDER BY e.session_code DESC",
    );
    let sold: Vec<String> = sold.fetch_all(&mut *db).await?;
    let mut sittings: Vec<String> = sold.iter().filter_map(|code| sitting_of_session_code(code, letters)).collect();
    sittings.dedup();
    Ok(Choices {
        templates: active_names(templates(db).await?),
        locations: active_names(locations(db).await?),
        venues,
        instructors: active_names(instructors(db).await?),
        administrators,
        sittings,
        zones: lists::zones(zone, &zones),
    })
}
