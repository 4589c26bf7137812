//! A vocabulary as bytes. To read the words of all rows takes longer than everything else that a start needs.

use super::super::super::bitmap::Bitmap;
use super::{PlainTerm, PostingGroup, TermClass, Vocabulary};

impl Vocabulary {
    /// Appends the vocabulary. Every number has four bytes, the lowest first; lists begin with their length.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_bytes(out, self.text.as_bytes());
        write_bytes(out, &self.name_lengths);
        write_numbers(out, self.starts.iter().copied());
        write_numbers(out, self.first_groups.iter().copied());
        write_numbers(out, self.groups.iter().flat_map(|group| [u32::from(group.class.0), group.start, group.count]));
        write_numbers(out, self.lists.iter().copied());
        write_numbers(out, [self.bitmaps.len() as u32]);
        for bitmap in &self.bitmaps {
            let (first, words) = bitmap.as_words();
            write_numbers(out, [first as u32]);
            write_numbers(out, words.iter().flat_map(|word| [*word as u32, (*word >> 32) as u32]));
        }
        write_numbers(out, self.plain.iter().flat_map(|plain| [plain.term, plain.letters, u32::from(plain.length)]));
        write_numbers(out, self.terms_in_fields.iter().flat_map(|(term, end)| [*term, *end]));
        write_numbers(out, self.fields.iter().copied());
    }

    /// Reads a vocabulary of this many rows, and removes it from the bytes. None if it cannot be one.
    pub fn read(bytes: &mut &[u8], rows: u32) -> Option<Self> {
        let text = String::from_utf8(read_bytes(bytes)?.to_vec()).ok()?;
        let name_lengths = read_bytes(bytes)?.to_vec();
        let (starts, first_groups) = (read_numbers(bytes)?, read_numbers(bytes)?);
        let group = |[class, start, count]: [u32; 3]| {
            Some(PostingGroup { class: TermClass(class.try_into().ok()?), start, count })
        };
        let groups: Vec<PostingGroup> = read_tuples(bytes)?.map(group).collect::<Option<_>>()?;
        let lists = read_numbers(bytes)?;
        let [number] = read_numbers(bytes)?.try_into().ok()?;
        let bitmaps: Vec<Bitmap> = (0..number).map(|_| read_bitmap(bytes, rows)).collect::<Option<_>>()?;
        let plain =
            |[term, letters, length]: [u32; 3]| Some(PlainTerm { term, letters, length: length.try_into().ok()? });
        let plain = read_tuples(bytes)?.map(plain).collect::<Option<_>>()?;
        let terms_in_fields = read_tuples(bytes)?.map(|[term, end]| (term, end)).collect();
        let fields = read_numbers(bytes)?;
        let read =
            Self { text, starts, first_groups, groups, lists, bitmaps, plain, name_lengths, terms_in_fields, fields };
        read.is_consistent(rows).then_some(read)
    }

    /// Reports whether every position is one that exists.
    fn is_consistent(&self, rows: u32) -> bool {
        let is_row = |row: &u32| *row < rows;
        let terms = self.len() as u32;
        let fits = |group: &PostingGroup| match group.count {
            0 => (group.start as usize) < self.bitmaps.len(),
            count => group.start.checked_add(count).is_some_and(|end| end as usize <= self.lists.len()),
        };
        self.name_lengths.len() == rows as usize
            && are_ends(&self.starts, self.text.len())
            && self.first_groups.len() == self.starts.len()
            && are_ends(&self.first_groups, self.groups.len())
            && self.groups.iter().all(fits)
            && self.lists.iter().all(is_row)
            && self.bitmaps.iter().all(|bitmap| bitmap.last().is_none_or(|row| is_row(&row)))
            && self.plain.iter().all(|plain| plain.term < terms)
            && self.fields.iter().all(|field| *field < terms)
            && self.terms_in_fields.is_sorted()
            && self.terms_in_fields.is_sorted_by_key(|(_, end)| *end)
            && self.terms_in_fields.iter().all(|(_, end)| *end as usize <= self.fields.len())
    }
}

/// Reports whether these are positions in order, the last of which is the end.
fn are_ends(positions: &[u32], end: usize) -> bool {
    positions.is_sorted() && positions.last().map_or(end == 0, |last| *last as usize == end)
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn write_numbers(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u32>) {
    let start = out.len();
    out.extend([0; 4]);
    numbers.into_iter().for_each(|number| out.extend(number.to_le_bytes()));
    let length = ((out.len() - start - 4) as u32).to_le_bytes();
    out[start..start + 4].copy_from_slice(&length);
}

fn read_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (own, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(own)
}

fn read_numbers(bytes: &mut &[u8]) -> Option<Vec<u32>> {
    Some(read_tuples(bytes)?.map(|[number]| number).collect())
}

fn read_tuples<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<impl Iterator<Item = [u32; N]> + use<'a, N>> {
    let (numbers, []) = read_bytes(bytes)?.as_chunks::<4>() else { return None };
    let (tuples, []) = numbers.as_chunks::<N>() else { return None };
    Some(tuples.iter().map(|tuple| tuple.map(u32::from_le_bytes)))
}

fn read_bitmap(bytes: &mut &[u8], rows: u32) -> Option<Bitmap> {
    let [first] = read_numbers(bytes)?.try_into().ok()?;
    let words: Vec<u64> = read_tuples(bytes)?.map(|[low, high]| u64::from(low) | u64::from(high) << 32).collect();
    let fits = (first as usize).checked_add(words.len())? <= rows.div_ceil(64) as usize;
    fits.then(|| Bitmap::of_words(first as usize, words))
}
