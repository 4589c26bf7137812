//! Reads rows in the binary format of PostgreSQL: many are copied, a few are fetched by a statement that stays prepared.

use foldhash::HashSet;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row, ValueRef};

use super::statements::RowKind;
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
pub struct StoredRow<'a> {
    columns: UnreadColumns<'a>,
    texts: SharedTexts,
}

/// The columns of a row that are not read yet. Both forms have the same bytes for a value.
enum UnreadColumns<'a> {
    /// Each with its length before it.
    Copied(&'a [u8]),
    /// From this index on.
    Fetched(&'a PgRow, usize),
}

fn damaged() -> Error {
    Error::Failed("the database sent a row that cannot be read: please report this as a fault".to_owned())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
    *bytes = rest;
    Ok(*head)
}

impl<'a> UnreadColumns<'a> {
    fn next(&mut self) -> Result<Option<&'a [u8]>> {
        match self {
            Self::Copied(bytes) => {
                let length = i32::from_be_bytes(take(bytes)?);
                let Ok(length) = usize::try_from(length) else { return Ok(None) };
                let (column, rest) = bytes.split_at_checked(length).ok_or_else(damaged)?;
                *bytes = rest;
                Ok(Some(column))
            }
            Self::Fetched(row, index) => {
                let column = row.try_get_raw(*index)?;
                *index += 1;
                if column.is_null() {
                    return Ok(None);
                }
                column.as_bytes().map(Some).map_err(|_| damaged())
            }
        }
    }
}

impl<'a> StoredRow<'a> {
    fn column(&mut self) -> Result<Option<&'a [u8]>> {
        self.columns.next()
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

/// Reads the rows of a kind: all of them, or those of these store products or bundles.
pub async fn read_rows<T>(
    db: &mut PgConnection,
    kind: RowKind,
    ids: Option<&[i64]>,
    texts: &mut SharedTexts,
    read: impl FnMut(&mut StoredRow<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    match ids {
        None => copy_rows(db, kind, texts, read).await,
        Some(ids) => fetch_rows(db, kind, ids, texts, read).await,
    }
}

/// Copies all rows, which is the fastest way for many.
async fn copy_rows<T>(
    db: &mut PgConnection,
    kind: RowKind,
    texts: &mut SharedTexts,
    mut read: impl FnMut(&mut StoredRow<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let statement = format!("COPY ({}) TO STDOUT (FORMAT binary)", kind.select_all());
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
        while !bytes.is_empty() && i16::from_be_bytes(take(&mut bytes)?) >= 0 {
            let mut row = StoredRow { columns: UnreadColumns::Copied(bytes), texts: std::mem::take(texts) };
            rows.push(read(&mut row)?);
            *texts = row.texts;
            let UnreadColumns::Copied(rest) = row.columns else { return Err(damaged()) };
            bytes = rest;
        }
    }
    Ok(rows)
}

/// Fetches a few rows. A copy would be planned each time, which takes longer than reading them.
async fn fetch_rows<T>(
    db: &mut PgConnection,
    kind: RowKind,
    ids: &[i64],
    texts: &mut SharedTexts,
    mut read: impl FnMut(&mut StoredRow<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut fetched = sqlx::query(sqlx::AssertSqlSafe(kind.select_of_ids())).bind(ids).fetch(db);
    let mut rows = Vec::new();
    while let Some(row) = fetched.try_next().await? {
        let mut row = StoredRow { columns: UnreadColumns::Fetched(&row, 0), texts: std::mem::take(texts) };
        rows.push(read(&mut row)?);
        *texts = row.texts;
    }
    Ok(rows)
}
