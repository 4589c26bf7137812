//! Parts of a zipped workbook, checked while they are unpacked: their size, and the absence of a DOCTYPE.
//!
//! Each part is unpacked once: those that a reader requests while it reads them, all others by
//! [`ZipParts::check_unread`]. Spreadsheet programs write no DOCTYPE, and attacks by XML entities need one.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};

use memchr::{memchr, memmem, memrchr};
use percent_encoding::percent_decode_str;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::limits::{MAX_TEXT_RUN_BYTES, format_bytes};
use super::{Limits, ReadError};

const DOCTYPE: &[u8] = b"<!DOCTYPE";

/// Bytes that are unpacked at once where no reader decides.
const CHUNK_BYTES: usize = 64 * 1024;

/// Parts of an archive. Programs write far fewer, and the directory of so many fits into memory.
const MAX_PARTS: usize = 10_000;

/// The signature of an entry in the central directory (APPNOTE.TXT 4.3.12).
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";

/// The format of a zipped workbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerFormat {
    /// `.xlsx` and `.xlsm` of Excel.
    Xlsx,
    /// `.ods` of OpenDocument.
    Ods,
}

/// A zipped workbook whose directory is valid and within the limits.
pub(super) struct ZipParts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    limits: Limits,
    pub(super) format: ContainerFormat,
    /// Index of each part by its normalised name.
    indexes: HashMap<String, usize>,
    /// Whether each part was requested.
    requested: Vec<bool>,
    /// Bytes unpacked so far from all parts. The sizes in the directory may be false.
    unpacked_bytes: u64,
}

/// A part while it is unpacked. A violated limit is an [`io::Error`] that [`read_error`] turns back.
pub(super) struct Part<'p, 'a> {
    source: ZipFile<'p, Cursor<&'a [u8]>>,
    name: String,
    unpacked_bytes: &'p mut u64,
    max_unpacked_bytes: u64,
    own_limit: PartLimit,
    size: u64,
    /// The last bytes of the previous chunk: a DOCTYPE may begin there.
    tail: Vec<u8>,
    /// Length of the text at the end of the previous chunk, in bytes.
    text_run: usize,
}

/// The limit of one part.
struct PartLimit {
    bytes: u64,
    /// What the bytes are, for the error.
    description: &'static str,
}

impl<'a> ZipParts<'a> {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// [`ReadError::TooLarge`] if the sizes in the directory exceed a limit; [`ReadError::Unreadable`] if the archive is
    /// damaged, encrypted, or contains no workbook.
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        if memmem::find_iter(bytes, DIRECTORY_ENTRY).nth(MAX_PARTS).is_some() {
            return Err(ReadError::TooLarge(format!("it has over {MAX_PARTS} parts")));
        }
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(ReadError::damaged)?;
        let mut indexes = HashMap::new();
        let mut declared_bytes: u64 = 0;
        for index in 0..archive.len() {
            let part = archive.by_index_raw(index).map_err(ReadError::damaged)?;
            if part.encrypted() {
                return Err(ReadError::protected());
            }
            declared_bytes = declared_bytes.saturating_add(part.size());
            indexes.entry(normalise(&part_name(&part)?)).or_insert(index);
        }
        check_limit(declared_bytes, limits.unpacked_bytes, "unpacked")?;
        let format = detect_format(&indexes)?;
        let requested = vec![false; archive.len()];
        Ok(Self { archive, limits: *limits, format, indexes, requested, unpacked_bytes: 0 })
    }

    /// Whether there is a part of this name. Names are equal whatever their letter case (ECMA-376 part 2, 6.2.2.3).
    pub(super) fn contains(&self, name: &str) -> bool {
        self.index_of(name).is_some()
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.archive.index_for_name(name).or_else(|| self.indexes.get(&normalise(name)).copied())
    }

    /// Opens a part, which the caller reads to its end.
    pub(super) fn part(&mut self, name: &str) -> Result<Part<'_, 'a>, ReadError> {
        let index = self.index_of(name);
        self.part_at(index.ok_or_else(|| ReadError::damaged(format_args!("there is no part {name}")))?)
    }

    /// Opens the part with the shared strings, which has a limit of its own.
    pub(super) fn shared_strings(&mut self, name: &str) -> Result<Part<'_, 'a>, ReadError> {
        let own_limit = PartLimit { bytes: self.limits.shared_string_bytes, description: "of shared strings" };
        Ok(Part { own_limit, ..self.part(name)? })
    }

    fn part_at(&mut self, index: usize) -> Result<Part<'_, 'a>, ReadError> {
        self.requested[index] = true;
        let source = self.archive.by_index(index).map_err(ReadError::damaged)?;
        let name = part_name(&source)?;
        let max_unpacked_bytes = self.limits.unpacked_bytes;
        Ok(Part {
            source,
            name,
            unpacked_bytes: &mut self.unpacked_bytes,
            max_unpacked_bytes,
            own_limit: PartLimit { bytes: max_unpacked_bytes, description: "unpacked" },
            size: 0,
            tail: Vec::new(),
            text_run: 0,
        })
    }

    /// Unpacks and discards the XML parts that no reader requested. An error in one of them is an error of the file.
    pub(super) fn check_unread(mut self) -> Result<(), ReadError> {
        let mut discarded = vec![0; CHUNK_BYTES];
        let unread: Vec<usize> = (0..self.requested.len()).filter(|index| !self.requested[*index]).collect();
        for index in unread {
            let mut part = self.part_at(index)?;
            let name = part.name.to_lowercase();
            if name.ends_with(".xml") || name.ends_with(".rels") {
                while part.read(&mut discarded).map_err(|error| read_error(&error))? > 0 {}
            }
        }
        Ok(())
    }
}

