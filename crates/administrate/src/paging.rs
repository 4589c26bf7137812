//! Lists, fetched whole or not at all.
//!
//! Administrate returns at most 100 records whatever is asked for, and says nothing. So a page never asks for more, the
//! offset advances by the rows received, and the sum must equal `totalRecords`, which must not change on the way. What is
//! inconsistent is fetched once more from the beginning and then given up: whoever prunes must never see half a list.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::lenient;
use crate::schema::dialect::Dialect;
use crate::schema::document::{Arg, Document};

/// The most that Administrate returns at once.
pub(crate) const PAGE: usize = 100;

/// A list at the root of the API.
pub(crate) struct Listing {
    pub operation: &'static str,
    pub root: &'static str,
    /// All of them must hold.
    pub filters: Vec<Arg>,
    /// What each node shows, `id` among it.
    pub selection: String,
}

/// A list inside each node of a [`Listing`].
pub(crate) struct Nested {
    /// The operation that fetches what the parent's page did not hold.
    pub operation: &'static str,
    pub root: &'static str,
    pub field: &'static str,
    /// What each node shows, `id` among it.
    pub node: &'static str,
}

impl Nested {
    /// Its first page, for the parent's selection.
    pub(crate) fn selection(&self) -> String {
        format!("{}(first: {PAGE}) {{ {} }}", self.field, connection(self.node))
    }

    fn page(&self, offset: usize, order: Option<&str>) -> String {
        let order = order.map(|order| format!(", {order}")).unwrap_or_default();
        format!("{}(first: {PAGE}, offset: {offset}{order}) {{ {} }}", self.field, connection(self.node))
    }
}

/// Why a list could not be fetched: it contradicts itself, or a request failed.
pub(crate) enum Broken {
    Inconsistent(String),
    Failed(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The error of a list that stays inconsistent.
pub(crate) fn inconsistent(what: &str, broken: Broken) -> Error {
    match broken {
        Broken::Failed(error) => error,
        Broken::Inconsistent(detail) => Error::Incomplete { what: what.to_owned(), detail },
    }
}

/// One page of a connection, or a plain list taken for one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Connection {
    pub nodes: Vec<Value>,
    pub total: Option<usize>,
    pub has_next: Option<bool>,
}

impl Connection {
    /// Reads a connection, or a plain list, which has no pages. None where `value` is neither: nothing is not the same as
    /// an empty list.
    pub(crate) fn read(value: &Value) -> Option<Self> {
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
                .and_then(|total| lenient::number(total.clone()).ok().flatten())
                .and_then(|total| usize::try_from(total).ok()),
            has_next: if is_list { Some(false) } else { has_next },
        })
    }
}

/// A walk over the pages of one list.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Nodes that came and were not taken away yet.
    pub nodes: Vec<Value>,
    /// Ids of all that came.
    seen: HashSet<String>,
    total: Option<usize>,
}

impl Walk {
    /// Takes a page in; `Ok(true)` where another has to be asked for.
    pub(crate) fn take(&mut self, page: &Value) -> Result<bool, String> {
        let page = Connection::read(page).ok_or("there is no list in the answer")?;
        if let (Some(before), Some(now)) = (self.total, page.total)
            && before != now
        {
            return Err(format!("totalRecords changed from {before} to {now} between two pages"));
        }
        self.total = self.total.or(page.total);
        let received = page.nodes.len();
        for node in page.nodes {
            self.take_node(node)?;
        }
        let so_far = self.so_far();
        let more = page.has_next.unwrap_or(match self.total {
            Some(total) => so_far < total,
            None => received >= PAGE,
        });
        match self.total {
            Some(total) if so_far > total => Err(format!("{so_far} records came where totalRecords says {total}")),
            Some(total) if so_far < total && !more => {
                Err(format!("only {so_far} of {total} records came before the last page"))
            }
            Some(total) if so_far == total && received == 0 => Ok(false),
            _ if more && received == 0 => Err(format!("an empty page came after {so_far} records")),
            _ => Ok(more),
        }
    }

    /// How many nodes came.
    pub(crate) fn so_far(&self) -> usize {
        self.seen.len()
    }

    fn take_node(&mut self, node: Value) -> Result<(), String> {
        let at = self.so_far() + 1;
        if node.is_null() {
            return Err(format!("record {at} is null"));
        }
        let id = id_text(&node);
        let id = id.ok_or_else(|| format!("record {at} has no id"))?;
        if self.seen.contains(&id) {
            return Err(format!("the record with id {id} came twice"));
        }
        self.seen.insert(id);
        self.nodes.push(node);
        Ok(())
    }
}

