//! Number formats of Excel. Only the format of a cell distinguishes a date from a number, and only the format keeps the
//! leading zeros of a code.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use quick_xml::events::Event;

use super::bounded::push_bounded;
use super::digit_pattern::DigitPattern;
use super::limits::MAX_NAMED_ITEMS;
use super::xml::{Events, attribute};
use super::{Content, ReadError};

/// What a cell style makes of a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NumberFormat {
    /// The digits of the number.
    General,
    /// A date or time.
    Date,
    /// Digits in a pattern, such as `0000` or `#,##0.00`.
    Digits(Arc<DigitPattern>),
}

impl NumberFormat {
    /// Parses a format code.
    pub(super) fn parse(code: &str) -> Self {
        if is_date_format(code) {
            return NumberFormat::Date;
        }
        DigitPattern::parse(code).map_or(NumberFormat::General, |pattern| NumberFormat::Digits(Arc::new(pattern)))
    }

    /// Returns a built-in format (ECMA-376 part 1, 18.8.30, with the dates of East Asia).
    pub(super) fn built_in(id: u32) -> Self {
        match id {
            14..=22 | 27..=36 | 45..=47 | 50..=58 => NumberFormat::Date,
            1 => NumberFormat::parse("0"),
            2 => NumberFormat::parse("0.00"),
            3 | 37 | 38 => NumberFormat::parse("#,##0"),
            4 | 39 | 40 => NumberFormat::parse("#,##0.00"),
            9 => NumberFormat::parse("0%"),
            10 => NumberFormat::parse("0.00%"),
            _ => NumberFormat::General,
        }
    }

    /// Returns the content of a cell with this format.
    pub(super) fn content(&self, number: f64) -> Content {
        match self {
            NumberFormat::General => Content::Number(number),
            NumberFormat::Date => Content::DateTime(number),
            NumberFormat::Digits(pattern) => match pattern.format(number) {
                Some(shown) if shown != number.to_string() => Content::formatted(number, &shown),
                _ => Content::Number(number),
            },
        }
    }
}

/// Reads the format of each cell style, by the style's number.
pub(super) fn cell_styles(mut xml: Events<impl BufRead>) -> Result<Vec<NumberFormat>, ReadError> {
    let mut custom_formats: HashMap<u32, NumberFormat> = HashMap::new();
    let mut styles = Vec::new();
    let mut in_cell_styles = false;
    let mut buffer = Vec::new();
    loop {
        match xml.next(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "numFmt" => {
                    let id = attribute(&tag, "numFmtId")?.and_then(|id| id.parse().ok());
                    let code = attribute(&tag, "formatCode")?.unwrap_or_default();
                    let id = id.filter(|_| custom_formats.len() < MAX_NAMED_ITEMS);
                    custom_formats.extend(id.map(|id| (id, NumberFormat::parse(&code))));
                }
                "cellXfs" => in_cell_styles = true,
                "xf" if in_cell_styles => {
                    let id: u32 = attribute(&tag, "numFmtId")?.and_then(|id| id.parse().ok()).unwrap_or_default();
                    let format = custom_formats.get(&id).cloned().unwrap_or_else(|| NumberFormat::built_in(id));
                    push_bounded(&mut styles, MAX_NAMED_ITEMS, "cell styles", format)?;
                }
                _ => {}
            },
            Event::End(tag) if tag.local_name().as_ref() == "cellXfs" => in_cell_styles = false,
            Event::Eof => return Ok(styles),
            _ => {}
        }
    }
}

/// Whether a format code consists of the letters of dates and times, outside quotes, escapes and conditions.
///
/// Another bare letter means a word, such as "Standard", which German programs write for "General".
fn is_date_format(code: &str) -> bool {
    let mut has_date_letter = false;
    let mut characters = code.chars();
    while let Some(character) = characters.next() {
        match character.to_ascii_lowercase() {
            '"' => {
                characters.by_ref().find(|c| *c == '"');
            }
            '\\' | '_' | '*' => {
                characters.next();
            }
            '[' => {
                let inner: String = characters.by_ref().take_while(|c| *c != ']').collect();
                // [h], [mm] and [ss] are durations; [Red] and [>9] are not.
                has_date_letter |=
                    !inner.is_empty() && inner.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's'));
            }
            'd' | 'm' | 'y' | 'h' | 's' => has_date_letter = true,
            // AM/PM, A/P, the weekdays aaa, eras and Buddhist years.
            'a' | 'p' | 'e' | 'g' | 'b' => {}
            other if other.is_alphabetic() => return false,
            _ => {}
        }
    }
    has_date_letter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_formats_differ_from_number_formats() {
        for (code, is_date) in [
            ("dd/mm/yyyy", true),
            ("h:mm AM/PM", true),
            ("[h]:mm", true),
            ("[$-809]d mmmm yyyy", true),
            ("yyyy\"年\"m\"月\"", true),
            ("General", false),
            ("Standard", false),
            ("0.00", false),
            ("0.00E+00", false),
            ("[Red]0", false),
            ("0 \"days\"", false),
            ("0\\d", false),
            ("#,##0_);(#,##0)", false),
        ] {
            assert_eq!(is_date_format(code), is_date, "{code}");
        }
    }

    #[test]
    fn content_has_the_shown_text_only_where_it_differs_from_the_digits() {
        let shown = |text: &str, number| Content::formatted(number, text);
        for (code, number, expected) in [
            ("0000", 123.0, shown("0123", 123.0)),
            ("0000", 1234.0, Content::Number(1234.0)),
            ("General", 123.0, Content::Number(123.0)),
            ("Standard", 1234.0, Content::Number(1234.0)),
            ("dd/mm/yyyy", 46054.0, Content::DateTime(46054.0)),
        ] {
            assert_eq!(NumberFormat::parse(code).content(number), expected, "{code}");
        }
    }
}
