//! SQL on the users of instructors and staff.

use sqlx::PgConnection;

use crate::error::Result;

/// A user to create: login name without number, names and e-mail address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUser {
    pub username: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
}

/// Creates users who cannot sign in. Returns their ids in order. A login name that is taken gets a number of letters.
pub async fn create_users(db: &mut PgConnection, users: &[NewUser]) -> Result<Vec<i64>> {
    let text = |field: fn(&NewUser) -> &str| users.iter().map(field).collect::<Vec<&str>>();
    Ok(sqlx::query_scalar(
        "WITH given AS (
             SELECT place, first_name, last_name, email,
                    CASE WHEN EXISTS (SELECT FROM public.auth_user AS known WHERE known.username = given.username)
                           OR count(*) OVER (PARTITION BY username) > 1
                         THEN username || '-' || left(md5(random()::text || place), 8) ELSE username END AS username
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
                  WITH ORDINALITY AS given (username, first_name, last_name, email, place))
         INSERT INTO public.auth_user (username, first_name, last_name, email)
         SELECT username, first_name, last_name, email FROM given ORDER BY place RETURNING id::bigint",
    )
    .bind(text(|user| &user.username))
    .bind(text(|user| &user.first_name))
    .bind(text(|user| &user.last_name))
    .bind(text(|user| &user.email))
    .fetch_all(db)
    .await?)
}

/// Creates staff of users. Returns their ids in order.
pub async fn create_staff(db: &mut PgConnection, users: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "INSERT INTO acted.staff (user_id)
         SELECT id FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, place) ORDER BY place RETURNING id",
    )
    .bind(users)
    .fetch_all(db)
    .await?)
}

/// Returns the users of staff, by id of the staff.
pub async fn users_of(db: &mut PgConnection, staff: &[i64]) -> Result<Vec<(i64, i64)>> {
    Ok(sqlx::query_as("SELECT id, user_id::bigint FROM acted.staff WHERE id = ANY ($1)")
        .bind(staff)
        .fetch_all(db)
        .await?)
}

/// A change of a user; none leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    pub id: i64,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
}

/// Writes changed names and e-mail addresses of users.
pub async fn change_users(db: &mut PgConnection, changes: &[UserChange]) -> Result<()> {
    let ids: Vec<i64> = changes.iter().map(|change| change.id).collect();
    let text = |field: fn(&UserChange) -> Option<&str>| changes.iter().map(field).collect::<Vec<Option<&str>>>();
    sqlx::query(
        "UPDATE public.auth_user AS person
         SET first_name = COALESCE(given.first_name, person.first_name),
             last_name = COALESCE(given.last_name, person.last_name), email = COALESCE(given.email, person.email)
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS given (id, first_name, last_name, email)
         WHERE person.id = given.id AND (person.first_name, person.last_name, person.email) IS DISTINCT FROM
             (COALESCE(given.first_name, person.first_name), COALESCE(given.last_name, person.last_name),
              COALESCE(given.email, person.email))",
    )
    .bind(ids)
    .bind(text(|change| change.first_name.as_deref()))
    .bind(text(|change| change.last_name.as_deref()))
    .bind(text(|change| change.email.as_deref()))
    .execute(db)
    .await?;
    Ok(())
}
