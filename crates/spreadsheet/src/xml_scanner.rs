//! XML as a stream of tags and texts, for the two large parts of an `.xlsx`: the sheet and the shared strings.
//!
//! Own, because these parts are nearly all that reading a workbook costs, and a general reader spends most of it on
//! what a sheet does not need (`bench/README.md`: about half the time). Promises: nothing is held but the piece that
//! is looked at, which has a limit; a DOCTYPE ends the reading. Does not: check that every tag is closed by its own
//! name, or resolve namespaces; whoever reads knows what must stand where.

use std::io::Read;

use memchr::{memchr, memchr2, memchr3, memmem};

use super::archive::read_error;
use super::xml::named_character;
use super::{MAX_TEXT_RUN_BYTES, MEGABYTE, ReadError, append_bounded, damaged};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// Reads XML piece by piece.
pub(super) struct XmlScanner<R> {
    from: R,
    buffer: Vec<u8>,
    /// What was read and not looked at yet is `buffer[at..filled]`.
    at: usize,
    filled: usize,
}

/// A piece of XML; comments and instructions are passed over.
pub(super) enum Token<'a> {
    /// The beginning of an element, or an empty one.
    Open(Tag<'a>),
    /// The end of an element: its local name.
    Close(&'a [u8]),
    /// Text between tags.
    Text(Text<'a>),
    /// The end of the part.
    End,
}

/// A tag that opens an element.
pub(super) struct Tag<'a> {
    inside: &'a [u8],
    /// Whether it closes itself.
    pub is_empty: bool,
}

/// Text as it is written.
pub(super) struct Text<'a> {
    raw: &'a [u8],
    has_references: bool,
}

