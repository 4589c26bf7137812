//! Decisions of a person: which records belong together, which are ignored, and which of two values wins.

use axum::extract::State;
use axum::response::Response;

use super::super::conflicts::resolve::{ResolveRequest, resolve};
use super::super::conflicts::{FieldConflict, Winner};
use super::super::entity::Entity;
use super::super::overrides;
use super::entity_form::EntityForm;
use crate::bridges::overrides::{MatchOverride, OverrideKind};
use crate::error::Error;
use crate::gateway::{AuditMode, connect};
use crate::history::{self, Interface};
use crate::http::state::ServerState;
use crate::web::visitor::redirect_after;

/// Saves a decision on which records belong together.
async fn save_decision(state: &ServerState, form: &EntityForm, kind: OverrideKind) -> Result<String, Error> {
    let entity = form.entity.ok_or_else(|| Error::Usage("open the page of one entity to link its records".into()))?;
    let given = |name: &str| Some(form.fields.get(name).to_owned()).filter(|text| !text.is_empty());
    let mut db = state.pool.begin().await?;
    history::sign(&mut db, &form.visitor.caller.name, Interface::Http).await?;
    let local = match given("local") {
        Some(name_or_id) => Some(overrides::find_local(&mut db, entity, &name_or_id).await?),
        None => None,
    };
    let external = given("external");
    let is_complete = match kind {
        OverrideKind::Ignore => local.is_some() || external.is_some(),
        OverrideKind::Link | OverrideKind::Unlink => local.is_some() && external.is_some(),
    };
    if !is_complete {
        return Err(Error::Usage("choose a record on both sides first".into()));
    }
    let name = local.as_ref().map(|record| record.name.clone()).or_else(|| given("name"));
    let entry = MatchOverride { entity: entity.name(), kind, local: local.map(|record| record.id), external };
    overrides::save_override(&mut db, entity, &entry).await.map_err(without_dry_run_hint)?;
    db.commit().await?;
    let name = name.or(entry.external).unwrap_or_default();
    Ok(match kind {
        OverrideKind::Link => format!("{name} is linked now. The next plan contains it."),
        OverrideKind::Unlink => format!("{name} is not linked any more."),
        OverrideKind::Ignore => format!("{name} is ignored from now on."),
    })
}

/// Says for the page what an id of a plan that was never applied means.
fn without_dry_run_hint(error: Error) -> Error {
    match error {
        Error::Usage(reason) if reason.contains("a dry run stores no ids") => {
            Error::Usage("this record of Administrate is not stored here yet: apply a plan first, then link it".into())
        }
        other => other,
    }
}

/// Returns where the page of the form was.
fn back(form: &EntityForm) -> String {
    match form.fields.get("plan").parse::<i64>() {
        Ok(run) => format!("{}?run={run}#unmatched", form.page()),
        Err(_) => form.page(),
    }
}

/// Links a local record with one of Administrate.
pub(super) async fn link(State(state): State<ServerState>, form: EntityForm) -> Response {
    redirect_after(&back(&form), save_decision(&state, &form, OverrideKind::Link).await)
}

/// Ignores a record from now on.
pub(super) async fn ignore(State(state): State<ServerState>, form: EntityForm) -> Response {
    redirect_after(&back(&form), save_decision(&state, &form, OverrideKind::Ignore).await)
}

/// Decides which value of an event wins. The worker delivers a local one.
pub(super) async fn decide(State(state): State<ServerState>, form: EntityForm) -> Response {
    let fields = &form.fields;
    let decided: Result<String, Error> = async {
        let wins = match fields.get("wins") {
            "local" => Winner::Local,
            "remote" => Winner::Remote,
            _ => return Err(Error::Usage("choose one of the two values".into())),
        };
        let shown: Option<FieldConflict> = serde_json::from_str(fields.raw("shown")).ok();
        let event =
            overrides::find_local(&mut *state.pool.acquire().await?, Entity::Events, fields.get("event")).await?;
        let client = connect(&state.config, &state.pool, "sync decide", AuditMode::On).await?;
        let code = event.name.clone();
        let (field, actor) = (fields.get("field").to_owned(), Some(form.visitor.caller.name.clone()));
        let request = ResolveRequest { event, field, wins, shown, actor };
        resolve(&state.pool, &client, &state.config, &request).await?;
        Ok(match wins {
            Winner::Local => format!("The value of Lectern is sent to Administrate: {code}, {}.", fields.get("field")),
            Winner::Remote => format!("The value of Administrate is taken over: {code}, {}.", fields.get("field")),
        })
    }
    .await;
    redirect_after(&back(&form), decided)
}