impl Read for Part<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        self.check(&buffer[..length]).map_err(io::Error::other)?;
        Ok(length)
    }
}

impl Part<'_, '_> {
    fn check(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let name = &self.name;
        if self.size == 0 && matches!(chunk.get(..2), Some([0xff, 0xfe] | [0xfe, 0xff])) {
            return Err(ReadError::unreadable(format!("its part {name} is not UTF-8")));
        }
        self.size += chunk.len() as u64;
        *self.unpacked_bytes += chunk.len() as u64;
        check_limit(*self.unpacked_bytes, self.max_unpacked_bytes, "unpacked")?;
        check_limit(self.size, self.own_limit.bytes, self.own_limit.description)?;
        self.text_run = text_run_after(self.text_run, chunk, name)?;
        self.check_doctype(chunk)
    }

    fn check_doctype(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        let overlap = DOCTYPE.len() - 1;
        self.tail.extend(&chunk[..chunk.len().min(overlap)]);
        if memmem::find(&self.tail, DOCTYPE).or_else(|| memmem::find(chunk, DOCTYPE)).is_some() {
            let name = &self.name;
            let reason = format!("its part {name} has a DOCTYPE, which no spreadsheet program writes");
            return Err(ReadError::unreadable(reason));
        }
        if chunk.len() >= overlap {
            self.tail.clear();
            self.tail.extend(&chunk[chunk.len() - overlap..]);
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(overlap));
        }
        Ok(())
    }
}

/// Returns the [`ReadError`] inside an I/O error of a [`Part`]; any other error means a damaged file.
pub(super) fn read_error(error: &io::Error) -> ReadError {
    let inner = error.get_ref().and_then(|error| error.downcast_ref::<ReadError>());
    inner.cloned().unwrap_or_else(|| ReadError::damaged(error))
}

/// Returns the length of the text without an element at the end of a chunk; `before` is that of the previous chunk.
fn text_run_after(before: usize, chunk: &[u8], name: &str) -> Result<usize, ReadError> {
    let first = memchr(b'<', chunk).unwrap_or(chunk.len());
    if before + first > MAX_TEXT_RUN_BYTES {
        let max = MAX_TEXT_RUN_BYTES >> 20;
        return Err(ReadError::TooLarge(format!("its part {name} has over {max} MB in one piece")));
    }
    Ok(match memrchr(b'<', chunk) {
        Some(last) => chunk.len() - last,
        None => before + chunk.len(),
    })
}

