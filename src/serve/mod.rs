//! The HTTP server and the layers that every request passes through.
//!
//! Paths are the same with and without a trailing slash. Every error is `application/problem+json`, including unknown
//! paths, wrong methods, panics and timeouts. Bodies are limited to 2 MB unless a route raises the limit. A client that
//! neither sends nor takes bytes is disconnected within a minute. When the server stops, requests in progress are
//! completed.
//!
//! This file knows no module. `cli.rs` merges the routers of the modules and passes the result to [`app`].

mod body;
pub mod cli;
pub mod connections;
mod cors;
pub mod description;
mod direct;
mod docs;
pub mod health;
mod refusals;
pub mod runtime;
mod stream;

use std::any::Any;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate, SizeAbove};
use tower_http::normalize_path::NormalizePath;
use tower_service::Service;

use self::body::{Progress, RequestBody, ResponseBody};
use self::connections::{ConnectionPlace, Connections};
use self::stream::ClientStream;
use crate::config::CorsOrigins;
use crate::http::direct::DirectRoute;
use crate::http::idempotency::{self, Replays};
use crate::http::parameters::{self, KnownParameters};
use crate::http::peer::PeerAddress;
use crate::http::problem::HttpProblem;

/// Largest JSON body, in bytes.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// The least size of a response that is compressed.
const MIN_COMPRESSED_BYTES: u64 = 1024;
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// The longest time that requests in progress may take after the server was stopped.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long the server waits for clients, and how many it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest time that a client may take to send the head of a request.
    pub head: Duration,
    /// The longest time that a client may send or take no bytes, and that a handler may take after the last of them.
    pub idle: Duration,
    /// The most open connections.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { head: Duration::from_secs(20), idle: Duration::from_secs(30), connections: 4096 }
    }
}

/// The application. It removes trailing slashes from paths.
#[derive(Clone, Debug)]
pub struct App {
    routes: NormalizePath<BoxCloneSyncService<Request, Response, Infallible>>,
    /// The routes without the layers around them.
    router: Router,
    /// The route that is answered before the layers.
    direct: DirectRoute,
    has_origins: bool,
    limits: Limits,
}

impl App {
    /// Returns the routes, whose `Debug` prints their paths.
    pub fn router(&self) -> &Router {
        &self.router
    }
}

/// What the common layers need.
#[derive(Clone, Debug)]
pub struct Layers {
    pub known: KnownParameters,
    pub replays: Replays,
    pub origins: CorsOrigins,
    pub limits: Limits,
}

/// Adds the common layers to the routes of the modules. One route is also answered before them.
pub fn app(routes: Router, direct: DirectRoute, layers: Layers) -> App {
    let Layers { known, replays, origins, limits } = layers;
    let has_origins = !origins.listed.is_empty();
    // Event streams are not compressed: a client would wait for the end of a block. A workbook is compressed already. A
    // short response stays one packet, which reaches also a client that is refused before its whole body is read.
    let compressible = SizeAbove::new(MIN_COMPRESSED_BYTES)
        .and(DefaultPredicate::new())
        .and(NotForContentType::const_new(WORKBOOK))
        .and(NotForContentType::const_new("application/problem+json"));
    // This layer has to know which route was found. The others are around all routes: of a layer of a router there is a
    // boxed copy for each route, and a request copies all of them.
    let routes = routes
        .layer(middleware::from_fn_with_state(known, parameters::refuse_unknown))
        .fallback(refusals::unknown_path)
        .method_not_allowed_fallback(refusals::wrong_method);
    let router = routes.clone();
    let routes = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(origins, cors::allow))
        .layer(CompressionLayer::new().compress_when(compressible))
        .layer(middleware::from_fn(refusals::with_shop_members))
        .layer(middleware::from_fn(refusals::with_pages))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| panic_response(&*panic)))
        .layer(middleware::from_fn_with_state(limits.idle, with_timeout))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(replays, idempotency::replay))
        .service(routes);
    let routes = NormalizePath::trim_trailing_slash(BoxCloneSyncService::new(routes));
    App { routes, router, direct, has_origins, limits }
}

/// Serves until stopped, then completes the requests in progress.
pub async fn serve(listener: TcpListener, app: App, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let connections = Connections::new(app.limits.connections);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => match connections.admit(address.ip()) {
                    Some(place) => {
                        let peer = PeerAddress(address.ip());
                        serve_connection(stream, (peer, place), app.clone(), &graceful);
                    }
                    // Without a pause, a flood of connections would be accepted before the tasks of ended ones ran.
                    None => tokio::task::yield_now().await,
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Probably out of file descriptors.
                    connections.end_idlest();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await;
}

fn serve_connection(
    stream: TcpStream,
    (peer, place): (PeerAddress, ConnectionPlace),
    app: App,
    graceful: &GracefulShutdown,
) {
    let limits = app.limits;
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    let activity = place.activity.clone();
    let io = TokioIo::new(ClientStream::new(stream, activity.clone(), limits.idle));
    let service = service_fn(move |mut request: Request<Incoming>| {
        let guard = activity.begin();
        let direct = direct::answer(&app.direct, &request, app.has_origins).ok_or_else(|| {
            request.extensions_mut().insert(peer);
            app.routes.clone().call(request.map(Body::new))
        });
        async move {
            let response: Result<Response, Infallible> = match direct {
                Ok(response) => Ok(response),
                Err(answer) => answer.await,
            };
            response.map(|response| response.map(|body| ResponseBody { body, guard: Some(guard) }))
        }
    });
    let connection = graceful.watch(http.serve_connection(io, service));
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            () = place.end.cancelled() => tracing::debug!("an idle connection was closed for a new one"),
        }
    });
}

/// Responds with 408 when the request makes no progress: its body stalls, or its handler takes too long.
async fn with_timeout(State(idle): State<Duration>, request: Request, next: Next) -> Response {
    let progress = Progress::new();
    let request = request.map(|body| Body::new(RequestBody { body, progress: progress.clone() }));
    tokio::select! {
        response = next.run(request) => response,
        () = progress.stalled(idle) => {
            HttpProblem::new(StatusCode::REQUEST_TIMEOUT, "the request took too long: send it again").into_response()
        }
    }
}

fn panic_response(panic: &(dyn Any + Send)) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = message.unwrap_or_default(), "a handler panicked");
    let detail = "internal error of Lectern: see its log";
    HttpProblem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response()
}
