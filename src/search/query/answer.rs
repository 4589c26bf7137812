//! Writes the answer to a query as JSON. Items and facets are rendered already, so an answer is put together by copying.

use std::time::Instant;

use super::Query;
use super::search::Found;
use crate::search::compose::SessionUrls;
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::Item;
use crate::search::response::Pagination;

/// Runs a query and returns the body of the response.
pub fn answer(model: &ReadModel, query: &Query, urls: SessionUrls, started: Instant) -> Vec<u8> {
    let found = Found::new(model, query);
    let mut out = Vec::with_capacity(64 * 1024);
    out.extend_from_slice(b"{\"products\":[");
    for (index, hit) in found.hits.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_item(&mut out, &found, hit, urls);
    }
    out.extend_from_slice(b"],\"filter_counts\":");
    match found.is_whole {
        true => out.extend_from_slice(model.unfiltered_facets.get_or_init(|| {
            let mut facets = Vec::new();
            found.facets().write(&mut facets);
            facets
        })),
        false => found.facets().write(&mut out),
    }
    write_pagination(&mut out, &found.pagination);
    let seconds = started.elapsed().as_secs_f64();
    out.extend_from_slice(b",\"performance\":{\"duration\":");
    out.extend_from_slice(format!("{seconds:.6}").as_bytes());
    out.extend_from_slice(b",\"cached\":false}}");
    out
}

fn write_item(out: &mut Vec<u8>, found: &Found<'_>, hit: &super::page::Hit, urls: SessionUrls) {
    let Some((item, positions)) = found.item(hit) else { return };
    match item {
        Item::Bundle(bundle) => out.extend_from_slice(&bundle.rendered),
        Item::Group(group) => {
            let first = positions.clone().next().and_then(|position| group.products.get(position));
            let id = first.map_or(0, |product| product.row.id);
            group.rendered.write(out, id, positions, urls);
        }
    }
}

fn write_pagination(out: &mut Vec<u8>, pagination: &Pagination) {
    let Pagination { page, page_size, total_count, has_next, has_previous, total_pages } = pagination;
    let text = format!(
        ",\"pagination\":{{\"page\":{page},\"page_size\":{page_size},\"total_count\":{total_count},\
         \"has_next\":{has_next},\"has_previous\":{has_previous},\"total_pages\":{total_pages}}}"
    );
    out.extend_from_slice(text.as_bytes());
}
