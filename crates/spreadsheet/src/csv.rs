//! Text tables (csv): RFC 4180 with comma, semicolon or tab, whichever the header has most of.

use std::borrow::Cow;

use super::{Content, MAX_TEXT_RUN_BYTES, ReadError, RowBuilder, Sheet};

/// Reads a text table; UTF-8, else Windows-1252 as spreadsheet programs write it that were not asked for UTF-8.
///
/// # Errors
/// [`ReadError`] when it holds NUL bytes (no text), an open quote, or too many rows.
pub fn read(name: &str, bytes: &[u8], mut rows: RowBuilder<'_>) -> Result<Sheet, ReadError> {
    if bytes.contains(&0) {
        return Err(ReadError::unreadable("it is no text; save it as an Excel workbook (.xlsx)"));
    }
    let text = decode(bytes);
    let (separator, text) = stated_separator(&text);
    let mut fields = Fields::new(text, separator);
    while let Some((place, field)) = fields.next()? {
        let filled = !field.trim().is_empty();
        rows.push(place, filled.then(|| Content::Text(field.into())))?;
    }
    Ok(rows.finish(name.to_owned(), false))
}

fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| windows(*byte)).collect()),
    }
}

/// The separator that a first line `sep=;` states, and what is below it: spreadsheet programs show no such row.
fn stated_separator(text: &str) -> (Option<char>, &str) {
    let stated = || {
        let (line, rest) = text.split_once('\n')?;
        let mut characters = line.trim_end_matches('\r').trim_matches('"').strip_prefix("sep=")?.chars();
        let separator = characters.next()?;
        characters.next().is_none().then_some((separator, rest))
    };
    stated().map_or((None, text), |(separator, rest)| (Some(separator), rest))
}

/// A character of Windows-1252, which is Latin-1 but for these; bytes that mean nothing there stay what they are.
fn windows(byte: u8) -> char {
    const FROM_80: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let own = byte.checked_sub(0x80).and_then(|at| FROM_80.chars().nth(at.into()));
    own.unwrap_or(char::from(byte))
}

/// A field and its place (row, column), counted from 0.
type Placed = ((u32, u32), String);

struct Fields<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    separator: char,
    row: u32,
    column: u32,
}

impl<'a> Fields<'a> {
    fn new(text: &'a str, separator: Option<char>) -> Self {
        // A title may stand above the header.
        let often = |c: &char| {
            text.split(['\r', '\n']).filter(|line| !line.is_empty()).take(20).map(|line| line.matches(*c).count()).max()
        };
        let likely = || ['\t', ';', ','].into_iter().max_by_key(often).unwrap_or(',');
        let separator = separator.unwrap_or_else(likely);
        Self { rest: text.chars().peekable(), separator, row: 0, column: 0 }
    }

    fn next(&mut self) -> Result<Option<Placed>, ReadError> {
        if self.rest.peek().is_none() {
            return Ok(None);
        }
        let place = (self.row, self.column);
        let mut field = String::new();
        if self.rest.next_if_eq(&'"').is_some() {
            self.quoted(&mut field)?;
        }
        loop {
            match self.rest.next() {
                None => break,
                Some('\r') if self.rest.peek() == Some(&'\n') => {}
                // Alone it ends a line too, as spreadsheet programs for the Macintosh write it.
                Some('\n' | '\r') => {
                    (self.row, self.column) = (self.row + 1, 0);
                    break;
                }
                Some(c) if c == self.separator => {
                    self.column += 1;
                    break;
                }
                Some(c) => field.push(c),
            }
            not_endless(&field)?;
        }
        Ok(Some((place, field)))
    }

    fn quoted(&mut self, field: &mut String) -> Result<(), ReadError> {
        loop {
            match self.rest.next() {
                Some('"') if self.rest.next_if_eq(&'"').is_some() => field.push('"'),
                Some('"') => return Ok(()),
                Some(c) => field.push(c),
                None => {
                    let line = self.row + 1;
                    return Err(ReadError::unreadable(format!("a quote opened in line {line} never closes")));
                }
            }
            not_endless(field)?;
        }
    }
}

fn not_endless(field: &str) -> Result<(), ReadError> {
    if field.len() > MAX_TEXT_RUN_BYTES {
        return Err(ReadError::TooLarge(format!("a field holds over {} MB of text", MAX_TEXT_RUN_BYTES >> 20)));
    }
    Ok(())
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
