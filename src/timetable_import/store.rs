//! All SQL of the import: what a plan depends on, read in one statement a kind, and the fates of imported blocks.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::bridges;
use crate::error::Result;
use crate::names::fold;
use crate::tutorials::{self, KnownEvent};

use super::blocks::Timetable;
use super::facts::RemoteFacts;
use super::ours::{Booking, Contact, Definition, Linked, Ours};
use super::plan::{Counts, Item, Outcome, Plan};

/// Reads everything of ours that the plan of a timetable depends on.
pub async fn ours(db: &mut PgConnection, timetable: &Timetable) -> Result<Ours> {
    let titles = titles(timetable);
    let known = tutorials::store::events_by_code(db, &titles).await?;
    Ok(Ours {
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
        events: by_title(known, &titles),
        bookings: bookings(db, timetable, &titles).await?,
        template_sessions: template_sessions(db).await?,
        agreed: HashMap::new(),
    })
}

/// Definitions of custom fields by folded (entity type, label); of several the oldest.
async fn definitions(db: &mut PgConnection) -> Result<HashMap<(String, String), Definition>> {
    let fields = bridges::reference::store::custom_fields(db).await?;
    let definition = |field: bridges::reference::CustomField| {
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

/// Events by folded title; of several whose codes differ in letter case alone, the one that the timetable spells.
fn by_title(known: Vec<KnownEvent>, titles: &[&str]) -> HashMap<String, KnownEvent> {
    let titles: HashSet<&str> = titles.iter().copied().collect();
    let mut events = HashMap::new();
    for known in known {
        let spelt = titles.contains(known.event.code.as_str());
        match events.entry(fold(&known.event.code)) {
            Entry::Vacant(free) => drop(free.insert(known)),
            Entry::Occupied(mut other) if spelt => drop(other.insert(known)),
            Entry::Occupied(_) => {}
        }
    }
    events
}

fn titles(timetable: &Timetable) -> Vec<&str> {
    timetable.blocks.iter().filter_map(|block| block.event.title.as_deref()).collect()
}

async fn templates(db: &mut PgConnection) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT ON (t.id) t.id, t.code AS name, t.is_active, b.external_id
         FROM acted.tutorial_course_templates AS t
         LEFT JOIN adm.course_templates AS b ON b.tutorial_course_template_id = t.id
         ORDER BY t.id, b.id",
    )
    .fetch_all(db)
    .await?)
}

async fn locations(db: &mut PgConnection) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT ON (l.id) l.id, l.name, l.is_active, b.external_id
         FROM acted.tutorial_locations AS l LEFT JOIN adm.locations AS b ON b.tutorial_location_id = l.id
         ORDER BY l.id, b.id",
    )
    .fetch_all(db)
    .await?)
}

async fn instructors(db: &mut PgConnection) -> Result<Vec<Linked>> {
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
pub fn template_ids(timetable: &Timetable, ours: &Ours) -> Vec<String> {
    let codes: HashSet<String> =
        timetable.blocks.iter().filter_map(|block| block.event.template.as_deref().map(fold)).collect();
    let named = ours.templates.iter().filter(|template| codes.contains(&fold(&template.record.name)));
    named.filter_map(|template| template.external_id.clone()).collect()
}

/// The remote facts as the last sync kept them; which events stand in Administrate is left to delivery.
pub async fn kept_facts(db: &mut PgConnection, templates: &[String]) -> Result<RemoteFacts> {
    let approved: Vec<(String, String)> = sqlx::query_as(
        "SELECT template_external_id, contact_external_id FROM lectern.approved_instructors
         WHERE template_external_id = ANY ($1)",
    )
    .bind(templates)
    .fetch_all(&mut *db)
    .await?;
    let administrators: Vec<Contact> = sqlx::query_as(
        "SELECT external_id, trim(concat_ws(' ', first_name, last_name)) AS name FROM lectern.administrators",
    )
    .fetch_all(db)
    .await?;
    let mut facts = RemoteFacts { administrators, ..RemoteFacts::default() };
    for (template, contact) in approved {
        facts.approved.entry(template).or_default().insert(contact);
    }
    Ok(facts)
}

/// The advisory lock of whoever writes a timetable.
const TURN: i32 = 0x4C_49_4D;

/// Takes the turn of writing a timetable, for as long as the connection lasts; false while somebody else has it.
pub async fn try_turn(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_lock($1, 0)").bind(TURN).fetch_one(db).await?)
}

/// Whether reference data was ever brought together with Administrate's.
pub async fn is_synced(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM adm.course_templates) AND EXISTS (SELECT FROM adm.locations)")
        .fetch_one(db)
        .await?)
}

