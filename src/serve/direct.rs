//! Answers before the layers. A search in memory takes less time than the layers around all routes, and a search of a
//! program needs none of them: it has no body and no origin, and does not ask for compression.

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use http_body::Body;

use super::MIN_COMPRESSED_BYTES;
use crate::http::direct::DirectRoute;

/// Answers a request for which the layers would change nothing. None: it has to go through them.
pub fn answer<B: Body>(route: &DirectRoute, request: &Request<B>, has_origins: bool) -> Option<Response> {
    let headers = request.headers();
    let is_own = request.method() == Method::GET && route.has_path(request.uri().path());
    let needs_layers = headers.contains_key(header::ORIGIN) || headers.contains_key(header::ACCEPT_ENCODING);
    if !is_own || needs_layers || !request.body().is_end_stream() {
        return None;
    }
    // After a panic the request goes through the layers, one of which reports it.
    let answered = catch_unwind(AssertUnwindSafe(|| route.answer(request.uri(), headers)));
    let mut response = answered.ok().flatten()?;
    // What the layers add that depends on the headers of another request.
    if response.body().size_hint().lower() >= MIN_COMPRESSED_BYTES {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if has_origins {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    }
    Some(response)
}
