//! What both zipped formats need of their XML.

use std::io::BufRead;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::archive::read_error;
use super::{ReadError, damaged};

/// Elements within elements; no workbook comes near it.
const MAX_DEPTH: usize = 1000;

/// The elements and texts of a part, one after the other.
pub(super) struct Events<R> {
    xml: Reader<R>,
    depth: usize,
}

impl<R: BufRead> Events<R> {
    pub(super) fn of(part: R) -> Self {
        Self { xml: Reader::from_reader(part), depth: 0 }
    }

    /// Reads to the end of the part without looking at it.
    pub(super) fn pass_rest(mut self) -> Result<(), ReadError> {
        std::io::copy(self.xml.get_mut(), &mut std::io::sink()).map(drop).map_err(|error| read_error(&error))
    }

    /// The same, an empty element being told as its start and its end.
    pub(super) fn with_empty_elements_as_pairs(mut self) -> Self {
        self.xml.config_mut().expand_empty_elements = true;
        self
    }

    /// The next one, in `buffer`, whose old content goes.
    ///
    /// # Errors
    /// [`ReadError`] when the XML is damaged, or nested so deeply that remembering what is open would cost memory.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, ReadError> {
        buffer.clear();
        let event = self.xml.read_event_into(buffer).map_err(|error| match error {
            quick_xml::Error::Io(error) => read_error(&error),
            error => damaged(error),
        })?;
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > MAX_DEPTH {
            return Err(ReadError::TooLarge(format!("its elements are nested over {MAX_DEPTH} deep")));
        }
        Ok(event)
    }
}

/// The value of an attribute, its references resolved.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, ReadError> {
    let Some(found) = tag.try_get_attribute(name).map_err(damaged)? else { return Ok(None) };
    let value = found.normalized_value(XmlVersion::Implicit1_0).map_err(damaged)?;
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
pub(super) fn ends_early_error() -> ReadError {
    ReadError::unreadable("it ends in the middle of a sheet")
}
