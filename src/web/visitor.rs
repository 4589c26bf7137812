//! Who looks at a page, as extractors: the signature of a handler shows who may see it.
//!
//! Without a login session the response is a redirect to the sign-in page, which leads back; with an insufficient role it is a
//! page that says so.

use askama::Template;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::flash::Flash;
use super::format::Clock;
use super::frame::{Frame, NavPlace, ShownVisitor};
use super::problem::{PageProblem, respond};
use crate::http::auth::{AuthError, authenticate, credentials};
use crate::http::state::ServerState;
use crate::identity::{Caller, Role, csrf_token};

/// The header with which htmx follows a redirect as a whole page.
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// A person who has signed in, whatever their role.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub caller: Caller,
    pub clock: Clock,
    csrf_token: String,
    flash: Option<Flash>,
}

/// A visitor who may read everything: a reader, an operator or an admin.
#[derive(Debug, Clone)]
pub struct StaffVisitor(pub Visitor);

/// A visitor who may change what staff see: an operator or an admin.
#[derive(Debug, Clone)]
pub struct StaffOperator(pub Visitor);

/// A visitor who may change users and tokens.
#[derive(Debug, Clone)]
pub struct StaffAdmin(pub Visitor);

impl Visitor {
    /// Returns the visitor of a page that needs no sign-in; none without a login session. Other credentials are ignored.
    pub async fn known(parts: &Parts, state: &ServerState) -> Option<Visitor> {
        let has_session = credentials(&parts.headers).is_ok_and(|sent| sent.is_cookie);
        if has_session { visitor(parts, state).await.ok() } else { None }
    }

    /// Returns the frame of a page for this visitor.
    pub fn frame(&self, title: impl Into<String>, place: NavPlace) -> Frame {
        let role = self.caller.role;
        let visitor = ShownVisitor {
            name: self.caller.name.clone(),
            role: role.name(),
            csrf_token: self.csrf_token.clone(),
            is_staff: !role.has_subject(),
            can_write: self.can_write(),
            is_admin: role == Role::Admin,
        };
        Frame { visitor: Some(visitor), flash: self.flash.clone(), ..Frame::public(title, place) }
    }

    /// Reports whether they may change what staff see.
    pub fn can_write(&self) -> bool {
        matches!(self.caller.role, Role::Admin | Role::Operator)
    }

    /// Responds with a page.
    pub fn page(&self, template: &impl Template) -> Response {
        self.page_with(StatusCode::OK, template)
    }

    /// Responds with a page that has another status, such as a form with problems.
    pub fn page_with(&self, status: StatusCode, template: &impl Template) -> Response {
        self.finished(respond(status, template))
    }

    /// Responds with the page of a problem.
    pub fn problem(&self, problem: impl Into<PageProblem>) -> Response {
        self.finished(problem.into().respond(self.frame("Error", NavPlace::Elsewhere)))
    }

    fn finished(&self, mut response: Response) -> Response {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if self.flash.is_some() {
            Flash::clear(&mut response);
        }
        response
    }
}

/// Responds to a form: the next page, with a message.
pub fn redirect(path: &str, flash: &Flash) -> Response {
    let mut response = Redirect::to(path).into_response();
    flash.add_to(&mut response);
    response
}

/// Responds to a form: the next page with a message of success, or the same page with what failed.
pub fn redirect_after(path: &str, done: Result<String, impl Into<PageProblem>>) -> Response {
    match done {
        Ok(text) => redirect(path, &Flash::done(text)),
        Err(problem) => redirect(path, &Flash::problem(problem.into().detail)),
    }
}

/// Returns the visitor of a request.
async fn visitor(parts: &Parts, state: &ServerState) -> Result<Visitor, Box<Response>> {
    let found = match credentials(&parts.headers) {
        Ok(sent) => authenticate(&state.pool, sent).await.map(|caller| (caller, csrf_token(sent.secret))),
        Err(error) => Err(error),
    };
    match found {
        Ok((caller, csrf_token)) => {
            let clock = Clock::new(state.config.zone());
            Ok(Visitor { caller, clock, csrf_token, flash: Flash::of(&parts.headers) })
        }
        Err(error @ (AuthError::Unavailable(_) | AuthError::Forbidden(_))) => {
            Err(Box::new(PageProblem::from(error).into_response()))
        }
        Err(AuthError::Unknown | AuthError::Invalid | AuthError::Ended | AuthError::Forged) => {
            Err(Box::new(to_login(parts)))
        }
    }
}

/// Leads to the sign-in page, and from there back.
fn to_login(parts: &Parts) -> Response {
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    let own = is_read.then(|| parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned());
    let next = own.or_else(|| page_of(&parts.headers)).unwrap_or_else(|| "/today".to_owned());
    let login = format!("/login?next={}", utf8_percent_encode(&next, NON_ALPHANUMERIC));
    if parts.headers.contains_key("hx-request") {
        let location = HeaderValue::from_str(&login).unwrap_or(HeaderValue::from_static("/login"));
        return (StatusCode::OK, [(HX_REDIRECT, location)]).into_response();
    }
    Redirect::to(&login).into_response()
}

/// Returns the path of the page whose form was sent.
fn page_of(headers: &HeaderMap) -> Option<String> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    let (_, rest) = referer.split_once("://")?;
    let path = rest.find('/').map(|at| rest[at..].to_owned())?;
    (!path.starts_with("//")).then_some(path)
}

/// Refuses a visitor whose role does not suffice.
fn require(visitor: Visitor, is_allowed: bool, detail: &str) -> Result<Visitor, Box<Response>> {
    match is_allowed {
        true => Ok(visitor),
        false => {
            let problem = PageProblem { status: StatusCode::FORBIDDEN, detail: detail.to_owned() };
            Err(Box::new(visitor.problem(problem)))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor
where
    ServerState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        visitor(parts, &ServerState::from_ref(state)).await.map_err(|refusal| *refusal)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StaffVisitor
where
    ServerState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let is_staff = !visitor.caller.role.has_subject();
        let detail = "this page is for readers, operators and admins: ask an administrator";
        require(visitor, is_staff, detail).map(StaffVisitor).map_err(|refusal| *refusal)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StaffOperator
where
    ServerState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let can_write = visitor.can_write();
        let detail = "only operators and admins may change this: ask one of them";
        require(visitor, can_write, detail).map(StaffOperator).map_err(|refusal| *refusal)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StaffAdmin
where
    ServerState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        let is_admin = visitor.caller.role == Role::Admin;
        let detail = "only admins may see and change this: ask one of them";
        require(visitor, is_admin, detail).map(StaffAdmin).map_err(|refusal| *refusal)
    }
}
