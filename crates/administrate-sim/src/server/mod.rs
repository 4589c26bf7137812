//! The HTTP side: `/graphql`, `/oauth/token`, `/oauth/authorize`, and under `/control` what tests and rehearsals use.

mod control;
pub(crate) mod oauth;
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

use crate::execute::{self, Prepared};
use crate::faults::corrupt::tamper;
use crate::faults::{Action, Faults, PayloadTrouble, When};
use crate::journal::Journal;
use crate::log::{Mutation, Requests};
use crate::options::Clock;
use crate::replay::{Heard, Replay};
use crate::schema::SchemaOf;
use crate::server::oauth::OAuth;
use crate::server::tcp::Line;
use crate::tenant::Tenant;

/// What requests share.
pub(crate) struct Shared {
    pub(crate) schema: SchemaOf,
    pub(crate) clock: Clock,
    pub(crate) latency: Duration,
    pub(crate) seed: Tenant,
    /// Turns true when the simulator stops, so that hanging requests end.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) replay: Option<Replay>,
    /// How many requests have arrived, and how many of them were made to hang.
    pub(crate) traffic: watch::Sender<Traffic>,
    state: Mutex<Kept>,
}

/// Requests so far, for whoever waits for one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) arrived: u64,
    pub(crate) hung: u64,
}

/// What requests change, one at a time.
pub(crate) struct Kept {
    pub(crate) tenant: Tenant,
    pub(crate) oauth: OAuth,
    pub(crate) faults: Faults,
    pub(crate) requests: Requests,
    pub(crate) mutations: Vec<Mutation>,
    pub(crate) journal: Option<Journal>,
    /// Requests that are carried out after the next one of the same operation.
    pub(crate) late: Vec<Prepared>,
}

impl Kept {
    /// Counts a request and tells the fault that strikes it.
    fn count(&mut self, operations: &[String]) -> Option<Action> {
        self.requests.count(operations);
        let action = self.faults.strike(operations);
        self.requests.faulted += u64::from(action.is_some());
        action
    }
}

impl Shared {
    pub(crate) fn new(
        schema: SchemaOf,
        (clock, latency): (Clock, Duration),
        seed: Tenant,
        stopping: watch::Receiver<bool>,
        replay: Option<Replay>,
        state: Kept,
    ) -> Self {
        let traffic = watch::Sender::default();
        Self { schema, clock, latency, seed, stopping, replay, traffic, state: Mutex::new(state) }
    }

    /// Even a sleep of nothing takes a tick of tokio's timer, which thousands of requests would feel.
    async fn wait(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// Counts a request that arrives and tells the fault that strikes it.
    fn arrive(&self, operations: &[String]) -> Option<Action> {
        let action = self.state().count(operations);
        self.traffic.send_modify(|traffic| traffic.arrived += 1);
        action
    }

    /// A poisoned lock is taken all the same: a test that panicked elsewhere should not hide behind it.
    pub(crate) fn state(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/graphql", post(graphql))
        .route("/oauth/token", post(token))
        .route("/oauth/authorize", get(authorize))
        .merge(control::routes())
        .with_state(shared)
}

type Form = BTreeMap<String, String>;

/// Parameters may stand in the form body, as documented, or in the query string, as some clients send them. Of the faults,
/// status, reset and hang mean something here.
async fn token(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Query(mut form): Query<Form>,
    body: Bytes,
) -> Response {
    form.extend(form_urlencoded::parse(&body).into_owned());
    shared.wait().await;
    let action = shared.arrive(&["token".to_owned()]);
    match action {
        Some(Action::Status { status, retry_after }) => status_alone(status, retry_after),
        Some(Action::Reset { .. }) => reset(&line),
        Some(Action::Hang { .. }) => hang(&shared, &line).await,
        _ => match shared.state().oauth.token(&form, (shared.clock)()) {
            Ok(answer) => axum::Json(answer).into_response(),
            Err(refused) => {
                let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST);
                (status, axum::Json(refused.body)).into_response()
            }
        },
    }
}

/// Agrees at once, where a person would be asked.
async fn authorize(State(shared): State<Arc<Shared>>, Query(asked): Query<Form>) -> Response {
    let given = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let (redirect, state) = (given("redirect_uri"), given("state"));
    if given("response_type") != "code" || redirect.is_empty() {
        return (StatusCode::BAD_REQUEST, "response_type=code and redirect_uri are needed").into_response();
    }
    match shared.state().oauth.authorize(given("client_id"), redirect) {
        Some(code) => {
            let mut answer = form_urlencoded::Serializer::new(String::new());
            answer.append_pair("code", &code).append_pair("state", state);
            let joint = if redirect.contains('?') { '&' } else { '?' };
            Redirect::to(&format!("{redirect}{joint}{}", answer.finish())).into_response()
        }
        None => (StatusCode::BAD_REQUEST, "the client is not known").into_response(),
    }
}

async fn graphql(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    shared.wait().await;
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !shared.state().oauth.admits(token, (shared.clock)()) {
        return unauthorized(&shared);
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/json") {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json").into_response();
    }
    let request: execute::Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            let problem = execute::refused(&format!("the body is no GraphQL request: {error}"));
            return (StatusCode::BAD_REQUEST, axum::Json(problem)).into_response();
        }
    };
    if let Some(replay) = &shared.replay {
        return replayed(replay, &line, request);
    }
    match execute::prepare(&shared.schema, request) {
        Ok(prepared) => answer(&shared, &line, prepared).await,
        Err(problem) => {
            let mut state = shared.state();
            state.requests.count(&[]);
            state.requests.refused += 1;
            axum::Json(problem).into_response()
        }
    }
}

