//! Attempts to sign in. After too many failed ones, a name or an address must wait.
//!
//! An attempt counts as failed from its beginning, so that many at once do not pass together; a success takes it back.

use std::net::IpAddr;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use crate::config::LoginSettings;
use crate::error::Result;

/// Begins an attempt; returns its id, or the time until the next one is possible.
pub async fn begin(
    pool: &PgPool,
    name: &str,
    address: IpAddr,
    settings: &LoginSettings,
) -> Result<Result<i64, Duration>> {
    let address = address.to_canonical().to_string();
    let mut transaction = pool.begin().await?;
    // In a fixed order, so that two attempts never wait for each other.
    sqlx::query(
        "SELECT pg_advisory_xact_lock(key) FROM (
             SELECT hashtextextended(what, 7) AS key FROM unnest(ARRAY['name ' || $1, 'address ' || $2]) AS what
             ORDER BY 1) AS keys",
    )
    .bind(name)
    .bind(&address)
    .execute(&mut *transaction)
    .await?;
    let of_name = wait(&mut transaction, "name = $1", name, settings.tries, settings).await?;
    let of_address =
        wait(&mut transaction, "address = $1::inet", &address, settings.tries_per_address, settings).await?;
    if let Some(seconds) = of_name.into_iter().chain(of_address).max_by(f64::total_cmp) {
        return Ok(Err(Duration::from_secs_f64(seconds.max(1.0))));
    }
    sqlx::query("DELETE FROM lectern.login_attempts WHERE at < now() - interval '1 day'")
        .execute(&mut *transaction)
        .await?;
    let id =
        sqlx::query_scalar("INSERT INTO lectern.login_attempts (name, address) VALUES ($1, $2::inet) RETURNING id")
            .bind(name)
            .bind(&address)
            .fetch_one(&mut *transaction)
            .await?;
    transaction.commit().await?;
    Ok(Ok(id))
}

/// Returns the seconds that a name or address must still wait.
async fn wait(
    db: &mut PgConnection,
    whose: &'static str,
    value: &str,
    tries: u32,
    settings: &LoginSettings,
) -> Result<Option<f64>> {
    let sql = format!(
        "SELECT extract(epoch FROM max(at) + $3 - clock_timestamp())::float8
         FROM (SELECT at FROM lectern.login_attempts WHERE {whose} ORDER BY at DESC LIMIT $2) AS latest
         HAVING count(*) = $2 AND max(at) - min(at) <= $3 AND max(at) + $3 > clock_timestamp()"
    );
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(value)
        .bind(i64::from(tries))
        .bind(sqlx::postgres::types::PgInterval {
            months: 0,
            days: 0,
            microseconds: i64::from(settings.lock_minutes) * 60_000_000,
        })
        .fetch_optional(db)
        .await?)
}

/// Takes back the failed attempts of a name after a success, and the successful attempt itself.
pub async fn forget(pool: &PgPool, attempt: i64, name: &str) -> Result<()> {
    sqlx::query("DELETE FROM lectern.login_attempts WHERE id = $1 OR name = $2")
        .bind(attempt)
        .bind(name)
        .execute(pool)
        .await?;
    Ok(())
}
