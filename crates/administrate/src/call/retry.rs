//! When an attempt that failed is repeated, and after how long. Pure.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

use crate::error::{GraphqlError, Outcome};

/// Why one attempt has no result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// 429, with the wait that the server asks for, if any.
    RateLimited(Option<Duration>),
    /// 401.
    Unauthorized,
    /// Any other status that is no success, with the wait that the server asks for, if any.
    Status(u16, Option<Duration>),
    /// No connection came about.
    NotSent(String),
    /// The connection broke, or the time was up, after the request may have been sent.
    Interrupted(String),
    /// A body that is not what was asked for.
    Unreadable(String),
    /// The body was too large to be read.
    TooLarge(usize),
    /// Top-level GraphQL errors.
    Rejected(Vec<GraphqlError>, Outcome),
}

impl Fault {
    /// Whether a write that failed so can have taken effect.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Rejected(_, outcome) => *outcome,
            Self::Status(500.., _) | Self::Status(408, _) => Outcome::Doubtful,
            Self::Interrupted(_) | Self::Unreadable(_) | Self::TooLarge(_) => Outcome::Doubtful,
            Self::RateLimited(_) | Self::Unauthorized | Self::Status(..) | Self::NotSent(_) => Outcome::NotDone,
        }
    }

    /// Whether the same request may get another answer a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::RateLimited(_) | Self::NotSent(_) | Self::Interrupted(_) | Self::Unreadable(_) => true,
            Self::Status(status, _) => *status >= 500 || *status == 408,
            Self::Unauthorized | Self::TooLarge(_) | Self::Rejected(..) => false,
        }
    }

    /// Whether the request may be sent again: a write only where the first one certainly did nothing.
    pub(crate) fn may_repeat(&self, is_mutation: bool) -> bool {
        self.is_passing() && (!is_mutation || self.outcome() == Outcome::NotDone)
    }

    /// Whether it speaks of Administrate being down, for the breaker.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            // What answers with rubbish is some other server that stands in its place.
            Self::NotSent(_) | Self::Interrupted(_) | Self::Unreadable(_) => true,
            Self::Status(status, _) => *status >= 500,
            _ => false,
        }
    }

    /// The wait that the server asked for.
    pub(crate) fn asked_wait(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait) | Self::Status(_, wait) => *wait,
            _ => None,
        }
    }
}

/// The longest wait before repetition `number` (1 is the first): the base doubled each time, up to the ceiling.
pub(crate) fn backoff(base: Duration, ceiling: Duration, number: u32) -> Duration {
    let factor = 2u32.saturating_pow(number.saturating_sub(1));
    base.saturating_mul(factor).min(ceiling)
}

/// A `Retry-After` header: seconds, or an HTTP date (RFC 9110, 10.2.3). None where it is neither.
pub(crate) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
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
    fn which_faults_are_repeated() {
        let refused = |outcome| Fault::Rejected(vec![], outcome);
        //  fault, query repeated, mutation repeated, mutation doubtful
        for (fault, query, mutation, doubtful) in [
            (Fault::RateLimited(None), true, true, false),
            (Fault::NotSent("refused".into()), true, true, false),
            (Fault::Interrupted("reset".into()), true, false, true),
            (Fault::Unreadable("html".into()), true, false, true),
            (Fault::Status(500, None), true, false, true),
            (Fault::Status(503, None), true, false, true),
            (Fault::Status(408, None), true, false, true),
            (Fault::Status(400, None), false, false, false),
            (Fault::Status(404, None), false, false, false),
            (Fault::Status(302, None), false, false, false),
            (Fault::TooLarge(1), false, false, true),
            (Fault::Unauthorized, false, false, false),
            (refused(Outcome::NotDone), false, false, false),
            (refused(Outcome::Doubtful), false, false, true),
        ] {
            assert_eq!(fault.may_repeat(false), query, "{fault:?}");
            assert_eq!(fault.may_repeat(true), mutation, "{fault:?}");
            assert_eq!(fault.outcome() == Outcome::Doubtful, doubtful, "{fault:?}");
        }
    }

    #[test]
    fn waits_double_up_to_the_ceiling() {
        let wait = |number| backoff(Duration::from_millis(500), Duration::from_secs(30), number).as_millis();
        assert_eq!([1, 2, 3, 4, 7, 60].map(wait), [500, 1000, 2000, 4000, 30_000, 30_000]);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
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
            assert_eq!(retry_after(header, now), expected.map(Duration::from_secs), "{header}");
        }
    }
}
