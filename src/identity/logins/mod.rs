//! Logins: who may sign in, and the sessions of those who have.
//!
//! A login has a password of Lectern, or belongs to an account that existed before: a row of `auth_user` (found by name
//! or e-mail) or of `users` (by e-mail), whose passwords Lectern verifies and never writes. Superusers of `auth_user` are
//! admins; every other account signs in only with a role that was granted here.
//!
//! A session is a token whose secret is in a cookie. It ends after 12 hours without a request, after 14 days, when the
//! login is disabled, and when its password changes.

pub mod cli;
mod store;

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use sqlx::PgPool;

use self::store::accounts::{self, AccountTable, LoginAccount};
use self::store::attempts;
use super::caller::{Caller, Role, SessionState, check_subject};
use super::passwords::{self, Password};
use super::secret::{SecretToken, digest};
use crate::config::{Config, LoginSettings};
use crate::error::{Error, Result};
use crate::names::fold;

pub use self::store::{ensure, list, sign_out};

/// The longest name, in characters.
const MAX_NAME: usize = 150;

/// Seconds in which a link that signs in works.
const LINK_SECONDS: i32 = 24 * 3600;

/// A login, without its password. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Login {
    pub id: i64,
    pub name: String,
    /// `lectern`, or the table of the account: `auth_user` or `users`.
    pub account: String,
    /// None: admin, as long as the account is a superuser.
    pub role: Option<Role>,
    #[serde(rename = "subject")]
    pub subject_id: Option<i64>,
    pub created_at: String,
    pub last_used_at: Option<String>,
    pub disabled_at: Option<String>,
}

/// The rights of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    pub role: Role,
    /// Id of the profile, for roles that see the records of one profile only.
    pub subject_id: Option<i64>,
}

/// A successful sign-in.
#[derive(Debug)]
pub struct SignedIn {
    pub caller: Caller,
    /// The secret of the session, for the cookie.
    pub secret: SecretToken,
}

/// Why a sign-in failed.
#[derive(Debug)]
pub enum SignInError {
    /// There is no such name, or the password is another one.
    Wrong,
    /// Too many attempts failed. The next one is possible after this time.
    Locked(Duration),
    /// Name and password are right, but the account has no role here.
    NoRole,
    /// The attempt could not be checked.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for SignInError {
    fn from(error: E) -> Self {
        SignInError::Failed(error.into())
    }
}

/// Creates a login with a password of Lectern; returns its id.
///
/// # Errors
/// [`Error::Usage`] for an empty, long or taken name, a short password, and a missing, unexpected or unknown profile.
pub async fn add(
    pool: &PgPool,
    name: &str,
    rights: Rights,
    password: Password,
    settings: &LoginSettings,
) -> Result<i64> {
    let name = crate::names::tidy(name);
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Error::Usage(format!("the name must have 1 to {MAX_NAME} characters")));
    }
    check_subject(pool, rights.role, rights.subject_id).await?;
    password.check()?;
    let hash = passwords::hash(password, settings).await?;
    let added = store::insert(pool, &name, rights, &hash).await?;
    added.ok_or_else(|| {
        let advice = "`lectern user password` changes its password, `lectern user grant` its role";
        Error::Usage(format!("a login is called \"{name}\" already: {advice}"))
    })
}

/// Gives a login or an existing account a role; returns the id of the login.
///
/// # Errors
/// [`Error::Usage`] when the name is unknown or belongs to several accounts, and for a missing, unexpected or unknown
/// profile.
pub async fn grant(pool: &PgPool, name: &str, rights: Rights) -> Result<i64> {
    check_subject(pool, rights.role, rights.subject_id).await?;
    if let Some(login) = store::own(pool, name).await? {
        store::set_rights(pool, login.id, rights).await?;
        return Ok(login.id);
    }
    match accounts::find(pool, name).await?.as_slice() {
        [] => Err(unknown(name)),
        [account] => store::grant(pool, account, rights).await,
        several => {
            let tables: Vec<String> = several.iter().map(|a| format!("{} {}", a.table.name(), a.id)).collect();
            let tables = tables.join(", ");
            Err(Error::Usage(format!(
                "\"{name}\" belongs to several accounts ({tables}): pass a name that only one has"
            )))
        }
    }
}

/// Disables a login and ends its sessions.
///
/// # Errors
/// [`Error::Usage`] when the name is unknown.
pub async fn disable(pool: &PgPool, name: &str) -> Result<i64> {
    let id = match store::by_name(pool, name).await? {
        Some(id) => id,
        None => match accounts::find(pool, name).await?.as_slice() {
            // A superuser who has never signed in.
            [account] => store::remember(pool, account).await?,
            _ => return Err(unknown(name)),
        },
    };
    store::disable(pool, id).await?;
    Ok(id)
}

