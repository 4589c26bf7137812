//! Secrets of tokens and sessions.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The prefix of every secret, so that secret scanners recognise one.
pub(super) const PREFIX: &str = "lectern_";

/// The secret of a token. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretToken(String);

impl SecretToken {
    /// Generates a secret of 256 random bits.
    ///
    /// # Errors
    /// When the operating system returns no random bytes.
    pub(super) fn generate() -> Result<SecretToken> {
        Ok(SecretToken(format!("{PREFIX}{}", hex::encode(random_bytes::<32>()?))))
    }

    /// Returns the secret. Call this only where it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a secret")
    }
}

/// Returns random bytes for secrets.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let source = rustls::crypto::ring::default_provider().secure_random;
    source.fill(&mut bytes).map_err(|_| Error::Failed("the operating system returned no random bytes".into()))?;
    Ok(bytes)
}

/// Returns what a form of a session must send back, so that forms of other sites are refused.
pub fn csrf_token(secret: &str) -> String {
    hex::encode(Sha256::digest(format!("csrf token of {secret}")))
}

/// Returns what is stored of a secret.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_not_printed() {
        let (one, other) = (SecretToken::generate().expect("random"), SecretToken::generate().expect("random"));
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), PREFIX.len() + 64);
        assert!(!format!("{one:?}").contains(&one.reveal()[PREFIX.len()..]));
    }
}
