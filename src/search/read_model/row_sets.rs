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

    /// Calls a function with the position of each of these rows in a list, which is in order.
    pub fn for_each_position_in(self, list: &[u32], mut call: impl FnMut(usize)) {
        match self {
            Self::Many(bits) => {
                list.iter().enumerate().filter(|(_, row)| bits.contains(**row)).for_each(|(at, _)| call(at));
            }
            Self::Few(rows) if rows.len() < list.len() => {
                for_each_common(rows, list, |_, at| call(at));
            }
            Self::Few(rows) => for_each_common(list, rows, |at, _| call(at)),
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

/// Calls a function with both positions of each row that is in both lists. The first is the shorter one.
fn for_each_common(short: &[u32], long: &[u32], mut call: impl FnMut(usize, usize)) {
    let mut from = 0;
    for (at, row) in short.iter().enumerate() {
        // Steps grow until one is too far: the next row is near in most cases.
        let mut step = 1;
        while long.get(from + step).is_some_and(|other| other < row) {
            from += step;
            step *= 2;
        }
        let end = (from + step).min(long.len());
        from += long[from..end].partition_point(|other| other < row);
        match long.get(from) {
            Some(other) if other == row => call(at, from),
            Some(_) => {}
            None => return,
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

/// Reports whether a bitmap is the better form of these rows, which are in order.
pub fn is_dense(rows: &[u32]) -> bool {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return false };
    // A bitmap has 64 rows in 8 bytes, and is a value of its own; a list has 4 bytes a row. Bitmaps are faster: they may be
    // twice as large.
    let words = (last / 64 - first / 64 + 1) as usize;
    words + 16 < rows.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_a_list_are_the_same_for_lists_and_bitmaps() {
        let of = |step: usize, end: u32| (0..end).filter(|row| row * row % 7 < 3).step_by(step).collect::<Vec<u32>>();
        for (rows, list) in [
            (vec![], of(1, 50)),
            (of(1, 50), vec![]),
            (of(1, 400), of(5, 390)),
            (of(9, 400), of(1, 500)),
            (vec![399], of(1, 400)),
            (of(1, 400), vec![0, 398, 399, 900]),
            (vec![1, 2, 3], vec![4, 5, 6, 7]),
        ] {
            let expected: Vec<usize> = (0..list.len()).filter(|at| rows.contains(&list[*at])).collect();
            let bits = Bitmap::of_sorted(&rows);
            for rows in [SegmentRows::Few(&rows), SegmentRows::Many(&bits)] {
                let mut found = Vec::new();
                rows.for_each_position_in(&list, |at| found.push(at));
                assert_eq!(found, expected, "{rows:?} {list:?}");
            }
        }
    }
}