/// Keeps what became of blocks; `unused` is what each has in columns that mean nothing to us.
pub async fn keep_fates(db: &mut PgConnection, run: i64, items: &[&Item], unused: &[Value]) -> Result<()> {
    let fate = |(item, unused): (&&Item, &Value)| {
        json!({
            "row": item.row, "title": item.title, "outcome": item.outcome.word(), "sessions": item.sessions,
            "changes": item.changes, "unused": unused,
        })
    };
    let fates: Vec<Value> = items.iter().zip(unused).map(fate).collect();
    sqlx::query(
        "INSERT INTO lectern.import_rows (run_id, row, title, outcome, sessions, changes, unused)
         SELECT $1, row, title, outcome, sessions, changes, unused
         FROM jsonb_to_recordset($2) AS f (row int, title text, outcome text, sessions int, changes jsonb, unused jsonb)
         ON CONFLICT (run_id, row) DO UPDATE
         SET outcome = excluded.outcome, sessions = excluded.sessions, changes = excluded.changes
         WHERE excluded.outcome <> 'same'",
    )
    .bind(run)
    .bind(Json(fates))
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps what known events were before an import changed them.
pub async fn keep_before(db: &mut PgConnection, run: i64, events: &[KnownEvent]) -> Result<()> {
    let codes: Vec<&str> = events.iter().map(|known| known.event.code.as_str()).collect();
    let before: Vec<Json<&KnownEvent>> = events.iter().map(Json).collect();
    sqlx::query(
        "UPDATE lectern.import_rows AS kept SET before = b.before
         FROM unnest($2::text[], $3::jsonb[]) AS b (code, before)
         WHERE kept.run_id = $1 AND kept.title = b.code AND kept.outcome IN ('changed', 'cancelled')",
    )
    .bind(run)
    .bind(codes)
    .bind(before)
    .execute(db)
    .await?;
    Ok(())
}

/// What an import wrote: the titles that it brought, and the events that it changed as they were before. None where
/// there is no such import.
pub async fn written(db: &mut PgConnection, run: i64) -> Result<Option<(Vec<String>, Vec<KnownEvent>)>> {
    if !is_import(db, run).await? {
        return Ok(None);
    }
    let rows: Vec<(String, Option<Json<KnownEvent>>)> = sqlx::query_as(
        "SELECT title, before FROM lectern.import_rows
         WHERE run_id = $1 AND (outcome IN ('new', 'adopted') OR before IS NOT NULL) ORDER BY row",
    )
    .bind(run)
    .fetch_all(db)
    .await?;
    let (mut brought, mut before) = (Vec::new(), Vec::new());
    for (title, known) in rows {
        match known {
            Some(Json(known)) => before.push(known),
            None => brought.push(title),
        }
    }
    Ok(Some((brought, before)))
}

/// The titles that an import took; none where there is no such import.
pub async fn taken(db: &mut PgConnection, run: i64) -> Result<Option<Vec<String>>> {
    if !is_import(db, run).await? {
        return Ok(None);
    }
    let titles = sqlx::query_scalar(
        "SELECT title FROM lectern.import_rows
         WHERE run_id = $1 AND outcome IN ('new', 'adopted', 'changed', 'same') ORDER BY row",
    );
    Ok(Some(titles.bind(run).fetch_all(db).await?))
}

/// Whether there is such an import.
pub async fn is_import(db: &mut PgConnection, run: i64) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM lectern.runs WHERE id = $1 AND kind = 'import')")
        .bind(run)
        .fetch_one(db)
        .await?)
}

