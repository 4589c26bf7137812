//! Points in time as Administrate writes them: with an offset, or as wall-clock time of the record's zone.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize};

/// A point in time from a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Moment {
    /// Received with an offset.
    Instant(Timestamp),
    /// Received without: wall-clock time in the record's own zone.
    Local(civil::DateTime),
}

impl Moment {
    /// Parses ISO 8601 with or without offset, `T` or a space between, seconds optional, time optional.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        text.parse().map(Self::Instant).or_else(|_| text.parse().map(Self::Local)).ok()
    }

    /// Returns the instant; wall-clock time is interpreted in `zone`.
    pub fn instant(self, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Instant(instant) => Some(instant),
            Self::Local(local) => zone.to_timestamp(local).ok(),
        }
    }

    /// Returns the wall-clock time in `zone`.
    pub fn local(self, zone: &TimeZone) -> civil::DateTime {
        match self {
            Self::Instant(instant) => zone.to_datetime(instant),
            Self::Local(local) => local,
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a date and time")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_every_iso_8601_spelling() {
        let instant = |text: &str| Moment::Instant(text.parse().expect("a timestamp"));
        let nine = Moment::Local(civil::date(2026, 4, 15).at(9, 0, 0, 0));
        for (text, expected) in [
            ("2026-04-15T09:00:00", Some(nine)),
            ("2026-04-15T09:00", Some(nine)),
            ("2026-04-15 09:00:00.000", Some(nine)),
            ("2026-04-15T09:00:00Z", Some(instant("2026-04-15T09:00:00Z"))),
            ("2026-04-15T09:00:00-05:00", Some(instant("2026-04-15T14:00:00Z"))),
            ("2026-04-15", Some(Moment::Local(civil::date(2026, 4, 15).at(0, 0, 0, 0)))),
            ("15/04/2026", None),
            ("", None),
        ] {
            assert_eq!(Moment::parse(text), expected, "{text}");
        }
    }
}
