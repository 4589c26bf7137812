//! Checks that a delivery comes from Administrate.
//!
//! `X-Administrate-signature` is a hexadecimal HMAC, `X-Administrate-signature-timestamp` are seconds since 1970. The hash
//! and the signed text are not documented. This module assumes SHA-256 and accepts three texts: the body, and timestamp and
//! body with or without a full stop between them. Accepting all three is safe: a timestamp consists of digits and a body
//! begins with a brace, so no text has two readings. If the timestamp is not signed, a replayed delivery is recognised by
//! its `triggered_at` and changes nothing.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::config::Secret;

/// The header with the HMAC.
pub const SIGNATURE: &str = "x-administrate-signature";
/// The header with the time of signing.
pub const TIMESTAMP: &str = "x-administrate-signature-timestamp";

/// Length of an HMAC with SHA-256.
const SIGNATURE_BYTES: usize = 32;

/// Maximum difference between the time of signing and now, in seconds, as in the libraries of Standard Webhooks.
const TOLERANCE: i64 = 300;

/// Why the signature of a delivery is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("webhooks are not set up: set ADMINISTRATE_WEBHOOK_SECRET")]
    NoSecret,
    /// A header is missing or unreadable.
    #[error("the delivery is not signed: send X-Administrate-signature and X-Administrate-signature-timestamp")]
    Unsigned,
    /// The time of signing is too old or in the future.
    #[error("the time of signing differs by more than five minutes: check the clocks")]
    Stale,
    /// Signed with another key, or changed after signing.
    #[error("the signature is wrong: check ADMINISTRATE_WEBHOOK_SECRET")]
    Wrong,
}

/// The signature that the headers of a delivery contain.
#[derive(Debug)]
pub struct SignedHeaders<'a> {
    secret: &'a Secret,
    signature: Vec<u8>,
    timestamp: &'a str,
}

/// Checks the headers of a delivery at a time. The body need not be received for it.
///
/// # Errors
/// The first that applies in the order of [`SignatureError`]'s variants.
pub fn check_headers<'a>(
    secret: &'a Secret,
    headers: &'a HeaderMap,
    now: Timestamp,
) -> Result<SignedHeaders<'a>, SignatureError> {
    if secret.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    let one = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let signature = one(SIGNATURE).and_then(bytes_of_hex).ok_or(SignatureError::Unsigned)?;
    let timestamp = one(TIMESTAMP).ok_or(SignatureError::Unsigned)?;
    let signed_at: i64 = timestamp.parse().map_err(|_| SignatureError::Unsigned)?;
    if now.as_second().abs_diff(signed_at) > TOLERANCE.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    // No key gives a signature of another length.
    if signature.len() != SIGNATURE_BYTES {
        return Err(SignatureError::Wrong);
    }
    Ok(SignedHeaders { secret, signature, timestamp })
}

impl SignedHeaders<'_> {
    /// Checks the signature of a body.
    ///
    /// # Errors
    /// [`SignatureError::Wrong`].
    pub fn check_body(&self, body: &[u8]) -> Result<(), SignatureError> {
        let timestamp = self.timestamp.as_bytes();
        let texts: [&[&[u8]]; 3] = [&[body], &[timestamp, b".", body], &[timestamp, body]];
        let is_signed = |parts: &[&[u8]]| {
            // HMAC accepts keys of every length, so this never fails.
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.reveal().as_bytes()) else { return false };
            parts.iter().for_each(|part| mac.update(part));
            mac.verify_slice(&self.signature).is_ok()
        };
        // Checks all texts, so that the duration reveals nothing.
        let is_valid = texts.iter().fold(false, |is_valid, text| is_signed(text) | is_valid);
        if is_valid { Ok(()) } else { Err(SignatureError::Wrong) }
    }
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"payload":{}}"#;
    const NOW: i64 = 1_800_000_000;

    fn sign(key: &str, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key");
        parts.iter().for_each(|part| mac.update(part));
        hex::encode(mac.finalize().into_bytes())
    }

    #[test]
    fn only_current_signature_with_the_secret_is_accepted() {
        let now = NOW.to_string();
        let at = |seconds: i64| (NOW + seconds).to_string();
        let plain = sign("key", &[BODY]);
        let cases: Vec<(&str, String, String, Result<(), SignatureError>)> = vec![
            ("key", plain.clone(), now.clone(), Ok(())),
            ("key", plain.to_uppercase(), now.clone(), Ok(())),
            ("key", sign("key", &[now.as_bytes(), b".", BODY]), now.clone(), Ok(())),
            ("key", sign("key", &[now.as_bytes(), BODY]), now.clone(), Ok(())),
            ("key", plain.clone(), at(-300), Ok(())),
            ("key", plain.clone(), at(-301), Err(SignatureError::Stale)),
            ("key", plain.clone(), at(301), Err(SignatureError::Stale)),
            ("key", sign("key", &[at(-1).as_bytes(), b".", BODY]), now.clone(), Err(SignatureError::Wrong)),
            ("key", sign("other", &[BODY]), now.clone(), Err(SignatureError::Wrong)),
            ("key", plain[..62].to_owned(), now.clone(), Err(SignatureError::Wrong)),
            ("key", "xyz".into(), now.clone(), Err(SignatureError::Unsigned)),
            ("key", String::new(), now.clone(), Err(SignatureError::Unsigned)),
            ("key", plain.clone(), "soon".into(), Err(SignatureError::Unsigned)),
            ("", plain, now, Err(SignatureError::NoSecret)),
        ];
        for (secret, signature, timestamp, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(SIGNATURE, signature.parse().expect("a value"));
            headers.insert(TIMESTAMP, timestamp.parse().expect("a value"));
            let now = Timestamp::from_second(NOW).expect("a time");
            let secret_of_test = Secret::from(secret.to_owned());
            let found = check_headers(&secret_of_test, &headers, now).and_then(|signed| signed.check_body(BODY));
            assert_eq!(found, expected, "{secret} {signature} {timestamp}");
        }
    }
}
