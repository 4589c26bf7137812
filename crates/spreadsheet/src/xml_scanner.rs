//! Scanner for the two large parts of an `.xlsx`: the sheet and the shared strings.
//!
//! A scanner of our own, because reading these parts is most of the time of an import, and a general XML reader takes
//! about twice as long (`bench/README.md`). It holds one token at a time, of bounded size, and refuses a DOCTYPE.
//! It does not check that end tags match, and ignores namespaces: callers know which elements to expect.

use std::io::Read;

use memchr::{memchr, memchr2, memchr3, memmem};

use super::ReadError;
use super::archive::read_error;
use super::bounded::append_bounded;
use super::limits::{MAX_TEXT_RUN_BYTES, MEGABYTE};
use super::xml::character_by_name;

/// Initial size of the buffer, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Splits XML into tokens.
pub(super) struct XmlScanner<R> {
    source: R,
    buffer: Vec<u8>,
    /// The unread bytes are `buffer[start..end]`.
    start: usize,
    end: usize,
}

/// A token of XML. Comments and processing instructions are skipped.
pub(super) enum Token<'a> {
    /// A start tag or an empty element.
    Open(Tag<'a>),
    /// An end tag, as its local name.
    Close(&'a [u8]),
    /// Text between tags.
    Text(Text<'a>),
    /// The end of the part.
    End,
}

/// A tag that opens an element.
pub(super) struct Tag<'a> {
    /// The bytes between the angle brackets.
    inside: &'a [u8],
    pub(super) is_empty: bool,
}

/// Text in its source form.
pub(super) struct Text<'a> {
    raw: &'a [u8],
    has_references: bool,
}

