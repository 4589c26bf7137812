//! All statements of the move on rows.

use sqlx::{AssertSqlSafe, PgConnection};

use super::NAME;
use super::matching::{Named, Person};
use crate::error::Result;
use crate::migrate::catalog::quote;

/// A row of Administrate's side with its own texts and its link.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Linked {
    pub id: i64,
    pub name: String,
    pub code: String,
    pub is_active: bool,
    /// Id of the linked row in `acted`.
    pub link: Option<i64>,
    /// Id of the location in `acted`, for venues.
    pub location: Option<i64>,
}

/// Returns the course templates (`name` is the title).
pub(super) async fn templates(db: &mut PgConnection) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as(
        "SELECT id, coalesce(title, '') AS name, coalesce(code, '') AS code, coalesce(active, true) AS is_active,
                tutorial_course_template_id AS link, NULL::bigint AS location
         FROM adm.course_templates ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

pub(super) async fn locations(db: &mut PgConnection) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as(
        "SELECT id, coalesce(name, '') AS name, coalesce(code, '') AS code, coalesce(active, true) AS is_active,
                tutorial_location_id AS link, NULL::bigint AS location
         FROM adm.locations ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Returns the venues (`code` is the description).
pub(super) async fn venues(db: &mut PgConnection) -> Result<Vec<Linked>> {
    Ok(sqlx::query_as(
        "SELECT v.id, coalesce(v.name, '') AS name, coalesce(v.description, '') AS code, true AS is_active,
                v.tutorial_venue_id AS link, l.tutorial_location_id AS location
         FROM adm.venues AS v LEFT JOIN adm.locations AS l ON l.external_id = v.location_id ORDER BY v.id",
    )
    .fetch_all(db)
    .await?)
}

/// A person of Administrate's side with the link.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LinkedPerson {
    pub id: i64,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub is_active: bool,
    pub link: Option<i64>,
}

pub(super) async fn instructors(db: &mut PgConnection) -> Result<Vec<LinkedPerson>> {
    Ok(sqlx::query_as(
        "SELECT id, coalesce(first_name, '') AS first_name, coalesce(last_name, '') AS last_name,
                coalesce(email, '') AS email, is_active, tutorial_instructor_id AS link
         FROM adm.instructors ORDER BY id",
    )
    .fetch_all(db)
    .await?)
}

/// Returns id and code of the course templates in `acted`.
pub(super) async fn own_templates(db: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as("SELECT id, code FROM acted.tutorial_course_templates ORDER BY id").fetch_all(db).await?)
}

pub(super) async fn own_locations(db: &mut PgConnection) -> Result<Vec<Named>> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, name FROM acted.tutorial_locations ORDER BY id").fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id, name)| Named { id, name, location: None }).collect())
}

pub(super) async fn own_venues(db: &mut PgConnection) -> Result<Vec<Named>> {
    let rows: Vec<(i64, String, Option<i64>)> =
        sqlx::query_as("SELECT id, name, location_id FROM acted.tutorial_venues ORDER BY id").fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id, name, location)| Named { id, name, location }).collect())
}

/// Returns the users with their names.
pub(super) async fn users(db: &mut PgConnection) -> Result<Vec<Person>> {
    let rows: Vec<(i64, String, String, String)> =
        sqlx::query_as("SELECT id::bigint, first_name, last_name, email FROM public.auth_user ORDER BY id")
            .fetch_all(db)
            .await?;
    let person = |(id, first_name, last_name, email)| Person { id, first_name, last_name, email };
    Ok(rows.into_iter().map(person).collect())
}

pub(super) async fn user_names(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT username FROM public.auth_user").fetch_all(db).await?)
}

pub(super) async fn add_template(db: &mut PgConnection, row: &Linked) -> Result<i64> {
    let sql = "INSERT INTO acted.tutorial_course_templates (code, title, is_active) VALUES ($1, $2, $3) RETURNING id";
    let id = sqlx::query_scalar(sql).bind(&row.code).bind(&row.name).bind(row.is_active).fetch_one(&mut *db).await?;
    remember_created(db, "acted.tutorial_course_templates", id).await?;
    Ok(id)
}

