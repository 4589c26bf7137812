//! Reader of csv files (RFC 4180), separated by comma, semicolon, tab or bar: whichever most records have most of.
//!
//! This reader counts the rows of a sheet itself, because `csv-core` skips blank lines without saying so.

use std::borrow::Cow;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use memchr::memchr_iter;

use super::limits::MAX_TEXT_RUN_BYTES;
use super::row_builder::RowBuilder;
use super::sheet::Position;
use super::{Content, ReadError, Sheet};

/// Initial size of the field buffer, in bytes.
const INITIAL_BUFFER_BYTES: usize = 4096;

/// Stands for a separator outside ASCII, which `csv-core` cannot split at. No file that is read contains it.
const NON_ASCII_SEPARATOR: u8 = b'\0';

/// Characters of a text of which one may be NUL. A file with more is no text.
const CHARACTERS_PER_NUL: usize = 100;

/// Reads a csv file in UTF-8, in UTF-16, or in Windows-1252, the older default of spreadsheet programs.
///
/// # Errors
/// [`ReadError::Unreadable`] if it is no text or with an open quote, [`ReadError::TooLarge`] beyond a limit.
pub(super) fn read(name: &str, bytes: &[u8], mut rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    let text = decode(bytes);
    let text = without_end_marker(&text);
    let nul_count = memchr_iter(0, text.as_bytes()).count();
    let (declared, table) = declared_separator(text);
    if nul_count * CHARACTERS_PER_NUL > text.len() || nul_count > 0 && declared.is_some_and(|c| !c.is_ascii()) {
        return Err(ReadError::unreadable("it is not text; save it as an Excel workbook (.xlsx)"));
    }
    let plain = if table.contains("=\"") { Some(without_forced_text(table, declared)) } else { None };
    let text = plain.as_deref().unwrap_or(table);
    let separator = declared.unwrap_or_else(|| likely_separator(text));
    if separator.is_ascii() {
        read_fields(text, separator as u8, &mut rows, |field| field.replace('\0', "\u{fffd}"))?;
    } else {
        let placeholder = char::from(NON_ASCII_SEPARATOR);
        let restore = |field: &str| field.replace(placeholder, separator.encode_utf8(&mut [0; 4]));
        read_fields(&text.replace(separator, "\0"), NON_ASCII_SEPARATOR, &mut rows, restore)?;
    }
    Ok(rows.finish(name.to_owned(), false))
}

fn read_fields(
    text: &str,
    separator: u8,
    rows: &mut RowBuilder<'_>,
    restore: impl Fn(&str) -> String,
) -> Result<(), ReadError> {
    let mut fields = FieldReader::new(text.as_bytes(), separator);
    while let Some(Field { position, text }) = fields.next()? {
        let field = std::str::from_utf8(text).map_err(ReadError::damaged)?;
        rows.push(position, Some(Content::Text(restore(&unwrap_forced_text(field)).into())))?;
    }
    Ok(())
}

/// Decodes a file. U+FFFD stands for bytes that are invalid in its encoding: one such byte in a text of valid UTF-8
/// sequences damages its cell, not the other cells.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return decode_utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return decode_utf16(rest, u16::from_be_bytes);
    }
    // Databases write UTF-16 without a mark. The header of a table is mostly ASCII, so every other byte is zero.
    let start = &bytes[..bytes.len().min(256)];
    let zeros = |parity: usize| start.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1)) {
        (0, odd) if odd > start.len() / 3 => return decode_utf16(bytes, u16::from_le_bytes),
        (even, 0) if even > start.len() / 3 => return decode_utf16(bytes, u16::from_be_bytes),
        _ => {}
    }
    let (bytes, has_mark) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) if has_mark || has_utf8_sequence(bytes) => String::from_utf8_lossy(bytes),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| decode_windows_1252(*byte)).collect()),
    }
}

fn decode_utf16(bytes: &[u8], from_bytes: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let units = bytes.chunks_exact(2).map(|pair| from_bytes([pair[0], pair[1]]));
    let characters = char::decode_utf16(units);
    characters.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Whether a text that is not UTF-8 as a whole has characters outside ASCII that are.
fn has_utf8_sequence(bytes: &[u8]) -> bool {
    bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii())
}

/// Removes the end-of-file character of DOS after the last line, with the padding that old programs add.
fn without_end_marker(text: &str) -> &str {
    let before = text.trim_end_matches(['\u{1a}', '\0', '\r', '\n', ' ']);
    if text[before.len()..].contains('\u{1a}') { before } else { text }
}

