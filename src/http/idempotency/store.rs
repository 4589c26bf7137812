//! All SQL on `lectern.idempotent_requests`.

use serde_json::Value;
use sqlx::PgPool;

use crate::error::Result;

/// The outcome of [`claim`].
#[derive(Debug)]
pub(super) enum Claim {
    /// The key was free, or its process ended before it stored a response.
    New,
    /// The key belongs to an equal request: its response, or none while it is executed.
    Known(Option<StoredResponse>),
    /// The key belongs to another request.
    OtherRequest,
}

/// The response of a request that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct StoredResponse {
    pub status: i16,
    pub headers: Value,
    pub body: Vec<u8>,
}

/// A stored request.
#[derive(sqlx::FromRow)]
struct KnownRequest {
    is_equal: bool,
    status: Option<i16>,
    headers: Option<Value>,
    body: Option<Vec<u8>>,
}

/// Claims a key of a token for a request. `is_form`: the route executes a repeated request itself.
pub(super) async fn claim(pool: &PgPool, token: i64, key: &str, fingerprint: &[u8], is_form: bool) -> Result<Claim> {
    sqlx::query("DELETE FROM lectern.idempotent_requests WHERE created_at < now() - interval '1 day'")
        .execute(pool)
        .await?;
    let claimed = sqlx::query(
        "INSERT INTO lectern.idempotent_requests AS known (token_id, key, fingerprint) VALUES ($1, $2, $3)
         ON CONFLICT (token_id, key) DO UPDATE SET renewed_at = now()
         WHERE known.fingerprint = excluded.fingerprint AND known.status IS NULL AND NOT $4
           AND known.renewed_at < now() - interval '1 minute'",
    )
    .bind(token)
    .bind(key)
    .bind(fingerprint)
    .bind(is_form)
    .execute(pool)
    .await?;
    if claimed.rows_affected() == 1 {
        return Ok(Claim::New);
    }
    let known: Option<KnownRequest> = sqlx::query_as(
        "SELECT fingerprint = $3 AS is_equal, status, headers, body FROM lectern.idempotent_requests
         WHERE token_id = $1 AND key = $2",
    )
    .bind(token)
    .bind(key)
    .bind(fingerprint)
    .fetch_optional(pool)
    .await?;
    Ok(match known {
        Some(KnownRequest { is_equal: false, .. }) => Claim::OtherRequest,
        Some(KnownRequest { status: Some(status), headers: Some(headers), body: Some(body), .. }) => {
            Claim::Known(Some(StoredResponse { status, headers, body }))
        }
        // Released between the two statements: the client repeats it.
        Some(_) | None => Claim::Known(None),
    })
}

/// Renews a claim, so that no other process takes it as abandoned.
pub(super) async fn renew(pool: &PgPool, token: i64, key: &str) -> Result<()> {
    sqlx::query("UPDATE lectern.idempotent_requests SET renewed_at = now() WHERE token_id = $1 AND key = $2")
        .bind(token)
        .bind(key)
        .execute(pool)
        .await?;
    Ok(())
}

/// Stores the response of a claimed request.
pub(super) async fn save(pool: &PgPool, token: i64, key: &str, response: &StoredResponse) -> Result<()> {
    sqlx::query(
        "UPDATE lectern.idempotent_requests SET status = $3, headers = $4, body = $5 WHERE token_id = $1 AND key = $2",
    )
    .bind(token)
    .bind(key)
    .bind(response.status)
    .bind(&response.headers)
    .bind(&response.body)
    .execute(pool)
    .await?;
    Ok(())
}

/// Frees a key.
pub(super) async fn release(pool: &PgPool, token: i64, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM lectern.idempotent_requests WHERE token_id = $1 AND key = $2")
        .bind(token)
        .bind(key)
        .execute(pool)
        .await?;
    Ok(())
}
