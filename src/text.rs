//! Text that PostgreSQL can store: it rejects the character U+0000 (NUL) in `text` and `jsonb`.

use serde_json::Value;

/// The character that PostgreSQL rejects.
pub const NUL: char = '\0';

/// The character that stands for one that could not be read.
pub const REPLACEMENT: char = '\u{fffd}';

pub fn contains_nul(text: &str) -> bool {
    text.contains(NUL)
}

/// Returns the text with each NUL replaced by U+FFFD.
pub fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Reports whether a text or a key anywhere in a JSON value contains NUL.
pub fn json_contains_nul(value: &Value) -> bool {
    json_contains(value, NUL)
}

/// Reports whether a text or a key anywhere in a JSON value contains a character.
pub fn json_contains(value: &Value, character: char) -> bool {
    match value {
        Value::String(text) => text.contains(character),
        Value::Array(items) => items.iter().any(|item| json_contains(item, character)),
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| key.contains(character) || json_contains(value, character))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns the JSON value with each NUL in texts and keys replaced by U+FFFD.
pub fn json_without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => without_nul(&text).into(),
        Value::Array(items) => items.into_iter().map(json_without_nul).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (without_nul(&key), json_without_nul(value))).collect()
        }
        other => other,
    }
}

/// Returns a word of a command to copy, quoted for a POSIX shell if necessary.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-=+/.:@,%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn word_with_other_characters_is_quoted_for_the_shell() {
        for (word, expected) in [("TG9j=", "TG9j="), ("CM2 01", "'CM2 01'"), ("O'Hara", "'O'\\''Hara'"), ("", "''")] {
            assert_eq!(shell_word(word), expected);
        }
    }

    #[test]
    fn nul_is_found_and_replaced_in_texts_and_keys() {
        for value in [json!("a\0"), json!([1, "a\0"]), json!({ "a": { "b\0": null } })] {
            assert!(json_contains_nul(&value), "{value}");
            assert!(!json_contains_nul(&json_without_nul(value.clone())), "{value}");
        }
        assert_eq!(json_without_nul(json!({ "a\0": "\0b" })), json!({ "a\u{fffd}": "\u{fffd}b" }));
        assert!(!json_contains_nul(&json!({ "a": ["b", 0, null] })));
    }
}