pub(super) async fn add_location(db: &mut PgConnection, row: &Linked) -> Result<i64> {
    let sql = "INSERT INTO acted.tutorial_locations (name, code, is_active) VALUES ($1, $2, $3) RETURNING id";
    let id = sqlx::query_scalar(sql).bind(&row.name).bind(&row.code).bind(row.is_active).fetch_one(&mut *db).await?;
    remember_created(db, "acted.tutorial_locations", id).await?;
    Ok(id)
}

pub(super) async fn add_venue(db: &mut PgConnection, row: &Linked) -> Result<i64> {
    let sql = "INSERT INTO acted.tutorial_venues (name, description, location_id) VALUES ($1, $2, $3) RETURNING id";
    let id = sqlx::query_scalar(sql).bind(&row.name).bind(&row.code).bind(row.location).fetch_one(&mut *db).await?;
    remember_created(db, "acted.tutorial_venues", id).await?;
    Ok(id)
}

/// Creates a user who cannot sign in.
pub(super) async fn add_user(db: &mut PgConnection, person: &LinkedPerson, user_name: &str) -> Result<i64> {
    let id = sqlx::query_scalar(
        "INSERT INTO public.auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
                                       date_joined)
         VALUES ('!' || md5(random()::text || clock_timestamp()::text), false, left($1, 150), left($2, 150), left($3, 150),
                 left($4, 254), false, false, now()) RETURNING id::bigint",
    )
    .bind(user_name)
    .bind(&person.first_name)
    .bind(&person.last_name)
    .bind(&person.email)
    .fetch_one(&mut *db)
    .await?;
    remember_created(db, "public.auth_user", id).await?;
    Ok(id)
}

/// Returns the instructor that a user is; creates staff and instructor where they are missing.
pub(super) async fn instructor_of_user(db: &mut PgConnection, user: i64, is_active: bool) -> Result<i64> {
    let staff: Option<i64> =
        sqlx::query_scalar("SELECT id FROM acted.staff WHERE user_id = $1").bind(user).fetch_optional(&mut *db).await?;
    let staff = match staff {
        Some(staff) => staff,
        None => {
            let sql = "INSERT INTO acted.staff (user_id) VALUES ($1) RETURNING id";
            let staff = sqlx::query_scalar(sql).bind(user).fetch_one(&mut *db).await?;
            remember_created(db, "acted.staff", staff).await?;
            staff
        }
    };
    let instructor: Option<i64> = sqlx::query_scalar("SELECT id FROM acted.tutorial_instructors WHERE staff_id = $1")
        .bind(staff)
        .fetch_optional(&mut *db)
        .await?;
    if let Some(instructor) = instructor {
        return Ok(instructor);
    }
    let sql = "INSERT INTO acted.tutorial_instructors (staff_id, is_active) VALUES ($1, $2) RETURNING id";
    let id = sqlx::query_scalar(sql).bind(staff).bind(is_active).fetch_one(&mut *db).await?;
    remember_created(db, "acted.tutorial_instructors", id).await?;
    Ok(id)
}

/// Why a row is in the archive: the move created it, or set a column of it.
pub const CREATED: &str = "the row was created";
pub const SET: &str = "the column was null";
pub const REMOVED: &str = "the column was removed";

async fn remember_created(db: &mut PgConnection, source: &str, id: i64) -> Result<()> {
    sqlx::query("INSERT INTO lectern.archive (step, source, source_id, field, reason) VALUES ($1, $2, $3, 'id', $4)")
        .bind(NAME)
        .bind(source)
        .bind(id)
        .bind(CREATED)
        .execute(db)
        .await?;
    Ok(())
}

/// Sets a reference of rows by their id, and remembers it.
pub(super) async fn link(db: &mut PgConnection, source: &str, column: &str, links: &[(i64, i64)]) -> Result<()> {
    let (ids, values): (Vec<i64>, Vec<i64>) = links.iter().copied().unzip();
    let sql = format!(
        "WITH changed AS (UPDATE {source} AS t SET {column} = m.value FROM unnest($1::bigint[], $2::bigint[]) AS m (id, value)
                          WHERE t.id = m.id AND t.{column} IS NULL RETURNING t.id)
         INSERT INTO lectern.archive (step, source, source_id, field, reason) SELECT $3, $4, id, $5, $6 FROM changed",
        column = quote(column)
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(values);
    query.bind(NAME).bind(source).bind(column).bind(SET).execute(db).await?;
    Ok(())
}

