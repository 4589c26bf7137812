//! Cuts a page out of the result without sorting all of it.

use super::Query;
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

/// A page that is being filled in the order of the result.
pub struct Page<'a> {
    model: &'a ReadModel,
    from: u64,
    to: u64,
    /// Items before the next one.
    count: u64,
    hits: Vec<Hit>,
}

impl<'a> Page<'a> {
    /// Returns the empty page of a query.
    pub fn new(model: &'a ReadModel, query: &Query) -> Self {
        let from = query.page.saturating_sub(1).saturating_mul(query.page_size);
        Self { model, from, to: from.saturating_add(query.page_size), count: 0, hits: Vec::new() }
    }

    /// Returns the hits, and the number of items on all pages.
    pub fn finish(self) -> (Vec<Hit>, u64) {
        (self.hits, self.count)
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
        let before = self.count;
        for (score, of_level) in levels {
            if self.count >= self.to || self.count - before == all {
                break;
            }
            let ends = of_level.iter().zip(rows).zip(parts.iter().zip(&mut open)).map(|((of_level, rows), (part, open))| {
                let mut found = of_level.clone();
                found.and(rows);
                let mut ends = found.run_ends(part.segment.ends());
                ends.and(open);
                open.and_not(&ends);
                ends
            });
            self.add_ends(&ends.collect::<Vec<Bitmap>>(), *score);
        }
        self.count = before + all;
    }

    /// Adds the items of rows by score. An item has the score of its best row.
    pub fn add_scored(&mut self, rows: &[Bitmap], matches: &TextMatch<'_>) {
        let mut items: Vec<(Hit, u64)> = Vec::new();
        for (part, rows) in rows.iter().enumerate() {
            let segment = &self.model.parts()[part].segment;
            let mut scores = matches.scores(part, rows).into_iter();
            let mut last: Option<u32> = None;
            rows.for_each(|row| {
                let score = scores.next().unwrap_or_default();
                let item = segment.item_of(row);
                match items.last_mut() {
                    Some((hit, _)) if last == Some(item) => hit.score = hit.score.max(score),
                    _ => items.push((Hit { part, item, score }, self.model.place(part, item))),
                }
                last = Some(item);
            });
        }
        let before = self.count;
        self.count += items.len() as u64;
        let wanted = usize::try_from(self.to.saturating_sub(before)).unwrap_or(usize::MAX);
        let skipped = usize::try_from(self.from.saturating_sub(before)).unwrap_or(usize::MAX);
        let order = |(a, first): &(Hit, u64), (b, second): &(Hit, u64)| {
            b.score.total_cmp(&a.score).then(first.cmp(second))
        };
        if wanted == 0 || skipped >= items.len() {
            return;
        }
        if wanted < items.len() {
            items.select_nth_unstable_by(wanted - 1, order);
            items.truncate(wanted);
        }
        items.sort_unstable_by(order);
        self.hits.extend(items.into_iter().skip(skipped).map(|(hit, _)| hit));
    }

    /// Adds items, given by their last rows, in browsing order.
    fn add_ends(&mut self, ends: &[Bitmap], score: f32) {
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
        let Some(wanted) = self.to.min(self.count).checked_sub(from).filter(|wanted| *wanted > 0) else { return };
        // Position among the items of this call.
        let from = (from - before) as u32;
        // How many items are before each of the second segment.
        let position = |index: usize| ranks.before(self.model.place_of_later(later[index])) + index as u32;
        let skipped = (0..later.len()).collect::<Vec<_>>().partition_point(|index| position(*index) < from);
        let mut rows = ranks.rows_from(from - skipped as u32).peekable();
        let mut later = later[skipped..].iter().copied().peekable();
        for _ in 0..wanted {
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
