//! Bounds the parts of an uploaded form that its parser keeps in memory.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{Stream, StreamExt};

/// The most bytes between two parts: the rest of a boundary and the headers of the next part.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Bytes that are passed to the parser at a time. It keeps what it has not used.
const PIECE: usize = 4 * 1024;

/// Limits how much the parser may read before it has found the next part. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct HeaderLimit {
    is_header: Arc<AtomicBool>,
    left: Arc<AtomicUsize>,
    is_exceeded: Arc<AtomicBool>,
}

impl HeaderLimit {
    /// The parser looks for the next part.
    pub fn begin_header(&self) {
        self.left.store(MAX_HEADER_BYTES, Ordering::Relaxed);
        self.is_header.store(true, Ordering::Relaxed);
    }

    /// The parser reads the content of a part, which has limits of its own.
    pub fn begin_content(&self) {
        self.is_header.store(false, Ordering::Relaxed);
    }

    /// Reports whether the headers of a part were too long.
    pub fn is_exceeded(&self) -> bool {
        self.is_exceeded.load(Ordering::Relaxed)
    }

    /// Returns the body with this limit.
    pub fn apply(&self, body: Body) -> Body {
        Body::from_stream(FormBody {
            body: body.into_data_stream(),
            limit: self.clone(),
            rest: Bytes::new(),
            has_yielded: false,
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the headers of a part are longer than {MAX_HEADER_BYTES} bytes")]
struct LongHeader;

struct FormBody {
    body: BodyDataStream,
    limit: HeaderLimit,
    /// Received and not yet passed on.
    rest: Bytes,
    /// Whether the last call returned a piece of a header.
    has_yielded: bool,
}

impl Stream for FormBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let is_header = self.limit.is_header.load(Ordering::Relaxed);
        if is_header && std::mem::take(&mut self.has_yielded) {
            // The parser reads on until nothing is available. Now it first looks at what it has.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_empty() {
            match std::task::ready!(self.body.poll_next_unpin(context)) {
                Some(Ok(data)) => self.rest = data,
                other => return Poll::Ready(other),
            }
        }
        if !is_header {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.rest))));
        }
        let left = self.limit.left.load(Ordering::Relaxed);
        if left == 0 {
            self.limit.is_exceeded.store(true, Ordering::Relaxed);
            return Poll::Ready(Some(Err(axum::Error::new(LongHeader))));
        }
        let piece = PIECE.min(left).min(self.rest.len());
        self.limit.left.store(left - piece, Ordering::Relaxed);
        self.has_yielded = true;
        Poll::Ready(Some(Ok(self.rest.split_to(piece))))
    }
}