impl Client {
    /// Fetches a list whole.
    pub(crate) async fn list<T: DeserializeOwned>(&self, listing: &Listing) -> Result<Vec<T>, Error> {
        self.list_with(listing, &[]).await
    }

    /// Fetches a list whole, and the lists inside its nodes.
    pub(crate) async fn list_with<T: DeserializeOwned>(
        &self,
        listing: &Listing,
        nested: &[&Nested],
    ) -> Result<Vec<T>, Error> {
        let settled = match self.walk(listing, nested).await {
            Err(Broken::Inconsistent(detail)) => {
                tracing::warn!(what = listing.operation, detail, "inconsistent list, fetched once more");
                self.walk(listing, nested).await
            }
            settled => settled,
        };
        settled.map_err(|broken| inconsistent(listing.operation, broken))
    }

    /// Reads each page before the next is asked for: as JSON a list takes several times as much memory.
    async fn walk<T: DeserializeOwned>(&self, listing: &Listing, nested: &[&Nested]) -> Result<Vec<T>, Broken> {
        let (mut walk, mut records) = (Walk::default(), Vec::new());
        loop {
            let offset = walk.so_far();
            let answer = self.run(&|dialect| page_document(listing, dialect, offset)).await?;
            let is_last = !walk.take(&answer.value).map_err(Broken::Inconsistent)?;
            drop(answer);
            for mut node in walk.nodes.drain(..) {
                for nested in nested {
                    self.complete(nested, &mut node).await?;
                }
                let record = T::deserialize(&node).map_err(|error| unreadable(listing.operation, &node, &error))?;
                records.push(record);
            }
            if is_last {
                return Ok(records);
            }
        }
    }

    /// Makes the list inside `parent` whole, in place. Asks nothing where its first page was the only one.
    pub(crate) async fn complete(&self, nested: &Nested, parent: &mut Value) -> Result<(), Broken> {
        let Some(list) = parent.get(nested.field).filter(|list| !list.is_null()) else {
            return Ok(());
        };
        let id = id_text(parent).unwrap_or_default();
        let named = |detail: String| Broken::Inconsistent(format!("{} of {id}: {detail}", nested.field));
        let mut walk = Walk::default();
        let mut more = walk.take(list).map_err(named)?;
        if more && !self.dialect().await?.is_introspected() {
            // The first page came without an order, which nobody could say: what follows it is not known.
            walk = Walk::default();
        }
        while more {
            let offset = walk.so_far();
            let answer = self.run(&|dialect| nested_document(nested, dialect, &id, offset)).await?;
            let parents = lenient::nodes(&answer.value);
            let page = parents.first().and_then(|parent| parent.get(nested.field));
            let page = page.ok_or_else(|| named("the record vanished between two pages".to_owned()))?;
            more = walk.take(page).map_err(named)?;
        }
        parent[nested.field] = Value::Array(walk.nodes);
        Ok(())
    }
}

fn page_document(listing: &Listing, dialect: &Dialect, offset: usize) -> Document {
    let mut args = Vec::new();
    if !listing.filters.is_empty() {
        args.push(("filters", Arg::List(listing.filters.clone())));
    }
    args.push(("first", Arg::Count(PAGE)));
    args.push(("offset", Arg::Count(offset)));
    args.extend(dialect.ordering(listing.root));
    Document::query(listing.operation, listing.root, args, connection(&listing.selection))
}

fn nested_document(nested: &Nested, dialect: &Dialect, id: &str, offset: usize) -> Document {
    let page = nested.page(offset, dialect.nested_ordering());
    let args = vec![("filters", Arg::List(vec![Arg::filter("id", "eq", id)])), ("first", Arg::Count(1))];
    Document::query(nested.operation, nested.root, args, format!("edges {{ node {{ id {page} }} }}"))
}

/// The selection of a connection whose nodes show `node`.
pub(crate) fn connection(node: &str) -> String {
    format!("edges {{ node {{ {node} }} }} pageInfo {{ hasNextPage totalRecords }}")
}

fn id_text(node: &Value) -> Option<String> {
    lenient::maybe_text(node.get("id")?.clone()).ok().flatten()
}

fn unreadable(operation: &'static str, node: &Value, error: &serde_json::Error) -> Error {
    let id = id_text(node).unwrap_or_else(|| "without id".to_owned());
    Error::Unreadable { operation, detail: format!("record {id}: {error}"), outcome: Outcome::NotDone }
}
