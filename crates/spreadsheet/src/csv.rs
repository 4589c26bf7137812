//! Reader of csv files (RFC 4180), separated by comma, semicolon or tab: whichever occurs most in one line.
//!
//! The rows of a sheet are counted here, because `csv-core` skips blank lines without saying so.

use std::borrow::Cow;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::{Content, MAX_TEXT_RUN_BYTES, ReadError, RowBuilder, Sheet, damaged};

/// Initial size of the field buffer, in bytes.
const INITIAL_BUFFER_BYTES: usize = 4096;

/// Stands for a separator outside ASCII, which `csv-core` cannot split at. No file that is read contains it.
const NON_ASCII_SEPARATOR: u8 = b'\0';

/// Reads a csv file. Text that is not UTF-8 is taken for Windows-1252, the older default of spreadsheet programs.
///
/// # Errors
/// [`ReadError::Unreadable`] with NUL bytes or an open quote, [`ReadError::TooLarge`] beyond a limit.
pub(super) fn read(name: &str, bytes: &[u8], mut rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    if bytes.contains(&0) {
        return Err(ReadError::unreadable("it is not text; save it as an Excel workbook (.xlsx)"));
    }
    let text = decode(bytes);
    let (separator, text) = declared_separator(&text);
    let separator = separator.unwrap_or_else(|| likely_separator(text));
    if separator.is_ascii() {
        read_fields(text, separator as u8, &mut rows, str::to_owned)?;
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
    while let Some((position, field)) = fields.next()? {
        let field = std::str::from_utf8(field).map_err(damaged)?;
        rows.push(position, (!field.trim().is_empty()).then(|| Content::Text(restore(field).into())))?;
    }
    Ok(())
}

fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| decode_windows_1252(*byte)).collect()),
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
        let mut characters = line.trim_end_matches('\r').trim_matches('"').strip_prefix("sep=")?.chars();
        let separator = characters.next()?;
        characters.next().is_none().then_some((separator, rest))
    };
    declared().map_or((None, text), |(separator, rest)| (Some(separator), rest))
}

/// Returns the separator that occurs most in one of the first 20 lines. A title may precede the header.
fn likely_separator(text: &str) -> char {
    let most_in_a_line = |separator: &char| {
        let lines = text.split(['\r', '\n']).filter(|line| !line.is_empty()).take(20);
        lines.map(|line| line.matches(*separator).count()).max()
    };
    ['\t', ';', ','].into_iter().max_by_key(most_in_a_line).unwrap_or(',')
}

/// Fields with their (row, column), both counted from 0.
struct FieldReader<'a> {
    parser: Reader,
    rest: &'a [u8],
    field: Vec<u8>,
    row: u32,
    column: u32,
}

impl<'a> FieldReader<'a> {
    fn new(text: &'a [u8], separator: u8) -> Self {
        let parser = ReaderBuilder::new().delimiter(separator).build();
        Self { parser, rest: text, field: vec![0; INITIAL_BUFFER_BYTES], row: 0, column: 0 }
    }

    fn next(&mut self) -> Result<Option<((u32, u32), &[u8])>, ReadError> {
        if self.column == 0 {
            self.skip_blank_lines();
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let position = (self.row, self.column);
        let mut length = 0;
        loop {
            // A line end after the last byte ends the last field, unless its quote is open.
            let is_last = self.rest.is_empty();
            let input = if is_last { b"\n" } else { self.rest };
            let (result, read, written) = self.parser.read_field(input, &mut self.field[length..]);
            self.rest = self.rest.get(read..).unwrap_or_default();
            length += written;
            match result {
                ReadFieldResult::Field { record_end: false } => self.column += 1,
                ReadFieldResult::Field { record_end: true } | ReadFieldResult::End => {
                    self.end_row(input[..read].last());
                }
                ReadFieldResult::OutputFull => {
                    self.grow_field()?;
                    continue;
                }
                ReadFieldResult::InputEmpty if is_last => {
                    let line = position.0 + 1;
                    return Err(ReadError::unreadable(format!("a quote opened in line {line} never closes")));
                }
                ReadFieldResult::InputEmpty => continue,
            }
            return Ok(Some((position, &self.field[..length])));
        }
    }

    fn skip_blank_lines(&mut self) {
        while let Some((end @ (b'\r' | b'\n'), rest)) = self.rest.split_first() {
            self.rest = rest;
            self.end_row(Some(end));
        }
    }

    /// Counts a row; its end was this byte, which with a line feed behind it is one line end.
    fn end_row(&mut self, end: Option<&u8>) {
        (self.row, self.column) = (self.row + 1, 0);
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
    use super::super::{CellFilter, Limits};
    use super::*;

    fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Sheet, ReadError> {
        super::read(name, bytes, RowBuilder::new(limits, CellFilter::default()))
    }

    fn texts(sheet: &Sheet) -> Vec<(u32, u32, String)> {
        let cells = |row: &super::super::Row| {
            let number = row.number;
            row.cells
                .iter()
                .map(move |cell| match &cell.content {
                    Content::Text(text) => (number, cell.column, text.to_string()),
                    other => (number, cell.column, format!("{other:?}")),
                })
                .collect::<Vec<_>>()
        };
        sheet.rows.iter().flat_map(cells).collect()
    }

    #[test]
    fn quotes_separators_and_blank_lines() {
        let limits = Limits::default();
        let file = "a;b\r\n\r\n\"x; \"\"y\"\"\nz\";\u{e9}\n;2";
        let sheet = read("t.csv", file.as_bytes(), &limits).map(|s| texts(&s));
        let expected = [(1, 0, "a"), (1, 1, "b"), (3, 0, "x; \"y\"\nz"), (3, 1, "é"), (4, 1, "2")];
        let expected: Vec<_> = expected.map(|(r, c, t)| (r, c, t.to_owned())).into();
        assert_eq!(sheet, Ok(expected));
        let macintosh = read("t.csv", b"a;b\r\r\"x\ry\";2\r", &limits).map(|s| texts(&s));
        let expected = [(1, 0, "a"), (1, 1, "b"), (3, 0, "x\ry"), (3, 1, "2")];
        let expected: Vec<_> = expected.map(|(r, c, t)| (r, c, t.to_owned())).into();
        assert_eq!(macintosh, Ok(expected));
        assert!(read("t.csv", b"\"open", &limits).is_err());
        assert!(read("t.csv", b"a\0b", &limits).is_err());
    }

    #[test]
    fn a_stated_separator_is_no_row() {
        let limits = Limits::default();
        for file in ["sep=|\r\na,1|b\r\nc|d\r\n", "\u{feff}\"sep=|\"\na,1|b\nc|d\n"] {
            let sheet = read("t.csv", file.as_bytes(), &limits).map(|s| texts(&s));
            let expected = [(1, 0, "a,1"), (1, 1, "b"), (2, 0, "c"), (2, 1, "d")];
            assert_eq!(sheet, Ok(expected.map(|(r, c, t)| (r, c, t.to_owned())).into()), "{file}");
        }
    }

    #[test]
    fn text_that_is_no_utf8_is_what_windows_writes() {
        let limits = Limits::default();
        let sheet = read("t.csv", b"King\x92s Cross;\x80 5;Jos\xe9;\x81", &limits).map(|s| texts(&s));
        let expected = [(1, 0, "King’s Cross"), (1, 1, "€ 5"), (1, 2, "José"), (1, 3, "\u{81}")];
        assert_eq!(sheet, Ok(expected.map(|(r, c, t)| (r, c, t.to_owned())).into()));
    }
}
