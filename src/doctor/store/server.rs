//! The server, its settings and its clock.

use sqlx::PgPool;

use crate::error::Result;

/// What the server says about itself and this connection.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct ServerFacts {
    pub version: String,
    pub user_name: String,
    pub database: String,
    /// Of the database.
    pub size: i64,
    pub encoding: String,
    pub time_zone: String,
    pub is_standby: bool,
    pub is_read_only: bool,
    pub max_connections: i32,
    /// Connections that only superusers and members of a role get.
    pub reserved: i32,
    /// Connections of all databases.
    pub used: i64,
    /// Limit of the user and of the database; -1 where there is none.
    pub user_limit: i32,
    pub database_limit: i32,
    pub tracks_activities: bool,
    /// Whether this user sees what other users' connections do.
    pub sees_others: bool,
}

/// Reads the facts.
pub async fn server_facts(pool: &PgPool) -> Result<ServerFacts> {
    Ok(sqlx::query_as(
        "SELECT current_setting('server_version') AS version, current_user::text AS user_name,
                d.datname::text AS database, pg_database_size(d.oid) AS size,
                pg_encoding_to_char(d.encoding)::text AS encoding, current_setting('TimeZone') AS time_zone,
                pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only')::boolean AS is_read_only,
                current_setting('max_connections')::int AS max_connections,
                current_setting('superuser_reserved_connections')::int
                    + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
                (SELECT sum(numbackends) FROM pg_stat_database)::bigint AS used,
                (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS user_limit,
                d.datconnlimit AS database_limit, current_setting('track_activities')::boolean AS tracks_activities,
                pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_others
         FROM pg_database AS d WHERE d.datname = current_database()",
    )
    .fetch_one(pool)
    .await?)
}

/// Returns the time of the server's clock, in seconds since 1970.
pub async fn clock(pool: &PgPool) -> Result<f64> {
    Ok(sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::float8").fetch_one(pool).await?)
}

/// Returns the offset of a time zone from UTC at each instant, in seconds; none if the server does not know the zone.
pub async fn zone_offsets(pool: &PgPool, zone: &str, instants: &[i64]) -> Result<Option<Vec<i64>>> {
    let found = sqlx::query_scalar(
        "SELECT (extract(epoch FROM to_timestamp(instant) AT TIME ZONE $1) - instant)::bigint
         FROM unnest($2::bigint[]) WITH ORDINALITY AS i (instant, number) ORDER BY number",
    )
    .bind(zone)
    .bind(instants)
    .fetch_all(pool)
    .await;
    match found {
        Ok(offsets) => Ok(Some(offsets)),
        // The server has no such zone.
        Err(sqlx::Error::Database(refusal)) if refusal.code().as_deref() == Some("22023") => Ok(None),
        Err(error) => Err(error.into()),
    }
}
