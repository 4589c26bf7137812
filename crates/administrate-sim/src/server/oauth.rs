//! OAuth: issues and checks tokens. Error responses follow RFC 6749 §5.2.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The accepted client credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { id: "simulated-client".to_owned(), secret: "simulated-secret".to_owned() }
    }
}

/// The issued tokens. They are numbered, not random, and protect nothing.
#[derive(Debug)]
pub(crate) struct OAuth {
    credentials: Credentials,
    lifetime: Duration,
    issued: u64,
    access: BTreeMap<String, Timestamp>,
    refresh: BTreeSet<String>,
    /// Authorization codes by the redirect address they were issued for. Each works once.
    codes: BTreeMap<String, String>,
}

/// An error response of the token endpoint: the HTTP status and the JSON body.
#[derive(Debug, PartialEq)]
pub(crate) struct TokenError {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

fn token_error(status: u16, error: &str, description: &str) -> TokenError {
    TokenError { status, body: json!({ "error": error, "error_description": description }) }
}

impl OAuth {
    pub(crate) fn new(credentials: Credentials, lifetime: Duration) -> Self {
        Self {
            credentials,
            lifetime,
            issued: 0,
            access: BTreeMap::new(),
            refresh: BTreeSet::new(),
            codes: BTreeMap::new(),
        }
    }

    /// Issues a token, or returns the error response.
    pub(crate) fn token(&mut self, form: &BTreeMap<String, String>, now: Timestamp) -> Result<Value, TokenError> {
        let parameter = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let is_known_client =
            parameter("client_id") == self.credentials.id && parameter("client_secret") == self.credentials.secret;
        match parameter("grant_type") {
            "" => return Err(token_error(400, "invalid_request", "grant_type is missing")),
            "client_credentials" | "refresh_token" | "authorization_code" => {}
            _ => {
                return Err(token_error(400, "unsupported_grant_type", "the grant type is not supported"));
            }
        }
        if !is_known_client {
            return Err(token_error(401, "invalid_client", "client authentication failed"));
        }
        match parameter("grant_type") {
            "refresh_token" if !self.refresh.contains(parameter("refresh_token")) => {
                Err(token_error(400, "invalid_grant", "the refresh token is not valid"))
            }
            "authorization_code" if !self.redeem(parameter("code"), form.get("redirect_uri")) => {
                Err(token_error(400, "invalid_grant", "the authorization code is not valid"))
            }
            // Administrate may omit the refresh token for this grant, so clients must not rely on one.
            "client_credentials" => Ok(self.issue(now, None)),
            "refresh_token" => {
                let token = parameter("refresh_token").to_owned();
                Ok(self.issue(now, Some(token)))
            }
            _ => {
                let token = format!("simulated-refresh-{}", self.issued + 1);
                self.refresh.insert(token.clone());
                Ok(self.issue(now, Some(token)))
            }
        }
    }

    /// Issues a code for a redirect address, as after the user's consent. Returns `None` for an unknown client.
    pub(crate) fn authorize(&mut self, client_id: &str, redirect_uri: &str) -> Option<String> {
        if client_id != self.credentials.id {
            return None;
        }
        self.issued += 1;
        let code = format!("simulated-code-{}", self.issued);
        self.codes.insert(code.clone(), redirect_uri.to_owned());
        Some(code)
    }

    /// Returns whether an `Authorization` header contains a valid access token.
    pub(crate) fn is_authorized(&self, header: Option<&str>, now: Timestamp) -> bool {
        let token = header.and_then(|header| header.strip_prefix("Bearer "));
        token.and_then(|token| self.access.get(token)).is_some_and(|expires_at| now < *expires_at)
    }

    /// Expires all access tokens. Refresh tokens stay valid.
    pub(crate) fn expire_access_tokens(&mut self) {
        self.access.clear();
    }

    fn redeem(&mut self, code: &str, redirect_uri: Option<&String>) -> bool {
        let issued_for = self.codes.remove(code);
        issued_for.is_some_and(|issued_for| redirect_uri.is_none_or(|uri| *uri == issued_for))
    }

    fn issue(&mut self, now: Timestamp, refresh: Option<String>) -> Value {
        self.issued += 1;
        let token = format!("simulated-access-{}", self.issued);
        let expires_at = now.checked_add(self.lifetime).unwrap_or(Timestamp::MAX);
        self.access.retain(|_, expires_at| now < *expires_at);
        self.access.insert(token.clone(), expires_at);
        let mut response = json!({
            "access_token": token,
            "expires_in": self.lifetime.as_secs(),
            "token_type": "Bearer",
            "scope": "instance",
        });
        if let Some(refresh) = refresh {
            response["refresh_token"] = json!(refresh);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let credentials = [("client_id", "simulated-client"), ("client_secret", "simulated-secret")];
        let all = credentials.iter().chain(pairs);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn invalid_token_requests_get_the_errors_of_rfc_6749() {
        let mut oauth = OAuth::new(Credentials::default(), Duration::from_secs(60));
        for (pairs, status, error) in [
            (vec![], 400, "invalid_request"),
            (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
            (vec![("grant_type", "client_credentials"), ("client_secret", "no")], 401, "invalid_client"),
            (vec![("grant_type", "refresh_token"), ("refresh_token", "no")], 400, "invalid_grant"),
            (vec![("grant_type", "authorization_code"), ("code", "no")], 400, "invalid_grant"),
        ] {
            let error_response = oauth.token(&form(&pairs), Timestamp::UNIX_EPOCH).expect_err("refused");
            assert_eq!((error_response.status, &error_response.body["error"]), (status, &json!(error)));
        }
    }

    #[test]
    fn access_token_after_its_lifetime_is_rejected() {
        let mut oauth = OAuth::new(Credentials::default(), Duration::from_secs(60));
        let start = Timestamp::UNIX_EPOCH;
        assert!(oauth.token(&form(&[("grant_type", "client_credentials")]), start).is_ok());
        let header = Some("Bearer simulated-access-1");
        assert!(oauth.is_authorized(header, start));
        assert!(!oauth.is_authorized(header, start + Duration::from_secs(60)));
        assert!(!oauth.is_authorized(None, start));
        oauth.expire_access_tokens();
        assert!(!oauth.is_authorized(header, start));
    }

    #[test]
    fn authorization_code_used_twice_is_rejected() {
        let mut oauth = OAuth::new(Credentials::default(), Duration::from_secs(60));
        let code = oauth.authorize("simulated-client", "http://localhost/back").unwrap_or_default();
        let redeem = form(&[("grant_type", "authorization_code"), ("code", &code)]);
        let first = oauth.token(&redeem, Timestamp::UNIX_EPOCH).unwrap_or_default();
        assert!(first["refresh_token"].is_string());
        assert!(oauth.token(&redeem, Timestamp::UNIX_EPOCH).is_err());
    }
}
