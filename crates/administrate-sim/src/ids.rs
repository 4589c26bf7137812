//! Global ids and cursors: base64 of `<Type>:<number>`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tenant::Number;

/// Encodes a global id: `("Location", 7)` → `TG9jYXRpb246Nw==`.
pub(crate) fn encode(prefix: &str, number: Number) -> String {
    encode_word(prefix, &number.to_string())
}

/// Encodes one of the few ids whose second part is a word (`WebhookType:event_created`).
pub(crate) fn encode_word(prefix: &str, word: &str) -> String {
    STANDARD.encode(format!("{prefix}:{word}"))
}

/// Splits a global id into prefix and rest. Returns `None` for an invalid id.
pub(crate) fn split(id: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(id).ok()?).ok()?;
    let (prefix, rest) = text.split_once(':')?;
    Some((prefix.to_owned(), rest.to_owned()))
}

/// Returns the number of a global id with this prefix. Returns `None` for anything else.
pub(crate) fn decode(prefix: &str, id: &str) -> Option<Number> {
    let (actual_prefix, rest) = split(id)?;
    if actual_prefix == prefix { rest.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_live_tenant_encode_and_decode() {
        // Observed in a live tenant.
        for (prefix, number, id) in [
            ("Course", 1, "Q291cnNlOjE="),
            ("Location", 76, "TG9jYXRpb246NzY="),
            ("TaxType", 1, "VGF4VHlwZTox"),
            ("Cursor", 0, "Q3Vyc29yOjA="),
        ] {
            assert_eq!(encode(prefix, number), id);
            assert_eq!(decode(prefix, id), Some(number));
        }
    }

    #[test]
    fn id_of_another_type_decodes_to_none() {
        for id in ["", "7", "TG9jYXRpb246NzY", "not base64", "Q291cnNlOjE="] {
            assert_eq!(decode("Location", id), None, "{id}");
        }
    }
}
