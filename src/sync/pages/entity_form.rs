//! What every form of the pages of an entity begins with.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};

use super::super::entity::Entity;
use super::entity_page::{ALL, parse};
use crate::http::state::ServerState;
use crate::web::form::CsrfForm;
use crate::web::visitor::{StaffOperator, Visitor};

/// A form of the page of an entity, sent by a visitor who may change it.
pub(super) struct EntityForm {
    pub visitor: Visitor,
    /// The entity of the path; `None`: all.
    pub entity: Option<Entity>,
    pub fields: CsrfForm,
}

impl FromRequest<ServerState> for EntityForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &ServerState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let StaffOperator(visitor) = StaffOperator::from_request_parts(&mut parts, state).await?;
        let name = Path::<String>::from_request_parts(&mut parts, state).await;
        let Path(name) = name.map_err(IntoResponse::into_response)?;
        let fields = CsrfForm::from_request(Request::from_parts(parts, body), state).await;
        let fields = fields.map_err(IntoResponse::into_response)?;
        match parse(&name) {
            Ok(entity) => Ok(EntityForm { visitor, entity, fields }),
            Err(problem) => Err(visitor.problem(problem)),
        }
    }
}

impl EntityForm {
    /// Returns the page of the entity.
    pub(super) fn page(&self) -> String {
        format!("/syncs/{}", self.entity.map_or(ALL, Entity::name))
    }

    /// Returns the page of the run whose number the form contains.
    pub(super) fn page_of_run(&self) -> String {
        format!("{}?run={}", self.page(), self.fields.get("plan"))
    }
}