/// Which of these events a later import has written that was not taken back itself, and which one.
pub async fn changed_later(db: &mut PgConnection, run: i64, titles: &[&str]) -> Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as(
        "SELECT title, max(run_id) FROM lectern.import_rows
         WHERE run_id > $1 AND title = ANY ($2) AND outcome IN ('new', 'adopted', 'changed', 'cancelled')
           AND run_id::text NOT IN (SELECT subject FROM lectern.runs WHERE kind = 'import-undo')
         GROUP BY title ORDER BY title",
    )
    .bind(run)
    .bind(titles)
    .fetch_all(db)
    .await?)
}

/// The counts of a plan, in which what an earlier, interrupted attempt of the same run brought about counts as that.
pub async fn count_with_earlier(db: &mut PgConnection, run: i64, plan: &Plan) -> Result<Counts> {
    let earlier: Vec<(i32, String)> = sqlx::query_as("SELECT row, outcome FROM lectern.import_rows WHERE run_id = $1")
        .bind(run)
        .fetch_all(db)
        .await?;
    let earlier: HashMap<i64, String> = earlier.into_iter().map(|(row, outcome)| (row.into(), outcome)).collect();
    let mut counts = plan.counts();
    for item in plan.items.iter().filter(|item| item.outcome == Outcome::Unchanged) {
        let slot = match earlier.get(&item.row.into()).map(String::as_str) {
            Some("new" | "adopted") => &mut counts.created,
            Some("changed" | "cancelled") => &mut counts.updated,
            _ => continue,
        };
        *slot += 1;
        counts.unchanged -= 1;
    }
    Ok(counts)
}

/// The last import, its document, and the fates of its blocks; `run` names another one.
pub async fn kept_run(db: &mut PgConnection, run: Option<i64>) -> Result<Option<(i64, Value, Vec<Value>)>> {
    let found: Option<(i64, Option<Json<Value>>)> = sqlx::query_as(
        "SELECT id, document FROM lectern.runs
         WHERE kind = 'import' AND (id = $1 OR $1::bigint IS NULL AND NOT dry_run) ORDER BY id DESC LIMIT 1",
    )
    .bind(run)
    .fetch_optional(&mut *db)
    .await?;
    let Some((run, document)) = found else { return Ok(None) };
    let fates: Vec<Json<Value>> = sqlx::query_scalar(
        "SELECT to_jsonb(r) - 'run_id' FROM lectern.import_rows AS r WHERE run_id = $1 ORDER BY row",
    )
    .bind(run)
    .fetch_all(db)
    .await?;
    let document = document.map_or(Value::Null, |Json(document)| document);
    Ok(Some((run, document, fates.into_iter().map(|Json(fate)| fate).collect())))
}

/// Names for the drop-downs of an empty workbook: course templates, locations, venues, instructors.
pub async fn choices(db: &mut PgConnection) -> Result<[Vec<String>; 4]> {
    let named = |records: Vec<Linked>| {
        let active = records.into_iter().filter(|linked| linked.is_active).map(|linked| linked.record.name);
        let mut names: Vec<String> = active.collect();
        names.sort();
        names.dedup();
        names
    };
    let venues = sqlx::query_scalar("SELECT DISTINCT name FROM acted.tutorial_venues ORDER BY name");
    let venues = venues.fetch_all(&mut *db).await?;
    Ok([named(templates(db).await?), named(locations(db).await?), venues, named(instructors(db).await?)])
}
