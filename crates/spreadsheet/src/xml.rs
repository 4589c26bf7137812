//! What both zipped formats need of their XML.

use std::io::BufRead;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::archive::unfit;
use super::{Unfit, broken};

/// Elements within elements; no workbook comes near it.
const DEEPEST: usize = 1000;

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
    pub(super) fn pass_rest(mut self) -> Result<(), Unfit> {
        std::io::copy(self.xml.get_mut(), &mut std::io::sink()).map(drop).map_err(|error| unfit(&error))
    }

    /// The same, an empty element being told as its start and its end.
    pub(super) fn with_empty_elements_as_pairs(mut self) -> Self {
        self.xml.config_mut().expand_empty_elements = true;
        self
    }

    /// The next one, in `buffer`, whose old content goes.
    ///
    /// # Errors
    /// [`Unfit`] when the XML is broken, or nested so deeply that remembering what is open would cost memory.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, Unfit> {
        buffer.clear();
        let event = self.xml.read_event_into(buffer).map_err(|error| match error {
            quick_xml::Error::Io(error) => unfit(&error),
            error => broken(error),
        })?;
        match &event {
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > DEEPEST {
            return Err(Unfit::TooLarge(format!("its elements are nested over {DEEPEST} deep")));
        }
        Ok(event)
    }
}

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
