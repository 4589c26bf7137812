//! Clients that send searches as fast as they are answered, and the constant body that is the limit.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::CONTENT_TYPE;

use crate::Result;

/// What the clients of one load measured.
#[derive(Clone, Debug, Default)]
pub struct Load {
    pub requests: usize,
    pub seconds: f64,
    pub bytes: usize,
    /// Seconds of each request, ascending.
    pub latencies: Vec<f32>,
}

impl Load {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    pub fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().map_or(0.0, f64::from)
    }

    pub fn mean_bytes(&self) -> usize {
        self.bytes / self.requests.max(1)
    }

    /// Adds the load of another turn.
    pub fn add(&mut self, other: Load) {
        self.requests += other.requests;
        self.seconds += other.seconds;
        self.bytes += other.bytes;
        self.latencies.extend(other.latencies);
        self.latencies.sort_by(f32::total_cmp);
    }
}

/// Sends the paths over some connections for a time.
///
/// The clients are threads: they cost less of the shared processor than tasks.
pub fn load(address: SocketAddr, paths: &[String], connections: usize, time: Duration) -> Result<Load> {
    let clients: Vec<_> = (0..connections)
        .map(|client| {
            let paths = paths.to_vec();
            std::thread::spawn(move || one_client(address, &paths, client * 5, time))
        })
        .collect();
    let mut all = Load::default();
    for client in clients {
        all.add(client.join().map_err(|_| "a client panicked")??);
    }
    all.seconds /= connections as f64;
    Ok(all)
}

fn one_client(address: SocketAddr, paths: &[String], first: usize, time: Duration) -> Result<Load> {
    let requests: Vec<Vec<u8>> =
        paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()).collect();
    let mut client = Connection::open(address)?;
    let mut load = Load::default();
    let started = Instant::now();
    while started.elapsed() < time {
        let sent = Instant::now();
        client.socket.write_all(&requests[(first + load.requests) % requests.len()])?;
        load.bytes += client.read_response()?;
        load.latencies.push(sent.elapsed().as_secs_f32());
        load.requests += 1;
    }
    load.seconds = started.elapsed().as_secs_f64();
    Ok(load)
}

struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(address: SocketAddr) -> Result<Connection> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Connection { socket, buffer: vec![0; 1 << 20] })
    }

    /// Reads a response with a length; returns the length of its body.
    fn read_response(&mut self) -> Result<usize> {
        let mut filled = 0;
        let (head, length) = loop {
            filled += self.read(filled)?;
            let Some(end) = self.buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            break (end + 4, body_length(&self.buffer[..end])?);
        };
        if self.buffer.len() < head + length {
            self.buffer.resize(head + length, 0);
        }
        while filled < head + length {
            filled += self.read(filled)?;
        }
        Ok(length)
    }

    fn read(&mut self, from: usize) -> Result<usize> {
        match self.socket.read(&mut self.buffer[from..])? {
            0 => Err("the server closed the connection".into()),
            read => Ok(read),
        }
    }
}

fn body_length(head: &[u8]) -> Result<usize> {
    let head = String::from_utf8_lossy(head);
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("a search ended with {}", head.lines().next().unwrap_or_default()).into());
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Ok(length.ok_or("no length")?)
}

/// Serves one body of a length for every request, until the process is killed.
pub async fn serve_constant_body(address: SocketAddr, length: usize) -> Result<()> {
    let body: &'static [u8] = vec![b'x'; length].leak();
    let respond = move || async move { ([(CONTENT_TYPE, "application/json")], body) };
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, Router::new().fallback(respond)).await?;
    Ok(())
}
