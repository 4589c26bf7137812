//! The page of tokens: with which programs call the HTTP interface.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::logins::Rights;
use super::super::{NewToken, Role, Token};
use super::users::rights;
use crate::error::Error;
use crate::http::state::ServerState;
use crate::web::form::{CsrfForm, FormProblem};
use crate::web::format::{Clock, ShownTime};
use crate::web::frame::{Frame, NavPlace};
use crate::web::run::StateTag;
use crate::web::visitor::{StaffAdmin, Visitor, redirect_after};

#[derive(Template)]
#[template(path = "identity/tokens.html")]
struct TokensPage {
    frame: Frame,
    rows: Vec<TokenRow>,
    roles: Vec<&'static str>,
    typed: TypedToken,
    problem: Option<FormProblem>,
    /// The secret of a new token, which is shown once.
    secret: Option<String>,
}

/// What was typed into the form.
#[derive(Default)]
struct TypedToken {
    name: String,
    role: String,
    subject: String,
    days: String,
}

/// A token of the list.
struct TokenRow {
    id: i64,
    name: String,
    role: &'static str,
    subject: String,
    tag: StateTag,
    created: Option<ShownTime>,
    expires: Option<ShownTime>,
    last_used: Option<ShownTime>,
    is_usable: bool,
}

impl TokenRow {
    fn new(token: &Token, clock: &Clock) -> TokenRow {
        let is_expired =
            token.expires_at.as_deref().and_then(|at| clock.seconds_since(at)).is_some_and(|age| age > 0.0);
        let tag = match (token.revoked_at.is_some(), is_expired) {
            (true, _) => StateTag::new("", "Revoked"),
            (false, true) => StateTag::new("", "Expired"),
            (false, false) => StateTag::new("good", "Active"),
        };
        TokenRow {
            id: token.id,
            name: token.name.clone(),
            role: token.role.name(),
            subject: token.subject_id.map(|id| id.to_string()).unwrap_or_default(),
            tag,
            created: clock.time(&token.created_at),
            expires: clock.time_of(token.expires_at.as_ref()),
            last_used: clock.time_of(token.last_used_at.as_ref()),
            is_usable: token.revoked_at.is_none() && !is_expired,
        }
    }
}

pub(super) async fn show(StaffAdmin(visitor): StaffAdmin, State(state): State<ServerState>) -> Response {
    render(&visitor, &state, StatusCode::OK, (TypedToken::default(), None, None)).await
}

async fn render(
    visitor: &Visitor,
    state: &ServerState,
    status: StatusCode,
    (typed, problem, secret): (TypedToken, Option<FormProblem>, Option<String>),
) -> Response {
    let tokens = match super::super::list(&state.pool).await {
        Ok(tokens) => tokens,
        Err(error) => return visitor.problem(error),
    };
    let rows = tokens.iter().rev().map(|token| TokenRow::new(token, &visitor.clock)).collect();
    let frame = visitor.frame("Tokens", NavPlace::Tokens);
    let roles = Role::ALL.map(Role::name).to_vec();
    visitor.page_with(status, &TokensPage { frame, rows, roles, typed, problem, secret })
}

/// Creates a token and shows its secret once.
pub(super) async fn create(
    StaffAdmin(visitor): StaffAdmin,
    State(state): State<ServerState>,
    form: CsrfForm,
) -> Response {
    let created = async {
        let Rights { role, subject_id } = rights(&form)?;
        let days = match form.get("days") {
            "" => None,
            days => Some(days.parse().ok().filter(|days| *days > 0).ok_or_else(|| {
                FormProblem::at(
                    "days",
                    "the days are a number above 0; leave them empty for a token that never expires",
                )
            })?),
        };
        let name = form.get("name").to_owned();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(FormProblem::at("name", "the purpose has 1 to 100 characters"));
        }
        let token = NewToken { name, role, subject_id, days };
        super::super::create(&state.pool, &token).await.map_err(|error| FormProblem::of("subject", error))
    };
    match created.await {
        Ok((_, secret)) => {
            let secret = Some(secret.reveal().to_owned());
            render(&visitor, &state, StatusCode::OK, (TypedToken::default(), None, secret)).await
        }
        Err(problem) => {
            let typed = |name: &str| form.get(name).to_owned();
            let typed =
                TypedToken { name: typed("name"), role: typed("role"), subject: typed("subject"), days: typed("days") };
            render(&visitor, &state, problem.status, (typed, Some(problem), None)).await
        }
    }
}

/// Revokes a token.
pub(super) async fn revoke(_: StaffAdmin, State(state): State<ServerState>, form: CsrfForm) -> Response {
    let revoked = async {
        let id = form.get("id").parse().unwrap_or_default();
        match super::super::revoke(&state.pool, id).await? {
            true => Ok(format!("Token {id} is revoked: programs that use it are refused.")),
            false => Err(Error::Usage("there is no such token".into())),
        }
    };
    let revoked: Result<String, Error> = revoked.await;
    redirect_after("/tokens", revoked)
}
