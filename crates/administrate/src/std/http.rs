//! HTTPS by reqwest.

use std::error::Error as _;
use std::time::Duration;

use crate::call::transport::{BoxFuture, Request, Response, Transport, TransportError};
use crate::error::Error;

/// Longest wait for a connection; nothing has been sent by then.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers keep idle connections open: one that closes while we send leaves a write in doubt.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Sends requests over HTTP and HTTPS. Follows no redirect: a POST that became a GET would be no call at all.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// A transport with a connection pool of its own.
    ///
    /// # Errors
    /// [`Error::Setup`] where the machine's root certificates cannot be used.
    pub fn new() -> Result<Self, Error> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Err means that another thread was faster, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("lectern/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Setup(cause(&error)))?;
        Ok(Self { client })
    }
}

impl Transport for HttpTransport {
    fn post<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, TransportError>> {
        Box::pin(async move {
            let mut call = self
                .client
                .post(&request.url)
                .header(reqwest::header::CONTENT_TYPE, request.content_type)
                .header(reqwest::header::ACCEPT, "application/json")
                .body(request.body.clone());
            if let Some(token) = &request.bearer {
                call = call.bearer_auth(token);
            }
            let answer = call.send().await.map_err(|error| failure(&error))?;
            read(answer, request.max_answer_bytes).await
        })
    }
}

async fn read(mut answer: reqwest::Response, limit: usize) -> Result<Response, TransportError> {
    let status = answer.status().as_u16();
    let retry_after =
        answer.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(TransportError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, retry_after, body })
}

fn failure(error: &reqwest::Error) -> TransportError {
    let cause = cause(error);
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(cause)
    } else {
        TransportError::Broken(cause)
    }
}

/// The innermost cause, which says what happened: what lies around it names layers of ours. Without the system's number.
fn cause(error: &reqwest::Error) -> String {
    let innermost = std::iter::successors(error.source(), |&cause| cause.source()).last();
    let said = innermost.map_or("the address or the request is not valid".to_owned(), ToString::to_string);
    said.split(" (os error").next().unwrap_or_default().to_owned()
}
