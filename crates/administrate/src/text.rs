//! Texts of other systems, made fit for storage, terminals and logs.

use std::borrow::Cow;

/// The maximum length of a message of a server, in characters.
const MAX_LENGTH: usize = 1000;

/// Reports whether a character has no place in a line of text: it controls a terminal, or the order in which the text is
/// shown (Unicode's directional marks, embeddings, overrides and isolates).
///
/// PostgreSQL cannot store one of them, U+0000.
pub fn is_control_character(c: char) -> bool {
    c.is_control() || is_directional(c)
}

fn is_directional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns a server's message as one bounded line of plain text.
///
/// Line ends and tabs become spaces, other control characters U+FFFD; directional characters are removed.
pub fn plain_message(text: &str) -> Cow<'_, str> {
    let is_plain = text.len() <= MAX_LENGTH && !text.contains(is_control_character);
    if is_plain {
        return Cow::Borrowed(text);
    }
    let characters = text.chars().filter(|c| !is_directional(*c)).map(|c| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    });
    let mut characters = characters.peekable();
    let mut plain: String = characters.by_ref().take(MAX_LENGTH).collect();
    if characters.peek().is_some() {
        plain.push('…');
    }
    Cow::Owned(plain)
}

/// Returns a URL without the user and password that it may contain.
pub(crate) fn without_userinfo(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{}", &rest[at + 1..])),
        None => Cow::Borrowed(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_one_bounded_line_without_control_characters() {
        for (text, expected) in [
            ("Zürich – día 1", "Zürich – día 1"),
            ("bad\0thing", "bad\u{fffd}thing"),
            ("two\r\nlines\tand \u{1b}[31mred", "two  lines and \u{fffd}[31mred"),
            ("photo\u{202e}gpj.exe\u{2066}\u{200f}\u{61c}", "photogpj.exe"),
        ] {
            assert_eq!(plain_message(text), expected);
        }
        let long = plain_message(&"ä".repeat(5000)).chars().count();
        assert_eq!(long, MAX_LENGTH + 1);
    }

    #[test]
    fn address_is_shown_without_user_and_password() {
        for (url, expected) in [
            ("https://user:s3cr3t@host/graphql", "https://host/graphql"),
            ("https://user:p@ss@host?x=a@b", "https://host?x=a@b"),
            ("https://host/@x", "https://host/@x"),
            ("no address", "no address"),
        ] {
            assert_eq!(without_userinfo(url), expected);
        }
    }
}
