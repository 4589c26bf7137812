//! The login: OAuth 2 client credentials (RFC 6749, 4.4), sent in the form body; all calls share one token.

use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;

use crate::call::json;
use crate::call::retry::AttemptError;
use crate::call::transport::BoxFuture;
use crate::call::{ApiCall, ParseResponse};
use crate::client::Client;
use crate::error::Error;
use crate::secret::Secret;
use crate::text::without_userinfo;

/// Lifetime of a token, in seconds, if the response does not contain one.
const DEFAULT_LIFETIME: u64 = 3600;
/// A token is renewed this long before it expires, or a tenth of its lifetime, whichever is less.
const RENEWAL_MARGIN: Duration = Duration::from_secs(300);

/// The token shared by all calls. Its lock makes concurrent callers share one login.
#[derive(Default)]
pub(crate) struct Auth {
    state: Mutex<AuthState>,
}

#[derive(Default)]
struct AuthState {
    token: Option<Token>,
    generation: u64,
    /// Returned to every waiting caller instead of sending the refused login again.
    refusal: Option<Refusal>,
}

/// A login that Administrate refused.
struct Refusal {
    at: Duration,
    detail: String,
    /// The settings to check.
    check: &'static str,
}

/// A token with its times as they have passed on the clock.
struct Token {
    access: Secret,
    refresh: Option<Secret>,
    renew_at: Duration,
    expires_at: Duration,
}

/// A token to be sent, with the generation that identifies it.
#[derive(Clone)]
pub(crate) struct BearerToken {
    pub access: Secret,
    pub generation: u64,
}

impl Auth {
    /// Returns the token, renewed if it is about to expire. Concurrent callers share one login.
    pub(crate) fn bearer<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<BearerToken, Error>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            let now = client.clock().elapsed();
            let is_fresh = state.token.as_ref().is_some_and(|token| now < token.renew_at);
            if !is_fresh {
                state.renew(client).await?;
                if let Some(token) = &state.token {
                    client.redactor().add_token(&token.access);
                }
            }
            let token = state.token.as_ref();
            let token = token.ok_or_else(|| refusal_error(client, "it issued no token", CREDENTIAL_SETTINGS))?;
            Ok(BearerToken { access: token.access.clone(), generation: state.generation })
        })
    }

    /// Discards the token of `generation`, which was not accepted, unless another call has already replaced it.
    pub(crate) async fn discard(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation {
            state.token = None;
        }
    }
}

impl AuthState {
    async fn renew(&mut self, client: &Client) -> Result<(), Error> {
        let clock = client.clock();
        if let Some(refusal) = &self.refusal {
            if clock.elapsed().saturating_sub(refusal.at) < client.settings().breaker_cooldown {
                return Err(refusal_error(client, &refusal.detail, refusal.check));
            }
            self.refusal = None;
        }
        let refresh = self.token.as_ref().and_then(|token| token.refresh.clone());
        if let Some(refresh) = refresh
            && let Ok(issued) = login(client, Grant::Refresh(&refresh)).await
        {
            self.store(issued, clock.elapsed(), Some(refresh));
            return Ok(());
        }
        match login(client, Grant::Credentials).await {
            Ok(issued) => self.store(issued, clock.elapsed(), None),
            Err(error) => {
                if let Error::Login { detail, check, .. } = &error {
                    self.refusal = Some(Refusal { at: clock.elapsed(), detail: detail.clone(), check });
                    self.token = None;
                } else if self.token.as_ref().is_some_and(|token| clock.elapsed() < token.expires_at) {
                    return Ok(());
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn store(&mut self, issued: TokenResponse, now: Duration, refresh: Option<Secret>) {
        let lifetime = Duration::from_secs(issued.expires_in.unwrap_or(DEFAULT_LIFETIME));
        let margin = RENEWAL_MARGIN.min(lifetime / 10);
        self.generation += 1;
        self.token = Some(Token {
            access: Secret::new(issued.access_token),
            refresh: issued.refresh_token.map(Secret::new).or(refresh),
            renew_at: now.saturating_add(lifetime.saturating_sub(margin)),
            expires_at: now.saturating_add(lifetime),
        });
    }
}

enum Grant<'a> {
    Credentials,
    Refresh(&'a Secret),
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default, deserialize_with = "crate::lenient::seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    refresh_token: Option<String>,
}

const CREDENTIAL_SETTINGS: &str = "ADMINISTRATE_CLIENT_ID and ADMINISTRATE_CLIENT_SECRET";
const URL_SETTING: &str = "ADMINISTRATE_AUTH_URL";

async fn login(client: &Client, grant: Grant<'_>) -> Result<TokenResponse, Error> {
    let settings = client.settings();
    let call = ApiCall {
        operation: "login",
        is_mutation: false,
        document: String::new(),
        variables: serde_json::Value::Null,
        url: settings.token_url(),
        content_type: "application/x-www-form-urlencoded",
        body: login_form(client, &grant).into_bytes(),
        is_login: true,
    };
    let parse: &ParseResponse<TokenResponse> = &|response| match response.status {
        200..=299 => json::parse::<TokenResponse>(&response.body)
            .ok()
            .filter(|issued| !issued.access_token.is_empty())
            .ok_or_else(|| AttemptError::Unreadable("it contains no token".to_owned())),
        status => Err(AttemptError::Status(status, None)),
    };
    client.execute(&call, parse).await
}

fn login_form(client: &Client, grant: &Grant<'_>) -> String {
    let settings = client.settings();
    let mut pairs =
        vec![("client_id", settings.client_id.as_str()), ("client_secret", settings.client_secret.reveal())];
    match grant {
        Grant::Credentials => pairs.insert(0, ("grant_type", "client_credentials")),
        Grant::Refresh(token) => {
            pairs.insert(0, ("grant_type", "refresh_token"));
            pairs.push(("refresh_token", token.reveal()));
        }
    }
    encode_form(&pairs)
}

/// Encodes `pairs` as `application/x-www-form-urlencoded`.
fn encode_form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Returns the error of a login that failed permanently with `error`; none if a retry may succeed.
pub(crate) fn login_error(client: &Client, error: &AttemptError) -> Option<Error> {
    match error {
        AttemptError::Unauthorized => Some(refusal_error(client, "status 401", CREDENTIAL_SETTINGS)),
        AttemptError::Status(status @ (400 | 403), _) => {
            Some(refusal_error(client, &format!("status {status}"), CREDENTIAL_SETTINGS))
        }
        AttemptError::Status(status @ 300..=499, _) if *status != 408 => {
            Some(refusal_error(client, &format!("status {status}"), URL_SETTING))
        }
        AttemptError::Unreadable(detail) => {
            Some(refusal_error(client, &format!("the response is not a token: {detail}"), URL_SETTING))
        }
        _ => None,
    }
}

fn refusal_error(client: &Client, detail: &str, check: &'static str) -> Error {
    let url = without_userinfo(&client.settings().token_url()).into_owned();
    Error::Login { url, detail: detail.to_owned(), check }
}

#[cfg(test)]
mod tests {
    use super::encode_form;

    #[test]
    fn encode_form_escapes_reserved_characters() {
        for (text, encoded) in [("aZ09-._*", "aZ09-._*"), ("a b", "a+b"), ("&=+%é~", "%26%3D%2B%25%C3%A9%7E"), ("", "")]
        {
            assert_eq!(encode_form(&[("x", text)]), format!("x={encoded}"));
        }
    }
}
