//! Parsing JSON bodies as servers and gateways really send them.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Parses a JSON body.
///
/// A UTF-8 byte order mark is skipped: gateways put one before the body. Half of a surrogate pair, the rest of a text
/// that was cut in the middle of a character, becomes U+FFFD, so that one record does not make a list unreadable.
///
/// # Errors
/// The parser's, where the body is not JSON or does not fit `T`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(&replace_half_pairs(body))
}

/// Replaces each escaped half of a surrogate pair (RFC 8259, 7) by U+FFFD.
fn replace_half_pairs(body: &[u8]) -> Cow<'_, [u8]> {
    let mut replaced: Option<Vec<u8>> = None;
    let mut position = 0;
    while let Some(offset) = body[position..].iter().position(|byte| *byte == b'\\') {
        let escape = position + offset;
        position = match surrogate_at(body, escape) {
            // A backslash escapes the next byte, which may be a backslash itself.
            None => (escape + 2).min(body.len()),
            Some(Surrogate::High) if matches!(surrogate_at(body, escape + 6), Some(Surrogate::Low)) => escape + 12,
            Some(_) => {
                let copy = replaced.get_or_insert_with(|| body.to_vec());
                copy[escape + 2..escape + 6].copy_from_slice(b"FFFD");
                escape + 6
            }
        };
    }
    replaced.map_or(Cow::Borrowed(body), Cow::Owned)
}

enum Surrogate {
    High,
    Low,
}

/// Returns the kind of the surrogate that is escaped at an offset, if any.
fn surrogate_at(body: &[u8], offset: usize) -> Option<Surrogate> {
    let digits = body.get(offset..offset + 6)?.strip_prefix(b"\\u")?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    match unit {
        0xd800..=0xdbff => Some(Surrogate::High),
        0xdc00..=0xdfff => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn half_pairs_become_the_replacement_character() {
        for (body, expected) in [
            (r#""plain""#, "plain"),
            (r#""cut \ud83d""#, "cut \u{fffd}"),
            (r#""\uDE00 and \ud83d!""#, "\u{fffd} and \u{fffd}!"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
        ] {
            assert_eq!(parse::<Value>(body.as_bytes()).ok(), Some(Value::from(expected)), "{body}");
        }
        for body in [r#""\u"#, r#""\ud8"#, "\"\\", "", r#"{"a":"\ud83d"#] {
            assert!(parse::<Value>(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn byte_order_mark_is_skipped() {
        assert_eq!(parse::<Value>(b"\xef\xbb\xbf[1]").ok(), Some(serde_json::json!([1])));
        assert!(parse::<Value>(b"\xef\xbb\xbf").is_err());
    }
}
