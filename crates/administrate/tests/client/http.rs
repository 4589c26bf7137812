//! The standard transport on real sockets.

use administrate::{HttpTransport, Request, Response, Transport, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Sends one request to a server that writes `response` and closes; returns the result and the received request.
async fn post(response: &[u8], max_response_bytes: usize) -> (Result<Response, TransportError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let response = response.to_vec();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut read = Vec::new();
        while !read.ends_with(b"{}") {
            socket.read_buf(&mut read).await.expect("a request");
        }
        socket.write_all(&response).await.expect("written");
        socket.shutdown().await.expect("closed");
        String::from_utf8_lossy(&read).into_owned()
    });
    let request = Request {
        url: format!("http://{address}/graphql"),
        content_type: "application/json",
        bearer: Some("tok".to_owned()),
        body: b"{}".to_vec(),
        max_response_bytes,
    };
    let transport = HttpTransport::new().expect("a transport");
    let result = transport.post(&request).await;
    (result, server.await.expect("the server"))
}

#[tokio::test]
async fn post_sends_headers_and_returns_response() {
    let raw = "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n[]";
    let (result, sent) = post(raw.as_bytes(), 100).await;
    let response = result.expect("a response");
    assert_eq!((response.status, response.retry_after.as_deref()), (429, Some("7")));
    assert_eq!(response.body, b"[]");
    let sent = sent.to_lowercase();
    assert!(sent.starts_with("post /graphql http/1.1\r\n"), "{sent}");
    assert!(sent.contains("authorization: bearer tok\r\n") && sent.contains("content-type: application/json\r\n"));
}

#[tokio::test]
async fn post_distinguishes_broken_from_too_large_response() {
    let (result, _) = post(b"", 100).await;
    assert!(matches!(result, Err(TransportError::Broken(_))), "{result:?}");
    let (result, _) = post(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", 100).await;
    assert!(matches!(result, Err(TransportError::Broken(_))), "{result:?}");
    let (result, _) = post(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n[1, 2]", 5).await;
    assert!(matches!(result, Err(TransportError::TooLarge(5))), "{result:?}");
    let (result, _) = post(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 5).await;
    assert_eq!(result.expect("no redirect is followed").status, 302);
}

/// `{"a":1}`, compressed.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x54\xb2\x32\xac\x05\x00\xaf\xac\x1b\x56\x07\x00\x00\x00";
const BROTLI: &[u8] = b"\x0b\x03\x80\x7b\x22\x61\x22\x3a\x31\x7d\x03";
/// 100,000 spaces, compressed.
const GZIP_OF_SPACES: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\x2a\xeb\x9f\xd2\x1a\x1e\x40\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xaf\x06\x2d\xf0\x79\xca\xa0\x86\x01\x00";

#[tokio::test]
async fn compressed_bodies_are_decoded_within_the_limit() {
    let response = |coding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    for (coding, body) in [("gzip", GZIP), ("br", BROTLI), ("identity", b"{\"a\":1}")] {
        let (result, sent) = post(&response(coding, body), 100).await;
        assert_eq!(result.expect("a response").body, b"{\"a\":1}", "{coding}");
        let sent = sent.to_lowercase();
        assert!(sent.contains("accept-encoding: ") && sent.contains("gzip") && sent.contains("br"), "{sent}");
    }
    let (result, _) = post(&response("gzip", GZIP_OF_SPACES), 5_000).await;
    assert!(matches!(result, Err(TransportError::TooLarge(5_000))), "{result:?}");
    let (result, _) = post(&response("gzip", b"no gzip"), 100).await;
    assert!(matches!(result, Err(TransportError::Broken(_))), "{result:?}");
}

#[tokio::test]
async fn post_without_listener_is_not_sent() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    for url in [format!("http://{address}/"), "no address".to_owned()] {
        let request =
            Request { url, content_type: "application/json", bearer: None, body: vec![], max_response_bytes: 1 };
        let result = HttpTransport::new().expect("a transport").post(&request).await;
        assert!(matches!(result, Err(TransportError::NotSent(_))), "{result:?}");
    }
}
