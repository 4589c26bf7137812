//! Small XML parts of the zipped formats, read by quick-xml.

use std::io::{self, BufRead, Read};

use quick_xml::events::{BytesRef, BytesStart, BytesText, Event};
use quick_xml::{Reader, XmlVersion};

use super::ReadError;
use super::archive::read_error;

/// Bytes of a part that are read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Depth of nested elements. Workbooks stay far below; each open element takes memory.
const MAX_DEPTH: usize = 1000;

/// Stream of the elements and texts of a part.
///
/// Extension lists (`extLst`) are skipped: newer programs repeat names of elements in them with another meaning.
pub(super) struct Events<R> {
    xml: Reader<R>,
    depth: usize,
}

impl<R: Read> Events<Utf8Reader<R>> {
    pub(super) fn new(part: R) -> Self {
        let part = Utf8Reader { source: part, buffer: Vec::new(), start: 0, tail: Vec::new() };
        Self { xml: Reader::from_reader(part), depth: 0 }
    }
}

impl<R: BufRead> Events<R> {
    /// Number of open elements, with the one that the last event opened.
    pub(super) fn depth(&self) -> usize {
        self.depth
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

/// Buffers a part as UTF-8, with U+FFFD for all other bytes: they damage their cell, not the file.
pub(super) struct Utf8Reader<R> {
    source: R,
    buffer: Vec<u8>,
    /// Start of the unread bytes in the buffer.
    start: usize,
    /// A sequence whose end was not read yet.
    tail: Vec<u8>,
}

impl<R: Read> BufRead for Utf8Reader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start == self.buffer.len() {
            let mut bytes = std::mem::take(&mut self.buffer);
            bytes.clear();
            bytes.append(&mut self.tail);
            let carried = bytes.len();
            bytes.resize(carried + BUFFER_BYTES, 0);
            let length = self.source.read(&mut bytes[carried..])?;
            bytes.truncate(carried + length);
            if length > 0 {
                self.tail = bytes.split_off(complete_length(&bytes));
            }
            (self.buffer, self.start) = match std::str::from_utf8(&bytes) {
                Ok(_) => (bytes, 0),
                Err(_) => (String::from_utf8_lossy(&bytes).into_owned().into_bytes(), 0),
            };
            if length == 0 {
                break;
            }
        }
        Ok(&self.buffer[self.start..])
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.buffer.len());
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let length = self.fill_buf()?.read(target)?;
        self.consume(length);
        Ok(length)
    }
}

/// Returns the length of the bytes without a UTF-8 sequence that goes on after them.
fn complete_length(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(3)..bytes.len();
    let begins = last.rev().find(|at| !(0x80..0xc0).contains(&bytes[*at]));
    let length = |first: u8| match first {
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
        _ => 1,
    };
    begins.filter(|at| at + length(bytes[*at]) > bytes.len()).unwrap_or(bytes.len())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns at most so many bytes per read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(target.len());
            self.0.read(&mut target[..length])
        }
    }

    #[test]
    fn bytes_outside_utf8_are_replaced_whatever_the_read_size() {
        for (bytes, expected) in [
            (&b"Caf\xc3\xa9 \xf0\x9f\x98\x80 \xe6\xbc\xa2"[..], "Café 😀 漢"),
            (b"Caf\xe9 x", "Caf\u{fffd} x"),
            (b"\xe9", "\u{fffd}"),
            (b"a\xc3", "a\u{fffd}"),
            (b"\x80\x80\x80\x80a", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}a"),
            (b"\xf0\x9f\x98", "\u{fffd}"),
            (b"\xff\xfea", "\u{fffd}\u{fffd}a"),
            (b"", ""),
        ] {
            for bytes_per_read in [1, 2, 3, 100] {
                let source = Trickle(bytes, bytes_per_read);
                let mut reader = Utf8Reader { source, buffer: Vec::new(), start: 0, tail: Vec::new() };
                let mut text = String::new();
                reader.read_to_string(&mut text).expect("UTF-8");
                assert_eq!(text, expected, "{bytes:?} by {bytes_per_read}");
            }
        }
    }
}
