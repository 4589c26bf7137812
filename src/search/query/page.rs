//! Cuts a page out of the result without sorting all of it.

use super::cursor::Cursor;
use crate::search::read_model::ReadModel;
use crate::search::read_model::bitmap::Bitmap;
use crate::search::read_model::text::scores::TextMatch;

/// One item of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The part of the model.
    pub part: usize,
    /// The item of its segment.
    pub item: u32,
    /// The score, 0 without a text.
    pub score: f32,
}

/// A page and the result it belongs to.
#[derive(Debug)]
pub struct PageContent {
    /// The items of the page.
    pub hits: Vec<Hit>,
    /// Number of items on all pages.
    pub total: u64,
    /// Whether there are items after those of the page.
    pub has_more: bool,
}

/// A page that is being filled in the order of the result.
pub struct Page<'a> {
    model: &'a ReadModel,
    from: u64,
    to: u64,
    /// Items before the next one, without those that are before the cursor.
    count: u64,
    /// Items before the cursor.
    skipped: u64,
    hits: Vec<Hit>,
    start: Option<Start<'a>>,
    /// Whether bundles of a search for a text are added.
    is_bundles: bool,
}

/// Where a page begins that has a cursor.
struct Start<'a> {
    cursor: &'a Cursor,
    /// The rows of each part before which items are not after the cursor.
    rows: Vec<u32>,
}

/// How items of one score lie to a cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    Around,
    After,
}

impl Start<'_> {
    fn side(&self, is_bundles: bool, score: f32) -> Side {
        let place = (is_bundles, -score);
        let start = (self.cursor.is_bundle, -self.cursor.score());
        match place.partial_cmp(&start) {
            Some(std::cmp::Ordering::Less) => Side::Before,
            Some(std::cmp::Ordering::Greater) => Side::After,
            _ => Side::Around,
        }
    }
}

impl<'a> Page<'a> {
    /// Returns an empty page.
    pub fn new(model: &'a ReadModel, page: u64, page_size: u64, cursor: Option<&'a Cursor>) -> Self {
        let start = cursor.map(|cursor| {
            let rows = model.parts().iter().map(|part| part.segment.rows_up_to(&cursor.key())).collect();
            Start { cursor, rows }
        });
        let pages = if start.is_some() { 0 } else { page.saturating_sub(1) };
        let from = pages.saturating_mul(page_size);
        let to = from.saturating_add(page_size);
        Self { model, from, to, count: 0, skipped: 0, hits: Vec::new(), start, is_bundles: false }
    }

    /// Says that what is added from now on are the bundles of a search for a text.
    pub fn begin_bundles(&mut self) {
        self.is_bundles = true;
    }

    fn side(&self, score: f32) -> Side {
        self.start.as_ref().map_or(Side::After, |start| start.side(self.is_bundles, score))
    }

    /// Returns the hits, the number of items on all pages, and whether there are more after these.
    pub fn finish(self) -> PageContent {
        PageContent { hits: self.hits, total: self.count + self.skipped, has_more: self.count > self.to }
    }

    /// Returns the page of a model whose items are all in the result, in their order.
    pub fn of_all(self, items: usize) -> PageContent {
        let total = items as u64;
        let hits =
            (self.from.min(total)..self.to.min(total)).map(|item| Hit { part: 0, item: item as u32, score: 0.0 });
        PageContent { hits: hits.collect(), total, has_more: total > self.to }
    }

    /// Adds the items of rows with equal scores, in browsing order.
    pub fn add_equal(&mut self, rows: &[Bitmap], score: f32) {
        let ends: Vec<Bitmap> =
            rows.iter().zip(self.model.parts()).map(|(rows, part)| rows.run_ends(part.segment.ends())).collect();
        self.add_ends(&ends, score);
    }

    /// Adds the items of rows that one word matches, from the best level.
    pub fn add_levels(&mut self, rows: &[Bitmap], levels: &[(f32, Vec<Bitmap>)]) {
        let parts = self.model.parts();
        let mut open: Vec<Bitmap> =
            rows.iter().zip(parts).map(|(rows, part)| rows.run_ends(part.segment.ends())).collect();
        let all: u64 = open.iter().map(|ends| u64::from(ends.count())).sum();
        let before = self.count + self.skipped;
        for (score, of_level) in levels {
            if self.count > self.to || self.count + self.skipped - before == all {
                break;
            }
            let ends =
                of_level.iter().zip(rows).zip(parts.iter().zip(&mut open)).map(|((of_level, rows), (part, open))| {
                    let mut found = of_level.clone();
                    found.and(rows);
                    let mut ends = found.run_ends(part.segment.ends());
                    ends.and(open);
                    open.and_not(&ends);
                    ends
                });
            self.add_ends(&ends.collect::<Vec<Bitmap>>(), *score);
        }
        // What is left is on later pages.
        self.count += all - (self.count + self.skipped - before);
    }

