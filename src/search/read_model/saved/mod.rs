//! The rows of a model in one compact file, from which a process that starts again is ready at once.
//!
//! It has the words of the rows, too, because reading them takes longest. The file is a copy: whatever is wrong with it, it is
//! ignored, and everything is read from the database. It contains the rows of offers; what all of them share is small and
//! always read from the database.

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

/// What decides how a file is written and read, and what the numbers in it mean.
const SOURCES: [&[u8]; 13] = [
    include_bytes!("../rows.rs"),
    // The words name rows by number: the order of items, and how a text becomes words, also in libraries.
    include_bytes!("../../../../Cargo.lock"),
    include_bytes!("../build.rs"),
    include_bytes!("../items.rs"),
    include_bytes!("../../../names.rs"),
    include_bytes!("../segment/vocabulary/mod.rs"),
    include_bytes!("../segment/vocabulary/builder.rs"),
    include_bytes!("../segment/vocabulary/saved.rs"),
    include_bytes!("../text/mod.rs"),
    include_bytes!("../text/fields.rs"),
    include_bytes!("writer.rs"),
    include_bytes!("reader.rs"),
    include_bytes!("../../store/statements.rs"),
];

/// Returns a number that differs from that of a program with other sources, whose files are not read.
fn format_mark() -> u64 {
    SOURCES.iter().fold(HASH_START, |hash, source| mixed(hash, checksum(source)))
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

fn mixed(hash: u64, word: u64) -> u64 {
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
