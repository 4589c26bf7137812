//! What every button of the page of an event begins with.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::forms::{EventPathId, SessionPathIds, known_event, known_session};
use crate::resources::api::ResourceState;
use crate::web::form::CsrfForm;
use crate::web::visitor::{StaffOperator, Visitor};

/// A button of an event, sent by a visitor who may change it.
pub(super) struct EventButton {
    pub visitor: Visitor,
    pub event: Value,
    pub form: CsrfForm,
}

/// A button of a session of an event.
pub(super) struct SessionButton {
    pub visitor: Visitor,
    pub event: Value,
    pub session: Value,
    pub form: CsrfForm,
}

/// Reads who sent a form, then its fields.
async fn sent(request: Request, state: &ResourceState) -> Result<(Visitor, Parts, CsrfForm), Response> {
    let (mut parts, body) = request.into_parts();
    let StaffOperator(visitor) = StaffOperator::from_request_parts(&mut parts, state).await?;
    let form = CsrfForm::from_request(Request::from_parts(parts.clone(), body), state).await;
    Ok((visitor, parts, form.map_err(IntoResponse::into_response)?))
}

impl FromRequest<ResourceState> for EventButton {
    type Rejection = Response;

    async fn from_request(request: Request, state: &ResourceState) -> Result<Self, Response> {
        let (visitor, mut parts, form) = sent(request, state).await?;
        let Ok(id) = EventPathId::from_request_parts(&mut parts, state).await;
        match known_event(&visitor, state, id).await {
            Ok(event) => Ok(EventButton { visitor, event, form }),
            Err(problem) => Err(visitor.problem(problem)),
        }
    }
}

impl FromRequest<ResourceState> for SessionButton {
    type Rejection = Response;

    async fn from_request(request: Request, state: &ResourceState) -> Result<Self, Response> {
        let (visitor, mut parts, form) = sent(request, state).await?;
        let Ok(ids) = SessionPathIds::from_request_parts(&mut parts, state).await;
        match known_session(&visitor, state, ids).await {
            Ok((event, session)) => Ok(SessionButton { visitor, event, session, form }),
            Err(problem) => Err(visitor.problem(problem)),
        }
    }
}
