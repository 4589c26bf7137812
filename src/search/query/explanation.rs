//! Says why an item was found: the texts of it that contain query words, and the score.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::page::Hit;
use super::search::FoundPage;
use crate::search::read_model::bitmap::Bitmap;
use crate::search::read_model::items::{CatalogueItem, StoreBundle, StoreProduct};
use crate::search::read_model::rows::Text;
use crate::search::read_model::text::fields::{TextField, WHOLE_MARK};
use crate::search::read_model::text::matching::WordMatch;
use crate::search::read_model::text::scores::TextMatch;
use crate::search::read_model::text::{self, terms_of};

/// Most texts of one field that are returned: an item may have hundreds of sessions.
const MAX_TEXTS_OF_FIELD: usize = 10;

/// A text of an item that contains query words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchingText {
    /// What the text is.
    pub field: &'static str,
    /// The text.
    pub text: Text,
    /// Positions of the query words.
    words: BTreeSet<usize>,
    /// Whether the whole text matches, as a code or day does.
    is_whole: bool,
    /// The words of the text that match.
    terms: BTreeSet<String>,
}

/// Why an item was found.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// How well it matches, 0 to 100 and more for additional points.
    score: f32,
    words: Vec<WordExplanation>,
    /// Points for a field that is the whole text, or for words within one field or event.
    additional_points: f32,
}

#[derive(Debug, Serialize)]
struct WordExplanation {
    /// The word of the query.
    word: String,
    /// What it was read as, if it has typing errors.
    corrected: Option<String>,
    /// Where it was found, by field.
    found_in: BTreeMap<&'static str, Vec<Text>>,
}

/// Returns the query with typing errors corrected. None: nothing had to be corrected.
pub fn corrected_query(matches: &TextMatch<'_>) -> Option<String> {
    if matches.words.iter().all(|word| word.corrected.is_none()) {
        return None;
    }
    let words = matches.words.iter().map(|word| word.corrected.as_deref().unwrap_or(text::fields::shown(&word.text)));
    Some(words.collect::<Vec<_>>().join(" "))
}

/// Returns the texts of an item that contain query words.
pub fn matching_texts(found: &FoundPage<'_>, hit: &Hit) -> Vec<MatchingText> {
    let (Some(matches), Some((item, positions))) = (&found.matches, found.item(hit)) else { return Vec::new() };
    let terms: Vec<HashSet<&str>> = matches.words.iter().map(|word| terms_of_word(found, word, hit.part)).collect();
    let mut texts: Vec<MatchingText> = Vec::new();
    let mut add = |field: &'static str, kind: TextField, text: &Text| {
        let is_known = texts.iter().any(|known| known.field == field && known.text == *text);
        let count = texts.iter().filter(|known| known.field == field).count();
        if !is_known && count < MAX_TEXTS_OF_FIELD {
            texts.extend(match_text(field, kind, text, &terms));
        }
    };
    match item {
        CatalogueItem::Group(group) => {
            positions.filter_map(|at| group.products.get(at)).for_each(|product| read_product(product, &mut add));
        }
        CatalogueItem::Bundle(bundle) => read_bundle(bundle, &mut add),
    }
    texts
}

fn terms_of_word<'a>(found: &FoundPage<'a>, word: &WordMatch<'_>, part: usize) -> HashSet<&'a str> {
    let parts = found.model.parts();
    let of_part = word.terms.iter().filter(|(other, _)| *other == part);
    of_part.map(|(part, term)| parts[*part].segment.vocabulary.term(*term)).collect()
}

fn match_text(field: &'static str, kind: TextField, text: &Text, words: &[HashSet<&str>]) -> Option<MatchingText> {
    let mut found =
        MatchingText { field, text: text.clone(), words: BTreeSet::new(), is_whole: false, terms: BTreeSet::new() };
    for term in terms_of(text, kind).into_iter().filter(|term| !term.starts_with(WHOLE_MARK)) {
        for (index, _) in words.iter().enumerate().filter(|(_, terms)| terms.contains(term.as_str())) {
            found.words.insert(index);
            found.is_whole |= !text::fields::is_word(&term);
            found.terms.insert(term.clone());
        }
    }
    (!found.words.is_empty()).then_some(found)
}

