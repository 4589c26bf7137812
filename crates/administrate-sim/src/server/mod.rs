//! HTTP server: the page at `/`, `/graphql`, `/oauth/token`, `/oauth/authorize`, and the `/control` routes for tests and manual trials.

mod control;
pub(crate) mod oauth;
mod page;
pub(crate) mod simulator;
mod tcp;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apollo_compiler::response::{JsonMap, JsonValue};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::sync::watch;

use crate::execute::{self, PreparedRequest};
use crate::faults::corrupt::corrupt;
use crate::faults::{Action, Faults, PayloadFault, When};
use crate::journal::Journal;
use crate::log::{Mutation, Requests};
use crate::options::Clock;
use crate::replay::{Replay, ReplayedResponse};
use crate::schema::ProfileSchema;
use crate::server::oauth::OAuth;
use crate::server::tcp::ClientConnection;
use crate::tenant::Tenant;

/// Settings and state that all requests share.
pub(crate) struct ServerContext {
    pub(crate) schema: ProfileSchema,
    pub(crate) clock: Clock,
    pub(crate) latency: Duration,
    pub(crate) seed: Tenant,
    /// Becomes true when the simulator stops, which ends hanging requests.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) replay: Option<Replay>,
    /// Counts of arrived and hanging requests, for callers that wait for one.
    pub(crate) traffic: watch::Sender<Traffic>,
    state: Mutex<MutableState>,
}

/// Number of requests that have arrived, and that a fault made hang, since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) arrived: u64,
    pub(crate) hanging: u64,
}

/// State that requests change, one request at a time.
pub(crate) struct MutableState {
    pub(crate) tenant: Tenant,
    pub(crate) oauth: OAuth,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) mutations: Vec<Mutation>,
    pub(crate) journal: Option<Journal>,
    /// Requests to execute after the next request of the same operation.
    pub(crate) late: Vec<PreparedRequest>,
}

impl MutableState {
    /// Counts a request and returns the fault action for it.
    fn record(&mut self, operations: &[String]) -> Option<Action> {
        self.requests.record(operations);
        let action = self.faults.trigger(operations);
        self.requests.faulted += u64::from(action.is_some());
        action
    }
}

impl ServerContext {
    pub(crate) fn new(
        schema: ProfileSchema,
        clock: Clock,
        latency: Duration,
        seed: Tenant,
        stopping: watch::Receiver<bool>,
        replay: Option<Replay>,
        state: MutableState,
    ) -> Self {
        let traffic = watch::Sender::default();
        Self { schema, clock, latency, seed, stopping, replay, traffic, state: Mutex::new(state) }
    }

    /// Waits for the configured latency. Skips a zero sleep, which would cost a timer tick of tokio per request.
    async fn delay(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// Counts an arriving request, notifies waiting callers and returns the fault action.
    fn record_arrival(&self, operations: &[String]) -> Option<Action> {
        let action = self.state().record(operations);
        self.traffic.send_modify(|traffic| traffic.arrived += 1);
        action
    }

    /// Locks the state. Ignores poisoning, so that a panic in one test thread does not hide its cause behind others.
    pub(crate) fn state(&self) -> MutexGuard<'_, MutableState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn router(context: Arc<ServerContext>) -> Router {
    Router::new()
        .route("/graphql", post(graphql))
        .route("/oauth/token", post(token))
        .route("/oauth/authorize", get(authorize))
        .merge(control::routes())
        .merge(page::routes())
        .with_state(context)
}

type Form = BTreeMap<String, String>;

/// Issues a token. Parameters come in the form body, as documented, or in the query string, as some clients send them.
/// Only the faults status, reset and hang apply to this route.
async fn token(
    State(context): State<Arc<ServerContext>>,
    ConnectInfo(connection): ConnectInfo<ClientConnection>,
    Query(mut form): Query<Form>,
    body: Bytes,
) -> Response {
    form.extend(form_urlencoded::parse(&body).into_owned());
    context.delay().await;
    let action = context.record_arrival(&["token".to_owned()]);
    match action {
        Some(Action::Status { status, retry_after }) => status_response(status, retry_after),
        Some(Action::Reset { .. }) => reset_response(&connection),
        Some(Action::Hang { .. }) => hang(&context, &connection).await,
        _ => match context.state().oauth.token(&form, (context.clock)()) {
            Ok(response) => axum::Json(response).into_response(),
            Err(error) => {
                let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
                (status, axum::Json(error.body)).into_response()
            }
        },
    }
}

/// Redirects with a code at once, without a consent page.
async fn authorize(State(context): State<Arc<ServerContext>>, Query(parameters): Query<Form>) -> Response {
    let parameter = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
    let (redirect, state) = (parameter("redirect_uri"), parameter("state"));
    if parameter("response_type") != "code" || redirect.is_empty() {
        return (StatusCode::BAD_REQUEST, "response_type=code and redirect_uri are required").into_response();
    }
    match context.state().oauth.authorize(parameter("client_id"), redirect) {
        Some(code) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("code", &code).append_pair("state", state);
            let separator = if redirect.contains('?') { '&' } else { '?' };
            Redirect::to(&format!("{redirect}{separator}{}", query.finish())).into_response()
        }
        None => (StatusCode::BAD_REQUEST, "the client_id is not known").into_response(),
    }
}