/// Normalises the name of a part: Windows programs write backslashes, and some generators another letter case or
/// percent encoding.
fn normalise(name: &str) -> String {
    let name = percent_decode_str(name).decode_utf8_lossy().replace('\\', "/").to_lowercase();
    name.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect::<Vec<_>>().join("/")
}

/// Detects the format by the parts that every program writes. The name of the workbook part itself is free.
fn detect_format(parts: &HashMap<String, usize>) -> Result<ContainerFormat, ReadError> {
    let has = |name: &str| parts.contains_key(name);
    let has_ending = |ending: &str| parts.keys().any(|name| name.ends_with(ending));
    if has("encryptedpackage") || has("encrypted-package") {
        return Err(ReadError::protected());
    }
    if has("content.xml") {
        return Ok(ContainerFormat::Ods);
    }
    if has_ending("workbook.xml") {
        return Ok(ContainerFormat::Xlsx);
    }
    if has_ending("workbook.bin") {
        return Err(ReadError::binary_workbook());
    }
    if has("_rels/.rels") && !has_ending("document.xml") && !has_ending("presentation.xml") {
        return Ok(ContainerFormat::Xlsx);
    }
    Err(ReadError::no_workbook())
}

fn check_limit(size: u64, limit: u64, description: &str) -> Result<(), ReadError> {
    if size <= limit {
        return Ok(());
    }
    let limit = format_bytes(limit);
    Err(ReadError::TooLarge(format!("it is over {limit} {description}; split it into several workbooks")))
}

fn part_name<R: Read + ?Sized>(part: &ZipFile<'_, R>) -> Result<String, ReadError> {
    part.name().map(|name| name.into_owned()).map_err(ReadError::damaged)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn archive_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in parts {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .and_then(|()| Ok(writer.write_all(content)?))
                .unwrap_or_default();
        }
        writer.finish().map(Cursor::into_inner).unwrap_or_default()
    }

    /// Returns the format of an archive whose parts are all valid.
    fn inspect(bytes: &[u8], limits: &Limits) -> Result<ContainerFormat, ReadError> {
        let parts = ZipParts::open(bytes, limits)?;
        let format = parts.format;
        parts.check_unread().map(|()| format)
    }

    #[test]
    fn archive_format_is_detected_by_its_parts() {
        let limits = Limits::default();
        for (name, format) in [("xl/workbook.xml", ContainerFormat::Xlsx), ("content.xml", ContainerFormat::Ods)] {
            assert_eq!(inspect(&archive_of(&[(name, b"<a/>")]), &limits), Ok(format));
        }
        let other = inspect(&archive_of(&[("readme.txt", b"hello")]), &limits);
        assert!(matches!(other, Err(ReadError::Unreadable(_))));
        assert!(matches!(inspect(b"PK\x03\x04nonsense", &limits), Err(ReadError::Unreadable(_))));
    }

    #[test]
    fn doctype_at_any_offset_is_refused() {
        for offset in [0, 1, CHUNK_BYTES - 5, CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
            let mut part = vec![b' '; offset];
            part.extend_from_slice(b"<!DOCTYPE x [<!ENTITY a \"b\">]>");
            let result = inspect(&archive_of(&[("xl/workbook.xml", &part)]), &Limits::default());
            assert!(matches!(result, Err(ReadError::Unreadable(_))), "{offset}");
        }
    }

    #[test]
    fn archive_beyond_unpacked_limit_is_refused() {
        let limits = Limits { unpacked_bytes: 1_000_000, shared_string_bytes: 1000, ..Limits::default() };
        let big = vec![b'a'; 2_000_000];
        let bomb = archive_of(&[("xl/workbook.xml", b"<a/>"), ("xl/worksheets/sheet1.xml", &big)]);
        assert!(matches!(inspect(&bomb, &limits), Err(ReadError::TooLarge(_))));
        let strings = archive_of(&[("xl/workbook.xml", b"<a/>"), ("xl/strings.xml", &big[..5000])]);
        let mut parts = ZipParts::open(&strings, &limits).expect("a workbook");
        let mut part = parts.shared_strings("xl/strings.xml").expect("a part");
        let error = io::copy(&mut part, &mut io::sink()).expect_err("too many");
        assert!(matches!(read_error(&error), ReadError::TooLarge(_)));
    }
}
