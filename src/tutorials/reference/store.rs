//! The statements that read and add reference data; any number of rows is added in a fixed number of statements.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{CourseTemplate, Instructor, Location, Named, NamedVenue, Venue};
use crate::error::Result;

/// Active course templates, by code.
pub async fn course_templates(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as(
        "SELECT id::bigint, code AS name FROM acted.tutorial_course_templates WHERE is_active ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Active locations, by name.
pub async fn locations(db: &mut PgConnection) -> Result<Vec<Named>> {
    Ok(sqlx::query_as("SELECT id::bigint, name FROM acted.tutorial_locations WHERE is_active ORDER BY id")
        .fetch_all(db)
        .await?)
}

/// Every venue, by name and location.
pub async fn venues(db: &mut PgConnection) -> Result<Vec<NamedVenue>> {
    Ok(sqlx::query_as("SELECT id::bigint, name, location_id::bigint FROM acted.tutorial_venues ORDER BY id")
        .fetch_all(db)
        .await?)
}

/// One location, if it is there.
pub async fn location(db: &mut PgConnection, id: i64) -> Result<Option<Location>> {
    let row: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT name, code FROM acted.tutorial_locations WHERE id = $1")
            .bind(id)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|(name, code)| Location { name, code: code.unwrap_or_default() }))
}

/// One venue with our id of its location, if it is there.
pub async fn venue(db: &mut PgConnection, id: i64) -> Result<Option<NamedVenue>> {
    Ok(sqlx::query_as("SELECT id::bigint, name, location_id::bigint FROM acted.tutorial_venues WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?)
}

/// One course template, if it is there.
pub async fn course_template(db: &mut PgConnection, id: i64) -> Result<Option<CourseTemplate>> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT code, title FROM acted.tutorial_course_templates WHERE id = $1")
            .bind(id)
            .fetch_optional(db)
            .await?;
    Ok(row.map(|(code, title)| CourseTemplate { code, title }))
}

/// One instructor, if there is one with a login of that id.
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

/// The instructors with these login names.
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

/// Active instructors, by "First Last"; blank for one without staff.
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

fn texts<'a, T>(rows: &'a [T], field: impl Fn(&'a T) -> &'a str) -> Vec<&'a str> {
    rows.iter().map(field).collect()
}

/// Course templates, by code.
pub async fn add_templates(db: &mut PgConnection, rows: &[CourseTemplate]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.tutorial_course_templates (code, title)
         SELECT * FROM UNNEST($1::text[], $2::text[]) ON CONFLICT (code) DO NOTHING",
    )
    .bind(texts(rows, |row| &row.code))
    .bind(texts(rows, |row| &row.title))
    .execute(db)
    .await?;
    Ok(())
}

/// Locations, by name.
pub async fn add_locations(db: &mut PgConnection, rows: &[Location]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.tutorial_locations (name, code)
         SELECT * FROM UNNEST($1::text[], $2::text[]) AS given (name, code)
         WHERE NOT EXISTS (SELECT FROM acted.tutorial_locations AS known WHERE known.name = given.name)",
    )
    .bind(texts(rows, |row| &row.name))
    .bind(texts(rows, |row| &row.code))
    .execute(db)
    .await?;
    Ok(())
}

/// Venues, by name within their location.
pub async fn add_venues(db: &mut PgConnection, rows: &[Venue]) -> Result<()> {
    sqlx::query(
        "INSERT INTO acted.tutorial_venues (name, location_id)
         SELECT given.name, location.id FROM UNNEST($1::text[], $2::text[]) AS given (name, location)
         JOIN acted.tutorial_locations AS location ON location.name = given.location
         WHERE NOT EXISTS (SELECT FROM acted.tutorial_venues AS known
                           WHERE known.name = given.name AND known.location_id = location.id)",
    )
    .bind(texts(rows, |row| &row.name))
    .bind(texts(rows, |row| &row.location))
    .execute(db)
    .await?;
    Ok(())
}

/// Instructors, by login name, with their account and their staff record.
pub async fn add_instructors(db: &mut PgConnection, rows: &[Instructor]) -> Result<()> {
    let usernames = texts(rows, |row| &row.username);
    sqlx::query(
        "INSERT INTO public.auth_user (username, first_name, last_name, email)
         SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT (username) DO NOTHING",
    )
    .bind(&usernames)
    .bind(texts(rows, |row| &row.first_name))
    .bind(texts(rows, |row| &row.last_name))
    .bind(texts(rows, |row| &row.email))
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO acted.staff (user_id)
         SELECT person.id FROM public.auth_user AS person WHERE person.username = ANY($1::text[])
         ON CONFLICT (user_id) DO NOTHING",
    )
    .bind(&usernames)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO acted.tutorial_instructors (staff_id)
         SELECT staff.id FROM acted.staff
         JOIN public.auth_user AS person ON person.id = staff.user_id WHERE person.username = ANY($1::text[])
         ON CONFLICT (staff_id) DO NOTHING",
    )
    .bind(&usernames)
    .execute(db)
    .await?;
    Ok(())
}
