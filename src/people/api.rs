//! People and enrolments over HTTP. Staff read, operators write; tutors, students and parents see their lessons only.

use axum::Router;

use super::resources::{CASCADE_GUARDS, RESOURCES};
use crate::http::openapi::ApiPart;
use crate::http::parameters::RouteParameters;
use crate::resources::api::{self, ResourceState};

/// Describes the routes.
pub fn description() -> ApiPart {
    crate::resources::description::describe(&RESOURCES, false)
}

/// The parameters that the routes know.
pub fn parameters() -> Vec<RouteParameters> {
    api::parameters(&RESOURCES)
}

/// The routes of people and enrolments.
pub fn router(state: &ResourceState) -> Router {
    api::router(&RESOURCES, &ResourceState { is_public: false, guards: CASCADE_GUARDS, ..state.clone() })
}
