//! The HTTP server: what every request goes through, whatever module answers it.
//!
//! Promises: a path under `/api` is the same with and without a trailing slash; every error, also an unknown path, a wrong
//! method, a panic or a time that ran out, is `application/problem+json`; bodies end at 2 MB unless a module raises that
//! for a route of its own; a client that dawdles is let go within a minute; a stop lets running requests end.
//!
//! Does not know any module: `cli.rs` merges their routers, each with its own state, and hands the result to [`app`].

pub mod cli;
pub mod health;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::normalize_path::NormalizePath;

use crate::http::problem::HttpProblem;

/// Largest JSON body, in bytes.
const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// How long a request may take from its last header to the first byte of its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take for the headers of one request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
/// How long running requests are waited for at the end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The whole application: paths are seen without their trailing slash.
pub type App = NormalizePath<Router>;

/// Puts around the modules' routes what every request goes through.
pub fn app(routes: Router) -> App {
    let routes = routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(with_timeout))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panic_response(&*panic)));
    NormalizePath::trim_trailing_slash(routes)
}

/// Serves until stopped, then lets running requests end.
pub async fn serve(listener: TcpListener, app: App, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve_connection(stream, app.clone(), &graceful),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of file descriptors, most likely: asking again at once would only burn the processor.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await;
}

fn serve_connection(stream: TcpStream, app: App, graceful: &GracefulShutdown) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

async fn with_timeout(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            HttpProblem::new(StatusCode::REQUEST_TIMEOUT, "the request took too long; send it again").into_response()
        }
    }
}

async fn unknown_path(request: Request) -> HttpProblem {
    HttpProblem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", request.uri().path()))
}

async fn wrong_method(request: Request) -> HttpProblem {
    let detail = format!("{} is not for {}; Allow names what is", request.uri().path(), request.method());
    HttpProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

fn panic_response(panic: &(dyn Any + Send)) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or_default(), "a request met a defect");
    let detail = "this is a defect of Lectern; its log says more";
    HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}
