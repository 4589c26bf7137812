//! `POST /webhooks/administrate`: stores a delivery, then answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::json;

use super::payload::WebhookDelivery;
use super::signature::{self, SignatureError};
use super::{Received, store};
use crate::http::openapi::ApiPart;
use crate::http::problem::HttpProblem;
use crate::http::state::ServerState;

/// Largest delivery, in bytes. A complete event with a hundred sessions has less than half of it.
const BODY_LIMIT: usize = 256 * 1024;

/// Deliveries with a wrong signature are logged at this interval, however many there are.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

#[derive(utoipa::OpenApi)]
#[openapi(paths(receive))]
struct WebhookRoutes;

/// Describes the route.
pub fn description() -> ApiPart {
    let state = json!({ "type": "string", "enum": ["received", "known"] });
    ApiPart::of(&<WebhookRoutes as utoipa::OpenApi>::openapi())
        .with_schema(
            "WebhookDelivery",
            json!({ "type": "object", "description": "A delivery as Administrate sends it." }),
        )
        .with_schema(
            "WebhookReceipt",
            json!({
                "type": "object", "required": ["state"],
                "properties": { "id": { "type": "integer", "format": "int64" }, "state": state },
            }),
        )
}

/// Returns the route of webhooks.
pub fn router(state: ServerState) -> Router {
    let receiver = Receiver { state, refusals: Arc::default() };
    let route = post(receive).layer(DefaultBodyLimit::max(BODY_LIMIT));
    Router::new().route("/webhooks/administrate", route).with_state(receiver)
}

#[derive(Debug, Clone)]
struct Receiver {
    state: ServerState,
    refusals: Arc<Refusals>,
}

/// Receive a delivery of Administrate.
///
/// The delivery is signed, and stored before it is answered. Administrate repeats a delivery only after an answer of 5xx.
#[utoipa::path(
    post, path = "/webhooks/administrate", operation_id = "receiveWebhook", tag = "webhooks", security(("signature" = [])),
    request_body(content = ref("#/components/schemas/WebhookDelivery"), content_type = "application/json"),
    responses(
        (status = 202, description = "A new delivery.", body = ref("#/components/schemas/WebhookReceipt")),
        (status = 200, description = "A known delivery.", body = ref("#/components/schemas/WebhookReceipt")),
        (status = 400, description = ""), (status = 401, description = "")
    )
)]
async fn receive(State(receiver): State<Receiver>, request: Request) -> Result<Response, HttpProblem> {
    let body = signed_body(&receiver, request).await?;
    let delivery =
        WebhookDelivery::read(&body).map_err(|error| HttpProblem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(match store::insert(&receiver.state.pool, &delivery).await? {
        Received::New(id) => (StatusCode::ACCEPTED, Json(json!({ "id": id, "state": "received" }))).into_response(),
        Received::Known => Json(json!({ "state": "known" })).into_response(),
    })
}

/// Returns the body of a delivery whose signature is right. Nothing of it is read before the headers are checked.
async fn signed_body(receiver: &Receiver, request: Request) -> Result<Bytes, HttpProblem> {
    let refuse = |error: SignatureError| {
        receiver.refusals.count(error);
        HttpProblem::new(StatusCode::UNAUTHORIZED, error.to_string())
    };
    let secret = &receiver.state.config.administrate.webhook_secret;
    let headers = request.headers().clone();
    let signed = signature::check_headers(secret, &headers, Timestamp::now()).map_err(refuse)?;
    let body = Bytes::from_request(request, receiver).await.map_err(|rejection| {
        let detail = format!("the delivery is incomplete or larger than {} KB", BODY_LIMIT / 1024);
        HttpProblem::new(rejection.status(), detail)
    })?;
    signed.check_body(&body).map_err(refuse)?;
    Ok(body)
}

/// Counts refused deliveries and logs their number, so that a flood of them does not fill the log.
#[derive(Debug, Default)]
struct Refusals {
    /// Refused since the last line of the log; 0 if no line is due.
    count: AtomicU64,
}

impl Refusals {
    /// Counts one; the first is logged at once, the others together when the interval ends.
    fn count(self: &Arc<Self>, error: SignatureError) {
        if self.count.fetch_add(1, Ordering::Relaxed) > 0 {
            return;
        }
        tracing::warn!(%error, "webhook refused");
        let refusals = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LOG_INTERVAL).await;
            let more = refusals.count.swap(0, Ordering::Relaxed).saturating_sub(1);
            if more > 0 {
                tracing::warn!(more, "further webhooks were refused within a minute");
            }
        });
    }
}
