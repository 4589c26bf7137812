//! SQL that reads, adds and deletes reference data. The number of statements does not depend on the number of rows.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{CourseTemplate, CreatedRow, CreatedTable, Instructor, Location, Named, NamedVenue, Room, Venue};
use crate::error::Result;

/// Returns active course templates, named by code.
pub async fn course_templates(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as(
        "SELECT id::bigint, code AS name FROM acted.tutorial_course_templates WHERE is_active ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Returns active locations.
pub async fn locations(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as("SELECT id::bigint, name FROM acted.tutorial_locations WHERE is_active ORDER BY id")
        .fetch_all(db)
        .await?)
}

/// Returns every location, inactive ones included: events of the past refer to them.
pub async fn every_location(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as("SELECT id::bigint, name FROM acted.tutorial_locations ORDER BY id").fetch_all(db).await?)
}

/// Returns every venue.
pub async fn venues(db: &mut PgConnection) -> Result<Vec<NamedVenue>> {
    Ok(sqlx::query_as("SELECT id::bigint, name, location_id::bigint FROM acted.tutorial_venues ORDER BY id")
        .fetch_all(db)
        .await?)
}

pub async fn location(db: &mut PgConnection, id: i64) -> Result<Option<Location>> {
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT name, code FROM acted.tutorial_locations WHERE id = $1")
            .bind(id)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|(name, code)| Location { name, code: code.unwrap_or_default() }))
}

pub async fn venue(db: &mut PgConnection, id: i64) -> Result<Option<NamedVenue>> {
    Ok(sqlx::query_as("SELECT id::bigint, name, location_id::bigint FROM acted.tutorial_venues WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?)
}

pub async fn course_template(db: &mut PgConnection, id: i64) -> Result<Option<CourseTemplate>> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT code, title FROM acted.tutorial_course_templates WHERE id = $1")
            .bind(id)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|(code, title)| CourseTemplate { code, title }))
}

/// Returns an instructor, `None` if there is none or it has no account.
pub async fn instructor(db: &mut PgConnection, id: i64) -> Result<Option<Instructor>> {
    let row: Option<(String, String, String, String)> = sqlx::query_as(
        "SELECT u.username, btrim(u.first_name), btrim(u.last_name), u.email FROM acted.tutorial_instructors i
         JOIN acted.staff s ON s.id = i.staff_id JOIN public.auth_user u ON u.id = s.user_id WHERE i.id = $1",
    )
    .bind(id)
    .fetch_optional(db)
    .await?;
    let instructor = |(username, first_name, last_name, email)| Instructor { username, first_name, last_name, email };
    Ok(row.map(instructor))
}

/// Returns a detail that helps to identify a record, by id. Blank details are left out.
///
/// It is a location's code, a venue's location, an instructor's e-mail address or a course template's title.
pub async fn details(db: &mut PgConnection, table: CreatedTable, ids: &[i64]) -> Result<HashMap<i64, String>> {
    let sql = match table {
        CreatedTable::Locations => "SELECT id::bigint, btrim(code) FROM acted.tutorial_locations WHERE id = ANY ($1)",
        CreatedTable::Venues => {
            "SELECT v.id::bigint, btrim(l.name) FROM acted.tutorial_venues v
             JOIN acted.tutorial_locations l ON l.id = v.location_id WHERE v.id = ANY ($1)"
        }
        CreatedTable::Instructors | CreatedTable::Staff | CreatedTable::Accounts => {
            "SELECT i.id::bigint, btrim(u.email) FROM acted.tutorial_instructors i
             JOIN acted.staff s ON s.id = i.staff_id JOIN public.auth_user u ON u.id = s.user_id WHERE i.id = ANY ($1)"
        }
        CreatedTable::CourseTemplates => {
            "SELECT id::bigint, btrim(title) FROM acted.tutorial_course_templates WHERE id = ANY ($1)"
        }
    };
    let rows: Vec<(i64, Option<String>)> = sqlx::query_as(sql).bind(ids).fetch_all(db).await?;
    Ok(rows.into_iter().filter_map(|(id, text)| Some((id, text.filter(|text| !text.is_empty())?))).collect())
}

/// Returns the instructors with these login names.
pub async fn instructor_ids(db: &mut PgConnection, usernames: &[String]) -> Result<HashMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT u.username, i.id::bigint FROM acted.tutorial_instructors i
         JOIN acted.staff s ON s.id = i.staff_id JOIN public.auth_user u ON u.id = s.user_id
         WHERE u.username = ANY ($1)",
    )
    .bind(usernames)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Returns active instructors, named "First Last"; the name is blank without a staff record.
