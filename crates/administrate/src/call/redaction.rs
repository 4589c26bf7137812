//! Redaction of what a server's messages repeat: this client's secrets and people's e-mail addresses.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use crate::call::retry::AttemptError;
use crate::error::{GraphqlError, PayloadError};
use crate::secret::Secret;
use crate::text::plain_message;

/// Shorter secrets are not redacted: that would garble ordinary words.
const MIN_SECRET_LEN: usize = 8;
/// Number of tokens that are redacted: the current one and those that calls in flight still use.
const MAX_TOKENS: usize = 4;

/// Replaces the secrets that this client has sent.
pub(crate) struct Redactor {
    client_secret: Secret,
    tokens: Mutex<Vec<Secret>>,
}

impl Redactor {
    pub(crate) fn new(client_secret: Secret) -> Self {
        Self { client_secret, tokens: Mutex::default() }
    }

    /// Adds an issued token to the secrets.
    pub(crate) fn add_token(&self, token: &Secret) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(0, token.clone());
        tokens.truncate(MAX_TOKENS);
    }

    /// Replaces every secret in `text` by an ellipsis.
    pub(crate) fn redact_secrets(&self, text: String) -> String {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = tokens.iter().chain([&self.client_secret]).map(Secret::reveal);
        let secrets = secrets.filter(|secret| secret.len() >= MIN_SECRET_LEN);
        secrets.fold(text, |text, secret| if text.contains(secret) { text.replace(secret, "…") } else { text })
    }

    /// Returns a message as plain text, without secrets and e-mail addresses.
    fn redact(&self, message: String) -> String {
        // The plain text first: a character between the letters of a secret must not hide it.
        let message = self.redact_secrets(plain_message(&message).into_owned());
        match redact_emails(&message) {
            Cow::Owned(redacted) => redacted,
            Cow::Borrowed(_) => message,
        }
    }

    pub(crate) fn redact_attempt_error(&self, error: AttemptError) -> AttemptError {
        match error {
            AttemptError::NotSent(detail) => AttemptError::NotSent(self.redact(detail)),
            AttemptError::Interrupted(detail) => AttemptError::Interrupted(self.redact(detail)),
            AttemptError::Unreadable(detail) => AttemptError::Unreadable(self.redact(detail)),
            AttemptError::Rejected(errors, outcome) => AttemptError::Rejected(self.redact_errors(errors), outcome),
            other => other,
        }
    }

    pub(crate) fn redact_errors(&self, errors: Vec<GraphqlError>) -> Vec<GraphqlError> {
        let redact = |error: GraphqlError| GraphqlError { message: self.redact(error.message), ..error };
        errors.into_iter().map(redact).collect()
    }

    pub(crate) fn redact_payload_error(&self, error: PayloadError) -> PayloadError {
        let PayloadError { label, message, value } = error;
        PayloadError { label: self.redact(label), message: self.redact(message), value: self.redact(value) }
    }
}

/// Replaces every e-mail address in `text` by an ellipsis.
pub fn redact_emails(text: &str) -> Cow<'_, str> {
    let mut redacted = String::new();
    let mut rest = text;
    while let Some((start, end)) = find_email(rest) {
        redacted.push_str(&rest[..start]);
        redacted.push('…');
        rest = &rest[end..];
    }
    if redacted.is_empty() && rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    redacted.push_str(rest);
    Cow::Owned(redacted)
}

/// Returns the byte range of the first address: a local part, an @, and a domain with a dot.
fn find_email(text: &str) -> Option<(usize, usize)> {
    let is_local = |c: char| c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_domain = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    text.match_indices('@').find_map(|(at, _)| {
        let start = text[..at].trim_end_matches(is_local).len();
        let after = &text[at + 1..];
        let domain = after.len() - after.trim_start_matches(is_domain).len();
        let domain = after[..domain].trim_end_matches(['.', '-']);
        (start < at && domain.contains('.')).then_some((start, at + 1 + domain.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redact_emails_replaces_addresses_only() {
        for (text, expected) in [
            ("no such contact: jane.smith@example.org.", "no such contact: …."),
            ("<a+b@mail.example.co.uk>, ö@beispiel.de", "<…>, …"),
            ("places @ 12, @home, a@b", "places @ 12, @home, a@b"),
            ("", ""),
        ] {
            assert_eq!(redact_emails(text), expected, "{text}");
        }
    }

    #[test]
    fn redact_secrets_replaces_client_secret_and_tokens() {
        let redactor = Redactor::new(Secret::new("s3cr3t-Zebra"));
        redactor.add_token(&Secret::new("token-of-today"));
        redactor.add_token(&Secret::new("id"));
        let redacted = redactor.redact_secrets("denied for s3cr3t-Zebra, Bearer token-of-today, id".to_owned());
        assert_eq!(redacted, "denied for …, Bearer …, id");
    }
}
