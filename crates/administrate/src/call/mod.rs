//! One API call from permit to result: throttle, breaker, budget, rate limiter, login, attempt, call log, retry.

pub(crate) mod auth;
pub(crate) mod breaker;
pub(crate) mod call_log;
pub(crate) mod clock;
mod json;
pub(crate) mod random;
pub(crate) mod rate_limiter;
pub(crate) mod redaction;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod throttle;
pub(crate) mod transport;
pub(crate) mod waits;

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use crate::call::auth::{BearerToken, login_error};
use crate::call::call_log::CallRecord;
use crate::call::random::duration_up_to;
use crate::call::retry::{AttemptError, backoff, parse_retry_after};
use crate::call::transport::{Request, Response, TransportError};
use crate::call::waits::{Wait, WaitReason};
use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::text::without_userinfo;

/// A request that may take several attempts.
pub(crate) struct ApiCall {
    pub operation: &'static str,
    pub is_mutation: bool,
    pub document: String,
    pub variables: serde_json::Value,
    pub url: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    pub is_login: bool,
}

/// Parses a response whose status is neither 401, 429 nor 5xx.
pub(crate) type ParseResponse<T> = dyn Fn(&Response) -> Result<T, AttemptError> + Send + Sync;

/// Failed attempts so far, by cause.
#[derive(Default)]
struct Attempts {
    failed: u32,
    rate_limited: u32,
    has_renewed_login: bool,
}

impl Client {
    /// Sends `call` until it has a result or a retry is unsafe or pointless.
    pub(crate) async fn execute<T: Send>(&self, call: &ApiCall, parse: &ParseResponse<T>) -> Result<T, Error> {
        let mut attempts = Attempts::default();
        loop {
            let bearer = match call.is_login {
                true => None,
                false => Some(self.auth().bearer(self).await?),
            };
            let operation = call.operation;
            let permit = self.throttle().acquire(|| self.clock().elapsed()).await;
            let permit = permit.map_err(|attempts| Error::RateLimited { operation, attempts })?;
            self.check_limits(call).await?;
            let attempt = attempts.failed + attempts.rate_limited + 1;
            let error = match self.attempt(call, parse, bearer.as_ref(), attempt).await {
                Ok(result) => {
                    self.throttle().record_success();
                    return Ok(result);
                }
                Err(error) => error,
            };
            // A rate-limited call keeps its permit while it waits, so that no other call probes the limit meanwhile.
            if !matches!(error, AttemptError::RateLimited(_)) {
                self.throttle().record_success();
            } else {
                let is_acceptable = error.requested_wait().is_none_or(is_acceptable_wait);
                if self.throttle().record_refusal(&permit, self.clock().elapsed(), is_acceptable) {
                    return Err(self.call_error(call, error, attempt));
                }
            }
            match (&error, bearer) {
                (AttemptError::Unauthorized, Some(bearer)) if !attempts.has_renewed_login => {
                    attempts.has_renewed_login = true;
                    self.auth().discard(bearer.generation).await;
                }
                _ => self.wait_before_retry(call, error, &mut attempts).await?,
            }
        }
    }

    /// Passes breaker, request budget and rate limiter, or returns the error of the first that stops the request.
    async fn check_limits(&self, call: &ApiCall) -> Result<(), Error> {
        let operation = call.operation;
        self.breaker().admit(self.clock().elapsed()).map_err(|open| Error::BreakerOpen {
            operation,
            failures: open.failures,
            last: open.last_failure,
        })?;
        let budget = self.settings().budget.unwrap_or(u64::MAX);
        let increment = |sent| (sent < budget).then_some(sent + 1);
        // A request over the budget is not sent and does not count.
        let sent = self.requests_sent().fetch_update(Ordering::Relaxed, Ordering::Relaxed, increment);
        sent.map_err(|_| Error::Budget { operation, budget })?;
        let rate_limiter = &self.environment().rate_limiter;
        let on_wait = |duration| self.begin_wait(WaitReason::OwnLimit, duration, None);
        rate_limiter.acquire(&on_wait).await.map_err(|source| Error::RateLimiter { operation, source })
    }

    fn begin_wait(&self, reason: WaitReason, duration: Duration, attempts: Option<(u32, u32)>) {
        self.environment().waits.begin_wait(&Wait { reason, duration, attempts });
    }

    /// Sends one attempt and reports its result to breaker and call log.
    async fn attempt<T: Send>(
        &self,
        call: &ApiCall,
        parse: &ParseResponse<T>,
        bearer: Option<&BearerToken>,
        attempt: u32,
    ) -> Result<T, AttemptError> {
        let (started, begin) = (self.clock().now(), self.clock().elapsed());
        let response = self.post(call, bearer).await;
        let duration = self.clock().elapsed().saturating_sub(begin);
        let result = match &response {
            Ok(response) => self.parse(response, parse),
            Err(error) => Err(error.clone()),
        };
        let result = result.map_err(|error| self.redactor().redact_attempt_error(error));
        match &result {
            Err(error) if error.is_outage() => {
                let failure = self.call_error(call, error.clone(), attempt).to_string();
                self.breaker().record_failure(self.clock().elapsed(), failure);
            }
            _ => self.breaker().record_success(),
        }
        let error = result.as_ref().err().map(|error| self.call_error(call, error.clone(), attempt).to_string());
        let mut record = call_record(call, response.ok(), error, attempt, started, duration);
        record.response = record.response.map(|response| self.redactor().redact_secrets(response));
        self.environment().call_log.record(record).await;
        result
    }

