//! Accounts that existed before Lectern: rows of `auth_user` and `users`. All SQL on them; nothing is written there.

use sqlx::PgPool;

use crate::error::Result;

/// Where an account is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountTable {
    Lectern,
    AuthUser,
    Users,
}

impl AccountTable {
    /// Returns the name in `lectern.logins`.
    pub fn name(self) -> &'static str {
        match self {
            AccountTable::Lectern => "lectern",
            AccountTable::AuthUser => "auth_user",
            AccountTable::Users => "users",
        }
    }

    /// Returns the table of a name.
    pub fn named(name: &str) -> AccountTable {
        match name {
            "auth_user" => AccountTable::AuthUser,
            "users" => AccountTable::Users,
            _ => AccountTable::Lectern,
        }
    }
}

/// An account with its stored password.
#[derive(Clone)]
pub struct LoginAccount {
    pub table: AccountTable,
    pub id: i64,
    pub name: String,
    pub password: Option<String>,
    pub is_active: bool,
    pub is_superuser: bool,
}

/// Without the stored password.
impl std::fmt::Debug for LoginAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} of {}", self.name, self.id, self.table.name())
    }
}

type AccountRow = (i64, String, Option<String>, bool, bool);

fn account(table: AccountTable, (id, name, password, is_active, is_superuser): AccountRow) -> LoginAccount {
    LoginAccount { table, id, name, password, is_active, is_superuser }
}

const AUTH_USER: &str =
    "SELECT id::bigint, username::text, password::text, is_active, is_superuser FROM public.auth_user";

/// Returns the accounts with this user name or e-mail address. An address that several accounts of one table have finds none of them.
pub async fn find(pool: &PgPool, name: &str) -> Result<Vec<LoginAccount>> {
    let name = name.trim();
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let by_name = sqlx::AssertSqlSafe(format!("{AUTH_USER} WHERE username = $1"));
    let by_name: Option<AccountRow> = sqlx::query_as(by_name).bind(name).fetch_optional(pool).await?;
    let mut found: Vec<LoginAccount> = by_name.into_iter().map(|row| account(AccountTable::AuthUser, row)).collect();
    if name.contains('@') {
        if found.is_empty() {
            let by_address = format!("{AUTH_USER} WHERE lower(email) = lower($1) LIMIT 2");
            found.extend(only(AccountTable::AuthUser, pool, by_address, name).await?);
        }
        if let Some(select) = users_query(pool).await? {
            let by_address = format!("{select} WHERE lower(u.email) = lower($1) LIMIT 2");
            found.extend(only(AccountTable::Users, pool, by_address, name).await?);
        }
    }
    Ok(found)
}

async fn only(table: AccountTable, pool: &PgPool, sql: String, name: &str) -> Result<Option<LoginAccount>> {
    let rows: Vec<AccountRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name).fetch_all(pool).await?;
    Ok(<[AccountRow; 1]>::try_from(rows).ok().map(|[row]| account(table, row)))
}

/// Returns an account as it is now.
pub async fn by_id(pool: &PgPool, table: AccountTable, id: i64) -> Result<Option<LoginAccount>> {
    let select = match table {
        AccountTable::Lectern => return Ok(None),
        AccountTable::AuthUser => format!("{AUTH_USER} WHERE id = $1"),
        AccountTable::Users => match users_query(pool).await? {
            Some(select) => format!("{select} WHERE u.id = $1"),
            None => return Ok(None),
        },
    };
    let row: Option<AccountRow> = sqlx::query_as(sqlx::AssertSqlSafe(select)).bind(id).fetch_optional(pool).await?;
    Ok(row.map(|row| account(table, row)))
}

/// Returns the query of the accounts in `users`, a table that other programs have created; none where it has no passwords.
async fn users_query(pool: &PgPool) -> Result<Option<String>> {
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute
         WHERE attrelid = to_regclass('public.users') AND attnum > 0 AND NOT attisdropped
           AND attname IN ('id', 'email', 'password_hash', 'is_active')",
    )
    .fetch_all(pool)
    .await?;
    let has = |name: &str| columns.iter().any(|column| column == name);
    if !["id", "email", "password_hash"].into_iter().all(has) {
        return Ok(None);
    }
    let is_active = if has("is_active") { "COALESCE(u.is_active, false)" } else { "true" };
    Ok(Some(format!(
        "SELECT u.id::bigint, u.email::text, u.password_hash::text, {is_active}, false FROM public.users AS u"
    )))
}
