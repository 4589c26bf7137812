//! Reader of compound files ([MS-CFB]), the container of `.xls` and of workbooks protected by a password.
//!
//! No stream becomes longer than the file, whatever its sector chains contain. Faults in parts that are not read do not
//! matter: the directory is a list of names, its tree is ignored.

use super::ReadError;

/// The first number in a sector chain that is not a sector ([MS-CFB] 2.1): the end of a chain, or a free sector.
const FIRST_SPECIAL_SECTOR: u32 = 0xffff_fffa;

/// Table sectors that the header lists.
const HEADER_TABLE_SECTORS: usize = 109;

/// Size of a directory entry, in bytes ([MS-CFB] 2.6.1).
const DIRECTORY_ENTRY_BYTES: usize = 128;

const MINI_SECTOR_BYTES: usize = 64;

/// Shorter streams are stored in mini sectors, in bytes.
const MINI_STREAM_CUTOFF: u64 = 4096;

/// A compound file in memory.
pub(super) struct CompoundFile<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    /// The successor of each sector.
    successors: Vec<u32>,
    entries: Vec<DirectoryEntry>,
}

struct DirectoryEntry {
    name: String,
    first_sector: u32,
    size: u64,
}

impl<'a> CompoundFile<'a> {
    /// Reads the header, the sector table and the directory.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let shift = u16_at(bytes, 30)?;
        if shift != 9 && shift != 12 {
            return Err(ReadError::damaged("the sector size is invalid"));
        }
        let mut file = Self { bytes, sector_bytes: 1 << shift, successors: Vec::new(), entries: Vec::new() };
        for sector in file.table_sectors()? {
            let table = file.sector(sector)?.chunks_exact(4).map(|successor| u32_at(successor, 0));
            file.successors.extend(table.collect::<Result<Vec<_>, _>>()?);
        }
        let directory = file.read_chain(u32_at(bytes, 48)?, u64::MAX)?;
        let entries = directory.chunks_exact(DIRECTORY_ENTRY_BYTES).map(directory_entry);
        file.entries = entries.collect::<Result<_, _>>()?;
        Ok(file)
    }

    /// Returns the sectors of the sector table. The header lists the first ones, a chain of its own the others.
    fn table_sectors(&self) -> Result<Vec<u32>, ReadError> {
        let max = self.bytes.len() / self.sector_bytes;
        let listed = (0..HEADER_TABLE_SECTORS).map(|index| u32_at(self.bytes, 76 + 4 * index));
        let mut sectors = listed.collect::<Result<Vec<_>, _>>()?;
        let mut next = u32_at(self.bytes, 68)?;
        let mut visited = 0;
        while next < FIRST_SPECIAL_SECTOR && visited < max {
            let listed = self.sector(next)?.chunks_exact(4).map(|sector| u32_at(sector, 0));
            sectors.extend(listed.collect::<Result<Vec<_>, _>>()?);
            next = sectors.pop().unwrap_or(FIRST_SPECIAL_SECTOR);
            visited += 1;
        }
        sectors.retain(|sector| *sector < FIRST_SPECIAL_SECTOR);
        if sectors.len() > max { Err(ReadError::damaged("its table is larger than the file")) } else { Ok(sectors) }
    }

    /// Returns the bytes of a sector. Some programs write a short last sector.
    fn sector(&self, index: u32) -> Result<&'a [u8], ReadError> {
        let offset = (index as usize + 1).saturating_mul(self.sector_bytes);
        let rest = self.bytes.get(offset..).filter(|rest| !rest.is_empty());
        let rest = rest.ok_or_else(|| ReadError::damaged("a sector is missing"))?;
        Ok(&rest[..rest.len().min(self.sector_bytes)])
    }

    /// Returns at most `size` bytes of a chain of sectors.
    fn read_chain(&self, first: u32, size: u64) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        let mut sector = first;
        while sector < FIRST_SPECIAL_SECTOR && (bytes.len() as u64) < size {
            if bytes.len() > self.bytes.len() {
                return Err(ReadError::damaged("its sectors form a cycle"));
            }
            bytes.extend_from_slice(self.sector(sector)?);
            let successor = self.successors.get(sector as usize).copied();
            sector = successor.ok_or_else(|| ReadError::damaged("a sector has no successor"))?;
        }
        bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(&self, name: &str) -> Option<&DirectoryEntry> {
        self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Returns the bytes of a stream, or None if there is no stream of this name.
    pub(super) fn stream(&self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(entry) = self.entry(name) else { return Ok(None) };
        if entry.size >= MINI_STREAM_CUTOFF {
            return self.read_chain(entry.first_sector, entry.size).map(Some);
        }
        self.read_mini_chain(entry).map(Some)
    }

    fn read_mini_chain(&self, entry: &DirectoryEntry) -> Result<Vec<u8>, ReadError> {
        // The stream of the root entry, which is the first, contains the mini sectors.
        let root = self.entries.first().ok_or_else(|| ReadError::damaged("it has no root"))?;
        let mini_sectors = self.read_chain(root.first_sector, root.size)?;
        let successors = self.read_chain(u32_at(self.bytes, 60)?, u64::MAX)?;
        let mut bytes = Vec::new();
        let mut sector = entry.first_sector;
        while sector < FIRST_SPECIAL_SECTOR && (bytes.len() as u64) < entry.size {
            let rest = mini_sectors.get(sector as usize * MINI_SECTOR_BYTES..).filter(|rest| !rest.is_empty());
            let rest = rest.ok_or_else(|| ReadError::damaged("a sector is missing"))?;
            bytes.extend_from_slice(&rest[..rest.len().min(MINI_SECTOR_BYTES)]);
            sector = u32_at(&successors, 4 * sector as usize)?;
        }
        bytes.truncate(entry.size as usize);
        Ok(bytes)
    }
}

fn directory_entry(bytes: &[u8]) -> Result<DirectoryEntry, ReadError> {
    let name_bytes = usize::from(u16_at(bytes, 64)?).saturating_sub(2).min(64);
    let units = bytes[..name_bytes].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    let name = String::from_utf16_lossy(&units.collect::<Vec<_>>());
    // Only the lower half of the size: files with sectors of 512 bytes may have any value in the upper half.
    Ok(DirectoryEntry { name, first_sector: u32_at(bytes, 116)?, size: u32_at(bytes, 120)?.into() })
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Result<u16, ReadError> {
    let found = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    found.map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(ReadError::truncated)
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Result<u32, ReadError> {
    let found = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    found.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(ReadError::truncated)
}
