//! One call from leave to answer: limit, breaker, budget, allowance, login, attempt, ledger, and again where that is safe.

pub(crate) mod auth;
pub(crate) mod breaker;
pub(crate) mod call_log;
pub(crate) mod clock;
pub(crate) mod random;
pub(crate) mod rate_limiter;
pub(crate) mod redaction;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod throttle;
pub(crate) mod transport;

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use crate::call::auth::{Bearer, login_error};
use crate::call::call_log::Call;
use crate::call::clock::elapsed;
use crate::call::random::up_to;
use crate::call::retry::{Fault, backoff, retry_after};
use crate::call::transport::{Request, Response, TransportError};
use crate::client::Client;
use crate::error::{Error, Outcome};

/// A request that may take several attempts.
pub(crate) struct Exchange {
    pub operation: &'static str,
    pub is_mutation: bool,
    pub document: String,
    pub variables: serde_json::Value,
    pub url: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    pub is_login: bool,
}

/// Makes a result of an answer whose status is a success or a rejection.
pub(crate) type Judge<T> = dyn Fn(&Response) -> Result<T, Fault> + Send + Sync;

/// Attempts made so far, by what they failed of.
#[derive(Default)]
struct Tries {
    failed: u32,
    limited: u32,
    logged_in_anew: bool,
}

impl Client {
    /// Sends `exchange` until it has a result or may not be repeated.
    pub(crate) async fn exchange<T: Send>(&self, exchange: &Exchange, judge: &Judge<T>) -> Result<T, Error> {
        let mut tries = Tries::default();
        loop {
            let bearer = match exchange.is_login {
                true => None,
                false => Some(self.auth().bearer(self).await?),
            };
            let operation = exchange.operation;
            let leave = self.limit().leave(|| self.clock().now()).await;
            let leave = leave.map_err(|attempts| Error::RateLimited { operation, attempts })?;
            self.permit(exchange).await?;
            let attempt = tries.failed + tries.limited + 1;
            let fault = match self.attempt(exchange, judge, bearer.as_ref(), attempt).await {
                Ok(result) => {
                    self.limit().lifted();
                    return Ok(result);
                }
                Err(fault) => fault,
            };
            // Whoever is refused keeps its leave while it waits: nobody else asks meanwhile.
            if !matches!(fault, Fault::RateLimited(_)) {
                self.limit().lifted();
            } else if self.limit().refused(&leave, self.clock().now(), fault.asked_wait().is_none_or(is_bearable)) {
                return Err(self.error_of(exchange, fault, attempt));
            }
            match (&fault, bearer) {
                (Fault::Unauthorized, Some(bearer)) if !tries.logged_in_anew => {
                    tries.logged_in_anew = true;
                    self.auth().discard(bearer.generation).await;
                }
                _ => self.wait_or_give_up(exchange, fault, &mut tries).await?,
            }
        }
    }

    /// Breaker, budget, allowance: whether one more request may go out now.
    async fn permit(&self, exchange: &Exchange) -> Result<(), Error> {
        let operation = exchange.operation;
        self.breaker().admit(self.clock().now()).map_err(|open| Error::BreakerOpen {
            operation,
            failures: open.failures,
            last: open.last,
        })?;
        let budget = self.settings().budget.unwrap_or(u64::MAX);
        let one_more = |spent| (spent < budget).then_some(spent + 1);
        // What is refused is not sent, and does not count.
        let spent = self.spent().fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        spent.map_err(|_| Error::Budget { operation, budget })?;
        let allowance = &self.surroundings().allowance;
        allowance.take().await.map_err(|source| Error::Allowance { operation, source })
    }

    /// One attempt, told to breaker and ledger.
    async fn attempt<T: Send>(
        &self,
        exchange: &Exchange,
        judge: &Judge<T>,
        bearer: Option<&Bearer>,
        attempt: u32,
    ) -> Result<T, Fault> {
        let started = self.clock().now();
        let answer = self.post(exchange, bearer).await;
        let duration = elapsed(self.clock(), started);
        let result = match &answer {
            Ok(response) => self.judge(response, judge),
            Err(fault) => Err(fault.clone()),
        };
        let result = result.map_err(|fault| self.discretion().fault(fault));
        match &result {
            Err(fault) if fault.is_outage() => {
                let why = self.error_of(exchange, fault.clone(), attempt).to_string();
                self.breaker().failed(self.clock().now(), why);
            }
            _ => self.breaker().succeeded(),
        }
        let error = result.as_ref().err().map(|fault| self.error_of(exchange, fault.clone(), attempt).to_string());
        let mut call = record(exchange, answer.ok(), error, attempt, started, duration);
        call.response = call.response.map(|response| self.discretion().without_secrets(response));
        self.surroundings().ledger.record(call).await;
        result
    }

