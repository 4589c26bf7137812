//! Decisions of a person: which records belong together, which are ignored, and which of two values wins.

use axum::extract::State;
use axum::response::Response;

use super::super::conflicts::resolve::{ResolveRequest, resolve};
use super::super::conflicts::{FieldConflict, Winner};
use super::super::entity::Entity;
use super::super::overrides::{self, MatchDecision};
use super::entity_form::EntityForm;
use crate::bridges::overrides::OverrideKind;
use crate::error::Error;
use crate::gateway::{AuditMode, connect};
use crate::history::{self, Interface};
use crate::http::state::ServerState;
use crate::web::visitor::redirect_after;

/// Saves a decision on which records belong together.
async fn save_decision(state: &ServerState, form: &EntityForm, decision: MatchDecision) -> Result<String, Error> {
    let entity = form.entity.ok_or_else(|| Error::Usage("open the page of one entity to link its records".into()))?;
    let (local, external) = (form.fields.get("local"), form.fields.get("external"));
    let needs_both = matches!(decision, MatchDecision::Save(OverrideKind::Link | OverrideKind::Unlink));
    let is_complete =
        if needs_both { !local.is_empty() && !external.is_empty() } else { !(local.is_empty() && external.is_empty()) };
    if !is_complete {
        return Err(Error::Usage("choose a record on both sides first".into()));
    }
    let mut db = state.pool.begin().await?;
    history::sign(&mut db, &form.visitor.caller.name, Interface::Http).await?;
    let decided = overrides::decide(&mut db, (entity, decision), (local, external)).await;
    let decided = decided.map_err(without_dry_run_hint)?;
    db.commit().await?;
    let given = Some(form.fields.get("name").to_owned()).filter(|name| !name.is_empty());
    let name = decided.local.map(|record| record.name).or(given).or(decided.external).unwrap_or_default();
    Ok(match decision {
        MatchDecision::Save(OverrideKind::Link) => format!("{name} is linked now. The next plan contains it."),
        MatchDecision::Save(OverrideKind::Unlink) => format!("{name} is not linked any more."),
        MatchDecision::Save(OverrideKind::Ignore) => {
            format!("{name} is ignored from now on. It is listed under “Ignored”.")
        }
        MatchDecision::StopIgnoring => format!("{name} is no longer ignored. The next plan contains it."),
    })
}

/// Says for the page what an id of a plan that was never applied means.
fn without_dry_run_hint(error: Error) -> Error {
    match error {
        Error::Usage(reason) if reason.contains("a dry run stores no ids") => {
            Error::Usage("this record of Administrate is not stored here yet: apply a plan first, then link it".into())
        }
        Error::Usage(reason) if reason.contains("is ignored: `lectern") => {
            Error::Usage("this record is not ignored any more".into())
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
    redirect_after(&back(&form), save_decision(&state, &form, MatchDecision::Save(OverrideKind::Link)).await)
}

/// Ignores a record from now on.
pub(super) async fn ignore(State(state): State<ServerState>, form: EntityForm) -> Response {
    redirect_after(&back(&form), save_decision(&state, &form, MatchDecision::Save(OverrideKind::Ignore)).await)
}

/// Matches an ignored record again.
pub(super) async fn unignore(State(state): State<ServerState>, form: EntityForm) -> Response {
    redirect_after(&back(&form), save_decision(&state, &form, MatchDecision::StopIgnoring).await)
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
