//! The routes of table resources: operators write; who reads, the caller of [`router`] decides.

use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value};

pub use super::endpoint::{ExtraMembers, ResourceState, documents};
pub use super::transaction::CallerTransaction;

use super::body::Mode;
use super::endpoint::{Endpoint, RowReader};
use super::problems::Problems;
use super::query;
use super::store;
use super::write::{self, unknown_row};
use super::{Audience, TableResource};
use crate::http::auth::Operator;
use crate::http::etag;
use crate::http::json::JsonBody;
use crate::http::parameters::RouteParameters;
use crate::http::problem::HttpProblem;
use crate::http::query::{Pairs, pairs};
use crate::identity::Caller;

/// The parameter with a time of the past.
pub(super) const AS_OF: &str = "as_of";

/// Returns the routes of resources.
pub fn router(resources: &[&'static TableResource], state: &ResourceState) -> Router {
    resources.iter().fold(Router::new(), |router, resource| {
        let endpoint = Endpoint { shared: state.clone(), resource };
        let mut routes = Router::new()
            .route(resource.path, get(list).post(create))
            .route(resource.item_path, get(read).put(replace).patch(change).delete(remove));
        if let Some(nested) = &resource.nested {
            routes = routes.route(nested.path, get(list_nested).post(create_nested));
        }
        router.merge(routes.with_state(endpoint))
    })
}

/// Returns the parameters that the routes of resources know.
pub fn parameters(resources: &[&'static TableResource]) -> Vec<RouteParameters> {
    let mut known = Vec::new();
    for resource in resources {
        let mut includes = if resource.includes.is_empty() { vec![] } else { vec!["include"] };
        includes.extend(resource.past.map(|_| AS_OF));
        let (written, deleted) = (resource.write_parameters, resource.deletion_parameters);
        for path in [resource.path].into_iter().chain(resource.nested.iter().map(|nested| nested.path)) {
            known.push((Method::GET, path, query::list_parameters(resource)));
            known.push((Method::POST, path, written.to_vec()));
        }
        known.push((Method::GET, resource.item_path, includes));
        known.push((Method::PUT, resource.item_path, written.to_vec()));
        known.push((Method::PATCH, resource.item_path, written.to_vec()));
        known.push((Method::DELETE, resource.item_path, [&["cascade"], deleted].concat()));
    }
    known
}

/// A write to a resource whose routes check the caller themselves.
#[derive(Clone, Copy)]
pub struct CallerWrite<'a> {
    pub state: &'a ResourceState,
    pub resource: &'static TableResource,
    pub caller: &'a Caller,
    /// The parameters of the address.
    pub parameters: &'a [(String, String)],
}

impl<'a> CallerWrite<'a> {
    /// Begins several writes in one transaction.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(self) -> Result<CallerTransaction<'a>, HttpProblem> {
        CallerTransaction::begin(self, self.endpoint()).await
    }

    /// Checks the preconditions of a request that means other rows than the one of its path. `is_same`: it means that row, and
    /// the write checks the rest.
    ///
    /// # Errors
    /// 412 or 428.
    pub fn check_preconditions(&self, headers: &HeaderMap, document: &Value, is_same: bool) -> Result<(), HttpProblem> {
        self.endpoint().require_if_match(headers)?;
        if is_same { Ok(()) } else { etag::check(headers, document) }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint { shared: self.state.clone(), resource: self.resource }
    }

    /// Creates one row or a list of rows, and responds with their documents.
    ///
    /// # Errors
    /// When the body or a rule refuses it.
    pub async fn create(&self, body: &Value, more: ExtraMembers<'_>) -> Result<Response, HttpProblem> {
        let endpoint = self.endpoint();
        let documents = endpoint.create(self.caller, self.parameters, body, Problems::default()).await?;
        Ok(endpoint.created(body.is_array(), documents, more))
    }

    /// Creates one row or a list of rows, and returns their documents.
    ///
    /// # Errors
    /// When the body or a rule refuses it.
    pub async fn create_documents(&self, body: &Value) -> Result<Vec<Value>, HttpProblem> {
        self.endpoint().create(self.caller, self.parameters, body, Problems::default()).await
    }

    /// Changes a row, and returns its document. `is_replaced`: fields that the body leaves out get their default.
    ///
    /// # Errors
    /// When the body, a precondition or a rule refuses it.
    pub async fn change(
        &self,
        id: i64,
        headers: &HeaderMap,
        is_replaced: bool,
        body: &Value,
    ) -> Result<Value, HttpProblem> {
        let mode = if is_replaced { Mode::Replace } else { Mode::Change };
        self.endpoint().change(self.caller, id, headers, self.parameters, (mode, body)).await
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// When a precondition, a rule or another row refuses it.
    pub async fn remove(&self, id: i64, headers: &HeaderMap) -> Result<(), HttpProblem> {
        self.endpoint().remove(self.caller, id, headers, self.parameters).await.map(drop)
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
    endpoint.list(reader, None, &headers, &pairs(address)?).await
}

/// Lists the rows that belong to a row of another resource.
async fn list_nested(
    reader: RowReader,
    State(endpoint): State<Endpoint>,
    RowId(owner): RowId,
    headers: HeaderMap,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    endpoint.list(reader, Some(owner), &headers, &pairs(address)?).await
}

async fn read(
    RowReader(audience): RowReader,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    let pairs = pairs(address)?;
    let includes = query::parse_includes(endpoint.resource, &pairs)?;
    if let Some((_, time)) = pairs.iter().find(|(name, _)| name == AS_OF) {
        return endpoint.read_past(audience, id, time, !includes.is_empty()).await;
    }
    let mut connection = endpoint.connection().await?;
    let mut found = store::read(&mut connection, endpoint.resource, &[id], &includes, audience).await?;
    write::complete(endpoint.resource, Some(&endpoint.shared.server.config), audience, &mut found);
    let document = found.pop().ok_or_else(|| unknown_row(endpoint.resource))?;
    Ok(etag::with_etag(&headers, StatusCode::OK, document))
}

async fn create(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    address: Pairs,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let documents = endpoint.create(&caller, &pairs(address)?, &body, Problems::default()).await?;
    Ok(endpoint.created(body.is_array(), documents, &|_| Map::new()))
}

/// Creates rows that belong to a row of another resource.
async fn create_nested(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    RowId(owner): RowId,
    address: Pairs,
    JsonBody(mut body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let mut problems = Problems::default();
    if let Some(nested) = &endpoint.resource.nested {
        endpoint.find_owner(nested, owner, Audience::Operator).await?;
        let is_list = body.is_array();
        let documents = match &mut body {
            Value::Array(documents) => documents.iter_mut().enumerate().collect(),
            document => vec![(0, document)],
        };
        for (at, document) in documents {
            let Some(given) = document.as_object_mut() else { continue };
            let known = given.entry(nested.field).or_insert(owner.into());
            if known.is_null() {
                *known = owner.into();
            }
            if *known != owner {
                let pointer = if is_list { format!("/{at}/{}", nested.field) } else { format!("/{}", nested.field) };
                let message = format!("is not {owner}, which the address says: leave it out");
                problems.violated(pointer, "conflicting_value", message);
            }
        }
    }
    let documents = endpoint.create(&caller, &pairs(address)?, &body, problems).await?;
    Ok(endpoint.created(body.is_array(), documents, &|_| Map::new()))
}

async fn replace(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    address: Pairs,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let document = endpoint.change(&caller, id, &headers, &pairs(address)?, (Mode::Replace, &body)).await?;
    Ok(etag::with_etag(&HeaderMap::new(), StatusCode::OK, document))
}

async fn change(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    address: Pairs,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, HttpProblem> {
    let document = endpoint.change(&caller, id, &headers, &pairs(address)?, (Mode::Change, &body)).await?;
    Ok(etag::with_etag(&HeaderMap::new(), StatusCode::OK, document))
}

async fn remove(
    Operator(caller): Operator,
    State(endpoint): State<Endpoint>,
    RowId(id): RowId,
    headers: HeaderMap,
    address: Pairs,
) -> Result<Response, HttpProblem> {
    Ok(match endpoint.remove(&caller, id, &headers, &pairs(address)?).await? {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(document) => etag::with_etag(&HeaderMap::new(), StatusCode::ACCEPTED, document),
    })
}
