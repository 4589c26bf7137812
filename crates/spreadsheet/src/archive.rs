//! The parts of a zipped workbook, unpacked under watch: how large they get, and whether one carries a DOCTYPE (no
//! spreadsheet program writes one; entity tricks need it).
//!
//! Every part is unpacked once: those that a reader asks for while it reads them, all others by [`ZipParts::check_rest`].

use std::io::{self, Cursor, Read};

use memchr::{memchr, memmem, memrchr};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::{Limits, MAX_TEXT_RUN_BYTES, ReadError, damaged, format_bytes};

const DOCTYPE: &[u8] = b"<!DOCTYPE";
const CHUNK: usize = 64 * 1024;

/// Parts that an archive may have: many times what any program writes, and few enough to hold their directory.
const MAX_PARTS: usize = 10_000;

/// What each part's entry in the directory begins with (APPNOTE.TXT 4.3.12).
const ENTRY: &[u8] = b"PK\x01\x02";

/// Which program family wrote a zipped workbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerFormat {
    /// Excel's `.xlsx` (and `.xlsm`).
    Xlsx,
    /// OpenDocument's `.ods`.
    Ods,
}

/// A zipped workbook whose directory is sound and within the limits.
pub(super) struct ZipParts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    limits: Limits,
    /// What kind of workbook it is.
    pub(super) kind: ContainerFormat,
    /// Which parts were asked for.
    asked: Vec<bool>,
    /// Bytes that came out so far, of all parts together: the directory can lie.
    unpacked: u64,
}

/// A part that is being unpacked; breaking a limit is an error of reading, told apart by [`read_error`].
pub(super) struct Part<'p, 'a> {
    from: ZipFile<'p, Cursor<&'a [u8]>>,
    name: String,
    unpacked: &'p mut u64,
    most: u64,
    /// Bytes that this part itself may have, and what they are called.
    own: (u64, &'static str),
    size: u64,
    /// The last bytes that came: a DOCTYPE may straddle two pieces.
    tail: Vec<u8>,
    text_run: usize,
}

impl<'a> ZipParts<'a> {
    /// Looks into the directory.
    ///
    /// # Errors
    /// [`ReadError::TooLarge`] where the sizes that it states are beyond a limit; [`ReadError::Unreadable`] when the archive is
    /// damaged, encrypted, or holds no workbook.
    pub(super) fn of(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        if memmem::find_iter(bytes, ENTRY).nth(MAX_PARTS).is_some() {
            return Err(ReadError::TooLarge(format!("it has over {MAX_PARTS} parts")));
        }
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        let mut kind = None;
        let mut stated: u64 = 0;
        for at in 0..archive.len() {
            let part = archive.by_index_raw(at).map_err(damaged)?;
            if part.encrypted() {
                return Err(ReadError::unreadable("it is protected by a password"));
            }
            stated = stated.saturating_add(part.size());
            let name = name_of(&part)?.to_lowercase();
            if name.ends_with("workbook.xml") {
                kind = Some(ContainerFormat::Xlsx);
            } else if name == "content.xml" {
                kind = kind.or(Some(ContainerFormat::Ods));
            }
        }
        within(stated, limits.unpacked_bytes, "unpacked")?;
        let kind = kind.ok_or_else(|| ReadError::unreadable("it is a zip file but holds no workbook"))?;
        let asked = vec![false; archive.len()];
        Ok(Self { archive, limits: *limits, kind, asked, unpacked: 0 })
    }

    /// Whether there is a part of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// A part, to be read to its end.
    pub(super) fn part(&mut self, name: &str) -> Result<Part<'_, 'a>, ReadError> {
        let at = self.archive.index_for_name(name).ok_or_else(|| damaged(format_args!("there is no part {name}")))?;
        self.part_at(at)
    }

    /// The part with the shared strings, which has a limit of its own.
    pub(super) fn shared_strings(&mut self, name: &str) -> Result<Part<'_, 'a>, ReadError> {
        let own = (self.limits.shared_string_bytes, "of shared strings");
        Ok(Part { own, ..self.part(name)? })
    }

    fn part_at(&mut self, at: usize) -> Result<Part<'_, 'a>, ReadError> {
        self.asked[at] = true;
        let from = self.archive.by_index(at).map_err(damaged)?;
        let (most, name) = (self.limits.unpacked_bytes, name_of(&from)?);
        let own = (most, "unpacked");
        Ok(Part { from, name, unpacked: &mut self.unpacked, most, own, size: 0, tail: Vec::new(), text_run: 0 })
    }

    /// Unpacks to nowhere what nobody asked for: what is wrong with it is wrong with the file.
    pub(super) fn check_rest(mut self) -> Result<(), ReadError> {
        let mut nowhere = vec![0; CHUNK];
        for at in (0..self.asked.len()).filter(|at| !self.asked[*at]).collect::<Vec<_>>() {
            let mut part = self.part_at(at)?;
            if part.name.ends_with(".xml") || part.name.ends_with(".rels") {
                while part.read(&mut nowhere).map_err(|error| read_error(&error))? > 0 {}
            }
        }
        Ok(())
    }
}

impl Read for Part<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.check(&into[..read]).map_err(io::Error::other)?;
        Ok(read)
    }
}