async fn graphql(
    State(context): State<Arc<ServerContext>>,
    ConnectInfo(connection): ConnectInfo<ClientConnection>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    context.delay().await;
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !context.state().oauth.is_authorized(token, (context.clock)()) {
        return unauthorized_response(&context);
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/json") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json").into_response();
    }
    let request: execute::Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            let body = execute::error_response(&format!("the body is not a GraphQL request: {error}"));
            return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
        }
    };
    if let Some(replay) = &context.replay {
        return replayed_response(replay, &connection, request);
    }
    match execute::prepare(&context.schema, request) {
        Ok(prepared) => respond(&context, &connection, prepared).await,
        Err(body) => {
            let mut state = context.state();
            state.requests.record(&[]);
            state.requests.refused += 1;
            axum::Json(body).into_response()
        }
    }
}

/// Returns the recorded response of a request.
fn replayed_response(replay: &Replay, connection: &ClientConnection, request: execute::Request) -> Response {
    let variables = JsonValue::Object(request.variables.unwrap_or_default());
    let variables = serde_json::to_value(&variables).unwrap_or_default();
    match replay.next_response(&request.query, &variables) {
        ReplayedResponse::Response(status, body) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, axum::Json(body)).into_response()
        }
        ReplayedResponse::ConnectionLost => reset_response(connection),
        ReplayedResponse::NotRecorded => {
            axum::Json(execute::error_response("the recording contains no such request")).into_response()
        }
    }
}

fn unauthorized_response(context: &ServerContext) -> Response {
    let mut state = context.state();
    state.requests.record(&[]);
    state.requests.refused += 1;
    let body =
        json!({ "error": "invalid_token", "error_description": "the access token is missing, unknown or expired" });
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], axum::Json(body)).into_response()
}

/// Executes a valid request and applies the fault for it.
async fn respond(context: &ServerContext, connection: &ClientConnection, prepared: PreparedRequest) -> Response {
    let action = context.record_arrival(&prepared.operations);
    if action == Some(Action::ExpireTokens) {
        context.state().oauth.expire_access_tokens();
    }
    match &action {
        Some(Action::ExpireTokens) => return unauthorized_response(context),
        Some(Action::Status { status, retry_after }) => return status_response(*status, *retry_after),
        Some(Action::Reset { when: When::Before }) => return reset_response(connection),
        Some(Action::Hang { when: When::Before }) => return hang(context, connection).await,
        Some(Action::Late) => {
            context.state().late.push(prepared);
            return hang(context, connection).await;
        }
        Some(Action::Error { message }) => {
            let mut body = execute::error_response(message);
            body.insert("data", JsonValue::Null);
            return axum::Json(body).into_response();
        }
        _ => {}
    }
    let mut response = match execute_and_journal(context, &prepared, action.as_ref()) {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "cannot write the journal");
            return status_response(500, None);
        }
    };
    match action {
        Some(Action::Reset { .. }) => return reset_response(connection),
        Some(Action::Hang { .. }) => return hang(context, connection).await,
        Some(action) => corrupt(&mut response, &action),
        None => {}
    }
    axum::Json(response).into_response()
}

/// Executes, logs and journals a request under one lock, so that the journal has the order of execution.
fn execute_and_journal(
    context: &ServerContext,
    prepared: &PreparedRequest,
    action: Option<&Action>,
) -> std::io::Result<JsonMap> {
    let payload_fault = match action {
        Some(Action::PayloadError { label, message }) => {
            Some(PayloadFault { label: label.clone(), message: message.clone(), is_executed: false })
        }
        Some(Action::ObjectAndError { message }) => {
            Some(PayloadFault { label: None, message: message.clone(), is_executed: true })
        }
        _ => None,
    };
    let mut state = context.state();
    let now = (context.clock)();
    let (response, mut mutations) = execute::run(&context.schema, prepared, &mut state.tenant, now, payload_fault);
    let (late, waiting) = std::mem::take(&mut state.late)
        .into_iter()
        .partition::<Vec<_>, _>(|late| late.operations == prepared.operations);
    state.late = waiting;
    for late in late {
        mutations.extend(execute::run(&context.schema, &late, &mut state.tenant, now, None).1);
    }
    if let Some(journal) = &mut state.journal {
        for mutation in mutations.iter().filter(|mutation| mutation.changed) {
            journal.append(mutation)?;
        }
    }
    state.mutations.extend(mutations);
    Ok(response)
}

fn status_response(status: u16, retry_after: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or_default();
    match retry_after {
        Some(seconds) => (status, [(header::RETRY_AFTER, seconds.to_string())], reason).into_response(),
        None => (status, reason).into_response(),
    }
}

/// Resets the connection. The returned response is never sent.
fn reset_response(connection: &ClientConnection) -> Response {
    connection.reset();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Waits until the simulator stops. If the client disconnects earlier, the server drops this call.
async fn hang(context: &ServerContext, connection: &ClientConnection) -> Response {
    context.traffic.send_modify(|traffic| traffic.hanging += 1);
    let mut stopping = context.stopping.clone();
    // An error means that the sender was dropped: the simulator stopped as well.
    let _ = stopping.wait_for(|is_stopping| *is_stopping).await;
    reset_response(connection)
}