/// Texts of a column whose reference is null, with the location that counts, and the rows that have them.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TextUse {
    pub text: String,
    pub location: Option<i64>,
    pub ids: Vec<i64>,
}

/// Returns the texts of a column of events (`t`) or sessions whose reference is null. `location` is an expression.
pub(super) async fn texts(
    db: &mut PgConnection,
    from: &str,
    text: &str,
    reference: &str,
    location: &str,
) -> Result<Vec<TextUse>> {
    let sql = format!(
        "SELECT {text}::text AS text, {location} AS location, array_agg(t.id ORDER BY t.id) AS ids FROM {from}
         WHERE {reference} IS NULL AND {text} IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Says in the archive why a text of these rows was not resolved.
pub(super) async fn keep_unresolved(
    db: &mut PgConnection,
    source: &str,
    field: &str,
    text: &str,
    ids: &[i64],
    reason: &str,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT $1, $2, id, $3, to_jsonb($4::text), $5 FROM unnest($6::bigint[]) AS id",
    )
    .bind(NAME)
    .bind(source)
    .bind(field)
    .bind(text)
    .bind(reason)
    .bind(ids)
    .execute(db)
    .await?;
    Ok(())
}

/// Puts the values of a column that goes into the archive.
pub(super) async fn keep_column(db: &mut PgConnection, source: &str, column: &str) -> Result<()> {
    let sql = format!(
        "INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT $1, $2, id, $3, to_jsonb({column}), $4 FROM {source} WHERE {column} IS NOT NULL",
        column = quote(column)
    );
    sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(source).bind(column).bind(REMOVED).execute(db).await?;
    Ok(())
}

/// Adds the instructor of each session to its instructors.
pub(super) async fn add_session_instructors(db: &mut PgConnection) -> Result<()> {
    sqlx::query(
        "WITH added AS (
             INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
             SELECT id, instructor_id FROM acted.tutorial_sessions WHERE instructor_id IS NOT NULL
             ON CONFLICT DO NOTHING RETURNING id)
         INSERT INTO lectern.archive (step, source, source_id, field, reason)
         SELECT $1, 'acted.tutorial_session_instructors', id, 'id', $2 FROM added",
    )
    .bind(NAME)
    .bind(CREATED)
    .execute(db)
    .await?;
    Ok(())
}

/// Names instructors for whole events. `pairs` is a query of event and instructor.
pub(super) async fn add_event_staff(db: &mut PgConnection, pairs: &str) -> Result<()> {
    let sql = format!(
        "INSERT INTO lectern.event_staff (tutorial_event_id, role, position, name, tutorial_instructor_id)
         SELECT p.event, 'instructor',
                coalesce((SELECT max(position) FROM lectern.event_staff AS s
                          WHERE s.tutorial_event_id = p.event AND s.role = 'instructor'), -1)
                    + row_number() OVER (PARTITION BY p.event ORDER BY p.instructor),
                coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, 'Instructor #' || p.instructor),
                p.instructor
         FROM ({pairs}) AS p (event, instructor)
         JOIN acted.tutorial_instructors AS i ON i.id = p.instructor
         LEFT JOIN acted.staff AS f ON f.id = i.staff_id LEFT JOIN public.auth_user AS u ON u.id = f.user_id
         WHERE NOT EXISTS (SELECT FROM lectern.event_staff AS s WHERE s.tutorial_event_id = p.event
                             AND s.role = 'instructor' AND s.tutorial_instructor_id = p.instructor)"
    );
    sqlx::query(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

/// Sets the location of events without one: the one location whose name is the short name of the event's product.
pub(super) async fn product_names(db: &mut PgConnection) -> Result<Vec<TextUse>> {
    Ok(sqlx::query_as(
        "SELECT c.shortname::text AS text, NULL::bigint AS location, array_agg(t.id ORDER BY t.id) AS ids
         FROM acted.tutorial_events AS t JOIN acted.products AS p ON p.id = t.product_id
         JOIN acted.catalog_product_product_variations AS v ON v.id = p.product_product_variation_id
         JOIN acted.catalog_products AS c ON c.id = v.product_id
         WHERE t.location_id IS NULL GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(db)
    .await?)
}
