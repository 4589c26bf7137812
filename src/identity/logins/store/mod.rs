//! All SQL on `lectern.logins`, `lectern.login_links`, and on the sessions in `lectern.tokens`.

pub mod accounts;
pub mod attempts;

use sqlx::PgPool;

use self::accounts::{AccountTable, LoginAccount};
use super::{Login, Rights};
use crate::config::LoginSettings;
use crate::error::Result;
use crate::identity::caller::{Caller, Role};

type LoginRow = (i64, String, Option<String>);

fn own_account((id, name, password): LoginRow) -> LoginAccount {
    LoginAccount { table: AccountTable::Lectern, id, name, password, is_active: true, is_superuser: false }
}

/// Returns the login of Lectern with this name, whatever its letters' case.
pub async fn own(pool: &PgPool, name: &str) -> Result<Option<LoginAccount>> {
    let row: Option<LoginRow> = sqlx::query_as(
        "SELECT id, name, argon2 FROM lectern.logins WHERE account = 'lectern' AND lower(name) = lower($1)",
    )
    .bind(crate::names::tidy(name))
    .fetch_optional(pool)
    .await?;
    Ok(row.map(own_account))
}

/// Returns the id of a login by its name.
pub async fn by_name(pool: &PgPool, name: &str) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM lectern.logins WHERE lower(name) = lower($1) ORDER BY account <> 'lectern', id LIMIT 1",
    )
    .bind(crate::names::tidy(name))
    .fetch_optional(pool)
    .await?)
}

/// Creates a login; none if the name is taken.
pub async fn insert(pool: &PgPool, name: &str, rights: Rights, argon2: &str) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar(
        "INSERT INTO lectern.logins (name, argon2, role, subject_id) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(name)
    .bind(argon2)
    .bind(rights.role)
    .bind(rights.subject_id)
    .fetch_optional(pool)
    .await?)
}

/// Changes the rights of a login, and enables it.
pub async fn set_rights(pool: &PgPool, id: i64, rights: Rights) -> Result<()> {
    sqlx::query("UPDATE lectern.logins SET role = $2, subject_id = $3, disabled_at = NULL WHERE id = $1")
        .bind(id)
        .bind(rights.role)
        .bind(rights.subject_id)
        .execute(pool)
        .await?;
    Ok(())
}

/// Gives an existing account a role.
pub async fn grant(pool: &PgPool, account: &LoginAccount, rights: Rights) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "INSERT INTO lectern.logins (name, account, account_id, role, subject_id) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account, account_id)
         DO UPDATE SET role = excluded.role, subject_id = excluded.subject_id, disabled_at = NULL
         RETURNING id",
    )
    .bind(&account.name)
    .bind(account.table.name())
    .bind(account.id)
    .bind(rights.role)
    .bind(rights.subject_id)
    .fetch_one(pool)
    .await?)
}

/// Returns the login of a superuser, which is created when it is first needed.
pub async fn remember(pool: &PgPool, account: &LoginAccount) -> Result<i64> {
    sqlx::query(
        "INSERT INTO lectern.logins (name, account, account_id) SELECT $1, 'auth_user', $2
         WHERE $3 = 'auth_user' ON CONFLICT (account, account_id) DO NOTHING",
    )
    .bind(&account.name)
    .bind(account.id)
    .bind(account.table.name())
    .execute(pool)
    .await?;
    let found: Option<i64> = sqlx::query_scalar("SELECT id FROM lectern.logins WHERE account = $1 AND account_id = $2")
        .bind(account.table.name())
        .bind(account.id)
        .fetch_optional(pool)
        .await?;
    found.ok_or_else(|| super::unknown(&account.name))
}

/// Returns the login with which an account may sign in now; none: it has no role here, or is disabled.
pub async fn usable(pool: &PgPool, account: &LoginAccount) -> Result<Option<i64>> {
    if account.is_superuser {
        remember(pool, account).await?;
    }
    let (own, existing) = match account.table {
        AccountTable::Lectern => (Some(account.id), None),
        AccountTable::AuthUser | AccountTable::Users => (None, Some(account.id)),
    };
    Ok(sqlx::query_scalar(
        "SELECT id FROM lectern.logins
         WHERE (id = $1 OR (account = $2 AND account_id = $3)) AND disabled_at IS NULL AND (role IS NOT NULL OR $4)",
    )
    .bind(own)
    .bind(account.table.name())
    .bind(existing)
    .bind(account.is_superuser)
    .fetch_optional(pool)
    .await?)
}

/// Disables a login and ends its sessions.
pub async fn disable(pool: &PgPool, id: i64) -> Result<()> {
    sqlx::query(
        "WITH disabled AS (
             UPDATE lectern.logins SET disabled_at = coalesce(disabled_at, now()) WHERE id = $1)
         UPDATE lectern.tokens SET revoked_at = now() WHERE login_id = $1 AND revoked_at IS NULL",
    )
    .bind(id)
    .execute(pool)
    .await?;
    Ok(())
}

