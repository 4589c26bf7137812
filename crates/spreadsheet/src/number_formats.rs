//! Number formats of Excel. Only the format of a cell distinguishes a date from a number.

use std::collections::HashMap;
use std::io::BufRead;

use quick_xml::events::Event;

use super::ReadError;
use super::bounded::push_bounded;
use super::limits::MAX_NAMED_ITEMS;
use super::xml::{Events, attribute};

/// Returns for each cell style, by its number, whether it shows a date or time.
pub(super) fn date_styles(mut xml: Events<impl BufRead>) -> Result<Vec<bool>, ReadError> {
    let mut custom_formats: HashMap<u32, bool> = HashMap::new();
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
                    custom_formats.extend(id.map(|id| (id, is_date_format(&code))));
                }
                "cellXfs" => in_cell_styles = true,
                "xf" if in_cell_styles => {
                    let id: u32 = attribute(&tag, "numFmtId")?.and_then(|id| id.parse().ok()).unwrap_or_default();
                    let is_date = custom_formats.get(&id).copied().unwrap_or_else(|| is_built_in_date_format(id));
                    push_bounded(&mut styles, MAX_NAMED_ITEMS, "cell styles", is_date)?;
                }
                _ => {}
            },
            Event::End(tag) if tag.local_name().as_ref() == "cellXfs" => in_cell_styles = false,
            Event::Eof => return Ok(styles),
            _ => {}
        }
    }
}

/// Whether a built-in format shows a date or time (ECMA-376 part 1, 18.8.30, with those of East Asia).
pub(super) fn is_built_in_date_format(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58)
}

/// Whether a format code has a letter of dates or times outside quotes, escapes and conditions.
pub(super) fn is_date_format(code: &str) -> bool {
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                letters.by_ref().find(|c| *c == '"');
            }
            '\\' | '_' | '*' => {
                letters.next();
            }
            '[' => {
                let inner: String = letters.by_ref().take_while(|c| *c != ']').collect();
                // [h], [mm] and [ss] are durations; [Red] and [>9] are not.
                let is_duration =
                    !inner.is_empty() && inner.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's'));
                if is_duration {
                    return true;
                }
            }
            'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S' => return true,
            _ => {}
        }
    }
    false
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
            ("General", false),
            ("0.00", false),
            ("[Red]0", false),
            ("0 \"days\"", false),
            ("0\\d", false),
            ("#,##0_);(#,##0)", false),
        ] {
            assert_eq!(is_date_format(code), is_date, "{code}");
        }
    }
}
