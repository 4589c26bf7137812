//! TCP connections that can be reset under a request, so that clients meet what a broken network does.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Listens, and hands out connections with a [`ClientConnection`] each.
pub(crate) struct ResettableListener(pub(crate) TcpListener);

/// A connection.
pub(crate) struct ResettableStream {
    stream: TcpStream,
    is_reset: Arc<AtomicBool>,
}

/// What a request knows of its connection.
#[derive(Clone)]
pub(crate) struct ClientConnection {
    /// The client.
    pub(crate) peer: SocketAddr,
    is_reset: Arc<AtomicBool>,
}

impl ClientConnection {
    /// Resets the connection: whatever the handler answers is not sent.
    pub(crate) fn reset(&self) {
        self.is_reset.store(true, Ordering::SeqCst);
    }
}

impl Listener for ResettableListener {
    type Io = ResettableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        (ResettableStream { stream, is_reset: Arc::default() }, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, ResettableListener>> for ClientConnection {
    fn connect_info(stream: IncomingStream<'_, ResettableListener>) -> Self {
        Self { peer: *stream.remote_addr(), is_reset: Arc::clone(&stream.io().is_reset) }
    }
}

impl ResettableStream {
    /// A linger of zero makes the closing socket send a reset instead of an orderly end.
    fn reset_error(&self) -> Option<io::Error> {
        if !self.is_reset.load(Ordering::SeqCst) {
            return None;
        }
        match self.stream.set_zero_linger() {
            Ok(()) => Some(io::ErrorKind::ConnectionReset.into()),
            Err(error) => Some(error),
        }
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.reset_error() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.reset_error() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.reset_error() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_shutdown(cx),
        }
    }
}
