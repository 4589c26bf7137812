//! Small XML parts of the zipped formats, read by quick-xml.

use std::io::BufRead;

use quick_xml::events::{BytesRef, BytesStart, BytesText, Event};
use quick_xml::{Reader, XmlVersion};

use super::ReadError;
use super::archive::read_error;

/// Depth of nested elements. Workbooks stay far below; each open element takes memory.
const MAX_DEPTH: usize = 1000;

/// Stream of the elements and texts of a part.
///
/// Extension lists (`extLst`) are skipped: newer programs repeat names of elements in them with another meaning.
pub(super) struct Events<R> {
    xml: Reader<R>,
    depth: usize,
}

impl<R: BufRead> Events<R> {
    pub(super) fn new(part: R) -> Self {
        Self { xml: Reader::from_reader(part), depth: 0 }
    }

    /// Reports an empty element as a start and an end.
    pub(super) fn expanding_empty_elements(mut self) -> Self {
        self.xml.config_mut().expand_empty_elements = true;
        self
    }

    /// Reads the rest of the part without parsing it.
    pub(super) fn skip_rest(mut self) -> Result<(), ReadError> {
        std::io::copy(self.xml.get_mut(), &mut std::io::sink()).map(drop).map_err(|error| read_error(&error))
    }

    /// Returns the next event. It borrows `buffer`, whose previous content is dropped.
    ///
    /// # Errors
    /// [`ReadError`] if the XML is invalid or nested too deeply.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, ReadError> {
        let event = self.read_event(buffer)?;
        let is_list = matches!(&event, Event::Start(tag) if tag.local_name().as_ref() == "extLst");
        if is_list {
            drop(event);
            self.skip_element()?;
            return Ok(Event::Comment(BytesText::new("")));
        }
        Ok(event)
    }

    fn read_event<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Event<'b>, ReadError> {
        buffer.clear();
        let event = self.xml.read_event_into(buffer).map_err(|error| match error {
            quick_xml::Error::Io(error) => read_error(&error),
            error => ReadError::damaged(error),
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

    /// Reads to the end of the element that the last event opened.
    pub(super) fn skip_element(&mut self) -> Result<(), ReadError> {
        let parent_depth = self.depth.saturating_sub(1);
        let mut buffer = Vec::new();
        while self.depth > parent_depth {
            if let Event::Eof = self.read_event(&mut buffer)? {
                return Err(ReadError::truncated());
            }
        }
        Ok(())
    }
}

/// Returns the value of an attribute with its references resolved.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, ReadError> {
    let Some(attribute) = tag.try_get_attribute(name).map_err(ReadError::damaged)? else { return Ok(None) };
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(ReadError::damaged)?;
    Ok(Some(value.into_owned()))
}

/// Resolves a reference. Without a DOCTYPE there are only numbers and the five names of XML.
pub(super) fn character(reference: &BytesRef<'_>) -> Option<char> {
    character_by_name(&reference.xml10_content())
}

/// Resolves the name of a reference, the text between `&` and `;`.
pub(super) fn character_by_name(name: &str) -> Option<char> {
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
