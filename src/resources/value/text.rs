//! Texts.

use serde_json::Value;

use super::{violated, wrong_type};
use crate::names;
use crate::resources::problems::Problems;

/// The longest text with line breaks, in characters.
const MAX_NOTE_CHARS: usize = 100_000;

/// Returns one line of text, without invisible characters and outer white space.
pub(super) fn line(value: &Value, max: usize, at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(text) = value.as_str() else { return wrong_type(at, "a text", problems) };
    let visible = names::visible(text);
    let text = visible.trim();
    let length = text.chars().count();
    match text {
        "" => violated(at, "must not be empty", problems),
        _ if text.chars().any(char::is_control) => {
            violated(at, "must not contain line breaks or control characters", problems)
        }
        _ if length > max => violated(at, format!("has {length} characters, at most {max} are allowed"), problems),
        _ => Some(text.into()),
    }
}

pub(super) fn note(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let Some(text) = value.as_str() else { return wrong_type(at, "a text", problems) };
    let length = text.chars().count();
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return violated(at, "must not contain control characters other than line breaks and tabs", problems);
    }
    match length > MAX_NOTE_CHARS {
        true => violated(at, format!("has {length} characters, at most {MAX_NOTE_CHARS} are allowed"), problems),
        false => Some(text.into()),
    }
}

pub(super) fn url(value: &Value, max: usize, at: &str, problems: &mut Problems) -> Option<Value> {
    let text = line(value, max, at, problems)?;
    let is_absolute = text.as_str().is_some_and(|text| {
        let rest = ["http://", "https://"].iter().find_map(|scheme| {
            let start = text.get(..scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
        });
        let is_plain = !text.contains(|character: char| character.is_whitespace() || "<>\"".contains(character));
        rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_alphanumeric() || first == '[')) && is_plain
    });
    match is_absolute {
        true => Some(text),
        false => violated(at, "must be an address that begins with http:// or https://", problems),
    }
}

pub(super) fn email(value: &Value, at: &str, problems: &mut Problems) -> Option<Value> {
    let text = line(value, 254, at, problems)?;
    let parts = text.as_str().and_then(|text| text.rsplit_once('@'));
    let is_address = parts.is_some_and(|(name, host)| {
        let is_word = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        is_word(name) && is_word(host) && !name.contains('@')
    });
    match is_address {
        true => Some(text),
        false => violated(at, "must be an e-mail address like ada@example.org", problems),
    }
}
