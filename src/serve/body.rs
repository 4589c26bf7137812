//! Bodies that report what they do: a request body its progress, a response body its end.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::connections::RequestGuard;

/// Bytes of a body that count as progress. A client that sends less in the allowed time is too slow.
const PROGRESS_BYTES: u64 = 4096;

/// The last time at which a request body made progress.
#[derive(Clone, Debug)]
pub struct Progress {
    received: Arc<AtomicU64>,
    last: Arc<Mutex<(Instant, u64)>>,
}

impl Progress {
    /// Starts with the arrival of the head of a request.
    pub fn new() -> Progress {
        Progress { received: Arc::default(), last: Arc::new(Mutex::new((Instant::now(), 0))) }
    }

    fn record(&self, bytes: usize) {
        let received = self.received.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if received - last.1 >= PROGRESS_BYTES {
            *last = (Instant::now(), received);
        }
    }

    /// Waits until the body has made no progress for this time.
    pub async fn stalled(&self, idle: Duration) {
        loop {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).0;
            if last.elapsed() >= idle {
                return;
            }
            tokio::time::sleep_until(last + idle).await;
        }
    }
}

/// The body of a request, which records its progress.
pub struct RequestBody {
    pub body: Body,
    pub progress: Progress,
}

/// The body of a response. The request is in progress until the body has been sent.
pub struct ResponseBody {
    pub body: Body,
    pub guard: Option<RequestGuard>,
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.progress.record(data.len());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.guard = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
