//! TCP connections that a request handler can reset, to simulate a broken network.

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

/// A TCP listener whose connections a handler can reset through a [`ClientConnection`].
pub(crate) struct ResettableListener(pub(crate) TcpListener);

/// A TCP stream that fails with a reset once its flag is set.
pub(crate) struct ResettableStream {
    stream: TcpStream,
    is_reset: Arc<AtomicBool>,
}

/// The connection of a request, as its handler sees it.
#[derive(Clone)]
pub(crate) struct ClientConnection {
    /// Address of the client.
    pub(crate) peer: SocketAddr,
    is_reset: Arc<AtomicBool>,
}

impl ClientConnection {
    /// Resets the connection. The response of the handler is not sent.
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
    /// Returns the error to fail with after a reset. A linger of zero makes the closing socket send RST instead of FIN.
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