impl Part<'_, '_> {
    fn check(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let name = &self.name;
        if self.size == 0 && matches!(chunk.get(..2), Some([0xff, 0xfe] | [0xfe, 0xff])) {
            return Err(ReadError::unreadable(format!("its part {name} is not UTF-8")));
        }
        self.size += chunk.len() as u64;
        *self.unpacked += chunk.len() as u64;
        within(*self.unpacked, self.most, "unpacked")?;
        within(self.size, self.own.0, self.own.1)?;
        self.text_run = check_text_run(self.text_run, chunk, name)?;
        let beyond = DOCTYPE.len() - 1;
        self.tail.extend(&chunk[..chunk.len().min(beyond)]);
        if memmem::find(&self.tail, DOCTYPE).or_else(|| memmem::find(chunk, DOCTYPE)).is_some() {
            let message = format!("its part {name} has a DOCTYPE, which no spreadsheet program writes");
            return Err(ReadError::unreadable(message));
        }
        if chunk.len() >= beyond {
            self.tail.clear();
            self.tail.extend(&chunk[chunk.len() - beyond..]);
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(beyond));
        }
        Ok(())
    }
}

/// What an error of reading says of the file.
pub(super) fn read_error(error: &io::Error) -> ReadError {
    let own = error.get_ref().and_then(|error| error.downcast_ref::<ReadError>());
    own.cloned().unwrap_or_else(|| damaged(error))
}

/// How long the text is that a chunk ends in; elements are what it is counted between.
fn check_text_run(before: usize, chunk: &[u8], name: &str) -> Result<usize, ReadError> {
    let first = memchr(b'<', chunk).unwrap_or(chunk.len());
    if before + first > MAX_TEXT_RUN_BYTES {
        return Err(ReadError::TooLarge(format!(
            "its part {name} has over {} MB in one piece",
            MAX_TEXT_RUN_BYTES >> 20
        )));
    }
    Ok(match memrchr(b'<', chunk) {
        Some(last) => chunk.len() - last,
        None => before + chunk.len(),
    })
}

fn within(size: u64, limit: u64, what: &str) -> Result<(), ReadError> {
    if size <= limit {
        return Ok(());
    }
    Err(ReadError::TooLarge(format!("it is over {} {what}; split it into several workbooks", format_bytes(limit))))
}

fn name_of<R: Read + ?Sized>(part: &zip::read::ZipFile<'_, R>) -> Result<String, ReadError> {
    part.name().map(|name| name.into_owned()).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .and_then(|()| Ok(writer.write_all(content)?))
                .unwrap_or_default();
        }
        writer.finish().map(Cursor::into_inner).unwrap_or_default()
    }

    /// What kind a workbook is whose parts are all sound.
    fn inspect(bytes: &[u8], limits: &Limits) -> Result<ContainerFormat, ReadError> {
        let parts = ZipParts::of(bytes, limits)?;
        let kind = parts.kind;
        parts.check_rest().map(|()| kind)
    }

    #[test]
    fn workbooks_are_told_apart() {
        let limits = Limits::default();
        for (name, kind) in [("xl/workbook.xml", ContainerFormat::Xlsx), ("content.xml", ContainerFormat::Ods)] {
            assert_eq!(inspect(&zipped(&[(name, b"<a/>")]), &limits), Ok(kind));
        }
        let other = inspect(&zipped(&[("readme.txt", b"hello")]), &limits);
        assert!(matches!(other, Err(ReadError::Unreadable(_))));
        assert!(matches!(inspect(b"PK\x03\x04nonsense", &limits), Err(ReadError::Unreadable(_))));
    }

    #[test]
    fn a_doctype_anywhere_is_refused() {
        for before in [0, 1, CHUNK - 5, CHUNK, 3 * CHUNK + 7] {
            let mut part = vec![b' '; before];
            part.extend_from_slice(b"<!DOCTYPE x [<!ENTITY a \"b\">]>");
            let found = inspect(&zipped(&[("xl/workbook.xml", &part)]), &Limits::default());
            assert!(matches!(found, Err(ReadError::Unreadable(_))), "{before}");
        }
    }

    #[test]
    fn what_unpacks_too_far_is_refused() {
        let limits = Limits { unpacked_bytes: 1_000_000, shared_string_bytes: 1000, ..Limits::default() };
        let big = vec![b'a'; 2_000_000];
        let bomb = zipped(&[("xl/workbook.xml", b"<a/>"), ("xl/worksheets/sheet1.xml", &big)]);
        assert!(matches!(inspect(&bomb, &limits), Err(ReadError::TooLarge(_))));
        let strings = zipped(&[("xl/workbook.xml", b"<a/>"), ("xl/strings.xml", &big[..5000])]);
        let mut parts = ZipParts::of(&strings, &limits).expect("a workbook");
        let mut part = parts.shared_strings("xl/strings.xml").expect("a part");
        let error = io::copy(&mut part, &mut io::sink()).expect_err("too many");
        assert!(matches!(read_error(&error), ReadError::TooLarge(_)));
    }
}