impl<R: Read> XmlScanner<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: vec![0; CHUNK_BYTES], start: 0, end: 0 }
    }

    /// Returns the next token.
    ///
    /// # Errors
    /// [`ReadError`] if the part is damaged or has a DOCTYPE, or a token exceeds its limit.
    pub(super) fn next(&mut self) -> Result<Token<'_>, ReadError> {
        loop {
            if self.start == self.end && !self.fill()? {
                return Ok(Token::End);
            }
            if self.buffer[self.start] != b'<' {
                let length = self.find(1, |rest| memchr(b'<', rest))?.unwrap_or(self.end - self.start);
                return Ok(Token::Text(Text { raw: self.take(length, 0), has_references: true }));
            }
            match self.second_byte()? {
                b'/' => {
                    let length = self.find(2, |rest| memchr(b'>', rest))?.ok_or_else(ReadError::truncated)?;
                    return Ok(Token::Close(local_name(&self.take(length, 1)[2..])));
                }
                b'?' => self.skip_past(b"?>")?,
                b'!' if self.starts_with(b"<!--")? => self.skip_past(b"-->")?,
                b'!' if self.starts_with(b"<![CDATA[")? => {
                    let length = self.find_bytes(b"]]>")?;
                    return Ok(Token::Text(Text { raw: &self.take(length, 3)[9..], has_references: false }));
                }
                b'!' => return Err(ReadError::unreadable("it has a DOCTYPE, which no spreadsheet program writes")),
                _ => {
                    let length = self.find_tag_end()?;
                    let inside = &self.take(length, 1)[1..];
                    let without_slash = inside.strip_suffix(b"/");
                    let is_empty = without_slash.is_some();
                    return Ok(Token::Open(Tag { inside: without_slash.unwrap_or(inside), is_empty }));
                }
            }
        }
    }

    /// Returns the value and skips the end of its cell if exactly `<v>value</v></c>` follows in the buffer.
    ///
    /// Nearly all cells have this form, and the shortcut halves the time that reading them takes.
    pub(super) fn plain_value(&mut self) -> Option<&[u8]> {
        let value = self.buffer[self.start..self.end].strip_prefix(b"<v>")?;
        let length = memchr3(b'<', b'&', b'\r', value)?;
        value[length..].strip_prefix(b"</v></c>")?;
        let start = self.start + b"<v>".len();
        self.start = start + length + b"</v></c>".len();
        Some(&self.buffer[start..start + length])
    }

    /// Reads the rest of the part without parsing it.
    pub(super) fn skip_rest(&mut self) -> Result<(), ReadError> {
        self.start = self.end;
        while self.fill()? {
            self.start = self.end;
        }
        Ok(())
    }

    /// Returns the next `length` bytes and moves past them and `delimiter` more.
    fn take(&mut self, length: usize, delimiter: usize) -> &[u8] {
        let start = self.start;
        self.start += length + delimiter;
        &self.buffer[start..start + length]
    }

    fn second_byte(&mut self) -> Result<u8, ReadError> {
        while self.end - self.start < 2 {
            if !self.fill()? {
                return Err(ReadError::truncated());
            }
        }
        Ok(self.buffer[self.start + 1])
    }

    fn starts_with(&mut self, prefix: &[u8]) -> Result<bool, ReadError> {
        while self.end - self.start < prefix.len() {
            if !self.fill()? {
                return Ok(false);
            }
        }
        Ok(self.buffer[self.start..self.end].starts_with(prefix))
    }

    fn skip_past(&mut self, delimiter: &[u8]) -> Result<(), ReadError> {
        let length = self.find_bytes(delimiter)?;
        self.take(length, delimiter.len());
        Ok(())
    }

    fn find_bytes(&mut self, needle: &[u8]) -> Result<usize, ReadError> {
        self.find(2, |rest| memmem::find(rest, needle))?.ok_or_else(ReadError::truncated)
    }

    /// Returns the offset of the `>` that ends the current tag. A `>` inside quotes is text.
    fn find_tag_end(&mut self) -> Result<usize, ReadError> {
        // Starts over after each read: the state of the quotes is not stored.
        loop {
            if let Some(offset) = tag_end(&self.buffer[self.start..self.end]) {
                return Ok(offset);
            }
            if !self.fill()? {
                return Err(ReadError::truncated());
            }
        }
    }

    /// Returns the offset of the first match at or after `from`, or None if the part ends before.
    fn find(&mut self, from: usize, search: impl Fn(&[u8]) -> Option<usize>) -> Result<Option<usize>, ReadError> {
        let mut from = from;
        loop {
            let rest = &self.buffer[self.start..self.end];
            if let Some(offset) = rest.get(from..).and_then(&search) {
                return Ok(Some(from + offset));
            }
            // A match has at most three bytes, of which two may be in the buffer already.
            from = from.max(rest.len().saturating_sub(2));
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads more bytes into the buffer. Returns false at the end of the part.
    fn fill(&mut self) -> Result<bool, ReadError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if self.end >= MAX_TEXT_RUN_BYTES {
                let max = MAX_TEXT_RUN_BYTES as u64 / MEGABYTE;
                return Err(ReadError::TooLarge(format!("it holds a text or tag of over {max} MB")));
            }
            self.buffer.resize(self.end * 2, 0);
        }
        let length = self.source.read(&mut self.buffer[self.end..]).map_err(|error| read_error(&error))?;
        self.end += length;
        Ok(length > 0)
    }
}

fn tag_end(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    tag.iter().position(|byte| match quote {
        None => {
            quote = Some(*byte).filter(|byte| matches!(byte, b'"' | b'\''));
            *byte == b'>'
        }
        Some(open) => {
            quote = quote.filter(|_| open != *byte);
            false
        }
    })
}

/// Returns the name at the beginning of a tag, without its namespace prefix.
fn local_name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
    let name = &tag[..end];
    name.iter().position(|byte| *byte == b':').map_or(name, |colon| &name[colon + 1..])
}

