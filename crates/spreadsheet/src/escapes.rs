//! Characters as OOXML writes those that XML cannot hold: `_x000D_` (ECMA-376 part 1, 22.9.2.19, ST_Xstring).
//!
//! Four hexadecimal digits are one unit of UTF-16; whoever means the underscore itself writes `_x005F_`.

use memchr::memmem;

/// Replaces the escapes in what a text holds from `from` on.
pub(super) fn resolve(text: &mut String, from: usize) {
    let tail = &text[from..];
    if memmem::find(tail.as_bytes(), b"_x").is_none() {
        return;
    }
    let mut plain = String::with_capacity(tail.len());
    let mut rest = tail;
    while let Some(at) = rest.find("_x") {
        let units = units(&rest[at..]);
        if units.is_empty() {
            plain.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
            continue;
        }
        plain.push_str(&rest[..at]);
        // Half of a pair without the other is no character.
        plain.extend(char::decode_utf16(units.iter().copied()).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)));
        rest = &rest[at + units.len() * LENGTH..];
    }
    plain.push_str(rest);
    text.truncate(from);
    text.push_str(&plain);
}

/// How long an escape is, in bytes.
const LENGTH: usize = "_x000D_".len();

/// The units of the escapes that a text begins with: one, or the two of a pair.
fn units(text: &str) -> Vec<u16> {
    let first = unit(text);
    let is_half = |unit: &u16| (0xd800..0xdc00).contains(unit);
    let second =
        first.filter(is_half).and_then(|_| unit(&text[LENGTH..])).filter(|unit| (0xdc00..0xe000).contains(unit));
    first.into_iter().chain(second).collect()
}

fn unit(text: &str) -> Option<u16> {
    let digits = text.as_bytes().get(..LENGTH)?.strip_prefix(b"_x")?.strip_suffix(b"_")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_the_characters_that_they_stand_for() {
        for (written, meant) in [
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
            let mut text = format!("_x0041_{written}");
            resolve(&mut text, "_x0041_".len());
            assert_eq!(text, format!("_x0041_{meant}"), "{written}");
        }
    }
}
