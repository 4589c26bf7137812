//! Whether a delivery comes from Administrate.
//!
//! Known: `X-Administrate-signature` is a hexadecimal HMAC, `X-Administrate-signature-timestamp` the seconds of the epoch.
//! Not known: over what it is taken and with which hash. The guess stands here alone: SHA-256 over the body, or over the
//! timestamp and the body with or without a full stop between them. Taking all three weakens nothing: a timestamp is
//! digits and a body begins with a brace, so that no text reads both ways; and where the timestamp is not signed, an old
//! delivery sent again is known by what it says (`triggered_at`) and changes nothing.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::config::Secret;

/// The header with the HMAC.
pub const SIGNATURE: &str = "x-administrate-signature";
/// The header with the time of signing.
pub const TIMESTAMP: &str = "x-administrate-signature-timestamp";

/// How far the time of signing may be from ours, in seconds (Standard Webhooks' reference libraries use the same).
const TOLERANCE: i64 = 300;

/// Why a delivery is not taken to be Administrate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Nothing is set up.
    #[error("webhooks are not set up here: ADMINISTRATE_WEBHOOK_SECRET is not set")]
    NoSecret,
    /// A header is missing or says nothing.
    #[error("it is not signed: X-Administrate-signature and X-Administrate-signature-timestamp are needed")]
    Unsigned,
    /// Too old, or from the future.
    #[error("it was signed more than five minutes from now: check the clocks")]
    Stale,
    /// Signed by somebody else, or changed since.
    #[error("the signature is wrong: check ADMINISTRATE_WEBHOOK_SECRET")]
    Wrong,
}

/// Checks the signature of a body at a time.
///
/// # Errors
/// [`Doubt`], in the order of its variants.
pub fn check(secret: &Secret, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
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
    let texts: [&[&[u8]]; 3] = [&[body], &[timestamp.as_bytes(), b".", body], &[timestamp.as_bytes(), body]];
    let is_signed = |parts: &[&[u8]]| {
        // Every length is a key of HMAC, so that this never fails.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else { return false };
        parts.iter().for_each(|part| mac.update(part));
        mac.verify_slice(&signature).is_ok()
    };
    // All are tried, whichever fits, so that the time taken tells nothing.
    let fits = texts.iter().fold(false, |fits, text| is_signed(text) | fits);
    if fits { Ok(()) } else { Err(SignatureError::Wrong) }
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
    fn only_what_is_signed_with_our_secret_and_of_now_is_taken() {
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
            let found = check(&Secret::from(secret.to_owned()), &headers, BODY, now);
            assert_eq!(found, expected, "{secret} {signature} {timestamp}");
        }
    }
}
