//! What the routes of resources share: who reads, pages, transactions, and answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::body::{self, Mode};
use super::problems::Problems;
use super::query::{self, ListRefusal, ListRequest};
use super::refusal;
use super::store;
use super::write::{self, RowRemoval, WriteRefusal, unknown_row};
use super::{Audience, CascadeGuard, NestedList, RowDraft, TableResource, WriteRequest};
use crate::error::Error;
use crate::history::{self, Interface};
use crate::http::auth::AuthError;
use crate::http::etag;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::base_url;
use crate::http::state::ServerState;
use crate::identity::{Caller, Role};

/// Brings the searches of this process up to date after a write.
pub type Refresh = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Returns members of a document that depend on who reads it.
pub type ExtraMembers<'a> = &'a (dyn Fn(&Value) -> Map<String, Value> + Sync);

/// What the routes of resources share.
#[derive(Clone)]
pub struct ResourceState {
    pub server: ServerState,
    pub refresh: Refresh,
    /// Whether anonymous callers may read the public rows.
    pub is_public: bool,
    /// Rows of other tables that a cascade does not delete.
    pub guards: &'static [CascadeGuard],
}

impl FromRef<ResourceState> for PgPool {
    fn from_ref(state: &ResourceState) -> Self {
        state.server.pool.clone()
    }
}

impl FromRef<ResourceState> for ServerState {
    fn from_ref(state: &ResourceState) -> Self {
        state.server.clone()
    }
}

impl ResourceState {
    /// Begins a transaction in which the history names the caller.
    pub async fn begin(&self, caller: &Caller) -> Result<Transaction<'static, Postgres>, HttpProblem> {
        let mut transaction = self.server.pool.begin().await.map_err(Error::from)?;
        history::sign(&mut transaction, &caller.name, Interface::Http).await?;
        Ok(transaction)
    }

    /// Commits a write and brings search up to date.
    pub async fn commit(&self, transaction: Transaction<'static, Postgres>) -> crate::error::Result<()> {
        transaction.commit().await?;
        (self.refresh)().await;
        Ok(())
    }
}

/// The state of the routes of one resource.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub shared: ResourceState,
    pub resource: &'static TableResource,
}

impl FromRef<Endpoint> for PgPool {
    fn from_ref(endpoint: &Endpoint) -> Self {
        endpoint.shared.server.pool.clone()
    }
}

/// Who reads.
pub(super) struct RowReader(pub Audience);

impl FromRequestParts<Endpoint> for RowReader {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, endpoint: &Endpoint) -> Result<Self, AuthError> {
        match Caller::from_request_parts(parts, endpoint).await {
            Ok(caller) if !caller.role.has_subject() => Ok(RowReader(Audience::from(caller.role))),
            // A route that needs no token ignores one that is unknown or does not suffice.
            Ok(_) | Err(AuthError::Unknown | AuthError::Invalid) if endpoint.shared.is_public => {
                Ok(RowReader(Audience::Public))
            }
            Ok(_) => Err(AuthError::Forbidden(
                "the role of this token does not suffice: use the token of a reader, operator or admin",
            )),
            Err(error) => Err(error),
        }
    }
}

/// Returns the documents of rows that a caller sees, in the order of the ids.
pub async fn documents(
    db: &mut PgConnection,
    state: &ResourceState,
    resource: &TableResource,
    caller: &Caller,
    ids: &[i64],
) -> crate::error::Result<Vec<Value>> {
    let audience = Audience::from(caller.role);
    let mut documents = store::read(db, resource, ids, &[], audience).await?;
    write::complete(resource, Some(&state.server.config), audience, &mut documents);
    Ok(documents)
}

