//! Text that must never be shown.

use std::fmt;

/// A secret: it can be sent, but neither printed nor logged nor serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be sent and for nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What stands in the place of what was struck out.
const STRUCK: &str = "…";

/// A body in which no secret stands: a server that repeats what it was sent would have us keep and print it.
pub(crate) fn strike(body: Vec<u8>, secrets: &[&str]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(&body) else { return body };
    let told: Vec<&str> =
        secrets.iter().copied().filter(|secret| !secret.is_empty() && text.contains(secret)).collect();
    if told.is_empty() {
        return body;
    }
    told.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret, STRUCK)).into_bytes()
}

/// A text in which no e-mail address stands.
pub fn without_addresses(text: &str) -> String {
    let is_local = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
    let is_host = |c: char| c.is_alphanumeric() || ".-".contains(c);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let start =
            rest[..at].char_indices().rev().take_while(|(_, c)| is_local(*c)).last().map_or(at, |(from, _)| from);
        let after = &rest[at + 1..];
        let length: usize = after.chars().take_while(|c| is_host(*c)).map(char::len_utf8).sum();
        let is_address = start < at && after[..length].trim_end_matches('.').contains('.');
        kept.push_str(if is_address { &rest[..start] } else { &rest[..=at] });
        if is_address {
            kept.push_str(STRUCK);
            rest = &after[length..];
        } else {
            rest = after;
        }
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_struck_out_and_nothing_else() {
        for (text, expected) in [
            ("denied for jane.smith@example.org (admin)", "denied for … (admin)"),
            ("<a+b@mail.example.co.uk>, c@example.org", "<…>, …"),
            ("ends with b@example.org.", "ends with …"),
            ("2 @ 5, user@host, @example.org", "2 @ 5, user@host, @example.org"),
            ("José@beispiel.example ö", "… ö"),
            ("", ""),
        ] {
            assert_eq!(without_addresses(text), expected);
        }
    }

    #[test]
    fn secrets_are_struck_out_of_any_body() {
        let body = |text: &str| text.as_bytes().to_vec();
        let secrets = ["s3cr3t", "token", ""];
        assert_eq!(strike(body("Bearer token, s3cr3t s3cr3t"), &secrets), body("Bearer …, … …"));
        assert_eq!(strike(body("{}"), &secrets), body("{}"));
        assert_eq!(strike(vec![0xff, 0xfe], &secrets), [0xff, 0xfe]);
    }
}