impl<'a> Tag<'a> {
    pub(super) fn name(&self) -> &'a [u8] {
        local_name(self.inside)
    }

    /// Returns the names and source values of the attributes, up to the first that is not well formed.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let name = self.inside.iter().position(u8::is_ascii_whitespace).unwrap_or(self.inside.len());
        let mut rest = &self.inside[name..];
        std::iter::from_fn(move || {
            let text = rest.trim_ascii_start();
            let equals = text.iter().position(|byte| *byte == b'=')?;
            let value = text[equals + 1..].trim_ascii_start();
            let (quote, value) = value.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
            let end = value.iter().position(|byte| byte == quote)?;
            rest = &value[end + 1..];
            Some((text[..equals].trim_ascii_end(), &value[..end]))
        })
    }
}

impl Text<'_> {
    /// Appends the text with its references resolved and every line end as a line feed. U+FFFD stands for bytes that are
    /// not UTF-8.
    pub(super) fn append_to(&self, target: &mut String) -> Result<(), ReadError> {
        let text = String::from_utf8_lossy(self.raw);
        let mut rest = text.as_ref();
        if memchr2(b'&', b'\r', self.raw).is_none() {
            return append_bounded(target, rest);
        }
        if memchr(b'\r', self.raw).is_some() {
            let normalized = rest.replace("\r\n", "\n").replace('\r', "\n");
            return Text { raw: normalized.as_bytes(), ..*self }.append_to(target);
        }
        while self.has_references
            && let Some((before, reference)) = rest.split_once('&')
        {
            let (name, after) =
                reference.split_once(';').ok_or_else(|| ReadError::damaged("a reference without end"))?;
            append_bounded(target, before)?;
            target.extend(character_by_name(name));
            rest = after;
        }
        append_bounded(target, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns at most so many bytes per read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    /// Scans XML and returns its tokens in one line.
    fn scan(xml: &str, bytes_per_read: usize) -> Result<String, ReadError> {
        let mut scanner = XmlScanner::new(Trickle(xml.as_bytes(), bytes_per_read));
        let mut tokens = String::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        loop {
            match scanner.next()? {
                Token::Open(tag) => {
                    tokens += &format!("{}{}", if tag.is_empty { "=" } else { "+" }, text(tag.name()));
                    for (name, value) in tag.attributes() {
                        tokens += &format!(" {}:{}", text(name), text(value));
                    }
                }
                Token::Close(name) => tokens += &format!("-{}", text(name)),
                Token::Text(text) => {
                    tokens.push('"');
                    text.append_to(&mut tokens)?;
                    tokens.push('"');
                }
                Token::End => return Ok(tokens),
            }
        }
    }

    #[test]
    fn tokens_do_not_depend_on_read_size() {
        for (xml, expected) in [
            ("<?xml version=\"1.0\"?><a><b/></a>", "+a=b-a"),
            ("<x:c r=\"A1\" t = 's' ><v>1</v></x:c >", "+c r:A1 t:s+v\"1\"-v-c"),
            ("<a b=\"1>2\" c='\"'/>", "=a b:1>2 c:\""),
            ("<a>&lt;b&gt; &amp;c&#233;&#xe9;&nothing;\r\nd</a>", "+a\"<b> &céé\nd\"-a"),
            ("<a><!-- <b> -- > --><![CDATA[<b>&amp;]]></a>", "+a\"<b>&amp;\"-a"),
            ("text", "\"text\""),
            ("", ""),
        ] {
            for bytes_per_read in [1, 2, 3, 7, CHUNK_BYTES] {
                assert_eq!(scan(xml, bytes_per_read).as_deref(), Ok(expected), "{xml} by {bytes_per_read}");
            }
        }
    }

    #[test]
    fn invalid_xml_is_refused() {
        for xml in ["<a", "<a b=\">", "</a", "<!-- a", "<![CDATA[ a", "<!DOCTYPE a>", "<a>&lt</a>", "<"] {
            assert!(matches!(scan(xml, CHUNK_BYTES), Err(ReadError::Unreadable(_))), "{xml}");
        }
        let long = format!("<a>{}</a>", "x".repeat(2 * MAX_TEXT_RUN_BYTES));
        assert!(matches!(scan(&long, CHUNK_BYTES), Err(ReadError::TooLarge(_))));
    }
}
