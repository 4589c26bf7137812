//! SQL on the users of profiles.

use sqlx::PgConnection;

use crate::error::Result;

/// A person to create or to change; none leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonValues {
    /// The user; 0 for a new one.
    pub id: i64,
    pub first_name: Option<String>,
    pub father_name: Option<String>,
    pub last_name: Option<String>,
    /// An inner none removes the address.
    pub email: Option<Option<String>>,
    pub phone: Option<Option<String>>,
}

/// Lets one transaction at a time write addresses, so that none is given twice.
pub async fn lock_addresses(db: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('lectern.addresses', 0))").execute(db).await?;
    Ok(())
}

/// Reports whether the database requires an address of each person.
pub async fn is_email_required(db: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.users')
                        AND attname = 'email' AND attnotnull AND NOT atthasdef)",
    )
    .fetch_one(db)
    .await?)
}

/// Returns the users who have one of these addresses, regardless of case: id and address in lower case.
pub async fn users_with(db: &mut PgConnection, addresses: &[String]) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as("SELECT id::bigint, lower(email) FROM public.users WHERE lower(email) = ANY ($1) ORDER BY id")
        .bind(addresses)
        .fetch_all(db)
        .await?)
}

/// Creates users who cannot sign in. Returns their ids in order. `role`: tutor, student or parent.
pub async fn create(db: &mut PgConnection, role: &str, people: &[PersonValues]) -> Result<Vec<i64>> {
    let name = |field: fn(&PersonValues) -> &Option<String>| {
        people.iter().map(|person| field(person).clone().unwrap_or_default()).collect::<Vec<String>>()
    };
    let address = |field: fn(&PersonValues) -> &Option<Option<String>>| {
        people.iter().map(|person| field(person).clone().flatten()).collect::<Vec<Option<String>>>()
    };
    Ok(sqlx::query_scalar(
        "INSERT INTO public.users (first_name, father_name, last_name, email, phone, roles, active_role)
         SELECT first_name, father_name, NULLIF(last_name, ''), email, phone, json_build_array($6::text), $6
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
              WITH ORDINALITY AS given (first_name, father_name, last_name, email, phone, place)
         ORDER BY place RETURNING id::bigint",
    )
    .bind(name(|person| &person.first_name))
    .bind(name(|person| &person.father_name))
    .bind(name(|person| &person.last_name))
    .bind(address(|person| &person.email))
    .bind(address(|person| &person.phone))
    .bind(role)
    .fetch_all(db)
    .await?)
}

/// Writes changed values of users. Equal values write nothing.
pub async fn change(db: &mut PgConnection, people: &[PersonValues]) -> Result<()> {
    for person in people {
        sqlx::query(
            "WITH given AS (
                 SELECT COALESCE($2, first_name) AS first_name, COALESCE($3, father_name) AS father_name,
                        CASE WHEN $4::text IS NULL THEN last_name ELSE NULLIF($4, '') END AS last_name,
                        CASE WHEN $5 THEN $6 ELSE email END AS email, CASE WHEN $7 THEN $8 ELSE phone END AS phone
                 FROM public.users WHERE id = $1)
             UPDATE public.users AS person
             SET first_name = given.first_name, father_name = given.father_name, last_name = given.last_name,
                 email = given.email, phone = given.phone
             FROM given WHERE person.id = $1
               AND (person.first_name, person.father_name, person.last_name, person.email, person.phone)
                   IS DISTINCT FROM
                   (given.first_name, given.father_name, given.last_name, given.email, given.phone)",
        )
        .bind(person.id)
        .bind(&person.first_name)
        .bind(&person.father_name)
        .bind(&person.last_name)
        .bind(person.email.is_some())
        .bind(person.email.clone().flatten())
        .bind(person.phone.is_some())
        .bind(person.phone.clone().flatten())
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
