//! The routes of table resources: operators write; who reads, the caller of [`router`] decides.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::{PgPool, Postgres, Transaction};

use super::body::{self, Mode};
use super::problems::Problems;
use super::query::{self, ListRequest};
use super::refusal;
use super::store;
use super::write::{self, WriteRefusal, unknown_row};
use super::{CascadeGuard, RowDraft, TableResource};
use crate::error::Error;
use crate::history::{self, Interface};
use crate::http::auth::{AuthError, Operator};
use crate::http::etag;
use crate::http::json::JsonBody;
use crate::http::parameters::RouteParameters;
use crate::http::problem::{FieldError, HttpProblem};
use crate::http::query::{Pairs, base_url, pairs};
use crate::http::state::ServerState;
use crate::identity::{Caller, Role};

/// Brings the searches of this process up to date after a write.
pub type Refresh = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

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

/// The state of the routes of one resource.
#[derive(Clone)]
struct Endpoint {
    shared: ResourceState,
    resource: &'static TableResource,
}

impl FromRef<Endpoint> for PgPool {
    fn from_ref(endpoint: &Endpoint) -> Self {
        endpoint.shared.server.pool.clone()
    }
}

/// Returns the routes of resources.
pub fn router(resources: &[&'static TableResource], state: &ResourceState) -> Router {
    resources.iter().fold(Router::new(), |router, resource| {
        let endpoint = Endpoint { shared: state.clone(), resource };
        let routes = Router::new()
            .route(resource.path, get(list).post(create))
            .route(resource.item_path, get(read).put(replace).patch(change).delete(remove))
            .with_state(endpoint);
        router.merge(routes)
    })
}

/// Returns the parameters that the routes of resources know.
pub fn parameters(resources: &[&'static TableResource]) -> Vec<RouteParameters> {
    let mut known = Vec::new();
    for resource in resources {
        let includes = if resource.includes.is_empty() { vec![] } else { vec!["include"] };
        known.push((Method::GET, resource.path, query::list_parameters(resource)));
        known.push((Method::POST, resource.path, vec![]));
        known.push((Method::GET, resource.item_path, includes));
        known.push((Method::PUT, resource.item_path, vec![]));
        known.push((Method::PATCH, resource.item_path, vec![]));
        known.push((Method::DELETE, resource.item_path, vec!["cascade"]));
    }
    known
}

/// Who reads: a caller who may read all rows, or one who may read the public rows.
struct RowReader {
    is_public: bool,
}

impl FromRequestParts<Endpoint> for RowReader {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, endpoint: &Endpoint) -> Result<Self, AuthError> {
        match Caller::from_request_parts(parts, endpoint).await {
            Ok(caller) if !caller.role.has_subject() => Ok(RowReader { is_public: false }),
            // A route that needs no token ignores one that is unknown or does not suffice.
            Ok(_) | Err(AuthError::Unknown | AuthError::Invalid) if endpoint.shared.is_public => {
                Ok(RowReader { is_public: true })
            }
            Ok(_) => Err(AuthError::Forbidden(
                "the role of this token does not suffice: use the token of a reader, operator or admin",
            )),
            Err(error) => Err(error),
        }
    }
}

/// The id in the path of a document.
struct RowId(i64);

impl FromRequestParts<Endpoint> for RowId {
    type Rejection = HttpProblem;

    async fn from_request_parts(parts: &mut Parts, endpoint: &Endpoint) -> Result<Self, HttpProblem> {
        let text = Path::<String>::from_request_parts(parts, endpoint).await.ok();
        let id = text.and_then(|Path(text)| text.parse().ok());
        id.map(RowId).ok_or_else(|| unknown_row(endpoint.resource))
    }
}

async fn list(
    reader: RowReader,
    State(endpoint): State<Endpoint>,
    headers: HeaderMap,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    let pairs = pairs(address)?;
    let request = query::parse(endpoint.resource, &pairs)?;
    let mut connection = endpoint.connection().await?;
    let (count, results) = store::list(&mut connection, endpoint.resource, &request, reader.is_public).await?;
    let (next, previous) = endpoint.neighbours(&headers, &pairs, &request, count);
    Ok(Json(json!({ "count": count, "next": next, "previous": previous, "results": results })).into_response())
}

async fn read(
    reader: RowReader,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    let includes = query::parse_includes(endpoint.resource, &pairs(address)?)?;
    let mut connection = endpoint.connection().await?;
    let found = store::read(&mut connection, endpoint.resource, &[id], &includes, reader.is_public).await?.pop();
    let document = found.ok_or_else(|| unknown_row(endpoint.resource))?;
    Ok(etag::with_etag(&headers, StatusCode::OK, document))
}

async fn create(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let mut problems = Problems::default();
    let (mut drafts, is_list) = body::new_rows(endpoint.resource, &body, &mut problems);
    let mut transaction = endpoint.begin(&caller).await?;
    let created = write::create(&mut transaction, endpoint.resource, &mut drafts, problems).await;
    let mut documents = endpoint.end(transaction, created, &drafts).await?;
    match documents.pop() {
        Some(document) if !is_list => {
            let location = format!("{}/{}", endpoint.resource.path, document["id"]);
            let mut response = etag::with_etag(&HeaderMap::new(), StatusCode::CREATED, document);
            if let Ok(location) = HeaderValue::from_str(&location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            Ok(response)
        }
        last => {
            documents.extend(last);
            Ok((StatusCode::CREATED, Json(Value::Array(documents))).into_response())
        }
    }
}

async fn replace(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    write_one(&endpoint, &caller, id, &headers, (Mode::Replace, &body)).await
}

async fn change(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    write_one(&endpoint, &caller, id, &headers, (Mode::Change, &body)).await
}

async fn write_one(
    endpoint: &Endpoint,
    caller: &Caller,
    id: i64,
    headers: &HeaderMap,
    body: (Mode, &Value),
) -> Result<Response, HttpProblem> {
    endpoint.require_if_match(headers)?;
    let mut attempted = Vec::new();
    let mut transaction = endpoint.begin(caller).await?;
    let changed = write::change(&mut transaction, endpoint.resource, id, body, headers, &mut attempted).await;
    let document = endpoint.end(transaction, changed, &attempted).await?;
    Ok(etag::with_etag(&HeaderMap::new(), StatusCode::OK, document))
}

async fn remove(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    address: Pairs,
) -> Result<StatusCode, HttpProblem> {
    let may_cascade = parse_cascade(&pairs(address)?)? && caller.role == Role::Admin;
    endpoint.require_if_match(&headers)?;
    let mut transaction = endpoint.begin(&caller).await?;
    let guards = endpoint.shared.guards;
    let removed = write::remove(&mut transaction, endpoint.resource, id, &headers, may_cascade, guards).await;
    endpoint.end(transaction, removed, &[]).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parse_cascade(pairs: &[(String, String)]) -> Result<bool, HttpProblem> {
    let mut may_cascade = false;
    for (_, value) in pairs.iter().filter(|(name, _)| name == "cascade") {
        may_cascade = match value.as_str() {
            "1" | "true" => true,
            "0" | "false" => false,
            _ => return Err(HttpProblem::fields(FieldError::new("/cascade", "invalid_value", "cascade is 1 or 0"))),
        };
    }
    Ok(may_cascade)
}

impl Endpoint {
    fn require_if_match(&self, headers: &HeaderMap) -> Result<(), HttpProblem> {
        match self.shared.server.config.http.require_if_match && !headers.contains_key(header::IF_MATCH) {
            true => Err(HttpProblem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "If-Match is required: read the document and send its ETag",
            )),
            false => Ok(()),
        }
    }

    async fn connection(&self) -> Result<sqlx::pool::PoolConnection<Postgres>, HttpProblem> {
        Ok(self.shared.server.pool.acquire().await.map_err(Error::from)?)
    }

    /// Begins a transaction in which the history names the caller.
    async fn begin(&self, caller: &Caller) -> Result<Transaction<'static, Postgres>, HttpProblem> {
        let mut transaction = self.shared.server.pool.begin().await.map_err(Error::from)?;
        history::sign(&mut transaction, &caller.name, Interface::Http).await?;
        Ok(transaction)
    }

    /// Commits a write and brings search up to date, or explains why the write is refused.
    async fn end<T>(
        &self,
        transaction: Transaction<'static, Postgres>,
        outcome: Result<T, WriteRefusal>,
        drafts: &[RowDraft],
    ) -> Result<T, HttpProblem> {
        let outcome = match outcome {
            Ok(written) => transaction.commit().await.map(|()| written).map_err(|error| Error::from(error).into()),
            Err(refusal) => {
                transaction.rollback().await.map_err(Error::from)?;
                Err(refusal)
            }
        };
        match outcome {
            Ok(written) => {
                (self.shared.refresh)().await;
                Ok(written)
            }
            Err(WriteRefusal::Request(problem)) => Err(problem),
            Err(WriteRefusal::Database(error)) => {
                Err(refusal::explain(&self.shared.server.pool, self.resource, drafts, error).await)
            }
        }
    }

    /// Returns the addresses of the next and the previous page.
    fn neighbours(
        &self,
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
            format!("{base}{}/?{}", self.resource.path, query.join("&"))
        };
        let next = (request.page < last).then(|| address(request.page + 1));
        let previous = (request.page > 1).then(|| address((request.page - 1).min(last)));
        (next, previous)
    }
}
