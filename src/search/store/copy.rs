//! Reads rows that PostgreSQL copies in its binary format.

use foldhash::HashSet;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::PgConnection;

use crate::error::{Error, Result};
use crate::search::read_model::rows::Text;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Seconds from 1970 to 2000, where the times of PostgreSQL begin.
const EPOCH: i64 = 946_684_800;

/// Texts that repeat, each once.
#[derive(Debug, Default)]
pub struct SharedTexts(HashSet<Text>);

impl SharedTexts {
    fn share(&mut self, text: &str) -> Text {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new = Text::from(text);
        self.0.insert(new.clone());
        new
    }
}

/// The columns of one row, read in order.
pub struct CopiedRow<'a> {
    bytes: &'a [u8],
    texts: SharedTexts,
}

fn damaged() -> Error {
    Error::Failed("the database sent a row that cannot be read: please report this as a fault".to_owned())
}

impl<'a> CopiedRow<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.bytes.split_first_chunk().ok_or_else(damaged)?;
        self.bytes = rest;
        Ok(*head)
    }

    fn column(&mut self) -> Result<Option<&'a [u8]>> {
        let length = i32::from_be_bytes(self.take()?);
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        let (column, rest) = self.bytes.split_at_checked(length).ok_or_else(damaged)?;
        self.bytes = rest;
        Ok(Some(column))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.column()?.and_then(|column| column.try_into().ok()).ok_or_else(damaged)
    }

    /// Reads a `bigint`.
    pub fn id(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    /// Reads an `integer`.
    pub fn number(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    /// Reads a `boolean`.
    pub fn flag(&mut self) -> Result<bool> {
        Ok(self.fixed::<1>()? != [0])
    }

    /// Reads a `date`. One outside of the calendar becomes its first or last day.
    pub fn day(&mut self) -> Result<Date> {
        Ok(day(self.number()?))
    }

    /// Reads a `date` that may be null.
    pub fn optional_day(&mut self) -> Result<Option<Date>> {
        let column = self.column()?.map(<[u8; 4]>::try_from).transpose().map_err(|_| damaged())?;
        Ok(column.map(|bytes| day(i32::from_be_bytes(bytes))))
    }

    /// Reads a `timestamptz`. One outside of the calendar becomes its first or last second.
    pub fn time(&mut self) -> Result<Timestamp> {
        let microseconds = i64::from_be_bytes(self.fixed()?);
        let since_1970 = microseconds.saturating_add(EPOCH * 1_000_000);
        let limit = if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Ok(Timestamp::from_microsecond(since_1970).unwrap_or(limit))
    }

    /// Reads a text that many rows share.
    pub fn text(&mut self) -> Result<Text> {
        self.optional_text()?.ok_or_else(damaged)
    }

    /// Reads a text that many rows share, or null.
    pub fn optional_text(&mut self) -> Result<Option<Text>> {
        let column = self.column()?;
        let text = column.map(|bytes| std::str::from_utf8(bytes).map_err(|_| damaged())).transpose()?;
        Ok(text.map(|text| self.texts.share(text)))
    }

    /// Reads a text of this row alone.
    pub fn own_text(&mut self) -> Result<Text> {
        self.column_text()?.map(Text::from).ok_or_else(damaged)
    }

    /// Reads a text of this row alone, or null.
    pub fn optional_own_text(&mut self) -> Result<Option<Text>> {
        Ok(self.column_text()?.map(Text::from))
    }

    fn column_text(&mut self) -> Result<Option<&'a str>> {
        let column = self.column()?;
        column.map(|bytes| std::str::from_utf8(bytes).map_err(|_| damaged())).transpose()
    }
}

fn day(since_2000: i32) -> Date {
    let limit = if since_2000 < 0 { Date::MIN } else { Date::MAX };
    let span = jiff::Span::new().try_days(since_2000);
    span.and_then(|span| Date::constant(2000, 1, 1).checked_add(span)).unwrap_or(limit)
}

/// Copies the rows of a `SELECT`.
pub async fn copy_rows<T>(
    db: &mut PgConnection,
    select: &str,
    texts: &mut SharedTexts,
    mut read: impl FnMut(&mut CopiedRow<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let statement = format!("COPY ({select}) TO STDOUT (FORMAT binary)");
    let mut chunks = db.copy_out_raw(&statement).await?;
    let mut rows = Vec::new();
    let mut has_header = false;
    // PostgreSQL sends each row, and the header before the first, in a message of its own.
    while let Some(chunk) = chunks.try_next().await? {
        let mut bytes = &chunk[..];
        if !has_header {
            let header = bytes.strip_prefix(SIGNATURE).ok_or_else(damaged)?;
            bytes = header.get(8..).ok_or_else(damaged)?;
            has_header = true;
        }
        let mut row = CopiedRow { bytes, texts: std::mem::take(texts) };
        while !row.bytes.is_empty() && i16::from_be_bytes(row.take()?) >= 0 {
            rows.push(read(&mut row)?);
        }
        *texts = row.texts;
    }
    Ok(rows)
}
