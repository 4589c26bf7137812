//! Sets of rows that are stored: bitmaps where there are many rows, else short lists.

use super::bitmap::Bitmap;

/// Rows in order: a bitmap where there are many, else a list.
#[derive(Clone, Copy, Debug)]
pub enum SegmentRows<'a> {
    /// Many rows.
    Many(&'a Bitmap),
    /// Few rows in order.
    Few(&'a [u32]),
}

impl SegmentRows<'_> {
    /// Adds the rows to a set.
    pub fn add_to(self, set: &mut Bitmap) {
        match self {
            Self::Many(bits) => set.or(bits),
            Self::Few(rows) => set.insert_sorted(rows),
        }
    }

    /// Removes the rows from a set.
    pub fn remove_from(self, set: &mut Bitmap) {
        match self {
            Self::Many(bits) => set.and_not(bits),
            Self::Few(rows) => rows.iter().for_each(|row| set.remove(*row)),
        }
    }

    /// Returns how many of the rows are in a set.
    pub fn count_in(self, set: &Bitmap) -> u32 {
        match self {
            Self::Many(bits) => set.count_common(bits),
            Self::Few(rows) => rows.iter().map(|row| u32::from(set.contains(*row))).sum(),
        }
    }

    /// Reports whether any of the rows is in a set.
    pub fn any_in(self, set: &Bitmap) -> bool {
        match self {
            Self::Many(bits) => set.has_common(bits),
            Self::Few(rows) => rows.iter().any(|row| set.contains(*row)),
        }
    }

    /// Calls a function for each of the rows that is in a set.
    pub fn for_each_in(self, set: &Bitmap, mut call: impl FnMut(u32)) {
        match self {
            Self::Many(bits) => set.for_each_common(bits, call),
            Self::Few(rows) => rows.iter().filter(|row| set.contains(**row)).for_each(|row| call(*row)),
        }
    }
}

/// Rows in order, owned.
#[derive(Clone, Debug)]
pub enum StoredRows {
    /// Many rows.
    Many(Bitmap),
    /// Few rows in order.
    Few(Box<[u32]>),
}

impl StoredRows {
    /// Returns the set of these rows, which are in order.
    pub fn new(rows: Vec<u32>) -> Self {
        if is_dense(&rows) { Self::Many(Bitmap::of_sorted(&rows)) } else { Self::Few(rows.into()) }
    }

    /// Borrows the rows.
    pub fn rows(&self) -> SegmentRows<'_> {
        match self {
            Self::Many(bits) => SegmentRows::Many(bits),
            Self::Few(rows) => SegmentRows::Few(rows),
        }
    }
}

/// Reports whether a bitmap is the smaller form of these rows, which are in order.
pub fn is_dense(rows: &[u32]) -> bool {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return false };
    // A bitmap has 64 rows in 8 bytes, and is a value of its own; a list has 4 bytes a row.
    let words = (last / 64 - first / 64 + 1) as usize;
    words * 2 + 16 < rows.len()
}