impl<R: Read> XmlScanner<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: vec![0; CHUNK], at: 0, filled: 0 }
    }

    /// The next piece.
    ///
    /// # Errors
    /// [`ReadError`] when the part is damaged, holds a DOCTYPE, or a piece is beyond its limit.
    pub(super) fn next(&mut self) -> Result<Token<'_>, ReadError> {
        loop {
            if self.at == self.filled && !self.more()? {
                return Ok(Token::End);
            }
            if self.buffer[self.at] != b'<' {
                let length = self.seek(1, |rest| memchr(b'<', rest))?.unwrap_or(self.filled - self.at);
                return Ok(Token::Text(Text { raw: self.take(length, 0), has_references: true }));
            }
            match self.second()? {
                b'/' => {
                    let length = self.seek(2, |rest| memchr(b'>', rest))?.ok_or_else(ends)?;
                    return Ok(Token::Close(local(&self.take(length, 1)[2..])));
                }
                b'?' => self.pass(b"?>")?,
                b'!' if self.begins_with(b"<!--")? => self.pass(b"-->")?,
                b'!' if self.begins_with(b"<![CDATA[")? => {
                    let length = self.seek_all(b"]]>")?;
                    return Ok(Token::Text(Text { raw: &self.take(length, 3)[9..], has_references: false }));
                }
                b'!' => return Err(ReadError::unreadable("it has a DOCTYPE, which no spreadsheet program writes")),
                _ => {
                    let length = self.seek_tag_end()?;
                    let inside = &self.take(length, 1)[1..];
                    let shut = inside.strip_suffix(b"/");
                    return Ok(Token::Open(Tag { inside: shut.unwrap_or(inside), is_empty: shut.is_some() }));
                }
            }
        }
    }

    /// The text of a value and passes over the end of its cell, where just `<v>text</v></c>` comes next and is here whole:
    /// so nearly all cells are written, and this is half of what reading them costs.
    pub(super) fn plain_value(&mut self) -> Option<&[u8]> {
        let value = self.buffer[self.at..self.filled].strip_prefix(b"<v>")?;
        let length = memchr3(b'<', b'&', b'\r', value)?;
        value[length..].strip_prefix(b"</v></c>")?;
        let from = self.at + b"<v>".len();
        self.at = from + length + b"</v></c>".len();
        Some(&self.buffer[from..from + length])
    }

    /// Reads to the end of the part without looking at it.
    pub(super) fn pass_rest(&mut self) -> Result<(), ReadError> {
        self.at = self.filled;
        while self.more()? {
            self.at = self.filled;
        }
        Ok(())
    }

    /// Gives so many bytes and passes over them and `behind` more.
    fn take(&mut self, length: usize, behind: usize) -> &[u8] {
        let from = self.at;
        self.at += length + behind;
        &self.buffer[from..from + length]
    }

    fn second(&mut self) -> Result<u8, ReadError> {
        while self.filled - self.at < 2 {
            if !self.more()? {
                return Err(ends());
            }
        }
        Ok(self.buffer[self.at + 1])
    }

    fn begins_with(&mut self, start: &[u8]) -> Result<bool, ReadError> {
        while self.filled - self.at < start.len() {
            if !self.more()? {
                return Ok(false);
            }
        }
        Ok(self.buffer[self.at..self.filled].starts_with(start))
    }

    fn pass(&mut self, end: &[u8]) -> Result<(), ReadError> {
        let length = self.seek_all(end)?;
        self.take(length, end.len());
        Ok(())
    }

    fn seek_all(&mut self, end: &[u8]) -> Result<usize, ReadError> {
        self.seek(2, |rest| memmem::find(rest, end))?.ok_or_else(ends)
    }

    /// Where the tag that begins here has its `>`; one inside quotes is text.
    fn seek_tag_end(&mut self) -> Result<usize, ReadError> {
        // From its beginning each time more was read: whether a quote is open is not known before.
        loop {
            if let Some(found) = tag_end(&self.buffer[self.at..self.filled]) {
                return Ok(found);
            }
            if !self.more()? {
                return Err(ends());
            }
        }
    }

    /// Where, counted from here, something stands, not before `from`; None when it does not come any more.
    fn seek(&mut self, from: usize, found: impl Fn(&[u8]) -> Option<usize>) -> Result<Option<usize>, ReadError> {
        let mut from = from;
        loop {
            let rest = &self.buffer[self.at..self.filled];
            if let Some(at) = rest.get(from..).and_then(&found) {
                return Ok(Some(from + at));
            }
            // What is sought has three bytes at most and may straddle what is read next.
            from = from.max(rest.len().saturating_sub(2));
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Reads more behind what is there; false at the end.
    fn more(&mut self) -> Result<bool, ReadError> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled == self.buffer.len() {
            if self.filled >= MAX_TEXT_RUN_BYTES {
                let most = MAX_TEXT_RUN_BYTES as u64 / MEGABYTE;
                return Err(ReadError::TooLarge(format!("it holds a text or tag of over {most} MB")));
            }
            self.buffer.resize(self.filled * 2, 0);
        }
        let read = self.from.read(&mut self.buffer[self.filled..]).map_err(|error| read_error(&error))?;
        self.filled += read;
        Ok(read > 0)
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

fn ends() -> ReadError {
    super::xml::ends_early_error()
}

/// A name without its namespace, and without what follows it.
fn local(name: &[u8]) -> &[u8] {
    let end = name.iter().position(u8::is_ascii_whitespace).unwrap_or(name.len());
    let name = &name[..end];
    name.iter().position(|byte| *byte == b':').map_or(name, |colon| &name[colon + 1..])
}

impl<'a> Tag<'a> {
    /// Its local name.
    pub(super) fn name(&self) -> &'a [u8] {
        local(self.inside)
    }

    /// Its attributes' names and values as they are written, up to the first that is not well formed.
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
    /// Adds what the text says: references resolved, every end of line a line feed.
    pub(super) fn push_to(&self, said: &mut String) -> Result<(), ReadError> {
        let mut rest = std::str::from_utf8(self.raw).map_err(damaged)?;
        if memchr2(b'&', b'\r', self.raw).is_none() {
            return append_bounded(said, rest);
        }
        if memchr(b'\r', self.raw).is_some() {
            let plain = rest.replace("\r\n", "\n").replace('\r', "\n");
            return Text { raw: plain.as_bytes(), ..*self }.push_to(said);
        }
        while self.has_references
            && let Some((before, reference)) = rest.split_once('&')
        {
            let (name, behind) = reference.split_once(';').ok_or_else(|| damaged("a reference without end"))?;
            append_bounded(said, before)?;
            said.extend(named_character(name));
            rest = behind;
        }
        append_bounded(said, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let most = self.1.min(into.len());
            self.0.read(&mut into[..most])
        }
    }

    fn format_bytes(xml: &str, at_once: usize) -> Result<String, ReadError> {
        let mut markup = XmlScanner::new(Trickle(xml.as_bytes(), at_once));
        let mut told = String::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        loop {
            match markup.next()? {
                Token::Open(tag) => {
                    told += &format!("{}{}", if tag.is_empty { "=" } else { "+" }, text(tag.name()));
                    for (name, value) in tag.attributes() {
                        told += &format!(" {}:{}", text(name), text(value));
                    }
                }
                Token::Close(name) => told += &format!("-{}", text(name)),
                Token::Text(said) => {
                    told.push('"');
                    said.push_to(&mut told)?;
                    told.push('"');
                }
                Token::End => return Ok(told),
            }
        }
    }

    #[test]
    fn pieces_are_the_same_however_they_come() {
        for (xml, expected) in [
            ("<?xml version=\"1.0\"?><a><b/></a>", "+a=b-a"),
            ("<x:c r=\"A1\" t = 's' ><v>1</v></x:c >", "+c r:A1 t:s+v\"1\"-v-c"),
            ("<a b=\"1>2\" c='\"'/>", "=a b:1>2 c:\""),
            ("<a>&lt;b&gt; &amp;c&#233;&#xe9;&nothing;\r\nd</a>", "+a\"<b> &céé\nd\"-a"),
            ("<a><!-- <b> -- > --><![CDATA[<b>&amp;]]></a>", "+a\"<b>&amp;\"-a"),
            ("text", "\"text\""),
            ("", ""),
        ] {
            for at_once in [1, 2, 3, 7, CHUNK] {
                assert_eq!(format_bytes(xml, at_once).as_deref(), Ok(expected), "{xml} by {at_once}");
            }
        }
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for xml in ["<a", "<a b=\">", "</a", "<!-- a", "<![CDATA[ a", "<!DOCTYPE a>", "<a>&lt</a>", "<"] {
            assert!(matches!(format_bytes(xml, CHUNK), Err(ReadError::Unreadable(_))), "{xml}");
        }
        let long = format!("<a>{}</a>", "x".repeat(2 * MAX_TEXT_RUN_BYTES));
        assert!(matches!(format_bytes(&long, CHUNK), Err(ReadError::TooLarge(_))));
    }
}
