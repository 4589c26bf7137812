//! Lists, fetched completely or not at all.
//!
//! Administrate returns at most 100 records whatever is requested, without an error. So a page never requests more, the
//! offset advances by the rows received, and the sum must equal `totalRecords`, which must not change between pages. An
//! inconsistent list is fetched once more from the beginning and then fails: a caller that prunes must never see a
//! partial list.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::lenient;
use crate::schema::dialect::Dialect;
use crate::schema::document::{Arg, Document};

/// The most records that Administrate returns at once.
pub(crate) const PAGE_SIZE: usize = 100;

/// The query of a list at the root of the API.
pub(crate) struct Connection {
    pub operation: &'static str,
    pub root: &'static str,
    /// Filters, combined by "and".
    pub filters: Vec<Arg>,
    /// Selection set of each node, including `id`.
    pub selection: String,
}

/// A list inside each node of a [`Connection`].
pub(crate) struct NestedConnection {
    /// The operation that fetches what the parent's page did not contain.
    pub operation: &'static str,
    pub root: &'static str,
    pub field: &'static str,
    /// Selection set of each node, including `id`.
    pub node: &'static str,
}

impl NestedConnection {
    /// Returns the selection of the first page, for the parent's selection set.
    pub(crate) fn selection(&self) -> String {
        format!("{}(first: {PAGE_SIZE}) {{ {} }}", self.field, connection_selection(self.node))
    }

    fn page_selection(&self, offset: usize, order: Option<&str>) -> String {
        let order = order.map(|order| format!(", {order}")).unwrap_or_default();
        format!("{}(first: {PAGE_SIZE}, offset: {offset}{order}) {{ {} }}", self.field, connection_selection(self.node))
    }
}

/// Why a list could not be fetched: it is inconsistent, or a request failed.
pub(crate) enum PagingError {
    Inconsistent(String),
    Failed(Error),
}

impl From<Error> for PagingError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl PagingError {
    /// Returns the error of the call that fetched the list `what`.
    pub(crate) fn into_error(self, what: &str) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Inconsistent(detail) => Error::Incomplete { what: what.to_owned(), detail },
        }
    }
}

/// One page of a connection, or a plain list as a single page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Page {
    pub nodes: Vec<Value>,
    pub total: Option<usize>,
    pub has_next: Option<bool>,
}

impl Page {
    /// Parses a connection, or a plain list, which is never paged.
    ///
    /// None if `value` is neither: an absent list is not the same as an empty one.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let is_list = value.is_array();
        let is_connection = ["edges", "nodes"].iter().any(|field| value.get(field).is_some_and(Value::is_array));
        if !is_list && !is_connection {
            return None;
        }
        let info = value.get("pageInfo").unwrap_or(&Value::Null);
        let total = info.get("totalRecords").or_else(|| value.get("totalRecords"));
        let has_next = info.get("hasNextPage").and_then(Value::as_bool);
        Some(Self {
            nodes: lenient::nodes(value).into_iter().cloned().collect(),
            total: total
                .and_then(|total| lenient::integer(total.clone()).ok().flatten())
                .and_then(|total| usize::try_from(total).ok()),
            has_next: if is_list { Some(false) } else { has_next },
        })
    }
}

/// Collects the pages of one list and checks that they are consistent.
#[derive(Debug, Default)]
pub(crate) struct Pager {
    /// Received nodes that the caller has not yet removed.
    pub nodes: Vec<Value>,
    /// Ids of all received nodes.
    ids: HashSet<String>,
    total: Option<usize>,
}

impl Pager {
    /// Adds a page; returns whether there is another one.
    pub(crate) fn add_page(&mut self, page: &Value) -> Result<bool, String> {
        let page = Page::parse(page).ok_or("there is no list in the response")?;
        if let (Some(before), Some(now)) = (self.total, page.total)
            && before != now
        {
            return Err(format!("totalRecords changed from {before} to {now} between two pages"));
        }
        self.total = self.total.or(page.total);
        let page_len = page.nodes.len();
        for node in page.nodes {
            self.add_node(node)?;
        }
        let received = self.received();
        let has_more = page.has_next.unwrap_or(match self.total {
            Some(total) => received < total,
            None => page_len >= PAGE_SIZE,
        });
        match self.total {
            Some(total) if received > total => Err(format!("{received} records came but totalRecords is {total}")),
            Some(total) if received < total && !has_more => {
                Err(format!("only {received} of {total} records came before the last page"))
            }
            Some(total) if received == total && page_len == 0 => Ok(false),
            _ if has_more && page_len == 0 => Err(format!("an empty page came after {received} records")),
            _ => Ok(has_more),
        }
    }

    /// Returns how many nodes were received.
    pub(crate) fn received(&self) -> usize {
        self.ids.len()
    }

