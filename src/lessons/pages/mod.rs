//! The pages of lessons: the list with its cards, one page for each lesson, and the children of a parent.
//!
//! Staff see all lessons; tutors, students and parents see their own. Everything is changed by the operations of the API.

mod actions;
mod family;
mod form_fields;
mod lesson_form;
mod lesson_page;
mod lesson_view;
mod list_page;
mod tables;
mod week;

pub use self::tables::TABLES;

use axum::Router;
use axum::routing::{get, post};

pub use self::lesson_view::path_of as lesson_path;
use crate::resources::api::ResourceState;

/// Returns the routes of the pages.
pub fn router(state: &ResourceState) -> Router {
    let state = ResourceState { is_public: false, guards: &[], ..state.clone() };
    Router::new()
        .route("/lessons", get(list_page::show).post(lesson_form::create))
        .route("/lessons/children", get(family::show))
        .route("/lessons/week", get(week::show))
        .route("/lessons/new", get(lesson_form::show_new))
        .route("/lessons/preview", get(lesson_form::preview))
        .route("/lessons/{id}", get(lesson_page::show).post(lesson_form::change))
        .route("/lessons/{id}/edit", get(lesson_form::show_known))
        .route("/lessons/{id}/attendance", post(actions::mark))
        .route("/lessons/{id}/set", post(actions::set))
        .route("/lessons/{id}/delete", post(actions::delete))
        .with_state(state)
}