    /// Adds the items of rows by score. An item has the score of its best row.
    pub fn add_scored(&mut self, rows: &[Bitmap], matches: &TextMatch<'_>) {
        let mut items: Vec<(Hit, u64)> = Vec::new();
        for (part, rows) in rows.iter().enumerate() {
            let segment = &self.model.parts()[part].segment;
            let rows = rows.to_rows();
            let mut last: Option<u32> = None;
            for (row, score) in rows.iter().zip(matches.scores(part, &rows)) {
                let item = segment.item_of(*row);
                match items.last_mut() {
                    Some((hit, _)) if last == Some(item) => hit.score = hit.score.max(score),
                    _ => items.push((Hit { part, item, score }, self.model.place(part, item))),
                }
                last = Some(item);
            }
        }
        self.skip_before_cursor(&mut items);
        let before = self.count;
        self.count += items.len() as u64;
        let needed = usize::try_from(self.to.saturating_sub(before)).unwrap_or(usize::MAX);
        let skipped = usize::try_from(self.from.saturating_sub(before)).unwrap_or(usize::MAX);
        let order =
            |(a, first): &(Hit, u64), (b, second): &(Hit, u64)| b.score.total_cmp(&a.score).then(first.cmp(second));
        if needed == 0 || skipped >= items.len() {
            return;
        }
        if needed < items.len() {
            items.select_nth_unstable_by(needed - 1, order);
            items.truncate(needed);
        }
        items.sort_unstable_by(order);
        self.hits.extend(items.into_iter().skip(skipped).map(|(hit, _)| hit));
    }

    fn skip_before_cursor(&mut self, items: &mut Vec<(Hit, u64)>) {
        let Some(start) = &self.start else { return };
        let all = items.len();
        items.retain(|(hit, _)| match start.side(self.is_bundles, hit.score) {
            Side::Before => false,
            Side::Around => self.model.parts()[hit.part].segment.first_row(hit.item) >= start.rows[hit.part],
            Side::After => true,
        });
        self.skipped += (all - items.len()) as u64;
    }

    /// Adds items, given by their last rows, in browsing order.
    fn add_ends(&mut self, ends: &[Bitmap], score: f32) {
        let all: u64 = ends.iter().map(|ends| u64::from(ends.count())).sum();
        match (self.side(score), &self.start) {
            (Side::Before, _) => self.skipped += all,
            (Side::Around, Some(start)) => {
                let mut after = ends.to_vec();
                after.iter_mut().zip(&start.rows).for_each(|(ends, row)| ends.remove_before(*row));
                self.skipped += all - after.iter().map(|ends| u64::from(ends.count())).sum::<u64>();
                self.add_open_ends(&after, score);
            }
            _ => self.add_open_ends(ends, score),
        }
    }

    fn add_open_ends(&mut self, ends: &[Bitmap], score: f32) {
        let before = self.count;
        let Some((first, others)) = ends.split_first() else { return };
        let segment = &self.model.parts()[0].segment;
        let later: Vec<u32> = match (others.first(), self.model.parts().get(1)) {
            (Some(ends), Some(part)) => ends.iter().map(|row| part.segment.item_of(row)).collect(),
            _ => Vec::new(),
        };
        let ranks = first.ranks();
        self.count += u64::from(ranks.total()) + later.len() as u64;
        let from = self.from.max(before);
        let Some(needed) = self.to.min(self.count).checked_sub(from).filter(|needed| *needed > 0) else { return };
        // Position among the items of this call.
        let from = (from - before) as u32;
        // How many items are before each of the second segment.
        let position = |index: usize| ranks.before(self.model.place_of_later(later[index])) + index as u32;
        let skipped = (0..later.len()).collect::<Vec<_>>().partition_point(|index| position(*index) < from);
        let mut rows = ranks.rows_from(from - skipped as u32).peekable();
        let mut later = later[skipped..].iter().copied().peekable();
        for _ in 0..needed {
            let is_later = match (later.peek(), rows.peek()) {
                (Some(item), Some(row)) => self.model.place_of_later(*item) <= *row,
                (Some(_), None) => true,
                _ => false,
            };
            let hit = match is_later {
                true => later.next().map(|item| Hit { part: 1, item, score }),
                false => rows.next().map(|row| Hit { part: 0, item: segment.item_of(row), score }),
            };
            self.hits.extend(hit);
        }
    }
}
