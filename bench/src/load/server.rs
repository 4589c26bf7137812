//! A running `lectern serve` on a database of its own, and what it uses.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use administrate_sim::RunningSimulator;
use lectern::demo::local;
use serde_json::Value;
use tokio::process::Child;

use super::client::{Request, Response, once};
use crate::Result;
use crate::program::{memory_of, run};
use crate::provider::provider;
use crate::stage::Stage;

/// One of the two programs that are compared, with its template database.
pub struct Side {
    pub program: PathBuf,
    pub name: &'static str,
}

impl Side {
    fn template(&self) -> String {
        format!("load_{}_ready", self.name)
    }

    pub fn database(&self) -> String {
        format!("load_{}", self.name)
    }

    /// Creates a new copy of the template.
    pub async fn copy_template(&self, stage: &Stage) -> Result<()> {
        stage.copy(&self.database(), &self.template()).await
    }

    /// Creates the template: the schema of this program, the provider, linked with its records in Administrate.
    pub async fn prepare(&self, stage: &Stage, simulator: &RunningSimulator) -> Result<()> {
        let template = self.template();
        stage.create_empty(&template).await?;
        run(stage.run_program(&self.program, &template, None, &["migrate"])).await?;
        let pool = stage.connect(&template).await?;
        local::fill(&mut *pool.acquire().await?, &provider()).await?;
        pool.close().await;
        let sync = &["sync", "all", "--no-prompt"];
        run(stage.run_program(&self.program, &template, Some(simulator), sync)).await?;
        Ok(())
    }

    /// Starts the server on the copy. `files`: its limit of open files.
    pub async fn serve(&self, stage: &Stage, simulator: &RunningSimulator, files: Option<u32>) -> Result<Server> {
        let database = self.database();
        let create = &["token", "create", "--name", "load", "--role", "operator", "--json"];
        let token = run(stage.run_program(&self.program, &database, None, create)).await?.document()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let bind = address.to_string();
        let serve = ["serve", "--bind", &bind];
        let mut command = match files {
            None => stage.run_program(&self.program, &database, Some(simulator), &serve),
            Some(files) => {
                let limited = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
                let program = self.program.to_string_lossy().into_owned();
                let arguments = [["-c", &limited, &program].as_slice(), &serve].concat();
                stage.run_program(Path::new("/bin/sh"), &database, Some(simulator), &arguments)
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn()?;
        let token = token["token"].as_str().ok_or("no token")?.to_owned();
        let server = Server { child, address, token };
        server.wait_until_ready().await?;
        Ok(server)
    }
}

/// A running server. It is killed when it is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub token: String,
}

impl Server {
    async fn wait_until_ready(&self) -> Result<()> {
        let ready = Request::new("GET", "/readyz", None);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if once(self.address, &ready, Duration::from_secs(5)).await.is_ok_and(|response| response.status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the server did not become ready".into())
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, path, Some(&self.token))
    }

    pub async fn send(&self, request: &Request) -> Result<Response> {
        once(self.address, request, Duration::from_secs(600)).await
    }

    /// Requests an import of a workbook; returns the path of the run.
    pub async fn import(&self, workbook: &[u8]) -> Result<String> {
        let head = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.xlsx\"\r\n\r\n";
        let body = [head.as_bytes(), workbook, b"\r\n--cut--\r\n"].concat();
        let request = self.request("POST", "/api/imports").with_body("multipart/form-data; boundary=cut", body);
        let response = self.send(&request).await?;
        let document: Value = serde_json::from_slice(&response.body)?;
        Ok(format!("/api/imports/{}", document["run_id"]))
    }

    /// Waits for the end of a run; returns its document.
    pub async fn wait_for_end(&self, run: &str) -> Result<Value> {
        loop {
            let response = self.send(&self.request("GET", run)).await?;
            if response.status == 200 {
                return Ok(serde_json::from_slice(&response.body)?);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns the memory of the process in bytes.
    pub fn memory(&self) -> u64 {
        memory_of(self.child.id().unwrap_or_default(), "VmRSS")
    }

    /// Ends the server and waits until it has ended.
    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// Reads the memory of a server until the work ends; returns the highest value in bytes, with the result.
pub async fn with_peak_memory<T>(server: &Server, work: impl Future<Output = Result<T>>) -> Result<(T, u64)> {
    let mut work = std::pin::pin!(work);
    let mut peak = server.memory();
    loop {
        tokio::select! {
            result = &mut work => return Ok((result?, peak.max(server.memory()))),
            () = tokio::time::sleep(Duration::from_millis(20)) => peak = peak.max(server.memory()),
        }
    }
}
