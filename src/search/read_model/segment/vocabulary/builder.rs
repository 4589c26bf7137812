//! Reads the words of items.

use std::sync::Arc;

use foldhash::HashMap;

use super::super::super::items::CatalogueItem;
use super::super::super::rows::Text;
use super::super::super::text::fields::{self, TextField};
use super::super::super::text::terms_of;
use super::super::super::threads::{MANY_ITEMS, joined};
use super::{TermClass, Vocabulary};

/// Number of a term, and whether it is part of a name.
type TermOfText = (u32, bool);

/// The terms of one text.
type TermsOfText = Box<[TermOfText]>;

/// Term, row and class of a posting.
type Posting = (u32, u32, TermClass);

/// Reads the words of items in browsing order.
pub fn read_words(items: &[CatalogueItem]) -> Vocabulary {
    if items.len() < MANY_ITEMS { read_at_once(items) } else { read_in_two(items, items.len() / 2) }
}

pub(super) fn read_at_once(items: &[CatalogueItem]) -> Vocabulary {
    finish(WordCollector::read(items), WordCollector::default())
}

/// Reads the items before the middle in this thread, and the others in another one.
pub(super) fn read_in_two(items: &[CatalogueItem], middle: usize) -> Vocabulary {
    let (first, second) = items.split_at(middle);
    std::thread::scope(|scope| {
        let later = scope.spawn(|| WordCollector::read(second));
        let earlier = WordCollector::read(first);
        finish(earlier, joined(later))
    })
}

/// Collects the terms of rows.
#[derive(Debug, Default)]
struct WordCollector {
    numbers: HashMap<Box<str>, u32>,
    /// Terms of the texts that many rows share, by their address and field. The text is stored, too, so that its address
    /// stays its own.
    shared: HashMap<(usize, TextField), (Text, TermsOfText)>,
    /// Terms of days.
    days: HashMap<Text, TermsOfText>,
    postings: Vec<Posting>,
    name_lengths: Vec<u8>,
    /// Terms of the current row: number, weight, whether it is a subject, whether it is in the name.
    current: Vec<(u32, u8, bool, bool)>,
}

impl WordCollector {
    fn read(items: &[CatalogueItem]) -> Self {
        let mut words = Self::default();
        for item in items {
            match item {
                CatalogueItem::Group(group) => {
                    for product in &group.products {
                        fields::read_product(product, &mut |field, text| words.add(field, text));
                        words.end_row();
                    }
                }
                CatalogueItem::Bundle(bundle) => {
                    fields::read_bundle(bundle, &mut |field, text| words.add(field, text));
                    words.end_row();
                }
            }
        }
        words
    }

    fn add(&mut self, field: TextField, text: &Text) {
        if text.is_empty() {
            return;
        }
        let address = (Arc::as_ptr(text).addr(), field);
        let known = match field {
            TextField::Day => self.days.get(text),
            _ => self.shared.get(&address).map(|(_, terms)| terms),
        };
        let (weight, is_subject) = (field.weight_number(), field == TextField::Subject);
        if let Some(known) = known {
            self.current.extend(known.iter().map(|(term, in_name)| (*term, weight, is_subject, *in_name)));
            return;
        }
        let terms: TermsOfText = terms_of(text, field).into_iter().map(|term| self.number(term, field)).collect();
        self.current.extend(terms.iter().map(|(term, in_name)| (*term, weight, is_subject, *in_name)));
        if field == TextField::Day {
            self.days.insert(text.clone(), terms);
        } else if Arc::strong_count(text) > 1 {
            self.shared.insert(address, (text.clone(), terms));
        }
    }

    fn number(&mut self, term: String, field: TextField) -> TermOfText {
        let in_name = field == TextField::Name && fields::is_word(&term);
        let next = self.numbers.len() as u32;
        let number = match self.numbers.get(term.as_str()) {
            Some(number) => *number,
            None => {
                self.numbers.insert(term.into(), next);
                next
            }
        };
        (number, in_name)
    }

    fn end_row(&mut self) {
        let row = self.name_lengths.len() as u32;
        self.current.sort_unstable();
        let terms = self.current.chunk_by(|a, b| a.0 == b.0);
        let name_length = terms.clone().filter(|same| same.iter().any(|(.., in_name)| *in_name)).count();
        for same in terms {
            // Weights are numbered from the highest.
            let weight = same.iter().map(|(_, weight, ..)| *weight).min().unwrap_or_default();
            let is_subject = same.iter().any(|(_, _, is_subject, _)| *is_subject);
            let in_name = same.iter().any(|(.., in_name)| *in_name);
            self.postings.push((same[0].0, row, TermClass::new(weight, is_subject, in_name.then_some(name_length))));
        }
        self.name_lengths.push(name_length.clamp(1, 255) as u8);
        self.current.clear();
    }
}

/// Makes a vocabulary of the words of earlier and later rows.
fn finish(earlier: WordCollector, later: WordCollector) -> Vocabulary {
    let WordCollector { mut numbers, postings, mut name_lengths, .. } = earlier;
    let rows_before = name_lengths.len() as u32;
    name_lengths.extend(later.name_lengths);
    // The numbers of terms of later rows become those of earlier ones.
    let mut renumbered = vec![0; later.numbers.len()];
    for (term, number) in later.numbers {
        let next = numbers.len() as u32;
        renumbered[number as usize] = *numbers.entry(term).or_insert(next);
    }
    // Postings by term: how many each has, then each in its place.
    let mut starts = vec![0usize; numbers.len() + 1];
    postings.iter().for_each(|(term, ..)| starts[*term as usize + 1] += 1);
    later.postings.iter().for_each(|(term, ..)| starts[renumbered[*term as usize] as usize + 1] += 1);
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let mut next = starts.clone();
    let mut sorted = vec![(TermClass::plain(), 0u32); postings.len() + later.postings.len()];
    let mut put = |term: u32, row: u32, class: TermClass| {
        sorted[next[term as usize]] = (class, row);
        next[term as usize] += 1;
    };
    postings.into_iter().for_each(|(term, row, class)| put(term, row, class));
    let of_later = later.postings.into_iter();
    of_later.for_each(|(term, row, class)| put(renumbered[term as usize], rows_before + row, class));
    let mut terms: Vec<(Box<str>, u32)> = numbers.into_iter().collect();
    terms.sort_unstable();
    let mut vocabulary = Vocabulary { name_lengths, ..Vocabulary::default() };
    for (term, number) in terms {
        vocabulary.add_term(&term, &mut sorted[starts[number as usize]..starts[number as usize + 1]]);
    }
    vocabulary.finish()
}
