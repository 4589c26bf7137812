//! What is suggested while a text is being typed.

use super::address::{PageLink, url};
use crate::names::fold;
use crate::search::query::{FoundPage, Query};
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::CatalogueItem;

/// Suggestions in all.
const MOST: usize = 8;

/// Products among them.
const PRODUCTS: u64 = 5;

/// Returns values of facets that begin like the last word, then products.
pub(super) fn suggest(model: &ReadModel, text: &str) -> Vec<PageLink> {
    let query = Query { page_size: PRODUCTS, ..Query::for_text(text) };
    if query.text.is_empty() {
        return Vec::new();
    }
    let found = FoundPage::new(model, &query);
    let mut links = values(&found, &query.text);
    links.truncate(MOST - 3);
    links.extend(found.hits.iter().filter_map(|hit| product(found.item(hit)?.0)));
    links.truncate(MOST);
    links
}

/// Returns names of places, people and subjects with a word that begins with the last word of the text.
fn values(found: &FoundPage<'_>, text: &str) -> Vec<PageLink> {
    let typed = fold(text);
    let Some(last) = typed.split(' ').next_back().filter(|last| last.chars().count() > 1) else { return Vec::new() };
    let counts = found.facets().to_counts();
    let lists = [
        ("subjects", "Subject", &counts.subjects),
        ("locations", "Location", &counts.locations),
        ("venues", "Venue", &counts.venues),
        ("instructors", "Instructor", &counts.instructors),
    ];
    let mut links = Vec::new();
    for (name, note, counts) in lists {
        for (key, count) in counts {
            let label = count.display_name.as_ref().unwrap_or(&count.name);
            let is_match = fold(label).split(' ').chain(fold(key).split(' ')).any(|word| word.starts_with(last));
            if is_match && count.count > 0 {
                links.push(PageLink {
                    label: label.clone(),
                    note: note.to_owned(),
                    path: url("/search", &[(name, key.clone())]),
                });
            }
        }
    }
    links
}

fn product(item: &CatalogueItem) -> Option<PageLink> {
    match item {
        CatalogueItem::Group(group) => {
            let row = &group.products.first()?.row;
            let pairs = [
                ("subjects", row.sitting.subject_code.to_string()),
                ("product_ids", row.form.catalog_product_id.to_string()),
            ];
            let label = format!("{} {}", row.sitting.subject_code, row.form.fullname);
            Some(PageLink { label, note: row.sitting.exam_session_code.to_string(), path: url("/search", &pairs) })
        }
        CatalogueItem::Bundle(bundle) => {
            let row = &bundle.row;
            let pairs = [("q", row.name.to_string()), ("subjects", row.subject_code.to_string())];
            let label = format!("{} {}", row.subject_code, row.name);
            Some(PageLink { label, note: "Bundle".to_owned(), path: url("/search", &pairs) })
        }
    }
}