pub async fn instructors(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as(
        "SELECT i.id::bigint, btrim(concat_ws(' ', btrim(u.first_name), btrim(u.last_name))) AS name
         FROM acted.tutorial_instructors i
         LEFT JOIN acted.staff s ON s.id = i.staff_id
         LEFT JOIN public.auth_user u ON u.id = s.user_id
         WHERE i.is_active ORDER BY i.id",
    )
    .fetch_all(db)
    .await?)
}

/// Returns the names of inactive locations.
pub async fn inactive_locations(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT name FROM acted.tutorial_locations WHERE NOT is_active").fetch_all(db).await?)
}

/// Returns the codes of inactive course templates.
pub async fn inactive_course_templates(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT code FROM acted.tutorial_course_templates WHERE NOT is_active").fetch_all(db).await?)
}

/// Returns inactive instructors, named "First Last".
pub async fn inactive_instructors(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT btrim(concat_ws(' ', btrim(u.first_name), btrim(u.last_name))) FROM acted.tutorial_instructors i
         JOIN acted.staff s ON s.id = i.staff_id JOIN public.auth_user u ON u.id = s.user_id WHERE NOT i.is_active",
    )
    .fetch_all(db)
    .await?)
}

fn texts<'a, T>(rows: &'a [T], field: impl Fn(&'a T) -> &'a str) -> Vec<&'a str> {
    rows.iter().map(field).collect()
}

/// Adds course templates whose code does not exist.
pub async fn add_templates(db: &mut PgConnection, rows: &[CourseTemplate]) -> Result<Vec<CreatedRow>> {
    let created = sqlx::query_as(
        "INSERT INTO acted.tutorial_course_templates AS created (code, title)
         SELECT * FROM UNNEST($1::text[], $2::text[]) ON CONFLICT (code) DO NOTHING
         RETURNING id::bigint, code, to_jsonb(created) - ARRAY['created_at', 'updated_at']",
    )
    .bind(texts(rows, |row| &row.code))
    .bind(texts(rows, |row| &row.title))
    .fetch_all(db)
    .await?;
    Ok(added(CreatedTable::CourseTemplates, created))
}

/// Adds locations whose name does not exist.
pub async fn add_locations(db: &mut PgConnection, rows: &[Location]) -> Result<Vec<CreatedRow>> {
    let created = sqlx::query_as(
        "INSERT INTO acted.tutorial_locations AS created (name, code)
         SELECT * FROM UNNEST($1::text[], $2::text[]) AS given (name, code)
         WHERE NOT EXISTS (SELECT FROM acted.tutorial_locations AS known WHERE known.name = given.name)
         RETURNING id::bigint, name, to_jsonb(created) - ARRAY['created_at', 'updated_at']",
    )
    .bind(texts(rows, |row| &row.name))
    .bind(texts(rows, |row| &row.code))
    .fetch_all(db)
    .await?;
    Ok(added(CreatedTable::Locations, created))
}

/// Adds venues whose name does not exist in their location.
pub async fn add_venues(db: &mut PgConnection, venues: &[Venue], rooms: &[Room]) -> Result<Vec<CreatedRow>> {
    let (venue_names, room_names) = (texts(venues, |venue| &venue.name), texts(rooms, |room| &room.name));
    let location_names = venues.iter().map(|venue| Some(venue.location.as_str())).chain(rooms.iter().map(|_| None));
    let ids = venues.iter().map(|_| None).chain(rooms.iter().map(|room| Some(room.location_id)));
    let created = sqlx::query_as(
        "INSERT INTO acted.tutorial_venues AS created (name, location_id)
         SELECT given.name, location.id FROM UNNEST($1::text[], $2::bigint[], $3::text[]) AS given (name, id, location_name)
         JOIN acted.tutorial_locations AS location ON location.id = given.id OR location.name = given.location_name
         WHERE NOT EXISTS (SELECT FROM acted.tutorial_venues AS known
                           WHERE known.name = given.name AND known.location_id = location.id)
         RETURNING id::bigint, name, to_jsonb(created) - ARRAY['created_at', 'updated_at']",
    )
    .bind([venue_names, room_names].concat())
    .bind(ids.collect::<Vec<Option<i64>>>())
    .bind(location_names.collect::<Vec<Option<&str>>>())
    .fetch_all(db)
    .await?;
    Ok(added(CreatedTable::Venues, created))
}

