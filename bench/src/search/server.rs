//! The servers that are compared, each a process of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::Result;
use crate::load::client::{Request, Response, once};
use crate::program::{memory_of, run};
use crate::stage::{Stage, peer_file};

/// A running server. It is killed when it is dropped.
pub struct SearchServer {
    child: Child,
    pub address: SocketAddr,
    /// Time from the start of the process until it was ready.
    pub ready_after: Duration,
    token: String,
}

impl SearchServer {
    /// Starts Lectern with a data folder of its own.
    pub async fn lectern(stage: &Stage, database: &str, folder: &str) -> Result<SearchServer> {
        let folder = stage.folder(folder)?;
        let create = ["token", "create", "--name", "search", "--role", "operator", "--json"];
        let token = run(stage.program(database, None, &create)).await?.document()?;
        let address = free_address()?;
        let bind = address.to_string();
        let mut command = stage.program(database, None, &["serve", "--bind", &bind]);
        command.env("LECTERN_DATA_DIR", &folder);
        let token = token["token"].as_str().ok_or("no token")?.to_owned();
        start(command, address, token, "/readyz").await
    }

    /// Starts the peer: Django REST Framework with pg_trgm, served by gunicorn with a process for each processor.
    pub async fn peer(stage: &Stage, database: &str) -> Result<SearchServer> {
        let address = free_address()?;
        let (bind, folder) = (address.to_string(), peer_file(""));
        let gunicorn = ["-m", "gunicorn", "--chdir", &folder, "--bind", &bind, "--workers", "2"];
        let more = ["--worker-class", "gthread", "--threads", "2", "--keep-alive", "600", "--log-level", "error"];
        let command = stage.peer(database, None, &[&gunicorn[..], &more, &["search.program:application"]].concat());
        start(command, address, String::new(), "/api/search/unified?page_size=1").await
    }

    /// Starts this program as the limit: a constant body.
    pub async fn constant(length: usize) -> Result<SearchServer> {
        let address = free_address()?;
        let program: PathBuf = std::env::current_exe()?;
        let mut command = Command::new(program);
        command.args([super::CONSTANT_BODY, &address.to_string(), &length.to_string()]);
        start(command, address, String::new(), "/").await
    }

    /// Returns the memory of the process in bytes.
    pub fn memory(&self) -> u64 {
        memory_of(self.child.id().unwrap_or_default(), "VmRSS")
    }

    pub async fn get(&self, path: &str) -> Result<Response> {
        once(self.address, &Request::new("GET", path, None), Duration::from_secs(120)).await
    }

    /// Returns the document of a search.
    pub async fn search(&self, query: &str) -> Result<Value> {
        let response = self.get(&format!("/api/search/unified?{query}")).await?;
        if response.status != 200 {
            return Err(format!("{query} ended with {}", response.status).into());
        }
        Ok(serde_json::from_slice(&response.body)?)
    }

    /// Sets the places of an event over HTTP.
    pub async fn set_places(&self, event: i64, places: i32) -> Result<()> {
        let path = format!("/api/tutorials/events/{event}/");
        let body = format!("{{\"remain_space\":{places}}}").into_bytes();
        let request = Request::new("PATCH", &path, Some(&self.token)).with_body("application/json", body);
        let response = once(self.address, &request, Duration::from_secs(60)).await?;
        if response.status != 200 {
            let body = String::from_utf8_lossy(&response.body);
            return Err(format!("the event {event} cannot be written: {} {body}", response.status).into());
        }
        Ok(())
    }

    /// Ends the server as an operator does, so that it can leave what the next start reads.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(process) = self.child.id() {
            Command::new("kill").args(["-TERM", &process.to_string()]).status().await?;
        }
        tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await??;
        Ok(())
    }
}

async fn start(mut command: Command, address: SocketAddr, token: String, path: &str) -> Result<SearchServer> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let started = Instant::now();
    let child = command.spawn()?;
    let request = Request::new("GET", path, None);
    while started.elapsed() < Duration::from_secs(120) {
        if once(address, &request, Duration::from_secs(60)).await.is_ok_and(|response| response.status == 200) {
            return Ok(SearchServer { child, address, ready_after: started.elapsed(), token });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("a server did not become ready".into())
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
