//! Streams of a compound file ([MS-CFB]), in which Excel keeps `.xls`, and workbooks that a password protects.
//!
//! Promises: no stream gets longer than the file, whatever its chains of sectors say; what is broken is [`ReadError`].

use super::{ReadError, damaged};

/// A number from which on a sector's successor is no sector (2.1): the end of a chain, or a free one.
const LAST_SECTOR: u32 = 0xffff_fffa;

/// Bytes of a directory entry (2.6.1).
const ENTRY: usize = 128;

/// Bytes of a mini sector.
const MINI: usize = 64;

/// Streams shorter than this stand in mini sectors.
const MINI_STREAM: u64 = 4096;

/// A compound file.
pub(super) struct CompoundFile<'a> {
    bytes: &'a [u8],
    /// Bytes of a sector.
    sector: usize,
    /// Each sector's successor.
    next: Vec<u32>,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    start: u32,
    size: u64,
}

impl<'a> CompoundFile<'a> {
    /// Reads header, sector table and directory.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let shift = u16_at(bytes, 30)?;
        if shift != 9 && shift != 12 {
            return Err(damaged("no sector has this size"));
        }
        let mut file = Self { bytes, sector: 1 << shift, next: Vec::new(), entries: Vec::new() };
        for sector in file.table_sectors()? {
            let table = file.sector(sector)?.chunks_exact(4).map(|next| u32_at(next, 0));
            file.next.extend(table.collect::<Result<Vec<_>, _>>()?);
        }
        let directory = file.chain(u32_at(bytes, 48)?, u64::MAX)?;
        file.entries = directory.chunks_exact(ENTRY).map(entry).collect::<Result<_, _>>()?;
        Ok(file)
    }

    /// The sectors that hold the table of sectors: 109 stand in the header, the others in a chain of their own.
    fn table_sectors(&self) -> Result<Vec<u32>, ReadError> {
        let most = self.bytes.len() / self.sector;
        let mut sectors = (0..109).map(|at| u32_at(self.bytes, 76 + 4 * at)).collect::<Result<Vec<_>, _>>()?;
        let mut more = u32_at(self.bytes, 68)?;
        let mut seen = 0;
        while more < LAST_SECTOR && seen < most {
            let listed = self.sector(more)?.chunks_exact(4).map(|sector| u32_at(sector, 0));
            sectors.extend(listed.collect::<Result<Vec<_>, _>>()?);
            more = sectors.pop().unwrap_or(LAST_SECTOR);
            seen += 1;
        }
        sectors.retain(|sector| *sector < LAST_SECTOR);
        if sectors.len() > most { Err(damaged("its table is larger than the file")) } else { Ok(sectors) }
    }

    fn sector(&self, at: u32) -> Result<&'a [u8], ReadError> {
        let from = (at as usize + 1).saturating_mul(self.sector);
        let rest = self.bytes.get(from..).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or_else(|| damaged("a sector is missing"))?;
        // Some programs leave the last sector short.
        Ok(&rest[..rest.len().min(self.sector)])
    }

    /// The bytes of a chain of sectors, at most so many.
    fn chain(&self, start: u32, size: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let mut at = start;
        while at < LAST_SECTOR && (bytes.len() as u64) < size {
            if bytes.len() > self.bytes.len() {
                return Err(damaged("its sectors go round in a circle"));
            }
            bytes.extend_from_slice(self.sector(at)?);
            at = self.next.get(at as usize).copied().ok_or_else(|| damaged("a sector has no successor"))?;
        }
        bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// Whether there is a stream of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// A stream; none of this name is None.
    pub(super) fn stream(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)) else {
            return Ok(None);
        };
        if entry.size >= MINI_STREAM {
            return self.chain(entry.start, entry.size).map(Some);
        }
        // The first entry is the root, whose stream is what mini sectors stand in.
        let root = self.entries.first().ok_or_else(|| damaged("it has no root"))?;
        let (minis, table) = (self.chain(root.start, root.size)?, self.chain(u32_at(self.bytes, 60)?, u64::MAX)?);
        let mut bytes = Vec::new();
        let mut at = entry.start;
        while at < LAST_SECTOR && (bytes.len() as u64) < entry.size {
            let from = at as usize * MINI;
            let mini =
                minis.get(from..).filter(|rest| !rest.is_empty()).ok_or_else(|| damaged("a sector is missing"))?;
            bytes.extend_from_slice(&mini[..mini.len().min(MINI)]);
            at = u32_at(&table, 4 * at as usize)?;
        }
        bytes.truncate(entry.size as usize);
        Ok(Some(bytes))
    }
}

fn entry(bytes: &[u8]) -> Result<Entry, ReadError> {
    let length = usize::from(u16_at(bytes, 64)?).saturating_sub(2).min(64);
    let units: Vec<u16> = bytes[..length].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    // Files with short sectors may have anything in the upper half of a size.
    Ok(Entry { name: String::from_utf16_lossy(&units), start: u32_at(bytes, 116)?, size: u32_at(bytes, 120)?.into() })
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, ReadError> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(super::xml::ends_early_error)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, ReadError> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(super::xml::ends_early_error)
}
