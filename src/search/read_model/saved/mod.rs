//! The rows of a model in one compact file, from which a process that starts again is ready at once.
//!
//! It has the words of the rows, too, because reading them takes longest. The file is a copy: whatever is wrong with it, it is ignored, and everything is read from the database. It contains the
//! rows of offers; what all of them share is small and always read from the database.

mod reader;
mod writer;

use std::path::Path;

use super::ReadModel;
use super::rows::CatalogueRows;
use super::segment::vocabulary::Vocabulary;
use crate::error::{Error, Result};

/// How a file begins.
const MAGIC: &[u8; 8] = b"LCTNROWS";
/// Where the model of a database is stored in the data folder.
pub const FILE_NAME: &str = "catalogue.rows";

/// A file is only read by a program that reads the same columns and writes them in the same way.
const FORMAT: u64 = {
    let sources: [&[u8]; 9] = [
        include_bytes!("../rows.rs"),
        include_bytes!("../segment/vocabulary/mod.rs"),
        include_bytes!("../segment/vocabulary/builder.rs"),
        include_bytes!("../segment/vocabulary/saved.rs"),
        include_bytes!("../text/mod.rs"),
        include_bytes!("../text/fields.rs"),
        include_bytes!("writer.rs"),
        include_bytes!("reader.rs"),
        include_bytes!("../../store/statements.rs"),
    ];
    let mut hash = HASH_START;
    let mut source = 0;
    while source < sources.len() {
        let mut at = 0;
        while at < sources[source].len() {
            hash = mixed(hash, sources[source][at] as u64);
            at += 1;
        }
        source += 1;
    }
    hash
};

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

const fn mixed(hash: u64, word: u64) -> u64 {
    (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// Returns a number by which damage is noticed.
fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(HASH_START, |hash, word| mixed(hash, u64::from_le_bytes(*word)));
    mixed(rest.iter().fold(hash, |hash, byte| mixed(hash, u64::from(*byte))), bytes.len() as u64)
}

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsOrigin {
    /// What distinguishes the database, its schema and its triggers from others.
    pub database: String,
    /// How far the log of changes was read.
    pub position: String,
}

/// Writes the rows of a model: beside the old file, then renamed.
///
/// # Errors
/// The file cannot be written. The old one then stays.
pub fn write(path: &Path, model: &ReadModel, origin: &RowsOrigin) -> Result<()> {
    if let Some(folder) = path.parent() {
        crate::files::private_folder(folder)?;
    }
    crate::files::write_file(path, &writer::encode(model, origin), None)
}

/// What a file contains.
#[derive(Debug)]
pub struct SavedCatalogue {
    /// Where the rows come from.
    pub origin: RowsOrigin,
    /// The rows of offers.
    pub rows: CatalogueRows,
    /// The words of a model of these rows; none if it had changes that were not merged.
    pub vocabulary: Option<Vocabulary>,
}

/// Reads the rows of offers. None if there is no file, or one that is damaged or was written by another version.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path) -> Result<Option<SavedCatalogue>> {
    use std::io::Read;

    if !path.exists() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let mut file = crate::files::open_file(path, crate::files::OpenMode::Read)?;
    file.read_to_end(&mut bytes).map_err(|error| Error::io("reading", path, &error))?;
    Ok(reader::decode(&bytes))
}