    fn add_node(&mut self, node: Value) -> Result<(), String> {
        let number = self.received() + 1;
        if node.is_null() {
            return Err(format!("record {number} is null"));
        }
        let id = id_text(&node);
        let id = id.ok_or_else(|| format!("record {number} has no id"))?;
        if self.ids.contains(&id) {
            return Err(format!("the record with id {id} came twice"));
        }
        self.ids.insert(id);
        self.nodes.push(node);
        Ok(())
    }
}

impl Client {
    /// Fetches a complete list.
    pub(crate) async fn list<T: DeserializeOwned>(&self, connection: &Connection) -> Result<Vec<T>, Error> {
        self.list_with(connection, &[]).await
    }

    /// Fetches a complete list, and the complete lists inside its nodes.
    pub(crate) async fn list_with<T: DeserializeOwned>(
        &self,
        connection: &Connection,
        nested: &[&NestedConnection],
    ) -> Result<Vec<T>, Error> {
        let result = match self.fetch_pages(connection, nested).await {
            Err(PagingError::Inconsistent(detail)) => {
                tracing::warn!(what = connection.operation, detail, "inconsistent list, fetched once more");
                self.fetch_pages(connection, nested).await
            }
            result => result,
        };
        result.map_err(|error| error.into_error(connection.operation))
    }

    /// Deserialises each page before it requests the next: as JSON a list takes several times as much memory.
    async fn fetch_pages<T: DeserializeOwned>(
        &self,
        connection: &Connection,
        nested: &[&NestedConnection],
    ) -> Result<Vec<T>, PagingError> {
        let (mut pager, mut records) = (Pager::default(), Vec::new());
        loop {
            let offset = pager.received();
            let response = self.run(&|dialect| page_document(connection, dialect, offset)).await?;
            let is_last = !pager.add_page(&response.value).map_err(PagingError::Inconsistent)?;
            drop(response);
            for mut node in pager.nodes.drain(..) {
                for nested in nested {
                    self.complete_nested(nested, &mut node).await?;
                }
                let operation = connection.operation;
                let record = T::deserialize(&node).map_err(|error| unreadable_record(operation, &node, &error))?;
                records.push(record);
            }
            if is_last {
                return Ok(records);
            }
        }
    }

    /// Completes the list inside `parent` in place. Sends nothing if its first page was the only one.
    pub(crate) async fn complete_nested(
        &self,
        nested: &NestedConnection,
        parent: &mut Value,
    ) -> Result<(), PagingError> {
        let Some(list) = parent.get(nested.field).filter(|list| !list.is_null()) else {
            return Ok(());
        };
        let id = id_text(parent).unwrap_or_default();
        let inconsistent = |detail: String| PagingError::Inconsistent(format!("{} of {id}: {detail}", nested.field));
        let mut pager = Pager::default();
        let mut has_more = pager.add_page(list).map_err(inconsistent)?;
        if has_more && !self.dialect().await?.is_introspected() {
            // Without a schema the first page was requested without an order, so the next offset is unknown: start again.
            pager = Pager::default();
        }
        while has_more {
            let offset = pager.received();
            let response = self.run(&|dialect| nested_document(nested, dialect, &id, offset)).await?;
            let parents = lenient::nodes(&response.value);
            let page = parents.first().and_then(|parent| parent.get(nested.field));
            let page = page.ok_or_else(|| inconsistent("the record vanished between two pages".to_owned()))?;
            has_more = pager.add_page(page).map_err(inconsistent)?;
        }
        parent[nested.field] = Value::Array(pager.nodes);
        Ok(())
    }
}

fn page_document(connection: &Connection, dialect: &Dialect, offset: usize) -> Document {
    let mut args = Vec::new();
    if !connection.filters.is_empty() {
        args.push(("filters", Arg::List(connection.filters.clone())));
    }
    args.push(("first", Arg::Count(PAGE_SIZE)));
    args.push(("offset", Arg::Count(offset)));
    args.extend(dialect.order_argument(connection.root));
    let selection = connection_selection(&connection.selection);
    Document::query(connection.operation, connection.root, args, selection)
}

fn nested_document(nested: &NestedConnection, dialect: &Dialect, id: &str, offset: usize) -> Document {
    let page = nested.page_selection(offset, dialect.nested_order_argument());
    let args = vec![("filters", Arg::List(vec![Arg::filter("id", "eq", id)])), ("first", Arg::Count(1))];
    Document::query(nested.operation, nested.root, args, format!("edges {{ node {{ id {page} }} }}"))
}

/// Returns the selection set of a connection whose nodes have the selection set `node`.
pub(crate) fn connection_selection(node: &str) -> String {
    format!("edges {{ node {{ {node} }} }} pageInfo {{ hasNextPage totalRecords }}")
}

fn id_text(node: &Value) -> Option<String> {
    lenient::optional_text(node.get("id")?.clone()).ok().flatten()
}

fn unreadable_record(operation: &'static str, node: &Value, error: &serde_json::Error) -> Error {
    let id = id_text(node).unwrap_or_else(|| "without id".to_owned());
    Error::Unreadable { operation, detail: format!("record {id}: {error}"), outcome: Outcome::NotApplied }
}
