//! The values that fields take.

use super::ResourceField;

/// The values that a field takes.
#[derive(Debug)]
pub enum ValueKind {
    Flag,
    Integer {
        min: i64,
        max: i64,
    },
    /// The id of a row of a table.
    Reference(&'static str),
    /// One line of text.
    Line {
        max: usize,
    },
    /// Text with line breaks.
    Note,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words.
    Choices(&'static [&'static str]),
    /// An amount of money with two decimals.
    Amount,
    /// An ISO 4217 code.
    Currency,
    /// An instant. A date alone is its first second, or its last one for an end.
    Instant {
        is_end: bool,
    },
    /// An instant that is written with its time of day.
    Time,
    /// A day.
    Date,
    /// An absolute address of http or https.
    Url {
        max: usize,
    },
    /// An e-mail address.
    Email,
    /// The IANA name of a time zone.
    TimeZone,
    /// A time of the day.
    ClockTime,
    /// Texts of one line, each once.
    Names,
    /// Texts in their order.
    Texts,
    /// Values by label.
    Labels,
    /// One document with these fields, which is only read.
    Record(&'static [ResourceField]),
    /// Ids of rows of a table, each once.
    Ids(&'static str),
    /// Documents with these fields, whose first field is the key.
    Items(&'static [ResourceField]),
}

impl ValueKind {
    /// Reports whether rows can be ordered and filtered by values of this kind.
    pub(super) fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Self::Choices(_)
                | Self::Ids(_)
                | Self::Items(_)
                | Self::Names
                | Self::Texts
                | Self::Labels
                | Self::Record(_)
        )
    }

    /// Returns the type with which PostgreSQL reads the JSON value.
    pub(super) fn sql_type(&self) -> &'static str {
        match self {
            Self::Flag => "boolean",
            Self::Integer { .. } | Self::Reference(_) => "bigint",
            Self::Line { .. } | Self::Note | Self::Choice(_) | Self::Currency => "text",
            Self::Url { .. } | Self::Email | Self::TimeZone => "text",
            Self::Amount => "numeric",
            Self::Instant { .. } | Self::Time => "timestamptz",
            Self::Date => "date",
            Self::ClockTime => "time",
            Self::Names => "text[]",
            Self::Choices(_) | Self::Ids(_) | Self::Items(_) | Self::Texts => "jsonb",
            Self::Labels | Self::Record(_) => "jsonb",
        }
    }
}
