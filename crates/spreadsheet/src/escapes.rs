//! Escapes of OOXML for characters that XML cannot contain: `_x000D_` (ECMA-376 part 1, 22.9.2.19, ST_Xstring).
//!
//! The four hexadecimal digits are a UTF-16 unit. A literal underscore before such digits is written `_x005F_`.

use memchr::memmem;

/// Length of an escape, in bytes.
const ESCAPE_LENGTH: usize = "_x000D_".len();

/// Replaces the escapes in a text from the byte offset `from` on.
pub(super) fn resolve_escapes(text: &mut String, from: usize) {
    let tail = &text[from..];
    if memmem::find(tail.as_bytes(), b"_x").is_none() {
        return;
    }
    let mut resolved = String::with_capacity(tail.len());
    let mut rest = tail;
    while let Some(offset) = rest.find("_x") {
        let units = leading_units(&rest[offset..]);
        if units.is_empty() {
            resolved.push_str(&rest[..offset + 2]);
            rest = &rest[offset + 2..];
            continue;
        }
        resolved.push_str(&rest[..offset]);
        // An unpaired surrogate is not a character.
        let characters = char::decode_utf16(units.iter().copied());
        resolved.extend(characters.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)));
        rest = &rest[offset + units.len() * ESCAPE_LENGTH..];
    }
    resolved.push_str(rest);
    text.truncate(from);
    text.push_str(&resolved);
}

/// Returns the unit of the escape at the beginning of a text, or both units of a surrogate pair.
fn leading_units(text: &str) -> Vec<u16> {
    let first = leading_unit(text);
    let is_high_surrogate = |unit: &u16| (0xd800..0xdc00).contains(unit);
    let is_low_surrogate = |unit: &u16| (0xdc00..0xe000).contains(unit);
    let second =
        first.filter(is_high_surrogate).and_then(|_| leading_unit(&text[ESCAPE_LENGTH..])).filter(is_low_surrogate);
    first.into_iter().chain(second).collect()
}

fn leading_unit(text: &str) -> Option<u16> {
    let digits = text.as_bytes().get(..ESCAPE_LENGTH)?.strip_prefix(b"_x")?.strip_suffix(b"_")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_resolve_to_their_characters() {
        for (escaped, expected) in [
            ("CB1_f2f_3", "CB1_f2f_3"),
            ("one_x000D_\ntwo", "one\r\ntwo"),
            ("_x0043_B1_x005F_f2f", "CB1_f2f"),
            ("_x005F_x0041_", "_x0041_"),
            ("_x00e9__x00C9_", "éÉ"),
            ("_xD83D__xDE00_!", "😀!"),
            ("_xD83D__x0041_", "\u{fffd}A"),
            ("_xDE00_", "\u{fffd}"),
            ("_x_x0041_ _x41_ _xzzzz_ _x004é_ _x0041", "_xA _x41_ _xzzzz_ _x004é_ _x0041"),
            ("_X0041_", "_X0041_"),
        ] {
            let mut text = format!("_x0041_{escaped}");
            resolve_escapes(&mut text, "_x0041_".len());
            assert_eq!(text, format!("_x0041_{expected}"), "{escaped}");
        }
    }
}