    async fn post(&self, call: &ApiCall, bearer: Option<&BearerToken>) -> Result<Response, AttemptError> {
        let request = Request {
            url: call.url.clone(),
            content_type: call.content_type,
            bearer: bearer.map(|bearer| bearer.access.reveal().to_owned()),
            body: call.body.clone(),
            max_response_bytes: self.settings().max_response_bytes,
        };
        let timeout = self.settings().timeout;
        tokio::select! {
            biased;
            response = self.environment().transport.post(&request) => response.map_err(|error| match error {
                TransportError::NotSent(detail) => AttemptError::NotSent(detail),
                TransportError::Broken(detail) => AttemptError::Interrupted(detail),
                TransportError::TooLarge(limit) => AttemptError::TooLarge(limit),
            }),
            () = self.clock().sleep(timeout) => {
                Err(AttemptError::Interrupted(format!("timed out after {} ms", timeout.as_millis())))
            }
        }
    }

    fn parse<T>(&self, response: &Response, parse: &ParseResponse<T>) -> Result<T, AttemptError> {
        let requested_wait = || {
            let header = response.retry_after.as_deref()?;
            parse_retry_after(header, self.clock().now())
        };
        match response.status {
            401 => Err(AttemptError::Unauthorized),
            429 => Err(AttemptError::RateLimited(requested_wait())),
            500.. => Err(AttemptError::Status(response.status, requested_wait())),
            _ => parse(response),
        }
    }

    /// Waits before the next attempt, or returns the call's error if there is none.
    async fn wait_before_retry(
        &self,
        call: &ApiCall,
        error: AttemptError,
        attempts: &mut Attempts,
    ) -> Result<(), Error> {
        let settings = self.settings();
        let is_rate_limit = matches!(error, AttemptError::RateLimited(_));
        let count = if is_rate_limit { &mut attempts.rate_limited } else { &mut attempts.failed };
        *count += 1;
        let number = *count;
        let attempts_made = attempts.failed + attempts.rate_limited;
        let requested = error.requested_wait();
        let max_attempts = match is_rate_limit {
            true => settings.rate_limited_attempts(),
            false => settings.attempts,
        };
        let is_permanent = call.is_login && login_error(self, &error).is_some();
        if is_permanent
            || !requested.is_none_or(is_acceptable_wait)
            || number >= max_attempts
            || !error.can_retry(call.is_mutation)
        {
            return Err(self.call_error(call, error, attempts_made));
        }
        let max_wait = backoff(settings.retry_base, settings.retry_ceiling, number);
        let jitter = duration_up_to(&*self.environment().randomness, max_wait);
        let wait = match requested {
            Some(requested) => requested + jitter.min(settings.retry_base),
            // A rate limit lifts with time only: at least half of the wait is certain.
            None if is_rate_limit => (max_wait + jitter) / 2,
            None => jitter,
        };
        if is_rate_limit {
            let pause = requested.unwrap_or(wait);
            let operation = call.operation;
            let paused = self.environment().rate_limiter.pause(pause).await;
            paused.map_err(|source| Error::RateLimiter { operation, source })?;
        }
        tracing::debug!(operation = call.operation, ?error, ?wait, "trying again");
        self.begin_wait(error.wait_reason(), wait, Some((number + 1, max_attempts)));
        self.clock().sleep(wait).await;
        Ok(())
    }

    /// Returns the error of a call whose last attempt failed with `error`.
    fn call_error(&self, call: &ApiCall, error: AttemptError, attempts: u32) -> Error {
        if call.is_login
            && let Some(error) = login_error(self, &error)
        {
            return error;
        }
        let operation = call.operation;
        let outcome = match call.is_mutation {
            true => error.outcome(),
            false => Outcome::NotApplied,
        };
        match error {
            AttemptError::RateLimited(_) => Error::RateLimited { operation, attempts },
            AttemptError::Unauthorized => Error::Unauthorized { operation },
            AttemptError::Status(status, _) => Error::Status { operation, status, outcome },
            AttemptError::NotSent(detail) => Error::Unreachable {
                operation,
                url: without_userinfo(&call.url).into_owned(),
                detail,
                setting: match call.is_login {
                    true => "ADMINISTRATE_AUTH_URL",
                    false => "ADMINISTRATE_API_URL",
                },
            },
            AttemptError::Interrupted(detail) => Error::Interrupted { operation, detail, outcome },
            AttemptError::Unreadable(detail) => Error::Unreadable { operation, detail, outcome },
            AttemptError::TooLarge(limit) => {
                Error::Unreadable { operation, detail: format!("it is larger than {limit} bytes"), outcome }
            }
            AttemptError::Rejected(errors, _) => Error::Graphql { operation, errors, outcome },
        }
    }
}

/// The longest `Retry-After` that is waited for: a little more than the rate limit's window of five minutes.
const MAX_REQUESTED_WAIT: Duration = Duration::from_secs(330);

fn is_acceptable_wait(wait: Duration) -> bool {
    wait <= MAX_REQUESTED_WAIT
}

fn call_record(
    call: &ApiCall,
    response: Option<Response>,
    error: Option<String>,
    attempt: u32,
    started: Timestamp,
    duration: Duration,
) -> CallRecord {
    CallRecord {
        operation: call.operation,
        is_mutation: call.is_mutation,
        document: call.document.clone(),
        variables: call.variables.clone(),
        attempt,
        status: response.as_ref().map(|response| response.status),
        succeeded: error.is_none(),
        error,
        started,
        duration,
        response: response
            .filter(|_| !call.is_login)
            .map(|response| String::from_utf8_lossy(&response.body).into_owned()),
    }
}
