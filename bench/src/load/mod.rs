//! A server under load: followers of an import, searches beside an import, clients that do not read, and half-open
//! connections. The peer is an earlier build of the same program.

pub mod client;
pub mod server;
mod webhooks;

use std::time::{Duration, Instant};

use administrate_sim::RunningSimulator;
use lectern::demo::remote;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::client::{Request, exchange, follow_until, once};
use self::server::{Server, Side, with_peak_memory};
use crate::Result;
use crate::figure::Figure;
use crate::parse::timetable_workbook;
use crate::provider::provider;
use crate::stage::{Stage, simulator};

const EVENTS: usize = 350;
const FOLLOWERS: usize = 500;
const SEARCHERS: usize = 64;
const MUTE_CLIENTS: usize = 20;
const HALF_OPEN: usize = 1_100;
const FILE_LIMIT: u32 = 1_024;

/// Latency of Administrate. Without one, the simulator in this process would compete for the processor.
const LATENCY: Duration = Duration::from_millis(5);

/// Unknown filters in the body of a client that does not read; about 1.9 MB.
const UNKNOWN_FILTERS: usize = 130_000;

/// What one program did under each load.
struct Measured {
    alone: f64,
    followed: f64,
    done: usize,
    followed_memory: u64,
    searched: f64,
    searches: u64,
    unread_memory: u64,
    live: (usize, usize),
    webhooks_per_second: f64,
}

pub async fn measure(stage: &Stage) -> Result<Vec<Figure>> {
    let mut sides = vec![Side { program: stage.program_path().to_owned(), name: "lectern" }];
    sides.extend(stage.peer_program().map(|program| Side { program: program.to_owned(), name: "peer" }));
    let workbook = timetable_workbook(EVENTS)?;
    let mut measured = Vec::new();
    for side in &sides {
        let labels = stage.config("postgres")?.administrate.labels;
        let prepared = simulator(remote::tenant(&provider(), &labels), Duration::ZERO).await?;
        side.prepare(stage, &prepared).await?;
        prepared.stop().await;
        measured.push(Load { stage, side, workbook: &workbook }.measure().await?);
    }
    Ok(figures(&measured[0], measured.get(1)))
}

struct Load<'a> {
    stage: &'a Stage,
    side: &'a Side,
    workbook: &'a [u8],
}

impl Load<'_> {
    async fn measure(&self) -> Result<Measured> {
        let (alone, ..) = self.import(Beside::Nothing).await?;
        let (followed, done, followed_memory) = self.import(Beside::Followers).await?;
        let (searched, searches, _) = self.import(Beside::Searches).await?;
        Ok(Measured {
            alone,
            followed,
            done,
            followed_memory,
            searched,
            searches: searches as u64,
            unread_memory: self.unread_memory().await?,
            live: self.live_beside_half_open().await?,
            webhooks_per_second: self.webhooks_per_second().await?,
        })
    }

    async fn start(&self, files: Option<u32>) -> Result<(RunningSimulator, Server)> {
        let labels = self.stage.config("postgres")?.administrate.labels;
        let simulator = simulator(remote::tenant(&provider(), &labels), LATENCY).await?;
        self.side.copy_template(self.stage).await?;
        let server = self.side.serve(self.stage, &simulator, files).await?;
        Ok((simulator, server))
    }

    /// Imports beside other work; returns the seconds, what the other work counted, and the peak memory.
    async fn import(&self, beside: Beside) -> Result<(f64, usize, u64)> {
        let (simulator, server) = self.start(None).await?;
        let started = Instant::now();
        let run = server.import(self.workbook).await?;
        let work = async {
            match beside {
                Beside::Nothing => finish(&server, &run, started).await.map(|seconds| (seconds, 0)),
                Beside::Followers => followed(&server, &run, started).await,
                Beside::Searches => searched(&server, &run, started).await,
            }
        };
        let ((seconds, count), peak) = with_peak_memory(&server, work).await?;
        server.stop().await?;
        simulator.stop().await;
        eprintln!("{} {beside:?}: {seconds:.2} s, {count}, {} MB", self.side.name, peak >> 20);
        Ok((seconds, count, peak))
    }

    /// Returns the memory that clients cost which send a large request and do not read the response.
    async fn unread_memory(&self) -> Result<u64> {
        let (simulator, server) = self.start(None).await?;
        let before = server.memory();
        let filters: serde_json::Map<_, _> = (0..UNKNOWN_FILTERS).map(|at| (format!("f{at}"), json!(1))).collect();
        let body = serde_json::to_vec(&json!({ "filters": filters }))?;
        let request = Request::new("POST", "/api/search/unified/", None).with_body("application/json", body);
        let mut sockets = Vec::new();
        for _ in 0..MUTE_CLIENTS {
            let mut socket = TcpStream::connect(server.address).await?;
            request.send(&mut socket).await?;
            sockets.push(socket);
        }
        let (_, peak) = with_peak_memory(&server, async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok(())
        })
        .await?;
        drop(sockets);
        server.stop().await?;
        simulator.stop().await;
        Ok(peak.saturating_sub(before))
    }

    /// Opens connections that never finish their request; returns how many health checks of how many succeeded.
    async fn live_beside_half_open(&self) -> Result<(usize, usize)> {
        let (simulator, server) = self.start(Some(FILE_LIMIT)).await?;
        let mut sockets = Vec::new();
        for _ in 0..HALF_OPEN {
            let connected = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(server.address)).await;
            let Ok(Ok(mut socket)) = connected else { continue };
            // The server may have closed it already.
            let _ = socket.write_all(b"GET /livez HTTP/1.1\r\nHost: ").await;
            sockets.push(socket);
        }
        let (mut live, checks) = (0, 20);
        for _ in 0..checks {
            let check = once(server.address, &Request::new("GET", "/livez", None), Duration::from_secs(1)).await;
            live += usize::from(check.is_ok_and(|response| response.status == 200));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        drop(sockets);
        server.stop().await?;
        simulator.stop().await;
        Ok((live, checks))
    }
}

