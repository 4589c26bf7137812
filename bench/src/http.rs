//! The list of events with their sessions over HTTP, compared with Django REST Framework on the same rows.

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use lectern::demo::remote;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::load::client::{Request, exchange, once};
use crate::load::server::Side;
use crate::parse::timetable_workbook;
use crate::program::run;
use crate::provider::provider;
use crate::stage::{Stage, peer_file, simulator};

const EVENTS: usize = 350;

/// Requests of one side in a turn.
const REQUESTS: usize = 30;

const LIST: &str = "/api/tutorials/events/?page_size=50&include=sessions";

/// Measures the list of 50 events with sessions.
pub async fn measure(stage: &Stage, runs: usize) -> Result<Vec<Figure>> {
    let side = Side { program: stage.program_path().to_owned(), name: "http" };
    let labels = stage.config("postgres")?.administrate.labels;
    let simulator = simulator(remote::tenant(&provider(), &labels), Duration::ZERO).await?;
    side.prepare(stage, &simulator).await?;
    side.copy_template(stage).await?;
    let file = stage.write("http.xlsx", &timetable_workbook(EVENTS)?)?;
    let import = ["import", &file.to_string_lossy(), "--deliver", "queue", "--json"];
    run(stage.run_program(&side.program, &side.database(), Some(&simulator), &import)).await?;
    let pool = stage.connect(&side.database()).await?;
    // Nothing else is to do while the lists are measured.
    sqlx::raw_sql("DELETE FROM lectern.outbox; ANALYZE").execute(&pool).await?;
    pool.close().await;

    let server = side.serve(stage, &simulator, None).await?;
    let peer = Peer::start(stage, &side.database()).await?;
    check_equal_results(server.address, peer.address).await?;
    let (mut lectern, mut django) = (Samples::default(), Samples::default());
    for _ in 0..runs {
        sample(server.address, &mut lectern).await?;
        sample(peer.address, &mut django).await?;
    }
    server.stop().await?;
    peer.stop().await?;
    simulator.stop().await;
    let what = "list of 50 events with their sessions";
    Ok(vec![Figure::faster(what, &lectern, ("Django REST Framework", &django), 5.0)])
}

/// The peer's server. It is killed when it is dropped.
struct Peer {
    child: Child,
    address: SocketAddr,
}

impl Peer {
    async fn start(stage: &Stage, database: &str) -> Result<Peer> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let (bind, folder) = (address.to_string(), peer_file(""));
        let arguments = [
            "-m",
            "gunicorn",
            "--chdir",
            &folder,
            "--bind",
            &bind,
            "--worker-class",
            "gthread",
            "--threads",
            "2",
            "--keep-alive",
            "60",
            "--log-level",
            "error",
            "list_events:application",
        ];
        let mut command = stage.peer(database, None, &arguments);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let peer = Peer { child, address };
        let request = Request::new("GET", LIST, None);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if once(address, &request, Duration::from_secs(10)).await.is_ok_and(|response| response.status == 200) {
                return Ok(peer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("the peer did not become ready".into())
    }

    async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

/// Adds the seconds of requests over one open connection.
async fn sample(address: SocketAddr, samples: &mut Samples) -> Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    let request = Request::new("GET", LIST, None);
    exchange(&mut socket, &request).await?;
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let response = exchange(&mut socket, &request).await?;
        samples.push(started.elapsed().as_secs_f64());
        if response.status != 200 {
            return Err(format!("the list of {address} ended with {}", response.status).into());
        }
    }
    Ok(())
}

/// Checks that both sides return the same events with the same sessions.
async fn check_equal_results(lectern: SocketAddr, peer: SocketAddr) -> Result<()> {
    let (lectern, peer) = (documents(lectern).await?, documents(peer).await?);
    if lectern.len() != 50 || lectern.len() != peer.len() {
        return Err(format!("{} events, the peer has {}", lectern.len(), peer.len()).into());
    }
    match lectern.iter().zip(&peer).find(|(one, other)| one != other) {
        None => Ok(()),
        Some((one, other)) => Err(format!("the peer returned another event:\n{one}\n{other}").into()),
    }
}

/// Returns the events of the list. Times are compared in one spelling.
async fn documents(address: SocketAddr) -> Result<Vec<Value>> {
    let response = once(address, &Request::new("GET", LIST, None), Duration::from_secs(10)).await?;
    let mut list: Value = serde_json::from_slice(&response.body)?;
    let results = list["results"].as_array_mut().ok_or("no list")?;
    results.iter_mut().for_each(normalise);
    Ok(std::mem::take(results))
}

fn normalise(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Ok(instant) = text.parse::<jiff::Timestamp>() {
                *text = instant.to_string();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(normalise),
        Value::Object(fields) => fields.values_mut().for_each(normalise),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