fn read_product(product: &StoreProduct, add: &mut impl FnMut(&'static str, TextField, &Text)) {
    let row = &product.row;
    add("subject_code", TextField::Subject, &row.sitting.subject_code);
    add("product_name", TextField::Variation, &row.form.fullname);
    add("product_short_name", TextField::Name, &row.form.shortname);
    add("variation", TextField::Variation, &row.form.variation_name);
    add("variation_type", TextField::Variation, &row.form.variation_type);
    add("exam_session_code", TextField::Code, &row.sitting.exam_session_code);
    add("product_code", TextField::Detail, &row.product_code);
    row.sitting.subject_description.iter().for_each(|text| add("subject_description", TextField::Detail, text));
    for event in &product.events {
        add("event_code", TextField::Code, &event.row.code);
        event.instructors.iter().for_each(|name| add("instructor", TextField::Place, name));
        for place in std::iter::once(&event.row.place).chain(event.sessions.iter().map(|session| &session.place)) {
            place.location.iter().for_each(|name| add("location", TextField::Place, name));
            place.location_code.iter().for_each(|code| add("location", TextField::Place, code));
            place.venue.iter().for_each(|name| add("venue", TextField::Place, name));
        }
        for session in &event.sessions {
            add("session_title", TextField::Detail, &session.title);
            add("session_date", TextField::Day, &text::fields::day_of(session.start).to_string().into());
        }
        add("start_date", TextField::Day, &event.row.start_date.to_string().into());
        add("end_date", TextField::Day, &event.row.end_date.to_string().into());
    }
}

fn read_bundle(bundle: &StoreBundle, add: &mut impl FnMut(&'static str, TextField, &Text)) {
    add("subject_code", TextField::Subject, &bundle.row.subject_code);
    add("name", TextField::Name, &bundle.row.name);
    add("exam_session_code", TextField::Code, &bundle.row.exam_session_code);
    bundle.row.description.iter().for_each(|text| add("description", TextField::Detail, text));
    for product in bundle.components.iter().filter_map(|component| component.store_product()) {
        add("component", TextField::Detail, &product.row.form.fullname);
        add("component", TextField::Detail, &product.row.form.variation_name);
    }
}

/// Explains an item.
pub fn explain(found: &FoundPage<'_>, hit: &Hit, texts: &[MatchingText]) -> Explanation {
    let Some(matches) = &found.matches else {
        return Explanation { score: 0.0, words: Vec::new(), additional_points: 0.0 };
    };
    let words = matches.words.iter().enumerate().map(|(index, word)| {
        let mut found_in: BTreeMap<&'static str, Vec<Text>> = BTreeMap::new();
        for text in texts.iter().filter(|text| text.words.contains(&index)) {
            found_in.entry(text.field).or_default().push(text.text.clone());
        }
        let shown = text::fields::shown(&word.text).to_owned();
        WordExplanation { word: shown, corrected: word.corrected.clone(), found_in }
    });
    let segment = &found.model.parts()[hit.part].segment;
    let (start, end) = segment.rows_of(hit.item);
    let mut rows = Bitmap::empty();
    rows.insert_range(start, end);
    let points = matches.additional_points(hit.part, &rows);
    Explanation { score: hit.score, words: words.collect(), additional_points: points }
}

/// Returns the matching texts by field, as HTML with the matching words in `<mark>`.
pub fn highlight(texts: &[MatchingText]) -> BTreeMap<&'static str, Vec<String>> {
    let mut marked: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for text in texts {
        marked.entry(text.field).or_default().push(mark(text));
    }
    marked
}

/// Returns a text of an item as HTML, with the words in `<mark>` for which the item was found.
pub fn marked(texts: &[MatchingText], text: &str) -> String {
    texts.iter().find(|known| *known.text == *text).map_or_else(|| escape(text), mark)
}

fn mark(found: &MatchingText) -> String {
    if found.is_whole {
        return format!("<mark>{}</mark>", escape(&found.text));
    }
    let mut out = String::new();
    let mut rest: &str = &found.text;
    while !rest.is_empty() {
        let is_part = |c: char| {
            c.is_alphanumeric() || matches!(c, '\'' | '\u{2019}') || unicode_normalization::char::is_combining_mark(c)
        };
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_match = text::words(word).iter().any(|term| found.terms.contains(term));
        match is_match {
            true => out.push_str(&format!("<mark>{}</mark>", escape(word))),
            false => out.push_str(&escape(word)),
        }
        let between = after.find(is_part).unwrap_or(after.len());
        out.push_str(&escape(&after[..between]));
        rest = &after[between..];
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
