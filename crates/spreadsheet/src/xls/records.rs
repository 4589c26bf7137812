//! Records of an `.xls` stream, and the texts in them, which may go on in the records behind.

use crate::cfb::u16_at;
use crate::{ReadError, damaged, xml};

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
    /// Those that hold cells with a value.
    pub const CELLS: [u16; 8] = [FORMULA, MULRK, RSTRING, LABELSST, NUMBER, LABEL, BOOLERR, RK];
}

/// One record.
pub(super) struct Record<'a> {
    stream: &'a [u8],
    /// Where it begins in the stream.
    pub(super) at: usize,
    pub(super) kind: u16,
    pub(super) body: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn at(stream: &'a [u8], at: usize) -> Result<Self, ReadError> {
        let size = usize::from(u16_at(stream, at.saturating_add(2))?);
        let body = stream.get(at + 4..at + 4 + size).ok_or_else(xml::ends_early_error)?;
        Ok(Self { stream, at, kind: u16_at(stream, at)?, body })
    }

    fn behind(&self) -> Result<Self, ReadError> {
        Self::at(self.stream, self.at + 4 + self.body.len())
    }

    /// The texts that begin so many bytes into it.
    pub(super) fn text_from(&self, at: usize) -> Texts<'a> {
        let rest = self.body.get(at..).unwrap_or_default();
        Texts { record: Record { ..*self }, rest }
    }

    /// The text that a formula has led to, in the record behind it.
    pub(super) fn string_behind(&self) -> Result<Option<String>, ReadError> {
        let mut behind = self.behind()?;
        while matches!(behind.kind, kind::SHRFMLA | kind::ARRAY | kind::TABLE | kind::CONTINUE) {
            behind = behind.behind()?;
        }
        if behind.kind == kind::STRING { behind.text_from(0).long_string().map(Some) } else { Ok(None) }
    }
}

/// The records of one part of a stream: a sheet, or what stands before the sheets.
pub(super) struct Records<'a> {
    stream: &'a [u8],
    at: usize,
    /// ZipParts within parts: a chart within a sheet.
    depth: usize,
}

impl<'a> Records<'a> {
    pub(super) fn of(stream: &'a [u8], at: usize) -> Self {
        Self { stream, at, depth: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = match Record::at(self.stream, self.at) {
                Ok(record) => record,
                Err(read_error) => {
                    // Nothing can follow.
                    self.at = usize::MAX - 8;
                    return Some(Err(read_error));
                }
            };
            self.at += 4 + record.body.len();
            match record.kind {
                kind::BOF if self.depth == 0 && u16_at(record.body, 0) != Ok(0x0600) => {
                    self.at = self.stream.len();
                    let message = "it was written by Excel 95 or older; save it as an Excel workbook (.xlsx)";
                    return Some(Err(ReadError::unreadable(message)));
                }
                kind::BOF => self.depth += 1,
                _ if self.depth == 0 => {
                    self.at = self.stream.len();
                    return Some(Err(damaged("a part does not begin where it should")));
                }
                kind::EOF if self.depth == 1 => return None,
                kind::EOF => self.depth -= 1,
                _ if self.depth == 1 => return Some(Ok(record)),
                _ => {}
            }
        }
    }
}

/// Reads texts one after the other, from record to record.
pub(super) struct Texts<'a> {
    record: Record<'a>,
    rest: &'a [u8],
}

impl Texts<'_> {
    /// A text with a length of two bytes.
    pub(super) fn long_string(&mut self) -> Result<String, ReadError> {
        let characters = self.u16()?;
        self.string(characters)
    }

    /// A text with a length of one byte.
    pub(super) fn short_string(&mut self) -> Result<String, ReadError> {
        let characters = self.u8()?;
        self.string(characters.into())
    }

    /// So many UTF-16 units, in one byte each or in two; formatting and phonetics behind them are passed over.
    fn string(&mut self, characters: u16) -> Result<String, ReadError> {
        let flags = self.u8()?;
        let runs = if flags & 8 == 0 { 0 } else { u32::from(self.u16()?) * 4 };
        let phonetics = if flags & 4 == 0 { 0 } else { u32::from(self.u16()?) | u32::from(self.u16()?) << 16 };
        let mut wide = flags & 1 == 1;
        let mut units: Vec<u16> = Vec::with_capacity(characters.into());
        while units.len() < characters.into() {
            if self.rest.is_empty() {
                // Each further piece says anew how it is written.
                self.go_on()?;
                wide = self.u8()? & 1 == 1;
                continue;
            }
            units.push(if wide { self.u16()? } else { self.u8()?.into() });
        }
        self.pass(runs)?;
        self.pass(phonetics)?;
        Ok(String::from_utf16_lossy(&units))
    }

    fn u8(&mut self) -> Result<u8, ReadError> {
        if self.rest.is_empty() {
            self.go_on()?;
        }
        let (first, rest) = self.rest.split_first().ok_or_else(xml::ends_early_error)?;
        self.rest = rest;
        Ok(*first)
    }

    fn u16(&mut self) -> Result<u16, ReadError> {
        Ok(u16::from_le_bytes([self.u8()?, self.u8()?]))
    }

    fn pass(&mut self, bytes: u32) -> Result<(), ReadError> {
        let mut left = bytes as usize;
        while left > self.rest.len() {
            left -= self.rest.len();
            self.go_on()?;
        }
        self.rest = &self.rest[left..];
        Ok(())
    }

    fn go_on(&mut self) -> Result<(), ReadError> {
        self.record = self.record.behind()?;
        if self.record.kind != kind::CONTINUE {
            return Err(damaged("a text that ends too early"));
        }
        self.rest = self.record.body;
        Ok(())
    }
}
