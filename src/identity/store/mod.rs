//! All SQL on `lectern.tokens`.

pub(super) mod profiles;

use sqlx::PgPool;

use super::caller::{Caller, Role, SessionState};
use super::{NewToken, Token};
use crate::error::Result;

pub(super) async fn insert(pool: &PgPool, token: &NewToken, digest: &[u8]) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "INSERT INTO lectern.tokens (name, role, subject_id, digest, expires_at)
         VALUES ($1, $2, $3, $4, now() + make_interval(days => $5)) RETURNING id",
    )
    .bind(&token.name)
    .bind(token.role)
    .bind(token.subject_id)
    .bind(digest)
    .bind(token.days.map(|days| i32::try_from(days).unwrap_or(i32::MAX)))
    .fetch_one(pool)
    .await?)
}

/// What is stored of a token and, for a session, of its login.
#[derive(sqlx::FromRow)]
struct FoundToken {
    token_id: i64,
    login_id: Option<i64>,
    name: String,
    role: Role,
    subject_id: Option<i64>,
    password_digest: Option<Vec<u8>>,
    login_role: Option<Role>,
    login_subject: Option<i64>,
}

/// Returns the caller with a valid token, and the state of a session. Stores the time of its use, at most once a minute.
pub(super) async fn find(pool: &PgPool, digest: &[u8]) -> Result<Option<(Caller, Option<SessionState>)>> {
    let found: Option<FoundToken> = sqlx::query_as(
        "WITH found AS (
             SELECT token.id, token.login_id, token.name, token.role, token.subject_id, token.password_digest,
                    token.last_used_at, login.role AS login_role, login.subject_id AS login_subject
             FROM lectern.tokens AS token LEFT JOIN lectern.logins AS login ON login.id = token.login_id
             WHERE token.digest = $1 AND token.revoked_at IS NULL
               AND (token.expires_at IS NULL OR token.expires_at > now())
               AND (token.idle_until IS NULL OR token.idle_until > now())),
         noted AS (
             UPDATE lectern.tokens AS t SET last_used_at = now(), idle_until = now() + (t.idle_until - t.last_used_at)
             FROM found WHERE t.id = found.id AND coalesce(found.last_used_at, '-infinity') < now() - interval '1 minute')
         SELECT id AS token_id, login_id, name, role, subject_id, password_digest, login_role, login_subject FROM found",
    )
    .bind(digest)
    .fetch_optional(pool)
    .await?;
    Ok(found.map(|found| {
        let session = found.login_id.map(|login| SessionState {
            login,
            password_digest: found.password_digest.unwrap_or_default(),
            role: found.login_role,
            subject_id: found.login_subject,
        });
        let FoundToken { token_id, login_id, name, role, subject_id, .. } = found;
        (Caller { token_id, login_id, name, role, subject_id }, session)
    }))
}

/// Reports whether a token exists and is neither revoked nor expired.
pub async fn is_valid(pool: &PgPool, id: i64) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM lectern.tokens
                        WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                          AND (idle_until IS NULL OR idle_until > now()))",
    )
    .bind(id)
    .fetch_one(pool)
    .await?)
}

/// Returns every token of a program, including revoked and expired ones, oldest first.
pub async fn list(pool: &PgPool) -> Result<Vec<Token>> {
    Ok(sqlx::query_as(
        "SELECT id, name, role, subject_id,
             to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS created_at,
             to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS expires_at,
             to_char(last_used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS last_used_at,
             to_char(revoked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS revoked_at
         FROM lectern.tokens WHERE login_id IS NULL ORDER BY id",
    )
    .fetch_all(pool)
    .await?)
}

/// Revokes a token of a program; returns whether it exists.
pub async fn revoke(pool: &PgPool, id: i64) -> Result<bool> {
    let updated = sqlx::query(
        "UPDATE lectern.tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND login_id IS NULL",
    )
    .bind(id)
    .execute(pool)
    .await?;
    Ok(updated.rows_affected() > 0)
}