/// Changes a password, enables the login and ends its sessions.
pub async fn set_password(pool: &PgPool, id: i64, argon2: &str) -> Result<()> {
    sqlx::query(
        "WITH changed AS (UPDATE lectern.logins SET argon2 = $2, disabled_at = NULL WHERE id = $1)
         UPDATE lectern.tokens SET revoked_at = now() WHERE login_id = $1 AND revoked_at IS NULL",
    )
    .bind(id)
    .bind(argon2)
    .execute(pool)
    .await?;
    Ok(())
}

/// Returns every login, in the order of their names.
pub async fn list(pool: &PgPool) -> Result<Vec<Login>> {
    Ok(sqlx::query_as(
        "SELECT login.id, login.name, login.account, login.role, login.subject_id,
             to_char(login.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS created_at,
             to_char(max(session.last_used_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS last_used_at,
             to_char(login.disabled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"') AS disabled_at
         FROM lectern.logins AS login LEFT JOIN lectern.tokens AS session ON session.login_id = login.id
         GROUP BY login.id ORDER BY lower(login.name), login.id",
    )
    .fetch_all(pool)
    .await?)
}

/// Creates a session and returns its caller. Deletes the login's sessions that ended more than a day ago.
pub async fn insert_session(
    pool: &PgPool,
    login: i64,
    digest: &[u8],
    password_digest: &[u8],
    settings: &LoginSettings,
) -> Result<Caller> {
    let (token_id, name, role, subject_id) = sqlx::query_as(
        "WITH ended AS (
             DELETE FROM lectern.tokens
             WHERE login_id = $1 AND least(revoked_at, expires_at, idle_until) < now() - interval '1 day')
         INSERT INTO lectern.tokens
                (name, role, subject_id, digest, login_id, password_digest, last_used_at, idle_until, expires_at)
         SELECT name, coalesce(role, 'admin'), subject_id, $2, id, $3, now(), now() + make_interval(hours => $5),
                now() + make_interval(days => $4)
         FROM lectern.logins WHERE id = $1
         RETURNING id, name, role, subject_id",
    )
    .bind(login)
    .bind(digest)
    .bind(password_digest)
    .bind(i32::from(settings.session_days))
    .bind(i32::from(settings.idle_hours))
    .fetch_one(pool)
    .await?;
    Ok(Caller { token_id, login_id: Some(login), name, role, subject_id })
}

/// Ends a session; returns whether the token is one.
pub async fn sign_out(pool: &PgPool, token: i64) -> Result<bool> {
    let ended = sqlx::query(
        "UPDATE lectern.tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND login_id IS NOT NULL",
    )
    .bind(token)
    .execute(pool)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// Returns the account of a login that is not disabled. Of an existing one only table, id and name are right.
pub async fn account_of(pool: &PgPool, login: i64) -> Result<Option<LoginAccount>> {
    let row: Option<(String, Option<i64>, String, Option<String>)> = sqlx::query_as(
        "SELECT account, account_id, name, argon2 FROM lectern.logins WHERE id = $1 AND disabled_at IS NULL",
    )
    .bind(login)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|(table, account_id, name, argon2)| LoginAccount {
        table: AccountTable::named(&table),
        ..own_account((account_id.unwrap_or(login), name, argon2))
    }))
}

/// Stores a link. Deletes those that have expired.
pub async fn insert_link(pool: &PgPool, login: i64, digest: &[u8], seconds: i32) -> Result<()> {
    sqlx::query(
        "WITH expired AS (DELETE FROM lectern.login_links WHERE expires_at < now())
         INSERT INTO lectern.login_links (digest, login_id, expires_at) VALUES ($2, $1, now() + make_interval(secs => $3))",
    )
    .bind(login)
    .bind(digest)
    .bind(f64::from(seconds))
    .execute(pool)
    .await?;
    Ok(())
}

/// Returns the login of a link, which works only once.
pub async fn take_link(pool: &PgPool, digest: &[u8]) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar(
        "DELETE FROM lectern.login_links WHERE digest = $1 AND expires_at > now() RETURNING login_id",
    )
    .bind(digest)
    .fetch_optional(pool)
    .await?)
}

/// Returns the id of a login of Lectern, which is created with this role if it does not exist.
pub async fn ensure(pool: &PgPool, name: &str, role: Role) -> Result<i64> {
    let inserted: Option<i64> = sqlx::query_scalar(
        "INSERT INTO lectern.logins (name, role) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(name)
    .bind(role)
    .fetch_optional(pool)
    .await?;
    match (inserted, own(pool, name).await?) {
        (Some(id), _) => Ok(id),
        (None, Some(login)) => Ok(login.id),
        (None, None) => Err(super::unknown(name)),
    }
}
