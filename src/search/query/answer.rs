//! Writes the answer to a query as JSON. Most items and names of facets are rendered already: an answer is put together by copying.

use std::collections::BTreeSet;
use std::time::Instant;

use axum::body::Bytes;

use super::page::Hit;
use super::parse::RESPONSE_FIELDS;
use super::search::FoundPage;
use super::{Query, explanation};
use crate::search::compose::SessionUrls;
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::CatalogueItem;
use crate::search::read_model::to_json;
use crate::search::response::Pagination;

/// Bytes that are reserved for a body.
const ROOM: usize = 64 * 1024;

/// The body of a response.
#[derive(Debug)]
pub struct AnswerBody {
    /// What it has in common with other responses.
    pub shared: Bytes,
    /// What follows.
    pub own: Vec<u8>,
}

/// Runs a query and returns the body of the response.
pub fn answer(model: &ReadModel, query: &Query, urls: SessionUrls, started: Instant) -> AnswerBody {
    let is_browsing = *query == Query { page: query.page, ..Query::default() };
    let known = model.first_pages.page(query.page, urls).filter(|_| is_browsing);
    let (shared, mut own) = match known {
        Some(known) => (known.get_or_init(|| beginning(model, query, urls).into()).clone(), Vec::new()),
        None => (Bytes::new(), beginning(model, query, urls)),
    };
    if wants(query, "performance") {
        let seconds = started.elapsed().as_secs_f64();
        own.extend_from_slice(format!("\"performance\":{{\"duration\":{seconds:.6},\"cached\":false}},").as_bytes());
    }
    if own.last() == Some(&b',') {
        own.pop();
    }
    own.push(b'}');
    AnswerBody { shared, own }
}

/// Reports whether a member of the response was chosen.
fn wants(query: &Query, name: &str) -> bool {
    let is_chosen = RESPONSE_FIELDS.iter().any(|name| query.fields.contains(*name));
    !is_chosen || query.fields.contains(name)
}

/// Runs a query and returns the body without its end.
fn beginning(model: &ReadModel, query: &Query, urls: SessionUrls) -> Vec<u8> {
    let found = FoundPage::new(model, query);
    let mut out = Vec::with_capacity(ROOM);
    out.push(b'{');
    if wants(query, "products") {
        write_items(&mut out, &found, query, urls);
    }
    if wants(query, "filter_counts") {
        out.extend_from_slice(b"\"filter_counts\":");
        match found.is_whole {
            true => out.extend_from_slice(model.unfiltered_facets.get_or_init(|| {
                let mut facets = Vec::new();
                found.facets().write(&mut facets);
                facets
            })),
            false => found.facets().write(&mut out),
        }
        out.push(b',');
    }
    if wants(query, "pagination") {
        write_pagination(&mut out, &found.pagination);
    }
    if query.explain {
        let corrected = found.matches.as_ref().and_then(|matches| explanation::corrected_query(matches));
        out.extend_from_slice(b"\"corrected_query\":");
        out.extend_from_slice(&to_json(&corrected));
        out.push(b',');
    }
    out
}

fn write_items(out: &mut Vec<u8>, found: &FoundPage<'_>, query: &Query, urls: SessionUrls) {
    out.extend_from_slice(b"\"products\":[");
    let item_fields: BTreeSet<&str> =
        query.fields.iter().map(String::as_str).filter(|name| !RESPONSE_FIELDS.contains(name)).collect();
    for (index, hit) in found.hits.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let start = out.len();
        write_item(out, found, hit, urls);
        if query.explain || query.highlight {
            out.pop();
            let texts = explanation::matching_texts(found, hit);
            if query.explain {
                out.extend_from_slice(b",\"_explain\":");
                out.extend_from_slice(&to_json(&explanation::explain(found, hit, &texts)));
            }
            if query.highlight {
                out.extend_from_slice(b",\"_highlight\":");
                out.extend_from_slice(&to_json(&explanation::highlight(&texts)));
            }
            out.push(b'}');
        }
        if !item_fields.is_empty() {
            let whole = out.split_off(start);
            write_members(out, &whole, &item_fields);
        }
    }
    out.extend_from_slice(b"],");
}

fn write_item(out: &mut Vec<u8>, found: &FoundPage<'_>, hit: &Hit, urls: SessionUrls) {
    let Some((item, positions)) = found.item(hit) else { return };
    match item {
        CatalogueItem::Bundle(bundle) => out.extend_from_slice(bundle.rendered()),
        CatalogueItem::Group(group) => {
            let first = positions.clone().next().and_then(|position| group.products.get(position));
            let id = first.map_or(0, |product| product.row.id);
            group.rendered().write(out, id, positions, urls);
        }
    }
}

/// Writes those members of a JSON object that are chosen.
fn write_members(out: &mut Vec<u8>, object: &[u8], chosen: &BTreeSet<&str>) {
    out.push(b'{');
    let (mut depth, mut in_string, mut is_escaped) = (0, false, false);
    let mut start = 1;
    for (index, byte) in object.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        let ends_member = (*byte == b',' && depth == 1 && !in_string) || index + 1 == object.len();
        if ends_member {
            let member = &object[start.min(index)..index];
            let name = member.get(1..).unwrap_or_default().split(|byte| *byte == b'"').next().unwrap_or_default();
            if std::str::from_utf8(name).is_ok_and(|name| chosen.contains(name)) {
                out.extend_from_slice(member);
                out.push(b',');
            }
            start = index + 1;
        }
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b'}');
}

fn write_pagination(out: &mut Vec<u8>, pagination: &Pagination) {
    let Pagination { page, page_size, total_count, has_next, has_previous, total_pages, next_cursor } = pagination;
    // A cursor consists of letters, digits, hyphens and underscores.
    let next_cursor = next_cursor.as_ref().map_or("null".to_owned(), |cursor| format!("\"{cursor}\""));
    let text = format!(
        "\"pagination\":{{\"page\":{page},\"page_size\":{page_size},\"total_count\":{total_count},\
         \"has_next\":{has_next},\"has_previous\":{has_previous},\"total_pages\":{total_pages},\
         \"next_cursor\":{next_cursor}}},"
    );
    out.extend_from_slice(text.as_bytes());
}
