//! Hashes of passwords: those that Lectern makes, and those that other programs have made.
//!
//! Lectern makes Argon2id hashes. It verifies, but never writes, hashes of Django (PBKDF2, bcrypt, Argon2) and bcrypt.
//! A hash is slow by intention: [`verify`] and [`hash`] run on a thread of their own, few at a time, so that attempts to
//! sign in never delay other requests.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::secret::random_bytes;
use crate::config::LoginSettings;
use crate::error::{Error, Result};

/// The shortest password that Lectern accepts, in characters.
const MIN_CHARACTERS: usize = 8;

/// The longest password that is read, in bytes: a hash of an endless text would take endless time.
pub const MAX_BYTES: usize = 1024;

/// Hashes that are computed at the same time.
const CONCURRENT: usize = 2;

static PLACES: Semaphore = Semaphore::const_new(CONCURRENT);

/// A password as it was typed. `Debug` does not print it.
#[derive(Clone)]
pub struct Password(Arc<str>);

impl Password {
    /// Wraps a typed password.
    pub fn typed(text: &str) -> Password {
        Password(text.into())
    }

    /// Checks a new password.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is too short or too long.
    pub fn check(&self) -> Result<()> {
        if self.0.chars().count() < MIN_CHARACTERS {
            return Err(Error::Usage(format!(
                "the password is too short: choose at least {MIN_CHARACTERS} characters"
            )));
        }
        if self.0.len() > MAX_BYTES {
            return Err(Error::Usage(format!("the password is too long: choose at most {MAX_BYTES} bytes")));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a password")
    }
}

/// Returns the hash to store for a password: a PHC string.
///
/// # Errors
/// The settings of Argon2 are out of its range.
pub async fn hash(password: Password, settings: &LoginSettings) -> Result<String> {
    let hasher = argon2_of(settings)?;
    on_own_thread(move || {
        let salt = random_bytes::<16>()?;
        let hash = hasher.hash_password_with_salt(password.0.as_bytes(), &salt);
        hash.map(|hash| hash.to_string())
            .map_err(|error| Error::Failed(format!("the password cannot be hashed: {error}")))
    })
    .await?
}

/// Reports whether a password is the one of a stored hash. Without a hash it takes as long and returns false, so that the
/// time of an attempt does not tell which names exist.
pub async fn verify(password: Password, stored: Option<String>, settings: &LoginSettings) -> Result<bool> {
    if password.0.len() > MAX_BYTES {
        return Ok(false);
    }
    let hasher = argon2_of(settings)?;
    on_own_thread(move || match stored {
        Some(stored) => matches(password.0.as_bytes(), &stored),
        None => {
            let _ = hasher.hash_password_with_salt(password.0.as_bytes(), &[0; 16]);
            false
        }
    })
    .await
}

async fn on_own_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let failed = |reason: &dyn std::fmt::Display| Error::Failed(format!("a password cannot be checked: {reason}"));
    let _place = PLACES.acquire().await.map_err(|error| failed(&error))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))
}

fn argon2_of(settings: &LoginSettings) -> Result<Argon2<'static>> {
    let params = Params::new(settings.argon2_memory_kib, settings.argon2_iterations, 1, None);
    let params = params.map_err(|error| Error::Usage(format!("the settings login.argon2_…: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Reports whether a password matches a hash of any known format. Unknown formats, and accounts without a usable password,
/// match nothing.
fn matches(password: &[u8], stored: &str) -> bool {
    let (format, rest) = stored.split_once('$').unwrap_or_default();
    match format {
        "" if stored.starts_with("$argon2") => matches_argon2(password, stored),
        "" => bcrypt::verify(password, stored).unwrap_or(false),
        "pbkdf2_sha256" => matches_pbkdf2(password, rest),
        "argon2" => matches_argon2(password, &format!("${rest}")),
        "bcrypt" => bcrypt::verify(password, rest).unwrap_or(false),
        "bcrypt_sha256" => bcrypt::verify(hex::encode(Sha256::digest(password)), rest).unwrap_or(false),
        _ => false,
    }
}

fn matches_argon2(password: &[u8], stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// Compares with what follows `pbkdf2_sha256$`: iterations, salt, and hash in base64.
fn matches_pbkdf2(password: &[u8], rest: &str) -> bool {
    /// Django's own count grows each year and is about a million; more is an attack or an error.
    const MAX_ITERATIONS: u32 = 10_000_000;
    let mut parts = rest.split('$');
    let (Some(iterations), Some(salt), Some(expected), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let iterations = iterations.parse().ok().filter(|count| (1..=MAX_ITERATIONS).contains(count));
    let (Some(iterations), Ok(expected)) = (iterations, STANDARD.decode(expected)) else { return false };
    let mut computed = [0; 32];
    pbkdf2_hmac::<Sha256>(password, salt.as_bytes(), iterations, &mut computed);
    is_equal(&computed, &expected)
}

/// Compares in a time that does not depend on where the bytes differ.
pub fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Django 5.1, with Python's bcrypt and with the `argon2` command for the password of the test.
    const PASSWORD: &str = "correct horse";

    fn settings() -> LoginSettings {
        LoginSettings {
            argon2_memory_kib: 64,
            argon2_iterations: 1,
            idle_hours: 12,
            session_days: 14,
            tries: 10,
            tries_per_address: 50,
            lock_minutes: 15,
        }
    }

    async fn is_right(password: &str, stored: &str) -> bool {
        verify(Password::typed(password), Some(stored.to_owned()), &settings()).await.expect("verifies")
    }

    #[tokio::test]
    async fn own_hash_matches_its_password_only() {
        let stored = hash(Password::typed(PASSWORD), &settings()).await.expect("hashes");
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(is_right(PASSWORD, &stored).await);
        assert!(!is_right("correct hors", &stored).await);
        let again = hash(Password::typed(PASSWORD), &settings()).await.expect("hashes");
        assert_ne!(stored, again, "a salt");
    }

    #[tokio::test]
    async fn hashes_of_other_programs_match() {
        for stored in include_str!("../../tests/data/password_hashes.txt").lines() {
            assert!(is_right(PASSWORD, stored).await, "{stored}");
            assert!(!is_right("wrong horse", stored).await, "{stored}");
        }
    }

    #[tokio::test]
    async fn unusable_and_unknown_hashes_match_nothing() {
        for stored in [
            "!",
            "!aCKhuAIhzPfQXmDGL05nVGqyfDJQ9D0Z",
            "",
            "plain",
            PASSWORD,
            "pbkdf2_sha256$0$salt$",
            "pbkdf2_sha256$4000000000$salt$AAAA",
            "md5$salt$0000",
            "$argon2id$nothing",
            "$2b$12$short",
        ] {
            assert!(!is_right(PASSWORD, stored).await, "{stored}");
            assert!(!is_right("", stored).await, "{stored}");
        }
        assert!(!verify(Password::typed(PASSWORD), None, &settings()).await.expect("verifies"));
    }
}
