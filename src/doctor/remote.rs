//! Administrate: settings, login, one cheap query, its clock, and the remaining request allowance.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use administrate::{BoxFuture, Client, HttpTransport, Request, Response, Transport, TransportError};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use sqlx::PgPool;

use super::clock::ClockReading;
use super::{CheckResult, Examination};
use crate::config::Config;
use crate::console::counted;
use crate::error::{Error, Result};
use crate::gateway::{self, Allowance};

/// Requests that the checks send: login, introspection, one page, and one retry in another dialect.
const NEEDED_PERMITS: f64 = 4.0;

/// Sends requests and remembers what the last response says about the other clock.
struct ClockTransport {
    inner: HttpTransport,
    last: Mutex<Option<ClockReading>>,
}

impl Transport for ClockTransport {
    fn post<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, TransportError>> {
        Box::pin(async move {
            let before = Timestamp::now();
            let response = self.inner.post(request).await?;
            let date = response.date.as_deref().and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
            if let Some(date) = date {
                let reading = ClockReading::between(before, date, Timestamp::now());
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
            }
            Ok(response)
        })
    }
}

/// Examines Administrate. `pool` is the database, if it is migrated. Returns the reading of Administrate's clock.
pub(super) async fn examine(
    examination: &mut Examination,
    config: &Config,
    pool: Option<&PgPool>,
) -> Result<Option<ClockReading>> {
    let allowance = match pool {
        Some(pool) => gateway::allowance(pool, config.administrate.rate_limit).await.ok().flatten(),
        None => None,
    };
    let has_permits = allowance.as_ref().is_none_or(|left| left.pause.is_none() && left.permits >= NEEDED_PERMITS);
    match pool {
        Some(_) => _ = examination.add("request-allowance", allowance_result(config, allowance.as_ref())),
        None => examination.skip(&["request-allowance"], "it is stored in the database"),
    }
    const CALLS: &[&str] = &["administrate-login", "administrate-query"];
    if !examination.add("administrate", address(config)) {
        examination.skip(CALLS, "Administrate is not configured");
        return Ok(None);
    }
    if !has_permits {
        examination.skip(CALLS, "there is no permit for a request");
        return Ok(None);
    }
    let transport = Arc::new(ClockTransport { inner: HttpTransport::new()?, last: Mutex::default() });
    // The bucket is written only by a user who may.
    let shared = pool.filter(|_| allowance.is_some());
    let client = gateway::connect_once(config, shared, transport.clone()).await?;
    if examination.check("administrate-login", login(&client)).await {
        examination.check("administrate-query", query(&client)).await;
    } else {
        examination.skip(&["administrate-query"], "the login failed");
    }
    let reading = transport.last.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(reading)
}

/// Checks that everything is set that a request needs.
fn address(config: &Config) -> CheckResult {
    let missing = gateway::missing_settings(config);
    if !missing.is_empty() {
        return CheckResult::bad(
            format!("not configured: {} not set", are(&missing)),
            "set them in the environment of Lectern, or in [administrate] of the settings file",
        );
    }
    let administrate = &config.administrate;
    CheckResult::good(format!("{}, login at {}", administrate.api_url, administrate.auth_url))
}

fn are(names: &[&str]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

async fn login(client: &Client) -> Result<CheckResult> {
    let start = Instant::now();
    match client.login().await {
        Ok(()) => Ok(CheckResult::good(format!("accepted in {} ms", start.elapsed().as_millis()))),
        Err(administrate::Error::Login { url, detail, check }) => {
            Ok(CheckResult::bad(format!("refused at {url}: {detail}"), format!("check {check}")))
        }
        Err(error) => Ok(failed(error)),
    }
}

async fn query(client: &Client) -> Result<CheckResult> {
    let start = Instant::now();
    Ok(match client.price_levels().await {
        Ok(levels) => {
            let time = start.elapsed().as_millis();
            CheckResult::good(format!("{} read in {time} ms", counted(levels.len(), "price level")))
        }
        Err(error) => failed(error),
    })
}

fn failed(error: administrate::Error) -> CheckResult {
    match error {
        administrate::Error::Unreachable { url, detail, setting, .. } => {
            CheckResult::bad(format!("unreachable at {url}: {detail}"), format!("check the network and {setting}"))
        }
        error => {
            let fix = "try again later; if it stays, check ADMINISTRATE_API_URL and ADMINISTRATE_AUTH_URL";
            CheckResult::of_error(&Error::from(error), fix)
        }
    }
}

/// Describes how many requests all processes may still send.
fn allowance_result(config: &Config, allowance: Option<&Allowance>) -> CheckResult {
    let limit = config.administrate.rate_limit;
    let Some(allowance) = allowance else {
        return CheckResult::good(format!("{limit} requests in 5 minutes; none was sent yet"));
    };
    if let Some(pause) = allowance.pause {
        return CheckResult::bad(
            format!("no request is sent for {pause:.0} s more, as Administrate has demanded (429)"),
            format!("wait; if it happens often, set ADMINISTRATE_RATE_LIMIT to less than {limit}"),
        );
    }
    let detail = format!("{:.0} of {limit} requests in 5 minutes are left", allowance.permits.floor());
    match allowance.permits >= NEEDED_PERMITS {
        true => CheckResult::good(detail),
        false => {
            CheckResult::bad(detail, "wait a minute, or set ADMINISTRATE_RATE_LIMIT higher if the tenant allows it")
        }
    }
}
