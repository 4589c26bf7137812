//! The login: OAuth 2 client credentials (RFC 6749, 4.4), sent in the form body, one token shared by all calls.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::call::clock::elapsed;
use crate::call::retry::Fault;
use crate::call::transport::BoxFuture;
use crate::call::{Exchange, Judge};
use crate::client::Client;
use crate::error::Error;
use crate::secret::Secret;

/// What Administrate issues when it says nothing else.
const USUAL_LIFETIME: u64 = 3600;
/// A token is renewed so long before its end, or a tenth of its life, whichever is less.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// The token, and whoever waits for it.
#[derive(Default)]
pub(crate) struct Auth {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    generation: u64,
    /// A refusal is told to everybody who was waiting, instead of being provoked once more for each.
    refused: Option<(Timestamp, String, &'static str)>,
}

struct Token {
    access: Secret,
    refresh: Option<Secret>,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

/// A token to be sent, and which one it is.
#[derive(Clone)]
pub(crate) struct Bearer {
    pub access: Secret,
    pub generation: u64,
}

impl Auth {
    /// The token, renewed where it is about to end. Concurrent callers share one login.
    pub(crate) fn bearer<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<Bearer, Error>> {
        Box::pin(async move {
            let mut state = self.state.lock().await;
            let now = client.clock().now();
            let fresh = state.token.as_ref().is_some_and(|token| now < token.renew_at);
            if !fresh {
                state.renew(client).await?;
                if let Some(token) = &state.token {
                    client.discretion().keep(&token.access);
                }
            }
            let token = state.token.as_ref().ok_or_else(|| refusal(client, "it issued no token", CREDENTIALS))?;
            Ok(Bearer { access: token.access.clone(), generation: state.generation })
        })
    }

    /// The token of `generation` was not accepted: the next call logs in anew, unless another call already did.
    pub(crate) async fn discard(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation {
            state.token = None;
        }
    }
}

impl State {
    async fn renew(&mut self, client: &Client) -> Result<(), Error> {
        let clock = client.clock();
        if let Some((at, detail, check)) = &self.refused {
            if elapsed(clock, *at) < client.settings().breaker_rest {
                return Err(refusal(client, detail, check));
            }
            self.refused = None;
        }
        let refresh = self.token.as_ref().and_then(|token| token.refresh.clone());
        if let Some(refresh) = refresh
            && let Ok(issued) = login(client, Grant::Refresh(&refresh)).await
        {
            self.keep(issued, clock.now(), Some(refresh));
            return Ok(());
        }
        match login(client, Grant::Credentials).await {
            Ok(issued) => self.keep(issued, clock.now(), None),
            Err(error) => {
                if let Error::Login { detail, check, .. } = &error {
                    self.refused = Some((clock.now(), detail.clone(), check));
                    self.token = None;
                } else if self.token.as_ref().is_some_and(|token| clock.now() < token.ends_at) {
                    return Ok(());
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn keep(&mut self, issued: Issued, now: Timestamp, refresh: Option<Secret>) {
        let seconds = issued.expires_in.and_then(|life| u64::try_from(life).ok());
        let life = Duration::from_secs(seconds.unwrap_or(USUAL_LIFETIME));
        let early = RENEW_BEFORE.min(life / 10);
        self.generation += 1;
        self.token = Some(Token {
            access: Secret::new(issued.access_token),
            refresh: issued.refresh_token.map(Secret::new).or(refresh),
            renew_at: now.checked_add(life.saturating_sub(early)).unwrap_or(Timestamp::MAX),
            ends_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
        });
    }
}

enum Grant<'a> {
    Credentials,
    Refresh(&'a Secret),
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    #[serde(default, deserialize_with = "crate::lenient::number")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "crate::lenient::maybe_text")]
    refresh_token: Option<String>,
}

const CREDENTIALS: &str = "ADMINISTRATE_CLIENT_ID and ADMINISTRATE_CLIENT_SECRET";
const ADDRESS: &str = "ADMINISTRATE_AUTH_URL";

async fn login(client: &Client, grant: Grant<'_>) -> Result<Issued, Error> {
    let settings = client.settings();
    let exchange = Exchange {
        operation: "login",
        is_mutation: false,
        document: String::new(),
        variables: serde_json::Value::Null,
        url: settings.token_url(),
        content_type: "application/x-www-form-urlencoded",
        body: form(client, &grant).into_bytes(),
        is_login: true,
    };
    let judge: &Judge<Issued> = &|response| match response.status {
        200..=299 => serde_json::from_slice::<Issued>(&response.body)
            .ok()
            .filter(|issued| !issued.access_token.is_empty())
            .ok_or_else(|| Fault::Unreadable("it holds no token".to_owned())),
        status => Err(Fault::Status(status, None)),
    };
    client.exchange(&exchange, judge).await
}

fn form(client: &Client, grant: &Grant<'_>) -> String {
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
    let encoded: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", form_encoded(value))).collect();
    encoded.join("&")
}

/// `application/x-www-form-urlencoded`: everything but the unreserved characters as `%XX` of UTF-8, a space as `+`.
fn form_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The error of a login that failed for good with `fault`.
pub(crate) fn login_error(client: &Client, fault: &Fault) -> Option<Error> {
    match fault {
        Fault::Unauthorized => Some(refusal(client, "status 401", CREDENTIALS)),
        Fault::Status(status @ (400 | 403), _) => Some(refusal(client, &format!("status {status}"), CREDENTIALS)),
        Fault::Status(status @ 300..=499, _) if *status != 408 => {
            Some(refusal(client, &format!("status {status}"), ADDRESS))
        }
        Fault::Unreadable(detail) => Some(refusal(client, &format!("the answer is no token: {detail}"), ADDRESS)),
        _ => None,
    }
}

fn refusal(client: &Client, detail: &str, check: &'static str) -> Error {
    Error::Login { url: client.settings().token_url(), detail: detail.to_owned(), check }
}

#[cfg(test)]
mod tests {
    use super::form_encoded;

    #[test]
    fn forms_are_encoded() {
        for (text, encoded) in [("aZ09-._*", "aZ09-._*"), ("a b", "a+b"), ("&=+%é~", "%26%3D%2B%25%C3%A9%7E"), ("", "")]
        {
            assert_eq!(form_encoded(text), encoded);
        }
    }
}
