//! What a server says is passed on, kept and shown; what it repeats of our secrets and of people's addresses is not.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use crate::call::retry::Fault;
use crate::error::{GraphqlError, PayloadError};
use crate::secret::Secret;

/// A shorter secret is none, and striking it out would garble ordinary words.
const SHORTEST: usize = 8;
/// So many tokens are remembered beside the client's secret: the current one and some that calls under way still use.
const TOKENS: usize = 4;

/// The secrets that this client has sent.
pub(crate) struct Discretion {
    client_secret: Secret,
    tokens: Mutex<Vec<Secret>>,
}

impl Discretion {
    pub(crate) fn new(client_secret: Secret) -> Self {
        Self { client_secret, tokens: Mutex::default() }
    }

    /// Remembers a token that was issued.
    pub(crate) fn keep(&self, token: &Secret) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(0, token.clone());
        tokens.truncate(TOKENS);
    }

    /// The text with an ellipsis in the place of every secret.
    pub(crate) fn without_secrets(&self, text: String) -> String {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = tokens.iter().chain([&self.client_secret]).map(Secret::reveal);
        let secrets = secrets.filter(|secret| secret.len() >= SHORTEST);
        secrets.fold(text, |text, secret| if text.contains(secret) { text.replace(secret, "…") } else { text })
    }

    /// The text without secrets and addresses: for sentences that are passed on.
    fn sentence(&self, text: String) -> String {
        let text = self.without_secrets(text);
        match without_addresses(&text) {
            Cow::Owned(text) => text,
            Cow::Borrowed(_) => text,
        }
    }

    pub(crate) fn fault(&self, fault: Fault) -> Fault {
        match fault {
            Fault::NotSent(said) => Fault::NotSent(self.sentence(said)),
            Fault::Interrupted(said) => Fault::Interrupted(self.sentence(said)),
            Fault::Unreadable(said) => Fault::Unreadable(self.sentence(said)),
            Fault::Rejected(errors, outcome) => Fault::Rejected(self.errors(errors), outcome),
            other => other,
        }
    }

    pub(crate) fn errors(&self, errors: Vec<GraphqlError>) -> Vec<GraphqlError> {
        let discreet = |error: GraphqlError| GraphqlError { message: self.sentence(error.message), ..error };
        errors.into_iter().map(discreet).collect()
    }

    pub(crate) fn payload_error(&self, error: PayloadError) -> PayloadError {
        let PayloadError { label, message, value } = error;
        PayloadError { label, message: self.sentence(message), value: self.sentence(value) }
    }
}

/// The text with an ellipsis in the place of every e-mail address.
pub fn without_addresses(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((start, end)) = address(rest) {
        kept.push_str(&rest[..start]);
        kept.push('…');
        rest = &rest[end..];
    }
    if kept.is_empty() && rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// Where the first address stands: something, an @, and names with a dot between them.
fn address(text: &str) -> Option<(usize, usize)> {
    let is_local = |c: char| c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_domain = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    text.match_indices('@').find_map(|(at, _)| {
        let before = text[..at].trim_end_matches(is_local).len();
        let after = &text[at + 1..];
        let domain = after.len() - after.trim_start_matches(is_domain).len();
        let domain = after[..domain].trim_end_matches(['.', '-']);
        (before < at && domain.contains('.')).then_some((before, at + 1 + domain.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_struck_out_and_nothing_else() {
        for (text, expected) in [
            ("no such contact: jane.smith@example.org.", "no such contact: …."),
            ("<a+b@mail.example.co.uk>, ö@beispiel.de", "<…>, …"),
            ("places @ 12, @home, a@b", "places @ 12, @home, a@b"),
            ("", ""),
        ] {
            assert_eq!(without_addresses(text), expected, "{text}");
        }
    }

    #[test]
    fn every_secret_of_ours_is_struck_out() {
        let discretion = Discretion::new(Secret::new("s3cr3t-Zebra"));
        discretion.keep(&Secret::new("token-of-today"));
        discretion.keep(&Secret::new("id"));
        let said = discretion.without_secrets("denied for s3cr3t-Zebra, Bearer token-of-today, id".to_owned());
        assert_eq!(said, "denied for …, Bearer …, id");
    }
}