/// What was heard when the recording was made.
fn replayed(replay: &Replay, line: &Line, request: execute::Request) -> Response {
    let variables = JsonValue::Object(request.variables.unwrap_or_default());
    let variables = serde_json::to_value(&variables).unwrap_or_default();
    match replay.hear(&request.query, &variables) {
        Heard::Answer(status, body) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, axum::Json(body)).into_response()
        }
        Heard::Nothing => reset(line),
        Heard::Unknown => axum::Json(execute::refused("nobody asked this when the recording was made")).into_response(),
    }
}

fn unauthorized(shared: &Shared) -> Response {
    let mut state = shared.state();
    state.requests.count(&[]);
    state.requests.refused += 1;
    let body =
        json!({ "error": "invalid_token", "error_description": "the access token is missing, unknown or expired" });
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], axum::Json(body)).into_response()
}

/// Carries out a valid request, unless a fault says otherwise.
async fn answer(shared: &Shared, line: &Line, prepared: Prepared) -> Response {
    let action = shared.arrive(&prepared.operations);
    if action == Some(Action::ExpireTokens) {
        shared.state().oauth.expire();
    }
    match &action {
        Some(Action::ExpireTokens) => return unauthorized(shared),
        Some(Action::Status { status, retry_after }) => return status_alone(*status, *retry_after),
        Some(Action::Reset { when: When::Before }) => return reset(line),
        Some(Action::Hang { when: When::Before }) => return hang(shared, line).await,
        Some(Action::Late) => {
            shared.state().late.push(prepared);
            return hang(shared, line).await;
        }
        Some(Action::Error { message }) => {
            let mut failed = execute::refused(message);
            failed.insert("data", JsonValue::Null);
            return axum::Json(failed).into_response();
        }
        _ => {}
    }
    let mut answer = match carry_out(shared, &prepared, action.as_ref()) {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "the journal cannot be written");
            return status_alone(500, None);
        }
    };
    match action {
        Some(Action::Reset { .. }) => return reset(line),
        Some(Action::Hang { .. }) => return hang(shared, line).await,
        Some(action) => tamper(&mut answer, &action),
        None => {}
    }
    axum::Json(answer).into_response()
}

/// Execution, log and journal under one lock: the journal has the order in which things happened.
fn carry_out(shared: &Shared, prepared: &Prepared, action: Option<&Action>) -> std::io::Result<JsonMap> {
    let trouble = match action {
        Some(Action::PayloadError { label, message }) => {
            Some(PayloadTrouble { label: label.clone(), message: message.clone(), carried_out: false })
        }
        Some(Action::ObjectAndError { message }) => {
            Some(PayloadTrouble { label: None, message: message.clone(), carried_out: true })
        }
        _ => None,
    };
    let mut state = shared.state();
    let now = (shared.clock)();
    let (answer, mut mutations) = execute::carry_out(&shared.schema, prepared, &mut state.tenant, now, trouble);
    let (late, waiting) = std::mem::take(&mut state.late)
        .into_iter()
        .partition::<Vec<_>, _>(|late| late.operations == prepared.operations);
    state.late = waiting;
    for late in late {
        mutations.extend(execute::carry_out(&shared.schema, &late, &mut state.tenant, now, None).1);
    }
    if let Some(journal) = &mut state.journal {
        for mutation in mutations.iter().filter(|mutation| mutation.changed) {
            journal.append(mutation)?;
        }
    }
    state.mutations.extend(mutations);
    Ok(answer)
}

fn status_alone(status: u16, retry_after: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or_default();
    match retry_after {
        Some(seconds) => (status, [(header::RETRY_AFTER, seconds.to_string())], reason).into_response(),
        None => (status, reason).into_response(),
    }
}

/// The answer is not sent: its connection is gone.
fn reset(line: &Line) -> Response {
    line.cut();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Waits until the simulator stops; a client that gives up earlier takes this call along.
async fn hang(shared: &Shared, line: &Line) -> Response {
    shared.traffic.send_modify(|traffic| traffic.hung += 1);
    let mut stopping = shared.stopping.clone();
    // An error means that the sender is gone, which is the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
    reset(line)
}