/// Changes the password of a login of Lectern, enables it if it was disabled, and ends its sessions.
///
/// # Errors
/// [`Error::Usage`] when there is no such login or the password is too short.
pub async fn set_password(pool: &PgPool, name: &str, password: Password, settings: &LoginSettings) -> Result<i64> {
    let Some(login) = store::own(pool, name).await? else {
        let reason = match accounts::find(pool, name).await?.is_empty() {
            true => return Err(unknown(name)),
            false => "its password belongs to another program: change it there",
        };
        return Err(Error::Usage(format!("\"{name}\" is an existing account; {reason}")));
    };
    password.check()?;
    let hash = passwords::hash(password, settings).await?;
    store::set_password(pool, login.id, &hash).await?;
    Ok(login.id)
}

fn unknown(name: &str) -> Error {
    Error::Usage(format!("there is no login or account \"{name}\": `lectern user list` shows the logins"))
}

/// Signs a person in.
///
/// # Errors
/// [`SignInError`]: wrong name or password, too many attempts, an account without a role, or a failure of the database.
pub async fn sign_in(
    pool: &PgPool,
    config: &Config,
    (name, password): (&str, Password),
    address: IpAddr,
) -> Result<SignedIn, SignInError> {
    let settings = &config.login;
    let folded = fold(name);
    let attempt = attempts::begin(pool, &folded, address, settings).await?;
    let attempt = attempt.map_err(SignInError::Locked)?;
    let mut candidates: Vec<LoginAccount> = store::own(pool, name).await?.into_iter().collect();
    candidates.extend(accounts::find(pool, name).await?);
    let Some(account) = matching(candidates, password, settings).await? else { return Err(SignInError::Wrong) };
    attempts::forget(pool, attempt, &folded).await?;
    let login = match store::usable(pool, &account).await? {
        Some(login) => login,
        None => return Err(SignInError::NoRole),
    };
    Ok(begin_session(pool, login, &account, settings).await?)
}

/// Returns the first account with this password. One attempt costs at least one hash.
async fn matching(
    accounts: Vec<LoginAccount>,
    password: Password,
    settings: &LoginSettings,
) -> Result<Option<LoginAccount>> {
    let mut is_tried = false;
    for account in accounts {
        let Some(stored) = account.password.clone().filter(|stored| !stored.is_empty() && !stored.starts_with('!'))
        else {
            continue;
        };
        is_tried = true;
        if passwords::verify(password.clone(), Some(stored), settings).await? && account.is_active {
            return Ok(Some(account));
        }
    }
    if !is_tried {
        passwords::verify(password, None, settings).await?;
    }
    Ok(None)
}

async fn begin_session(
    pool: &PgPool,
    login: i64,
    account: &LoginAccount,
    settings: &LoginSettings,
) -> Result<SignedIn> {
    let secret = SecretToken::generate()?;
    let stored = digest(account.password.as_deref().unwrap_or_default());
    let caller = store::insert_session(pool, login, &digest(secret.reveal()), &stored, settings).await?;
    Ok(SignedIn { caller, secret })
}

/// Creates the secret of a link that signs this login in once.
///
/// # Errors
/// The database fails.
pub async fn create_link(pool: &PgPool, login: i64) -> Result<SecretToken> {
    let secret = SecretToken::generate()?;
    store::insert_link(pool, login, &digest(secret.reveal()), LINK_SECONDS).await?;
    Ok(secret)
}

/// Signs in with the secret of a link. None: it is unknown, was used, or has expired.
///
/// # Errors
/// The database fails.
pub async fn follow_link(pool: &PgPool, config: &Config, secret: &str) -> Result<Option<SignedIn>> {
    let Some(login) = store::take_link(pool, &digest(secret)).await? else { return Ok(None) };
    let Some(account) = current_account(pool, login).await? else { return Ok(None) };
    begin_session(pool, login, &account, &config.login).await.map(Some)
}

/// Returns the account behind a login as it is now; none if its row is gone.
async fn current_account(pool: &PgPool, login: i64) -> Result<Option<LoginAccount>> {
    match store::account_of(pool, login).await? {
        Some(existing) if existing.table != AccountTable::Lectern => {
            accounts::by_id(pool, existing.table, existing.id).await
        }
        account => Ok(account),
    }
}

/// Returns the rights of a session; none when its account is gone or inactive, has another password, or lost its role.
pub(super) async fn rights_of(pool: &PgPool, session: &SessionState) -> Result<Option<Rights>> {
    let Some(account) = current_account(pool, session.login).await? else { return Ok(None) };
    let stored = digest(account.password.as_deref().unwrap_or_default());
    if !account.is_active || !passwords::is_equal(&stored, &session.password_digest) {
        return Ok(None);
    }
    let role = session.role.or(account.is_superuser.then_some(Role::Admin));
    Ok(role.map(|role| Rights { role, subject_id: session.subject_id }))
}
