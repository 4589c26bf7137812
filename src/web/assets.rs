//! The files that pages load: one stylesheet, htmx, and a small script.
//!
//! The name of a file contains its digest, so that browsers store it for ever and never show an old one.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::http::problem::HttpProblem;

/// A year, and the promise that the content of this name never changes.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One file and the name under which it is served.
#[derive(Debug)]
struct Asset {
    path: String,
    kind: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, content: &'static [u8]) -> Asset {
        let digest = hex::encode(&Sha256::digest(content)[..8]);
        Asset { path: format!("/assets/{stem}.{digest}.{ending}"), kind, content }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("lectern", "css", "text/css; charset=utf-8", include_bytes!("../../assets/lectern.css"))
});

static HTMX: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("htmx", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/htmx.min.js"))
});

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("lectern", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/lectern.js"))
});

/// Returns the path of the stylesheet.
pub fn style() -> &'static str {
    &STYLE.path
}

/// Returns the path of htmx.
pub fn htmx() -> &'static str {
    &HTMX.path
}

/// Returns the path of the script with the shortcuts.
pub fn script() -> &'static str {
    &SCRIPT.path
}

/// Returns the route of the files.
pub fn router() -> Router {
    Router::new().route("/assets/{name}", get(serve))
}

async fn serve(Path(name): Path<String>) -> Response {
    let path = format!("/assets/{name}");
    let Some(asset) = [&*STYLE, &*HTMX, &*SCRIPT].into_iter().find(|asset| asset.path == path) else {
        return HttpProblem::new(StatusCode::NOT_FOUND, format!("unknown path {path}")).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, IMMUTABLE),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, asset.content).into_response()
}
