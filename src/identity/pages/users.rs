//! The page of users: who may sign in, and with which role.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::Role;
use super::super::logins::{self, Login, Rights};
use super::super::passwords::Password;
use crate::error::Error;
use crate::http::state::ServerState;
use crate::web::flash::Flash;
use crate::web::form::{CsrfForm, FormProblem};
use crate::web::format::{Clock, ShownTime};
use crate::web::frame::{Frame, NavPlace};
use crate::web::run::StateTag;
use crate::web::visitor::{StaffAdmin, Visitor, redirect, redirect_after};

#[derive(Template)]
#[template(path = "identity/users.html")]
struct UsersPage {
    frame: Frame,
    rows: Vec<UserRow>,
    typed: TypedUser,
    roles: Vec<&'static str>,
    problem: Option<FormProblem>,
    /// The same of the form that lets an existing account in.
    account: TypedUser,
    account_problem: Option<FormProblem>,
}

/// A form of the page that was refused, with what was typed.
enum RefusedForm {
    NewUser(TypedUser, FormProblem),
    Account(TypedUser, FormProblem),
}

/// What was typed into the form, apart from the password.
#[derive(Default)]
struct TypedUser {
    name: String,
    role: String,
    subject: String,
}

/// A login of the list.
struct UserRow {
    name: String,
    account: &'static str,
    role: &'static str,
    subject: String,
    tag: StateTag,
    created: Option<ShownTime>,
    last_used: Option<ShownTime>,
    is_own: bool,
    has_password: bool,
    is_disabled: bool,
}

impl TypedUser {
    fn of(form: &CsrfForm) -> TypedUser {
        let typed = |name: &str| form.get(name).to_owned();
        TypedUser { name: typed("name"), role: typed("role"), subject: typed("subject") }
    }
}

impl UserRow {
    fn new(login: &Login, visitor: &Visitor, clock: &Clock) -> UserRow {
        UserRow {
            name: login.name.clone(),
            account: match login.account.as_str() {
                "auth_user" => "Django",
                "users" => "Tutoring",
                _ => "Lectern",
            },
            role: login.role.map_or("admin (superuser)", Role::name),
            subject: login.subject_id.map(|id| id.to_string()).unwrap_or_default(),
            tag: match login.disabled_at.is_some() {
                true => StateTag::new("", "Disabled"),
                false => StateTag::new("good", "Active"),
            },
            created: clock.time(&login.created_at),
            last_used: clock.time_of(login.last_used_at.as_ref()),
            is_own: visitor.caller.login_id == Some(login.id),
            has_password: login.account == "lectern",
            is_disabled: login.disabled_at.is_some(),
        }
    }
}

pub(super) async fn show(StaffAdmin(visitor): StaffAdmin, State(state): State<ServerState>) -> Response {
    render(&visitor, &state, None).await
}

async fn render(visitor: &Visitor, state: &ServerState, refused: Option<RefusedForm>) -> Response {
    let users = match logins::list(&state.pool).await {
        Ok(users) => users,
        Err(error) => return visitor.problem(error),
    };
    let rows = users.iter().map(|login| UserRow::new(login, visitor, &visitor.clock)).collect();
    let frame = visitor.frame("Users", NavPlace::Users);
    let roles = Role::ALL.map(Role::name).to_vec();
    let (mut typed, mut account) = (TypedUser::default(), TypedUser::default());
    let (mut problem, mut account_problem, mut status) = (None, None, StatusCode::OK);
    match refused {
        Some(RefusedForm::NewUser(form, why)) => (status, typed, problem) = (why.status, form, Some(why)),
        Some(RefusedForm::Account(form, why)) => (status, account, account_problem) = (why.status, form, Some(why)),
        None => {}
    }
    visitor.page_with(status, &UsersPage { frame, rows, typed, roles, problem, account, account_problem })
}

/// Reads a role and the profile that it needs.
pub(super) fn rights(form: &CsrfForm) -> Result<Rights, FormProblem> {
    let role = Role::ALL.into_iter().find(|role| role.name() == form.get("role"));
    let role = role.ok_or_else(|| FormProblem::at("role", "choose a role"))?;
    let subject = form.get("subject");
    let of_profile = |text: String| FormProblem::at("subject", text);
    let subject_id = match subject.is_empty() {
        true => None,
        false => Some(subject.parse().map_err(|_| of_profile("the profile is a number: its id".to_owned()))?),
    };
    match (role.has_subject(), subject_id) {
        (true, None) => Err(of_profile(format!("a {} needs a profile: enter its id", role.name()))),
        (false, Some(_)) => Err(of_profile(format!("a {} has no profile: leave it empty", role.name()))),
        _ => Ok(Rights { role, subject_id }),
    }
}

/// Creates a login with a password.
pub(super) async fn add(StaffAdmin(visitor): StaffAdmin, State(state): State<ServerState>, form: CsrfForm) -> Response {
    let added = async {
        let rights = rights(&form)?;
        let password = Password::typed(form.raw("password"));
        password.check().map_err(|error| FormProblem::of("password", error))?;
        let field = if rights.subject_id.is_some() { "subject" } else { "name" };
        let added = logins::add(&state.pool, form.get("name"), rights, password, &state.config.login).await;
        added.map_err(|error| FormProblem::of(field, error))
    };
    match added.await {
        Ok(_) => redirect("/users", &Flash::done(format!("{} may sign in now.", form.get("name")))),
        Err(problem) => {
            let refused = RefusedForm::NewUser(TypedUser::of(&form), problem);
            render(&visitor, &state, Some(refused)).await
        }
    }
}

/// Gives a login or an existing account a role.
pub(super) async fn grant(
    StaffAdmin(visitor): StaffAdmin,
    State(state): State<ServerState>,
    form: CsrfForm,
) -> Response {
    let granted = async {
        let rights = rights(&form).map_err(|problem| {
            let field = if problem.field == "subject" { "account-subject" } else { "account-role" };
            FormProblem { field, ..problem }
        })?;
        let granted = logins::grant(&state.pool, form.get("name"), rights).await;
        granted.map_err(|error| FormProblem::of("account-name", error))?;
        Ok(format!("{} is {} now.", form.get("name"), rights.role.name()))
    };
    match granted.await {
        Ok(text) => redirect("/users", &Flash::done(text)),
        Err(problem) => {
            let refused = RefusedForm::Account(TypedUser::of(&form), problem);
            render(&visitor, &state, Some(refused)).await
        }
    }
}

/// Disables a login and ends its login sessions.
pub(super) async fn disable(
    StaffAdmin(visitor): StaffAdmin,
    State(state): State<ServerState>,
    form: CsrfForm,
) -> Response {
    let name = form.get("name");
    let disabled = async {
        if name.to_lowercase() == visitor.caller.name.to_lowercase() {
            return Err(Error::Usage("this is your own login: another admin has to disable it".into()));
        }
        logins::disable(&state.pool, name).await?;
        Ok(format!("{name} cannot sign in any more, and is signed out."))
    };
    redirect_after("/users", disabled.await)
}

/// Changes the password of a login of Lectern.
pub(super) async fn set_password(_: StaffAdmin, State(state): State<ServerState>, form: CsrfForm) -> Response {
    let name = form.get("name");
    let password = Password::typed(form.raw("password"));
    let changed = logins::set_password(&state.pool, name, password, &state.config.login).await;
    redirect_after("/users", changed.map(|_| format!("{name} has a new password, and is signed out everywhere.")))
}
