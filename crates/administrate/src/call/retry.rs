//! Which failed attempts are retried, and after how long. Pure functions.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

use crate::call::waits::WaitReason;
use crate::error::{GraphqlError, Outcome};

/// Why one attempt has no result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AttemptError {
    /// Status 429, with the wait that the server requests, if any.
    RateLimited(Option<Duration>),
    /// Status 401.
    Unauthorized,
    /// Any other status that is not a success, with the wait that the server requests, if any.
    Status(u16, Option<Duration>),
    /// No connection could be established.
    NotSent(String),
    /// The connection broke or the timeout expired after the request may have been sent.
    Interrupted(String),
    /// The body is not a valid response to the request.
    Unreadable(String),
    /// The body is larger than this number of bytes.
    TooLarge(usize),
    /// Top-level GraphQL errors.
    Rejected(Vec<GraphqlError>, Outcome),
}

impl AttemptError {
    /// Returns whether a write that failed with this error may have taken effect.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Rejected(_, outcome) => *outcome,
            Self::Status(500.., _) | Self::Status(408, _) => Outcome::InDoubt,
            Self::Interrupted(_) | Self::Unreadable(_) | Self::TooLarge(_) => Outcome::InDoubt,
            Self::RateLimited(_) | Self::Unauthorized | Self::Status(..) | Self::NotSent(_) => Outcome::NotApplied,
        }
    }

    /// Returns whether the same request may succeed a little later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited(_) | Self::NotSent(_) | Self::Interrupted(_) | Self::Unreadable(_) => true,
            Self::Status(status, _) => *status >= 500 || *status == 408,
            Self::Unauthorized | Self::TooLarge(_) | Self::Rejected(..) => false,
        }
    }

    /// Returns whether the request may be sent again: a write only if the first one certainly had no effect.
    pub(crate) fn can_retry(&self, is_mutation: bool) -> bool {
        self.is_transient() && (!is_mutation || self.outcome() == Outcome::NotApplied)
    }

    /// Returns whether the breaker counts it as an outage of Administrate.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            // An unreadable body usually comes from another server in front of Administrate.
            Self::NotSent(_) | Self::Interrupted(_) | Self::Unreadable(_) => true,
            Self::Status(status, _) => *status >= 500,
            _ => false,
        }
    }

    /// Returns why the next attempt has to wait.
    pub(crate) fn wait_reason(&self) -> WaitReason {
        match self {
            Self::RateLimited(_) => WaitReason::Status(429),
            Self::Status(status, _) => WaitReason::Status(*status),
            _ => WaitReason::NoAnswer,
        }
    }

    /// Returns the wait that the server requested.
    pub(crate) fn requested_wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) | Self::Status(_, wait) => *wait,
            _ => None,
        }
    }
}

/// Returns the longest wait before retry `number` (1 is the first): `base` doubled each time, at most `max`.
pub(crate) fn backoff(base: Duration, max: Duration, number: u32) -> Duration {
    let factor = 2u32.saturating_pow(number.saturating_sub(1));
    base.saturating_mul(factor).min(max)
}

/// Parses a `Retry-After` header: seconds, or an HTTP date (RFC 9110, 10.2.3). None if it is neither.
pub(crate) fn parse_retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = rfc2822::DateTimeParser::new().parse_timestamp(header).ok()?;
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_retry_write_only_without_effect() {
        let rejected = |outcome| AttemptError::Rejected(vec![], outcome);
        //  error, query is retried, mutation is retried, mutation is in doubt
        for (error, query, mutation, in_doubt) in [
            (AttemptError::RateLimited(None), true, true, false),
            (AttemptError::NotSent("refused".into()), true, true, false),
            (AttemptError::Interrupted("reset".into()), true, false, true),
            (AttemptError::Unreadable("html".into()), true, false, true),
            (AttemptError::Status(500, None), true, false, true),
            (AttemptError::Status(503, None), true, false, true),
            (AttemptError::Status(408, None), true, false, true),
            (AttemptError::Status(400, None), false, false, false),
            (AttemptError::Status(404, None), false, false, false),
            (AttemptError::Status(302, None), false, false, false),
            (AttemptError::TooLarge(1), false, false, true),
            (AttemptError::Unauthorized, false, false, false),
            (rejected(Outcome::NotApplied), false, false, false),
            (rejected(Outcome::InDoubt), false, false, true),
        ] {
            assert_eq!(error.can_retry(false), query, "{error:?}");
            assert_eq!(error.can_retry(true), mutation, "{error:?}");
            assert_eq!(error.outcome() == Outcome::InDoubt, in_doubt, "{error:?}");
        }
    }

    #[test]
    fn backoff_doubles_up_to_maximum() {
        let wait = |number| backoff(Duration::from_millis(500), Duration::from_secs(30), number).as_millis();
        assert_eq!([1, 2, 3, 4, 7, 60].map(wait), [500, 1000, 2000, 4000, 30_000, 30_000]);
    }

    #[test]
    fn retry_after_parses_seconds_and_dates() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a timestamp");
        for (header, expected) in [
            ("0", Some(0)),
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("Sun, 01 Mar 2026 12:00:09 GMT", Some(9)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(header, now), expected.map(Duration::from_secs), "{header}");
        }
    }
}