/// Removes the equals sign of fields written as `="…"`, so that their quotes protect the separators inside.
fn without_forced_text(text: &str, declared: Option<char>) -> String {
    let is_end =
        |character| matches!(character, '\r' | '\n') || SEPARATORS.contains(&character) || declared == Some(character);
    let ends_field = |after: &str| after.chars().next().is_none_or(is_end);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_field_start = true;
    while let Some(first) = rest.chars().next() {
        let forced = rest.strip_prefix('=').filter(|_| is_field_start);
        let quoted = if is_field_start { quoted_length(forced.unwrap_or(rest)) } else { None };
        let length = match (forced, quoted) {
            (Some(field), Some(length)) if ends_field(&field[length..]) => {
                rest = field;
                length
            }
            (None, Some(length)) => length,
            _ => first.len_utf8(),
        };
        plain.push_str(&rest[..length]);
        is_field_start = quoted.is_none() && is_end(first);
        rest = &rest[length..];
    }
    plain
}

/// Returns the length of the quoted field at the beginning of a text, with its quotes.
fn quoted_length(text: &str) -> Option<usize> {
    let mut rest = text.strip_prefix('"')?;
    loop {
        rest = &rest[rest.find('"')? + 1..];
        match rest.strip_prefix('"') {
            Some(after) => rest = after,
            None => return Some(text.len() - rest.len()),
        }
    }
}

/// Returns the content of `="…"`, which exporters write so that a spreadsheet program shows digits as text.
fn unwrap_forced_text(field: &str) -> Cow<'_, str> {
    let quoted = field.trim().strip_prefix('=').and_then(|rest| rest.strip_prefix('"')?.strip_suffix('"'));
    match quoted {
        Some(text) if text.replace("\"\"", "").contains('"') => Cow::Borrowed(field),
        Some(text) => Cow::Owned(text.replace("\"\"", "\"")),
        None => Cow::Borrowed(field),
    }
}

/// Decodes Windows-1252: Latin-1 except for 0x80 to 0x9f. Unassigned bytes stay control characters.
fn decode_windows_1252(byte: u8) -> char {
    const FROM_80: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let special = byte.checked_sub(0x80).and_then(|index| FROM_80.chars().nth(index.into()));
    special.unwrap_or(char::from(byte))
}

/// Splits off a first line `sep=;`, which spreadsheet programs obey and do not show.
fn declared_separator(text: &str) -> (Option<char>, &str) {
    let declared = || {
        let (line, rest) = text.split_once('\n')?;
        let line = line.trim_end_matches('\r').trim_matches('"');
        let (name, separator) = line.split_at_checked("sep=".len())?;
        let mut characters = separator.chars();
        let separator = characters.next()?;
        (name.eq_ignore_ascii_case("sep=") && characters.next().is_none()).then_some((separator, rest))
    };
    declared().map_or((None, text), |(separator, rest)| (Some(separator), rest))
}

/// Separators that are guessed.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// Returns the separator that is the most frequent one outside quotes in most of the first 20 records.
///
/// One record with a long list in a field does not outvote the others. Of equal votes the earlier record decides.
fn likely_separator(text: &str) -> char {
    let mut votes = [(0, 0); SEPARATORS.len()];
    for (record, counts) in separator_counts(text).take(20).enumerate() {
        let most = counts.into_iter().max().unwrap_or_default();
        if let Some(index) = counts.iter().position(|count| most > 0 && *count == most) {
            let (count, first) = votes[index];
            votes[index] = (count + 1, if count == 0 { record } else { first });
        }
    }
    let winner = votes.iter().enumerate().max_by_key(|(_, (count, first))| (*count, std::cmp::Reverse(*first)));
    winner.map_or(',', |(index, _)| SEPARATORS[index])
}

/// Counts the separators outside quotes in each record that is not blank. A quote opens only at the start of a field.
fn separator_counts(text: &str) -> impl Iterator<Item = [usize; SEPARATORS.len()]> {
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        let mut counts = [0; SEPARATORS.len()];
        let (mut is_field_start, mut is_quoted, mut is_blank) = (true, false, true);
        while let Some(character) = characters.next() {
            if is_quoted {
                is_quoted = character != '"' || characters.next_if_eq(&'"').is_some();
                continue;
            }
            let separator = SEPARATORS.iter().position(|separator| *separator == character);
            match character {
                '\r' | '\n' if is_blank => continue,
                '\r' | '\n' => return Some(counts),
                '"' if is_field_start => is_quoted = true,
                _ => {}
            }
            if let Some(index) = separator {
                counts[index] += 1;
            }
            is_blank = false;
            is_field_start = separator.is_some();
        }
        (!is_blank).then_some(counts)
    })
}

struct Field<'f> {
    position: Position,
    text: &'f [u8],
}

/// Splits csv into fields.
struct FieldReader<'a> {
    parser: Reader,
    rest: &'a [u8],
    /// Buffer of the current field.
    field: Vec<u8>,
    next: Position,
}

impl<'a> FieldReader<'a> {
    fn new(text: &'a [u8], separator: u8) -> Self {
        let parser = ReaderBuilder::new().delimiter(separator).build();
        Self { parser, rest: text, field: vec![0; INITIAL_BUFFER_BYTES], next: Position { row: 0, column: 0 } }
    }