/// Adds instructors whose login name does not exist, with account and staff record.
pub async fn add_instructors(db: &mut PgConnection, rows: &[Instructor]) -> Result<Vec<CreatedRow>> {
    let usernames = texts(rows, |row| &row.username);
    let accounts = sqlx::query_as(
        "INSERT INTO public.auth_user AS created (username, first_name, last_name, email)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT (username) DO NOTHING
         RETURNING id::bigint, btrim(concat_ws(' ', btrim(first_name), btrim(last_name))),
             to_jsonb(created) - ARRAY['date_joined']",
    )
    .bind(&usernames)
    .bind(texts(rows, |row| &row.first_name))
    .bind(texts(rows, |row| &row.last_name))
    .bind(texts(rows, |row| &row.email))
    .fetch_all(&mut *db)
    .await?;
    let staff = sqlx::query_as(
        "INSERT INTO acted.staff AS created (user_id)
         SELECT person.id FROM public.auth_user AS person WHERE person.username = ANY($1::text[])
         ON CONFLICT (user_id) DO NOTHING
         RETURNING id::bigint, (SELECT btrim(concat_ws(' ', btrim(u.first_name), btrim(u.last_name)))
                                FROM public.auth_user AS u WHERE u.id = created.user_id),
             to_jsonb(created) - ARRAY['created_at', 'updated_at']",
    )
    .bind(&usernames)
    .fetch_all(&mut *db)
    .await?;
    let instructors = sqlx::query_as(
        "INSERT INTO acted.tutorial_instructors AS created (staff_id)
         SELECT staff.id FROM acted.staff
         JOIN public.auth_user AS person ON person.id = staff.user_id WHERE person.username = ANY($1::text[])
         ON CONFLICT (staff_id) DO NOTHING
         RETURNING id::bigint, (SELECT btrim(concat_ws(' ', btrim(u.first_name), btrim(u.last_name)))
                                FROM acted.staff AS s JOIN public.auth_user AS u ON u.id = s.user_id
                                WHERE s.id = created.staff_id),
             to_jsonb(created) - ARRAY['created_at', 'updated_at']",
    )
    .bind(&usernames)
    .fetch_all(db)
    .await?;
    let tables =
        [(CreatedTable::Accounts, accounts), (CreatedTable::Staff, staff), (CreatedTable::Instructors, instructors)];
    Ok(tables.into_iter().flat_map(|(table, rows)| added(table, rows)).collect())
}

fn added(table: CreatedTable, rows: Vec<(i64, String, Value)>) -> Vec<CreatedRow> {
    rows.into_iter().map(|(id, name, values)| CreatedRow { table, id, name, values }).collect()
}

/// Returns the ids of rows that have not changed since their creation.
///
/// Locks them, so that no other transaction can start to refer to them.
pub async fn unchanged(db: &mut PgConnection, table: CreatedTable, rows: &[&CreatedRow]) -> Result<HashSet<i64>> {
    let sql = format!(
        "SELECT t.id::bigint FROM {} AS t JOIN jsonb_to_recordset($1) AS w (id bigint, values jsonb) ON t.id = w.id
         WHERE to_jsonb(t) @> w.values FOR UPDATE OF t",
        table.name()
    );
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(Json(rows)).fetch_all(db).await?.into_iter().collect())
}

/// Returns the references to these rows by foreign key, as referring table and target id. Rows in `except` do not count.
pub async fn referrers(
    db: &mut PgConnection,
    table: CreatedTable,
    ids: &[i64],
    except: &[(CreatedTable, Vec<i64>)],
) -> Result<Vec<(String, i64)>> {
    let keys: Vec<(String, String)> = sqlx::query_as(
        "SELECT format('%I.%I', n.nspname, r.relname), quote_ident(a.attname) FROM pg_constraint AS c
         JOIN pg_class AS r ON r.oid = c.conrelid JOIN pg_namespace AS n ON n.oid = r.relnamespace
         JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE c.contype = 'f' AND c.confrelid = $1::regclass AND cardinality(c.conkey) = 1 AND c.conparentid = 0
         ORDER BY 1, 2",
    )
    .bind(table.name())
    .fetch_all(&mut *db)
    .await?;
    let mut found = Vec::new();
    for (referrer, column) in keys {
        let excluded = except.iter().find(|(known, _)| known.name() == referrer).map(|(_, ids)| ids.as_slice());
        let condition = if excluded.is_some() { "AND NOT id = ANY ($2)" } else { "AND $2::bigint[] IS NOT NULL" };
        let sql = format!("SELECT DISTINCT {column}::bigint FROM {referrer} WHERE {column} = ANY ($1) {condition}");
        let referred: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(ids)
            .bind(excluded.unwrap_or_default())
            .fetch_all(&mut *db)
            .await?;
        found.extend(referred.into_iter().map(|id| (referrer.clone(), id)));
    }
    Ok(found)
}

/// Deletes created rows.
pub async fn delete_rows(db: &mut PgConnection, table: CreatedTable, ids: &[i64]) -> Result<()> {
    let sql = format!("DELETE FROM {} WHERE id = ANY ($1)", table.name());
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).execute(db).await?;
    Ok(())
}
