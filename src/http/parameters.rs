//! The parameters in the address that a route of the API knows. A request with any other is refused before its handler runs.
//!
//! A route that is not listed knows none, so that a route cannot accept a misspelt parameter by omission.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{FieldError, FieldErrors, HttpProblem};
use super::query::{Pairs, pairs};

/// The paths that this applies to. Pages ignore unknown parameters.
const API: &str = "/api/";

/// The known parameters of each route: its method, its path as registered, and their names.
#[derive(Clone, Debug, Default)]
pub struct KnownParameters(Arc<HashMap<&'static str, Vec<MethodParameters>>>);

/// A method and the parameters that it knows.
type MethodParameters = (Method, Vec<&'static str>);

/// The known parameters of one route.
pub type RouteParameters = (Method, &'static str, Vec<&'static str>);

impl FromIterator<RouteParameters> for KnownParameters {
    fn from_iter<I: IntoIterator<Item = RouteParameters>>(routes: I) -> Self {
        let mut known: HashMap<&'static str, Vec<MethodParameters>> = HashMap::new();
        for (method, path, names) in routes {
            known.entry(path).or_default().push((method, names));
        }
        Self(Arc::new(known))
    }
}

impl KnownParameters {
    fn of(&self, method: &Method, path: &str) -> Vec<&'static str> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let routes = self.0.get(path).map_or(&[][..], Vec::as_slice);
        routes.iter().filter(|(of, _)| of == method).flat_map(|(_, names)| names.iter().copied()).collect()
    }

    /// Reports whether another method of this path knows parameters, and this one is not listed.
    fn is_other_method(&self, method: &Method, path: &str) -> bool {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(path).is_some_and(|routes| routes.iter().all(|(of, _)| of != method))
    }

    fn of_any_method(&self, path: &str) -> Vec<&'static str> {
        self.0.get(path).into_iter().flatten().flat_map(|(_, names)| names.iter().copied()).collect()
    }
}

/// Responds with 400 `unknown_parameter` to a request of the API with a parameter that its route does not know.
pub async fn refuse_unknown(
    State(known): State<KnownParameters>,
    query: Pairs,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if !path.starts_with(API) || request.uri().query().is_none_or(str::is_empty) {
        return next.run(request).await;
    }
    let given = match pairs(query) {
        Ok(given) => given,
        Err(problem) => return problem.into_response(),
    };
    let names = match known.is_other_method(request.method(), path) {
        // Most probably the method is wrong, which the router reports.
        true => known.of_any_method(path),
        false => known.of(request.method(), path),
    };
    let unknown = given.iter().filter(|(name, _)| !names.contains(&name.as_str()));
    let errors: FieldErrors = unknown.map(|(name, _)| unknown_parameter(name, &names)).collect();
    match errors.is_empty() {
        true => next.run(request).await,
        false => HttpProblem::fields(errors).into_response(),
    }
}

fn unknown_parameter(name: &str, known: &[&str]) -> FieldError {
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let message = match known {
        [] => "unknown parameter: this route takes none".to_owned(),
        known => format!("unknown parameter: use {}", known.join(", ")),
    };
    FieldError::new(pointer, "unknown_parameter", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_that_is_not_listed_knows_no_parameter() {
        let known: KnownParameters =
            [(Method::GET, "/api/imports", vec!["limit", "cursor"]), (Method::POST, "/api/imports", vec!["dry_run"])]
                .into_iter()
                .collect();
        assert_eq!(known.of(&Method::HEAD, "/api/imports"), ["limit", "cursor"]);
        assert_eq!(known.of(&Method::POST, "/api/imports"), ["dry_run"]);
        assert!(known.of(&Method::POST, "/api/new").is_empty());
        assert!(known.is_other_method(&Method::PUT, "/api/imports"));
        assert!(!known.is_other_method(&Method::POST, "/api/new"));
    }
}
