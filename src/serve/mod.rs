//! The HTTP server and the layers that every request passes through.
//!
//! Paths are the same with and without a trailing slash. Every error is `application/problem+json`, including unknown
//! paths, wrong methods, panics and timeouts. Bodies are limited to 2 MB unless a route raises the limit. Slow clients
//! are disconnected within a minute. When the server stops, requests in progress are completed.
//!
//! This file knows no module. `cli.rs` merges the routers of the modules and passes the result to [`app`].

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
/// The longest time between the last header of a request and the first byte of its response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a client may take to send the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest time that requests in progress may take after the server was stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The application. It removes trailing slashes from paths.
pub type App = NormalizePath<Router>;

/// Adds the common layers to the routes of the modules.
pub fn app(routes: Router) -> App {
    let routes = routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(with_timeout))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panic_response(&*panic)));
    NormalizePath::trim_trailing_slash(routes)
}

/// Serves until stopped, then completes the requests in progress.
pub async fn serve(listener: TcpListener, app: App, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve_connection(stream, app.clone(), &graceful),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Probably out of file descriptors. Without a pause, this loop would use a whole processor.
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
            HttpProblem::new(StatusCode::REQUEST_TIMEOUT, "the request took too long: send it again").into_response()
        }
    }
}

async fn unknown_path(request: Request) -> HttpProblem {
    HttpProblem::new(StatusCode::NOT_FOUND, format!("unknown path {}", request.uri().path()))
}

async fn wrong_method(request: Request) -> HttpProblem {
    let detail =
        format!("{} does not accept {}: the header Allow lists methods", request.uri().path(), request.method());
    HttpProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

fn panic_response(panic: &(dyn Any + Send)) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = message.unwrap_or_default(), "a handler panicked");
    let detail = "internal error of Lectern: see its log";
    HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}