impl Endpoint {
    pub(super) fn write_request<'a>(
        &'a self,
        caller: &'a Caller,
        parameters: &'a [(String, String)],
    ) -> WriteRequest<'a> {
        WriteRequest {
            config: Some(&self.shared.server.config),
            caller: Some(caller),
            audience: Audience::from(caller.role),
            parameters,
        }
    }

    /// `owner`: the id of the row of another resource to which the listed rows belong.
    pub(super) async fn list(
        &self,
        RowReader(audience): RowReader,
        owner: Option<i64>,
        headers: &HeaderMap,
        pairs: &[(String, String)],
    ) -> Result<Response, HttpProblem> {
        let mut request = match query::parse(self.resource, &self.shared.server.config, pairs, audience) {
            Ok(request) => request,
            Err(ListRefusal::Parameters(problem)) => return Err(problem),
            Err(ListRefusal::Reader(error)) => return Ok(error.into_response()),
        };
        let mut path = self.resource.path.to_owned();
        if let (Some(owner), Some(nested)) = (owner, &self.resource.nested) {
            self.find_owner(nested, owner, audience).await?;
            request.filters.insert(nested.field.to_owned(), json!([owner]));
            path = nested.path.replace("{id}", &owner.to_string());
        }
        let mut connection = self.connection().await?;
        let (count, mut results) = store::list(&mut connection, self.resource, &request).await?;
        write::complete(self.resource, Some(&self.shared.server.config), audience, &mut results);
        let (next, previous) = self.neighbours(&path, headers, pairs, &request, count);
        Ok(Json(json!({ "count": count, "next": next, "previous": previous, "results": results })).into_response())
    }

    /// Responds with a document as it was. Its readers need a token, as those of its history.
    pub(super) async fn read_past(
        &self,
        audience: Audience,
        id: i64,
        time: &str,
        is_complete: bool,
    ) -> Result<Response, HttpProblem> {
        if audience == Audience::Public {
            return Ok(AuthError::Unknown.into_response());
        }
        let time: Timestamp = time.trim().parse().map_err(|_| {
            let message = "must be a time with its offset, like 2026-04-01T09:00:00Z";
            HttpProblem::fields(FieldError::new("/as_of", "invalid_value", message))
        })?;
        let past = self.resource.past.ok_or_else(|| unknown_row(self.resource))?;
        let found = past(&mut *self.connection().await?, id, time).await?;
        let mut document = found.ok_or_else(|| {
            HttpProblem::new(StatusCode::NOT_FOUND, format!("there was no such {} at that time", self.resource.noun))
        })?;
        write::complete(self.resource, Some(&self.shared.server.config), audience, std::slice::from_mut(&mut document));
        if let Some(members) = document.as_object_mut().filter(|_| !is_complete) {
            self.resource.includes.iter().for_each(|include| drop(members.remove(include.name)));
        }
        Ok(Json(document).into_response())
    }

    /// Checks that the row of a nested list exists.
    pub(super) async fn find_owner(
        &self,
        nested: &NestedList,
        owner: i64,
        audience: Audience,
    ) -> Result<(), HttpProblem> {
        let mut connection = self.connection().await?;
        let found = store::read(&mut connection, nested.parent, &[owner], &[], audience).await?;
        if found.is_empty() { Err(unknown_row(nested.parent)) } else { Ok(()) }
    }

    /// Creates rows. Returns their documents.
    pub(super) async fn create(
        &self,
        caller: &Caller,
        parameters: &[(String, String)],
        body: &Value,
        mut problems: Problems,
    ) -> Result<Vec<Value>, HttpProblem> {
        let request = self.write_request(caller, parameters);
        let (mut drafts, _) = body::new_rows(self.resource, body, &mut problems);
        let mut transaction = self.shared.begin(caller).await?;
        let created = write::create(&mut transaction, self.resource, &request, &mut drafts, problems).await;
        self.end(transaction, created, &drafts).await
    }

    /// Responds with the documents of new rows. `more`: members of a document that its ETag does not cover.
    pub(super) fn created(&self, is_list: bool, mut documents: Vec<Value>, more: ExtraMembers<'_>) -> Response {
        match documents.pop() {
            Some(document) if !is_list => {
                let location = self.resource.item_path.replace("{id}", &document["id"].to_string());
                let added = more(&document);
                let mut response = etag::with_etag_and(&HeaderMap::new(), StatusCode::CREATED, document, added);
                if let Ok(location) = HeaderValue::from_str(&location) {
                    response.headers_mut().insert(header::LOCATION, location);
                }
                response
            }
            last => {
                documents.extend(last);
                for document in &mut documents {
                    let added = more(document);
                    if let Some(members) = document.as_object_mut() {
                        members.extend(added);
                    }
                }
                (StatusCode::CREATED, Json(Value::Array(documents))).into_response()
            }
        }
    }

    pub(super) async fn change(
        &self,
        caller: &Caller,
        id: i64,
        headers: &HeaderMap,
        parameters: &[(String, String)],
        body: (Mode, &Value),
    ) -> Result<Value, HttpProblem> {
        self.require_if_match(headers)?;
        let request = self.write_request(caller, parameters);
        let mut attempted = Vec::new();
        let mut transaction = self.shared.begin(caller).await?;
        let changed = write::change(&mut transaction, self.resource, &request, id, body, headers, &mut attempted).await;
        self.end(transaction, changed, &attempted).await
    }

    /// Deletes a row. Returns its document if another process deletes it later.
    pub(super) async fn remove(
        &self,
        caller: &Caller,
        id: i64,
        headers: &HeaderMap,
        parameters: &[(String, String)],
    ) -> Result<Option<Value>, HttpProblem> {
        let request = self.write_request(caller, parameters);
        let may_cascade = request.flag("cascade")? && caller.role == Role::Admin;
        self.require_if_match(headers)?;
        let mut transaction = self.shared.begin(caller).await?;
        let (resource, guards) = (self.resource, self.shared.guards);
        let removed = write::remove(&mut transaction, resource, &request, id, headers, may_cascade, guards).await;
        Ok(match self.end(transaction, removed, &[]).await? {
            RowRemoval::Now => None,
            RowRemoval::Later(document) => Some(document),
        })
    }

    pub(super) fn require_if_match(&self, headers: &HeaderMap) -> Result<(), HttpProblem> {
        match self.shared.server.config.http.require_if_match && !headers.contains_key(header::IF_MATCH) {
            true => Err(HttpProblem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "If-Match is required: read the document and send its ETag",
            )),
            false => Ok(()),
        }
    }

    pub(super) async fn connection(&self) -> Result<sqlx::pool::PoolConnection<Postgres>, HttpProblem> {
        Ok(self.shared.server.pool.acquire().await.map_err(Error::from)?)
    }

    /// Commits a write and brings search up to date, or explains why the write is refused.
    pub(super) async fn end<T>(
        &self,
        transaction: Transaction<'static, Postgres>,
        outcome: Result<T, WriteRefusal>,
        drafts: &[RowDraft],
    ) -> Result<T, HttpProblem> {
        let outcome = match outcome {
            Ok(written) => self.shared.commit(transaction).await.map(|()| written).map_err(WriteRefusal::from),
            Err(refusal) => {
                transaction.rollback().await.map_err(Error::from)?;
                Err(refusal)
            }
        };
        match outcome {
            Ok(written) => Ok(written),
            Err(refusal) => Err(self.explain(refusal, drafts).await),
        }
    }

    /// Explains why a write is refused.
    pub(super) async fn explain(&self, refusal: WriteRefusal, drafts: &[RowDraft]) -> HttpProblem {
        let pool = &self.shared.server.pool;
        match refusal {
            WriteRefusal::Request(problem) => problem,
            WriteRefusal::Database(error) => refusal::explain(pool, self.resource, drafts, error).await,
            WriteRefusal::Included { error, child, rows } => refusal::explain(pool, child, &rows, error).await,
        }
    }

    /// Returns the addresses of the next and the previous page.
    fn neighbours(
        &self,
        path: &str,
        headers: &HeaderMap,
        pairs: &[(String, String)],
        request: &ListRequest,
        count: i64,
    ) -> (Option<String>, Option<String>) {
        let last = ((count - 1) / request.page_size + 1).max(1);
        let base = base_url(&self.shared.server.config.public_url, headers);
        let address = |page: i64| {
            let page = page.to_string();
            let others = pairs.iter().filter(|(name, _)| name != "page");
            let all = others.map(|(name, value)| (name.as_str(), value.as_str())).chain([("page", page.as_str())]);
            let encode = |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
            // The names of parameters are known ones.
            let query: Vec<String> = all.map(|(name, value)| format!("{name}={}", encode(value))).collect();
            format!("{base}{path}/?{}", query.join("&"))
        };
        let next = (request.page < last).then(|| address(request.page + 1));
        let previous = (request.page > 1).then(|| address((request.page - 1).min(last)));
        (next, previous)
    }
}
