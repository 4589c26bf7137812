//! What both zipped formats need of their XML.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart};

use super::workbook::{Unfit, broken};

/// The value of an attribute, its references resolved.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Unfit> {
    let Some(found) = tag.try_get_attribute(name).map_err(broken)? else { return Ok(None) };
    let value = found.normalized_value(XmlVersion::Implicit1_0).map_err(broken)?;
    Ok(Some(value.into_owned()))
}

/// The character that a reference stands for; the five names of XML and numbers are all there is without a DOCTYPE.
pub(super) fn character(entity: &BytesRef<'_>) -> Option<char> {
    named_character(&entity.xml10_content())
}

/// The same of a reference's name, as it stands between `&` and `;`.
pub(super) fn named_character(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            digits.strip_prefix('x').map_or_else(|| number(digits, 10), |digits| number(digits, 16))
        }
    }
}

/// A part that stops before it is complete.
pub(super) fn ends_early() -> Unfit {
    Unfit::unreadable("it ends in the middle of a sheet")
}