    async fn post(&self, exchange: &Exchange, bearer: Option<&Bearer>) -> Result<Response, Fault> {
        let request = Request {
            url: exchange.url.clone(),
            content_type: exchange.content_type,
            bearer: bearer.map(|bearer| bearer.access.reveal().to_owned()),
            body: exchange.body.clone(),
            max_answer_bytes: self.settings().max_answer_bytes,
        };
        let timeout = self.settings().timeout;
        tokio::select! {
            biased;
            answer = self.surroundings().transport.post(&request) => answer.map_err(|error| match error {
                TransportError::NotSent(detail) => Fault::NotSent(detail),
                TransportError::Broken(detail) => Fault::Interrupted(detail),
                TransportError::TooLarge(limit) => Fault::TooLarge(limit),
            }),
            () = self.clock().sleep(timeout) => {
                Err(Fault::Interrupted(format!("nothing came within {} ms", timeout.as_millis())))
            }
        }
    }

    fn judge<T>(&self, response: &Response, judge: &Judge<T>) -> Result<T, Fault> {
        let asked = || {
            let header = response.retry_after.as_deref()?;
            retry_after(header, self.clock().now())
        };
        match response.status {
            401 => Err(Fault::Unauthorized),
            429 => Err(Fault::RateLimited(asked())),
            500.. => Err(Fault::Status(response.status, asked())),
            _ => judge(response),
        }
    }

    /// Waits before the next attempt, or says why there is none.
    async fn wait_or_give_up(&self, exchange: &Exchange, fault: Fault, tries: &mut Tries) -> Result<(), Error> {
        let settings = self.settings();
        let is_limit = matches!(fault, Fault::RateLimited(_));
        let count = if is_limit { &mut tries.limited } else { &mut tries.failed };
        *count += 1;
        let number = *count;
        let gone = tries.failed + tries.limited;
        let asked = fault.asked_wait();
        let attempts = match is_limit {
            true => settings.attempts_when_limited(),
            false => settings.attempts,
        };
        let hopeless = exchange.is_login && login_error(self, &fault).is_some();
        if hopeless || !asked.is_none_or(is_bearable) || number >= attempts || !fault.may_repeat(exchange.is_mutation) {
            return Err(self.error_of(exchange, fault, gone));
        }
        let longest = backoff(settings.retry_base, settings.retry_ceiling, number);
        let jitter = up_to(&*self.surroundings().randomness, longest);
        let wait = match asked {
            Some(asked) => asked + jitter.min(settings.retry_base),
            // The limit does not lift by chance: half of the wait is certain.
            None if is_limit => (longest + jitter) / 2,
            None => jitter,
        };
        if is_limit {
            let rest = asked.unwrap_or(wait);
            let operation = exchange.operation;
            let paused = self.surroundings().allowance.pause(rest).await;
            paused.map_err(|source| Error::Allowance { operation, source })?;
        }
        tracing::debug!(operation = exchange.operation, ?fault, ?wait, "trying again");
        self.clock().sleep(wait).await;
        Ok(())
    }

    /// The error that `fault` means for whoever asked.
    fn error_of(&self, exchange: &Exchange, fault: Fault, attempts: u32) -> Error {
        if exchange.is_login
            && let Some(error) = login_error(self, &fault)
        {
            return error;
        }
        let operation = exchange.operation;
        let outcome = match exchange.is_mutation {
            true => fault.outcome(),
            false => Outcome::NotDone,
        };
        match fault {
            Fault::RateLimited(_) => Error::RateLimited { operation, attempts },
            Fault::Unauthorized => Error::Unauthorized { operation },
            Fault::Status(status, _) => Error::Status { operation, status, outcome },
            Fault::NotSent(detail) => Error::Unreachable {
                operation,
                url: exchange.url.clone(),
                detail,
                setting: match exchange.is_login {
                    true => "ADMINISTRATE_AUTH_URL",
                    false => "ADMINISTRATE_API_URL",
                },
            },
            Fault::Interrupted(detail) => Error::Interrupted { operation, detail, outcome },
            Fault::Unreadable(detail) => Error::Unreadable { operation, detail, outcome },
            Fault::TooLarge(limit) => {
                Error::Unreadable { operation, detail: format!("it is larger than {limit} bytes"), outcome }
            }
            Fault::Rejected(errors, _) => Error::Graphql { operation, errors, outcome },
        }
    }
}

/// A server that asks for more patience than its own window of five minutes is not waited for.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(330);

fn is_bearable(wait: Duration) -> bool {
    wait <= LONGEST_ASKED_WAIT
}

fn record(
    exchange: &Exchange,
    answer: Option<Response>,
    error: Option<String>,
    attempt: u32,
    started: Timestamp,
    duration: Duration,
) -> Call {
    Call {
        operation: exchange.operation,
        is_mutation: exchange.is_mutation,
        document: exchange.document.clone(),
        variables: exchange.variables.clone(),
        attempt,
        status: answer.as_ref().map(|response| response.status),
        succeeded: error.is_none(),
        error,
        started,
        duration,
        response: answer
            .filter(|_| !exchange.is_login)
            .map(|response| String::from_utf8_lossy(&response.body).into_owned()),
    }
}
