//! HTTP/1.1 requests over plain sockets, so that a client can stop reading or never finish its request.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Result;

/// The longest wait for bytes of a response.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request as it is sent.
pub struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// Creates a request that keeps its connection open.
    pub fn new(method: &str, path: &str, token: Option<&str>) -> Request {
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        Request { head: format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{token}"), body: Vec::new() }
    }

    pub fn with_body(mut self, content_type: &str, body: Vec<u8>) -> Request {
        self.head.push_str(&format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len()));
        self.body = body;
        self
    }

    pub async fn send(&self, socket: &mut TcpStream) -> Result<()> {
        socket.write_all(format!("{}\r\n", self.head).as_bytes()).await?;
        socket.write_all(&self.body).await?;
        Ok(())
    }
}

/// A response with `Content-Length`.
pub struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Sends a request over an open connection and reads its response.
///
/// # Errors
/// When the connection ends or no byte arrives for two minutes.
pub async fn exchange(socket: &mut TcpStream, request: &Request) -> Result<Response> {
    request.send(socket).await?;
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end + 4;
        }
        read_more(socket, &mut bytes).await?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
    while bytes.len() < head + length {
        read_more(socket, &mut bytes).await?;
    }
    Ok(Response { status, body: bytes[head..head + length].to_vec() })
}

/// Reads a stream of server-sent events until one of them has this name; returns whether it came.
pub async fn follow_until(socket: &mut TcpStream, event: &str) -> Result<bool> {
    let name = format!("event: {event}\n");
    let mut bytes = Vec::new();
    while find(&bytes, name.as_bytes()).is_none() {
        // The end of what was read may be the beginning of the line.
        let rest = bytes.len().saturating_sub(name.len());
        bytes.drain(..rest);
        if read_more(socket, &mut bytes).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sends a request over a new connection and reads its response.
///
/// # Errors
/// When the server does not respond in time.
pub async fn once(address: SocketAddr, request: &Request, limit: Duration) -> Result<Response> {
    let response = async {
        let mut socket = TcpStream::connect(address).await?;
        exchange(&mut socket, request).await
    };
    timeout(limit, response).await?
}

async fn read_more(socket: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    if timeout(PATIENCE, socket.read_buf(bytes)).await?? == 0 {
        return Err("the server closed the connection".into());
    }
    Ok(())
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