/// The work beside an import.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Nothing,
    Followers,
    Searches,
}

/// Waits for the end of an import; returns the seconds since its start.
async fn finish(server: &Server, run: &str, started: Instant) -> Result<f64> {
    let document = server.wait_for_end(run).await?;
    if document["delivery"]["delivered"] != EVENTS {
        return Err(format!("{} of {EVENTS} events were delivered", document["delivery"]["delivered"]).into());
    }
    Ok(started.elapsed().as_secs_f64())
}

/// Follows an import with many clients; returns its seconds and how many of them got `done`.
async fn followed(server: &Server, run: &str, started: Instant) -> Result<(f64, usize)> {
    let mut followers = JoinSet::new();
    for _ in 0..FOLLOWERS {
        let (address, request) = (server.address, server.request("GET", &format!("{run}/events")));
        followers.spawn(async move {
            let mut socket = TcpStream::connect(address).await?;
            request.send(&mut socket).await?;
            follow_until(&mut socket, "done").await
        });
    }
    let seconds = finish(server, run, started).await?;
    let results = followers.join_all().await;
    Ok((seconds, results.into_iter().filter(|done| matches!(done, Ok(true))).count()))
}

/// Searches without pause from many connections; returns the seconds of the import and the number of responses.
async fn searched(server: &Server, run: &str, started: Instant) -> Result<(f64, usize)> {
    let stop = CancellationToken::new();
    let mut searchers = JoinSet::new();
    for at in 0..SEARCHERS {
        let (address, stop) = (server.address, stop.clone());
        searchers.spawn(async move {
            let request = Request::new("GET", &format!("/api/search/unified/?q=subject+{:02}", at % 50), None);
            let mut socket = TcpStream::connect(address).await?;
            let mut responses = 0;
            while !stop.is_cancelled() {
                responses += usize::from(exchange(&mut socket, &request).await?.status == 200);
            }
            Result::Ok(responses)
        });
    }
    let seconds = finish(server, run, started).await;
    stop.cancel();
    let responses = searchers.join_all().await.into_iter().sum::<Result<usize>>()?;
    Ok((seconds?, responses))
}

fn figures(lectern: &Measured, peer: Option<&Measured>) -> Vec<Figure> {
    let figure = |what: String, value: &dyn Fn(&Measured) -> String, goal: &str, met: bool| Figure {
        what,
        lectern: value(lectern),
        peer: peer.map(|peer| format!("before: {}", value(peer))).unwrap_or_default(),
        ratio: String::new(),
        goal: goal.to_owned(),
        met,
    };
    let megabytes = |bytes: u64| format!("{:.0} MB", bytes as f64 / f64::from(1 << 20));
    let followed = |measured: &Measured| measured.followed / measured.alone;
    let searched = |measured: &Measured| measured.searched / measured.alone;
    vec![
        figure(
            format!("import of {EVENTS} events, {FOLLOWERS} followers : alone"),
            &|measured| format!("{:.2} × of {:.2} s", followed(measured), measured.alone),
            "≤ 1.2 ×",
            followed(lectern) <= 1.2,
        ),
        figure(
            "followers that get `done`".to_owned(),
            &|measured| measured.done.to_string(),
            &FOLLOWERS.to_string(),
            lectern.done == FOLLOWERS,
        ),
        figure(
            "peak memory with the followers".to_owned(),
            &|measured| megabytes(measured.followed_memory),
            "≤ 200 MB",
            lectern.followed_memory <= 200 << 20,
        ),
        figure(
            format!("import of {EVENTS} events, {SEARCHERS} clients search : alone"),
            &|measured| format!("{:.2} ×, {} searches", searched(measured), measured.searches),
            "≤ 3 ×",
            searched(lectern) <= 3.0,
        ),
        figure(
            format!("memory of {MUTE_CLIENTS} clients that do not read"),
            &|measured| megabytes(measured.unread_memory),
            "≤ 50 MB",
            lectern.unread_memory <= 50 << 20,
        ),
        figure(
            format!("health checks beside {HALF_OPEN} half-open connections, {FILE_LIMIT} files"),
            &|measured| format!("{} of {}", measured.live.0, measured.live.1),
            "all",
            lectern.live.0 == lectern.live.1,
        ),
        figure(
            format!("webhooks applied in a second, {} events", webhooks::EVENTS),
            &|measured| format!("{:.0}", measured.webhooks_per_second),
            "≥ 200",
            lectern.webhooks_per_second >= 200.0,
        ),
    ]
}