    fn next(&mut self) -> Result<Option<Field<'_>>, ReadError> {
        if self.next.column == 0 {
            self.skip_blank_lines();
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let position = self.next;
        let mut length = 0;
        loop {
            // A line end after the last byte ends the last field, unless its quote is open.
            let is_last = self.rest.is_empty();
            let input = if is_last { b"\n" } else { self.rest };
            let (result, read, written) = self.parser.read_field(input, &mut self.field[length..]);
            self.rest = self.rest.get(read..).unwrap_or_default();
            length += written;
            match result {
                ReadFieldResult::Field { record_end: false } => self.next.column += 1,
                ReadFieldResult::Field { record_end: true } | ReadFieldResult::End => {
                    self.end_row(input[..read].last());
                }
                ReadFieldResult::OutputFull => {
                    self.grow_field()?;
                    continue;
                }
                ReadFieldResult::InputEmpty if is_last => {
                    let line = position.row + 1;
                    return Err(ReadError::unreadable(format!("a quote opened in line {line} never closes")));
                }
                ReadFieldResult::InputEmpty => continue,
            }
            return Ok(Some(Field { position, text: &self.field[..length] }));
        }
    }

    fn skip_blank_lines(&mut self) {
        while let Some((end @ (b'\r' | b'\n'), rest)) = self.rest.split_first() {
            self.rest = rest;
            self.end_row(Some(end));
        }
    }

    /// Counts a row that ended with this byte. A line feed after a carriage return belongs to it.
    fn end_row(&mut self, end: Option<&u8>) {
        self.next = Position { row: self.next.row + 1, column: 0 };
        if end == Some(&b'\r') {
            self.rest = self.rest.strip_prefix(b"\n").unwrap_or(self.rest);
        }
    }

    fn grow_field(&mut self) -> Result<(), ReadError> {
        let length = self.field.len();
        if length > MAX_TEXT_RUN_BYTES {
            return Err(ReadError::TooLarge(format!("a field holds over {} MB of text", MAX_TEXT_RUN_BYTES >> 20)));
        }
        self.field.resize((length * 2).min(MAX_TEXT_RUN_BYTES + 1), 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellFilter, Limits, Row};

    fn read(bytes: &[u8]) -> Result<Vec<(u32, u32, String)>, ReadError> {
        let sheet = super::read("t.csv", bytes, RowBuilder::new(&Limits::default(), CellFilter::default()))?;
        Ok(sheet.rows.iter().flat_map(texts).collect())
    }

    /// Returns the row number, column and text of each cell.
    fn texts(row: &Row) -> Vec<(u32, u32, String)> {
        let text = |content: &Content| match content {
            Content::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        row.cells.iter().map(|cell| (row.number, cell.column, text(&cell.content))).collect()
    }

    fn cells<const N: usize>(expected: [(u32, u32, &str); N]) -> Result<Vec<(u32, u32, String)>, ReadError> {
        Ok(expected.map(|(row, column, text)| (row, column, text.to_owned())).into())
    }

    #[test]
    fn quotes_separators_and_blank_lines_are_read() {
        let file = "a;b\r\n\r\n\"x; \"\"y\"\"\nz\";\u{e9}\n;2";
        let expected = [(1, 0, "a"), (1, 1, "b"), (3, 0, "x; \"y\"\nz"), (3, 1, "é"), (4, 1, "2")];
        assert_eq!(read(file.as_bytes()), cells(expected));
        // Older programs for the Macintosh end lines with a carriage return.
        let expected = [(1, 0, "a"), (1, 1, "b"), (3, 0, "x\ry"), (3, 1, "2")];
        assert_eq!(read(b"a;b\r\r\"x\ry\";2\r"), cells(expected));
        assert!(read(b"\"open").is_err());
        assert!(read(b"a\0b").is_err());
    }

    #[test]
    fn declared_separator_is_not_a_row() {
        for file in ["sep=|\r\na,1|b\r\nc|d\r\n", "\u{feff}\"sep=|\"\na,1|b\nc|d\n", "sep=§\na,1§b\nc§d"] {
            let expected = [(1, 0, "a,1"), (1, 1, "b"), (2, 0, "c"), (2, 1, "d")];
            assert_eq!(read(file.as_bytes()), cells(expected), "{file}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_windows_1252() {
        let expected = [(1, 0, "King’s Cross"), (1, 1, "€ 5"), (1, 2, "José"), (1, 3, "\u{81}")];
        assert_eq!(read(b"King\x92s Cross;\x80 5;Jos\xe9;\x81"), cells(expected));
    }

    #[test]
    fn long_fields_are_read_up_to_the_limit() {
        let longest = "x".repeat(MAX_TEXT_RUN_BYTES);
        let mut fields = FieldReader::new(longest.as_bytes(), b',');
        assert_eq!(fields.next().map(|field| field.map(|field| field.text.len())), Ok(Some(MAX_TEXT_RUN_BYTES)));
        let too_long = longest + "x";
        assert!(matches!(FieldReader::new(too_long.as_bytes(), b',').next(), Err(ReadError::TooLarge(_))));
    }
}
