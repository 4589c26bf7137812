//! A place in a result that stays where it is while the catalogue changes: after the item that was last.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::search::read_model::items::{CatalogueItem, ItemKey};

/// The place after an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which query it belongs to.
    query: u64,
    /// Number of the page that begins here.
    pub page: u64,
    /// Whether the item was a bundle of a search for a text: those follow the others.
    pub is_bundle: bool,
    /// The bits of the score.
    score: u32,
    subject: String,
    is_group: bool,
    name: String,
    exam_session: String,
    first: i64,
    second: i64,
}

/// The members of a cursor as they are sent.
type Sent = (u64, u64, u32, String, bool, String, String, i64, i64);

impl Cursor {
    /// Returns the place after an item of a page of a query, which is given by its fingerprint.
    pub fn after(query: u64, item: &CatalogueItem, score: f32, page: u64) -> Self {
        let ItemKey { subject, is_group, name, exam_session, first, second } = item.key();
        Self {
            query,
            page: page + 1,
            is_bundle: false,
            score: score.to_bits(),
            subject: subject.to_owned(),
            is_group,
            name: name.to_owned(),
            exam_session: exam_session.to_owned(),
            first,
            second,
        }
    }

    /// Returns the score of the item.
    pub fn score(&self) -> f32 {
        f32::from_bits(self.score)
    }

    /// Returns what puts the item in browsing order.
    pub fn key(&self) -> ItemKey<'_> {
        ItemKey {
            subject: &self.subject,
            is_group: self.is_group,
            name: &self.name,
            exam_session: &self.exam_session,
            first: self.first,
            second: self.second,
        }
    }

    /// Reports whether the cursor belongs to a query.
    pub fn belongs_to(&self, query: u64) -> bool {
        self.query == query
    }

    /// Returns the cursor in a search with or without a text.
    pub fn with_text(self, has_text: bool) -> Self {
        Self { is_bundle: has_text && !self.is_group, ..self }
    }

    /// Returns the cursor as a text for clients.
    pub fn to_text(&self) -> String {
        let sent: Sent = (
            self.query,
            self.page,
            self.score,
            self.subject.clone(),
            self.is_group,
            self.name.clone(),
            self.exam_session.clone(),
            self.first,
            self.second,
        );
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sent).unwrap_or_default())
    }

    /// Reads the text of a cursor.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (query, page, score, subject, is_group, name, exam_session, first, second): Sent =
            serde_json::from_slice(&bytes).ok()?;
        let cursor =
            Self { query, page, is_bundle: false, score, subject, is_group, name, exam_session, first, second };
        (page > 0).then_some(cursor)
    }
}
