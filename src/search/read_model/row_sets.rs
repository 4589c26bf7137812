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
            Self::Few(rows) => rows.iter().for_each(|row| set.insert(*row)),
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
    /// Returns the set of these rows, which are in order, of so many rows in the segment.
    pub fn new(rows: Vec<u32>, all: u32) -> Self {
        if !is_many(rows.len(), all) {
            return Self::Few(rows.into());
        }
        let mut bits = Bitmap::empty(all);
        rows.iter().for_each(|row| bits.insert(*row));
        Self::Many(bits)
    }

    /// Borrows the rows.
    pub fn rows(&self) -> SegmentRows<'_> {
        match self {
            Self::Many(bits) => SegmentRows::Many(bits),
            Self::Few(rows) => SegmentRows::Few(rows),
        }
    }
}

/// Reports whether a bitmap is the smaller form.
pub fn is_many(count: usize, all: u32) -> bool {
    count > (all / 32) as usize + 16
}
