//! What both zipped formats need of their XML.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart};

use super::{Unfit, broken};

/// The value of an attribute, its references resolved.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Unfit> {
    let Some(found) = tag.try_get_attribute(name).map_err(broken)? else { return Ok(None) };
    let value = found.normalized_value(XmlVersion::Implicit1_0).map_err(broken)?;
    Ok(Some(value.into_owned()))
}

/// The character that a reference stands for; the five names of XML and numbers are all there is without a DOCTYPE.
pub(super) fn character(entity: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return Some(character);
    }
    match &*entity.xml10_content() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// A part that stops before it is complete.
pub(super) fn ends_early() -> Unfit {
    Unfit::unreadable("it ends in the middle of a sheet")
}
