//! Instructors of Administrate's side, users, staff and the instructors of events and sessions.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::Result;
use crate::migrate::moves::tutorial_references::matching::KnownPerson;
use crate::migrate::moves::tutorial_references::reasons::{CREATED, NAME};

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

pub async fn instructors(db: &mut PgConnection, has: &impl Fn(&str, &str) -> bool) -> Result<Vec<LinkedPerson>> {
    let text = |column: &str| match has("instructors", column) {
        true => format!("coalesce({column}, '')"),
        false => "''".to_owned(),
    };
    let sql = format!(
        "SELECT id::bigint, {}::text AS first_name, {}::text AS last_name, {}::text AS email, is_active,
                tutorial_instructor_id::bigint AS link
         FROM adm.instructors ORDER BY id",
        text("first_name"),
        text("last_name"),
        text("email")
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Returns the users with their names. A user whose instructor is linked already is another person.
pub async fn users(db: &mut PgConnection) -> Result<Vec<KnownPerson>> {
    let rows: Vec<(i64, String, String, String, bool)> = sqlx::query_as(
        "SELECT u.id::bigint, u.first_name::text, u.last_name::text, u.email::text,
                EXISTS (SELECT FROM acted.staff AS s JOIN acted.tutorial_instructors AS i ON i.staff_id = s.id
                        JOIN adm.instructors AS a ON a.tutorial_instructor_id = i.id WHERE s.user_id = u.id)
         FROM public.auth_user AS u ORDER BY u.id",
    )
    .fetch_all(db)
    .await?;
    let person =
        |(id, first_name, last_name, email, is_linked)| KnownPerson { id, first_name, last_name, email, is_linked };
    Ok(rows.into_iter().map(person).collect())
}

pub async fn user_names(db: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar("SELECT username::text FROM public.auth_user").fetch_all(db).await?)
}

/// Creates users who cannot sign in; returns their ids in this order.
pub async fn add_users(db: &mut PgConnection, people: &[(&LinkedPerson, String)]) -> Result<Vec<i64>> {
    let text = |text: fn(&LinkedPerson) -> &String| -> Vec<&str> {
        people.iter().map(|(person, _)| text(person).as_str()).collect()
    };
    Ok(sqlx::query_scalar(
        "WITH added AS (
             INSERT INTO public.auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
                                           date_joined)
             SELECT '!' || md5(random()::text || clock_timestamp()::text || position), false, left(user_name, 150),
                    left(first_name, 150), left(last_name, 150), left(email, 254), false, false, now()
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
                  WITH ORDINALITY AS n (user_name, first_name, last_name, email, position)
             ORDER BY position RETURNING id),
              stored AS (INSERT INTO lectern.archive (step, source, source_id, field, reason)
                       SELECT $5, 'public.auth_user', id, 'id', $6 FROM added)
         SELECT id::bigint FROM added ORDER BY id",
    )
    .bind(people.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>())
    .bind(text(|person| &person.first_name))
    .bind(text(|person| &person.last_name))
    .bind(text(|person| &person.email))
    .bind(NAME)
    .bind(CREATED)
    .fetch_all(db)
    .await?)
}

