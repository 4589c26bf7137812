//! The address of a list: search, filters, order and part. A parameter that means nothing is ignored.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::names::words;
use super::state::TableState;
use crate::resources::problems::Problems;
use crate::resources::query::{ListRequest, filter_value};
use crate::resources::{Audience, ResourceField};
use crate::web::paging::Address;

/// Rows of a part.
pub(super) const PART: i64 = 50;

/// What a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TableAddress {
    /// Path of the list.
    pub list: &'static str,
    pub search: String,
    /// Values by name of field, as they are in the address.
    pub filters: Vec<(&'static str, String)>,
    /// The field, with - for descending; empty: the order of the resource.
    pub order: String,
    pub part: i64,
}

impl TableAddress {
    pub(super) fn of(state: &TableState, address: &Address) -> TableAddress {
        let filters = state.page.filters.iter().map(|name| (*name, address.get(name).to_owned()));
        TableAddress {
            list: state.page.path,
            search: address.get("q").chars().take(200).collect(),
            filters: filters.filter(|(_, value)| !value.is_empty()).collect(),
            order: address.get("order").to_owned(),
            part: address.number("part").unwrap_or(1).clamp(1, 1_000_000),
        }
    }

    /// Returns the value of a filter; "" without one.
    pub(super) fn filter(&self, name: &str) -> &str {
        self.filters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub(super) fn is_filtered(&self) -> bool {
        !self.search.is_empty() || !self.filters.is_empty()
    }

    /// Returns the address.
    pub(super) fn path(&self) -> String {
        let part = if self.part > 1 { self.part.to_string() } else { String::new() };
        let own = [("q", self.search.as_str()), ("order", self.order.as_str()), ("part", part.as_str())];
        let filters = self.filters.iter().map(|(name, value)| (*name, value.as_str()));
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = own.into_iter().chain(filters).filter(|(_, value)| !value.is_empty());
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if pairs.is_empty() { self.list.to_owned() } else { format!("{}?{}", self.list, pairs.join("&")) }
    }

    /// Returns the rows that the address means. `named`: the ids of filters that are typed as names.
    pub(super) fn request(
        &self,
        state: &TableState,
        audience: Audience,
        named: &[(&'static str, Option<i64>)],
    ) -> ListRequest {
        let resource = state.page.resource;
        let mut request = ListRequest::new(audience);
        (request.page, request.page_size, request.is_for_page) = (self.part, PART, true);
        request.search = words(&self.search);
        for (name, value) in &self.filters {
            let value = match named.iter().find(|(known, _)| known == name) {
                // A name that no row has.
                Some((_, id)) => Some(json!(id.unwrap_or_default())),
                None => resource
                    .shown_field(name)
                    .filter(|field| field.audience <= audience)
                    .and_then(|field| filter_value(field, value, &mut Problems::default())),
            };
            if let Some(value) = value {
                request.filters.insert((*name).to_owned(), Value::Array(vec![value]));
            }
        }
        request.ordering.extend(self.ordered_field(state, audience));
        if request.ordering.is_empty() {
            let default = resource.order.iter().filter_map(|name| Some((resource.field(name)?, false)));
            request.ordering.extend(default);
        }
        request
    }

    /// Returns the field by which the rows are ordered, and whether it descends.
    pub(super) fn ordered_field(
        &self,
        state: &TableState,
        audience: Audience,
    ) -> Option<(&'static ResourceField, bool)> {
        let name = self.order.strip_prefix('-').unwrap_or(&self.order);
        let field = state.page.resource.shown_field(name)?;
        let is_ordered = field.audience <= audience && is_sortable(field);
        is_ordered.then_some((field, self.order.starts_with('-')))
    }
}

/// Reports whether an order by a field means something to people: the number of another row does not.
pub(super) fn is_sortable(field: &ResourceField) -> bool {
    field.kind.is_scalar() && !matches!(field.kind, crate::resources::ValueKind::Reference(_))
}
