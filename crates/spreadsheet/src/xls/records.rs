//! Records of an `.xls` stream, and the texts in them, which may continue in the following records.

use crate::ReadError;
use crate::cfb::u16_at;

/// Size of the head of a record: its type and the length of its body, in bytes.
const HEAD_BYTES: usize = 4;

/// Types of records ([MS-XLS] 2.3).
pub(super) mod kind {
    pub const FORMULA: u16 = 0x0006;
    pub const EOF: u16 = 0x000a;
    pub const DATEMODE: u16 = 0x0022;
    pub const FILEPASS: u16 = 0x002f;
    pub const CONTINUE: u16 = 0x003c;
    pub const BOUNDSHEET: u16 = 0x0085;
    pub const MULRK: u16 = 0x00bd;
    pub const RSTRING: u16 = 0x00d6;
    pub const XF: u16 = 0x00e0;
    pub const SST: u16 = 0x00fc;
    pub const LABELSST: u16 = 0x00fd;
    pub const NUMBER: u16 = 0x0203;
    pub const LABEL: u16 = 0x0204;
    pub const BOOLERR: u16 = 0x0205;
    pub const STRING: u16 = 0x0207;
    pub const ARRAY: u16 = 0x0221;
    pub const TABLE: u16 = 0x0236;
    pub const RK: u16 = 0x027e;
    pub const FORMAT: u16 = 0x041e;
    pub const SHRFMLA: u16 = 0x04bc;
    pub const BOF: u16 = 0x0809;
    /// Records that contain cells with a value.
    pub const CELLS: [u16; 8] = [FORMULA, MULRK, RSTRING, LABELSST, NUMBER, LABEL, BOOLERR, RK];
}

/// A record.
pub(super) struct Record<'a> {
    stream: &'a [u8],
    /// Offset in the stream.
    pub(super) offset: usize,
    pub(super) kind: u16,
    pub(super) body: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn at(stream: &'a [u8], offset: usize) -> Result<Self, ReadError> {
        let size = usize::from(u16_at(stream, offset.saturating_add(2))?);
        let start = offset + HEAD_BYTES;
        let body = stream.get(start..start + size).ok_or_else(ReadError::truncated)?;
        Ok(Self { stream, offset, kind: u16_at(stream, offset)?, body })
    }

    fn following(&self) -> Result<Self, ReadError> {
        Self::at(self.stream, self.offset + HEAD_BYTES + self.body.len())
    }

    /// Returns a reader of the texts that begin at this offset of the body.
    pub(super) fn texts_from(&self, offset: usize) -> TextReader<'a> {
        let rest = self.body.get(offset..).unwrap_or_default();
        TextReader { record: Record { ..*self }, rest }
    }

    /// Returns the text result of a formula, which a following record contains.
    pub(super) fn following_string(&self) -> Result<Option<String>, ReadError> {
        let mut record = self.following()?;
        while matches!(record.kind, kind::SHRFMLA | kind::ARRAY | kind::TABLE | kind::CONTINUE) {
            record = record.following()?;
        }
        if record.kind == kind::STRING { record.texts_from(0).long_string().map(Some) } else { Ok(None) }
    }
}

/// The records of one substream: a sheet, or the globals before the sheets. Nested substreams are skipped.
pub(super) struct Records<'a> {
    stream: &'a [u8],
    offset: usize,
    /// Depth of nested substreams, such as a chart within a sheet.
    depth: usize,
}

impl<'a> Records<'a> {
    pub(super) fn from(stream: &'a [u8], offset: usize) -> Self {
        Self { stream, offset, depth: 0 }
    }

    /// Reports an error, after which there are no records.
    fn fail(&mut self, error: ReadError) -> Option<Result<Record<'a>, ReadError>> {
        self.offset = usize::MAX - 2 * HEAD_BYTES;
        Some(Err(error))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match Record::at(self.stream, self.offset) {
                Ok(record) => record,
                Err(error) => return self.fail(error),
            };
            self.offset += HEAD_BYTES + record.body.len();
            match record.kind {
                kind::BOF if self.depth == 0 && u16_at(record.body, 0) != Ok(0x0600) => {
                    let reason = "it was written by Excel 95 or older; save it as an Excel workbook (.xlsx)";
                    return self.fail(ReadError::unreadable(reason));
                }
                kind::BOF => self.depth += 1,
                _ if self.depth == 0 => return self.fail(ReadError::damaged("a part does not begin where it should")),
                kind::EOF if self.depth == 1 => return None,
                kind::EOF => self.depth -= 1,
                _ if self.depth == 1 => return Some(Ok(record)),
                _ => {}
            }
        }
    }
}

/// Reads texts one after the other, across records.
pub(super) struct TextReader<'a> {
    record: Record<'a>,
    rest: &'a [u8],
}

impl TextReader<'_> {
    /// Reads a text with a length of two bytes.
    pub(super) fn long_string(&mut self) -> Result<String, ReadError> {
        let length = self.u16()?;
        self.string(length)
    }

    /// Reads a text with a length of one byte.
    pub(super) fn short_string(&mut self) -> Result<String, ReadError> {
        let length = self.u8()?;
        self.string(length.into())
    }

    /// Reads `length` UTF-16 units of one or two bytes each, and skips the formatting and phonetics after them.
    fn string(&mut self, length: u16) -> Result<String, ReadError> {
        let flags = self.u8()?;
        let run_bytes = if flags & 8 == 0 { 0 } else { u32::from(self.u16()?) * 4 };
        let phonetic_bytes = if flags & 4 == 0 { 0 } else { u32::from(self.u16()?) | u32::from(self.u16()?) << 16 };
        let mut is_wide = flags & 1 == 1;
        let mut units: Vec<u16> = Vec::with_capacity(length.into());
        while units.len() < length.into() {
            if self.rest.is_empty() {
                // Each continuation begins with flags of its own.
                self.continue_in_next_record()?;
                is_wide = self.u8()? & 1 == 1;
                continue;
            }
            units.push(if is_wide { self.u16()? } else { self.u8()?.into() });
        }
        self.skip(run_bytes)?;
        self.skip(phonetic_bytes)?;
        Ok(String::from_utf16_lossy(&units))
    }

    fn u8(&mut self) -> Result<u8, ReadError> {
        if self.rest.is_empty() {
            self.continue_in_next_record()?;
        }
        let (first, rest) = self.rest.split_first().ok_or_else(ReadError::truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    fn u16(&mut self) -> Result<u16, ReadError> {
        Ok(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn skip(&mut self, bytes: u32) -> Result<(), ReadError> {
        let mut remaining = bytes as usize;
        while remaining > self.rest.len() {
            remaining -= self.rest.len();
            self.continue_in_next_record()?;
        }
        self.rest = &self.rest[remaining..];
        Ok(())
    }

    fn continue_in_next_record(&mut self) -> Result<(), ReadError> {
        self.record = self.record.following()?;
        if self.record.kind != kind::CONTINUE {
            return Err(ReadError::damaged("a text ends too early"));
        }
        self.rest = self.record.body;
        Ok(())
    }
}
