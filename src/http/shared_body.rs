//! A body of which other responses have a part, too: it is sent without being copied.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};

/// Bytes that are sent one after another.
struct Chunks(VecDeque<Bytes>);

/// Returns a body that begins with shared bytes.
pub fn shared_body(shared: Bytes, own: Vec<u8>) -> Body {
    match shared.is_empty() {
        true => Body::from(own),
        false => Body::new(Chunks(VecDeque::from([shared, Bytes::from(own)]))),
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|chunk| chunk.len() as u64).sum())
    }
}
