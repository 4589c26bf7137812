//! Items as responses contain them: JSON, made when a response needs an item for the first time after it has changed.

use std::sync::OnceLock;

use axum::body::Bytes;
use serde::Serialize;

use super::items::StoreProduct;
use crate::search::compose::{self, SessionUrls};

/// How a session URL begins in JSON. Inside a string the quotation marks would be escaped.
const URL_KEY: &[u8] = b",\"url\":\"";

/// The first member of a group that does not depend on which of its variations are found.
const SHARED_KEY: &[u8] = b"\"type\":";

/// The pages without text and filters that are sent again without being put together again.
const FIRST_PAGES: usize = 32;

/// The first pages of the catalogue, each made when it is requested for the first time: most visitors begin there.
#[derive(Debug)]
pub struct FirstPages(Box<[[OnceLock<Bytes>; 2]]>);

impl Default for FirstPages {
    fn default() -> Self {
        Self((0..FIRST_PAGES).map(|_| Default::default()).collect())
    }
}

impl FirstPages {
    /// Returns the place of a page; none if it is not one of the first.
    pub fn page(&self, page: u64, urls: SessionUrls) -> Option<&OnceLock<Bytes>> {
        let of_page = self.0.get(usize::try_from(page.checked_sub(1)?).ok()?)?;
        of_page.get(usize::from(urls == SessionUrls::Hidden))
    }
}

/// A group as JSON: what its variations share, and each variation.
#[derive(Debug, Default)]
pub struct RenderedGroup {
    /// The shared members after the ids, then the variations with a comma after each.
    text: Box<[u8]>,
    /// The end of the shared part, and of each variation.
    ends: Box<[u32]>,
    /// Where the session URLs are, with their quotation marks.
    urls: Box<[(u32, u32)]>,
}

impl RenderedGroup {
    /// Renders store products, all of one group.
    pub fn new(products: &[StoreProduct]) -> Self {
        let Some(first) = products.first() else { return Self::default() };
        let mut text = to_json(&compose::build_listing(first, Vec::new()));
        // `{"id":…,"type":…,"variations":[]}` → `"type":…,"variations":[`
        let shared = text.windows(SHARED_KEY.len()).position(|window| window == SHARED_KEY).unwrap_or_default();
        text.drain(..shared);
        text.truncate(text.len().saturating_sub(2));
        let mut ends = vec![text.len() as u32];
        let mut urls = Vec::new();
        for product in products {
            let start = text.len();
            text.append(&mut to_json(&compose::build_variation(product, SessionUrls::Visible)));
            if product.events.iter().flat_map(|event| &event.sessions).any(|session| session.url.is_some()) {
                find_urls(&text, start, &mut urls);
            }
            text.push(b',');
            ends.push(text.len() as u32);
        }
        Self { text: text.into(), ends: ends.into(), urls: urls.into() }
    }

    /// Writes the group with the variations at these positions, the first of which has the given id.
    pub fn write(&self, out: &mut Vec<u8>, id: i64, positions: impl Iterator<Item = usize>, urls: SessionUrls) {
        let mut digits = itoa::Buffer::new();
        let id = digits.format(id).as_bytes();
        for key in [&b"{\"id\":"[..], b",\"essp_id\":", b",\"store_product_id\":"] {
            out.extend_from_slice(key);
            out.extend_from_slice(id);
        }
        out.push(b',');
        let shared = self.ends.first().copied().unwrap_or_default();
        self.write_part(out, 0, shared, urls);
        let mut positions = positions.peekable();
        while let Some(position) = positions.next() {
            let start = self.ends.get(position).copied().unwrap_or(shared);
            let mut last = position;
            // Neighbours are written at once.
            while let Some(next) = positions.next_if(|next| *next == last + 1) {
                last = next;
            }
            let end = self.ends.get(last + 1).copied().unwrap_or(start);
            self.write_part(out, start, end, urls);
        }
        if out.last() == Some(&b',') {
            out.pop();
        }
        out.extend_from_slice(b"]}");
    }

    fn write_part(&self, out: &mut Vec<u8>, start: u32, end: u32, urls: SessionUrls) {
        let mut from = start;
        if urls == SessionUrls::Hidden {
            let first = self.urls.partition_point(|(at, _)| *at < start);
            for (at, to) in self.urls[first..].iter().take_while(|(at, _)| *at < end) {
                out.extend_from_slice(self.slice(from, *at));
                out.extend_from_slice(b"null");
                from = *to;
            }
        }
        out.extend_from_slice(self.slice(from, end));
    }

    fn slice(&self, start: u32, end: u32) -> &[u8] {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

fn find_urls(text: &[u8], start: usize, urls: &mut Vec<(u32, u32)>) {
    let mut from = start;
    while let Some(found) = text[from..].windows(URL_KEY.len()).position(|window| window == URL_KEY) {
        let quote = from + found + URL_KEY.len() - 1;
        let mut end = quote + 1;
        while end < text.len() && text[end] != b'"' {
            end += if text[end] == b'\\' { 2 } else { 1 };
        }
        urls.push((quote as u32, end as u32 + 1));
        from = end + 1;
    }
}

/// Renders anything that can be rendered as JSON.
pub fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|error| {
        tracing::error!(%error, "cannot render an item of a search");
        b"{}".to_vec()
    })
}