/// Links each person with the instructor that a user is. Staff and instructors are created where they are missing.
pub async fn instructors_of_users(db: &mut PgConnection, links: &[(&LinkedPerson, i64)]) -> Result<Vec<(i64, i64)>> {
    let users: Vec<i64> = links.iter().map(|(_, user)| *user).collect();
    sqlx::query(
        "WITH added AS (INSERT INTO acted.staff (user_id) SELECT u FROM unnest($1::bigint[]) AS u
                        WHERE NOT EXISTS (SELECT FROM acted.staff AS f WHERE f.user_id = u) ORDER BY u RETURNING id)
         INSERT INTO lectern.archive (step, source, source_id, field, reason) SELECT $2, 'acted.staff', id, 'id', $3 FROM added",
    )
    .bind(&users)
    .bind(NAME)
    .bind(CREATED)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "WITH added AS (INSERT INTO acted.tutorial_instructors (staff_id, is_active)
                        SELECT f.id, n.active FROM unnest($1::bigint[], $2::boolean[]) AS n (user_id, active)
                        JOIN acted.staff AS f ON f.user_id = n.user_id
                        WHERE NOT EXISTS (SELECT FROM acted.tutorial_instructors AS i WHERE i.staff_id = f.id)
                        ORDER BY f.id RETURNING id)
         INSERT INTO lectern.archive (step, source, source_id, field, reason)
         SELECT $3, 'acted.tutorial_instructors', id, 'id', $4 FROM added",
    )
    .bind(&users)
    .bind(links.iter().map(|(person, _)| person.is_active).collect::<Vec<_>>())
    .bind(NAME)
    .bind(CREATED)
    .execute(&mut *db)
    .await?;
    Ok(sqlx::query_as(
        "SELECT n.person, i.id::bigint FROM unnest($1::bigint[], $2::bigint[]) AS n (person, user_id)
         JOIN acted.staff AS f ON f.user_id = n.user_id JOIN acted.tutorial_instructors AS i ON i.staff_id = f.id
         ORDER BY n.person",
    )
    .bind(links.iter().map(|(person, _)| person.id).collect::<Vec<_>>())
    .bind(&users)
    .fetch_all(db)
    .await?)
}

/// Adds the instructor of each session to its instructors. Returns how many were added.
pub async fn add_session_instructors(db: &mut PgConnection) -> Result<u64> {
    let added = sqlx::query(
        "WITH added AS (
             INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
             SELECT s.id, s.instructor_id FROM acted.tutorial_sessions AS s
             JOIN acted.tutorial_instructors AS i ON i.id = s.instructor_id
             ON CONFLICT DO NOTHING RETURNING id)
         INSERT INTO lectern.archive (step, source, source_id, field, reason)
         SELECT $1, 'acted.tutorial_session_instructors', id, 'id', $2 FROM added",
    )
    .bind(NAME)
    .bind(CREATED)
    .execute(db)
    .await?;
    Ok(added.rows_affected())
}

/// Names instructors for whole events. `pairs` is a query of event and instructor. Returns how many were added.
pub async fn add_event_staff(db: &mut PgConnection, pairs: &str) -> Result<u64> {
    let sql = format!(
        "WITH added AS (
             INSERT INTO lectern.event_staff (tutorial_event_id, role, position, name, tutorial_instructor_id)
             SELECT p.event, 'instructor',
                    coalesce((SELECT max(position) FROM lectern.event_staff AS s
                              WHERE s.tutorial_event_id = p.event AND s.role = 'instructor'), -1)
                        + row_number() OVER (PARTITION BY p.event ORDER BY p.instructor),
                    coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username, 'Instructor #' || p.instructor),
                    p.instructor
             FROM ({pairs}) AS p (event, instructor)
             JOIN acted.tutorial_events AS e ON e.id = p.event
             JOIN acted.tutorial_instructors AS i ON i.id = p.instructor
             LEFT JOIN acted.staff AS f ON f.id = i.staff_id LEFT JOIN public.auth_user AS u ON u.id = f.user_id
             WHERE NOT EXISTS (SELECT FROM lectern.event_staff AS s WHERE s.tutorial_event_id = p.event
                                 AND s.role = 'instructor' AND s.tutorial_instructor_id = p.instructor)
             RETURNING tutorial_event_id, position)
         INSERT INTO lectern.archive (step, source, source_id, field, value, reason)
         SELECT $1, 'lectern.event_staff', tutorial_event_id, 'position', to_jsonb(position), $2 FROM added"
    );
    let added = sqlx::query(AssertSqlSafe(sql)).bind(NAME).bind(CREATED).execute(db).await?;
    Ok(added.rows_affected())
}

/// Returns the query of event and instructor from the table of event instructors.
pub fn former_event_instructors() -> &'static str {
    "SELECT DISTINCT tutorialevents_id, tutorialinstructor_id FROM acted.tutorial_event_instructors"
}
