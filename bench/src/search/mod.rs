//! Search in a generated shop of 2, 20 and 100 thousand groups, beside a Django program of the same semantics and beside
//! the limit: a constant body of the mean length of the answers.

mod clients;
mod compare;
mod server;
mod shop;
mod writes;

use std::path::Path;
use std::time::{Duration, Instant};

use self::clients::{Load, load};
use self::server::SearchServer;
use self::shop::{Kind, SIZES, Size};
use crate::Result;
use crate::figure::{Figure, Samples, seconds};
use crate::stage::Stage;

pub use self::clients::serve_constant_body;

/// The first argument of a process that serves the constant body.
pub const CONSTANT_BODY: &str = "constant-body";

const CONNECTIONS: usize = 4;

/// How long each side is searched in each turn.
const TURN: Duration = Duration::from_secs(2);

/// How long the peer is searched: it answers few requests.
const PEER_TURN: Duration = Duration::from_secs(6);

/// The greatest memory at the largest size, in megabytes.
const MEMORY: u64 = 450;

/// One kind of searches at one size.
struct Measured {
    kind: Kind,
    lectern: Load,
    limit: Load,
    peer: Load,
}

/// Measures the shops with at most this many groups.
pub async fn measure(stage: &Stage, runs: usize, groups: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut smallest: Vec<(Kind, f64)> = Vec::new();
    for size in SIZES.into_iter().filter(|size| size.groups() <= groups) {
        eprintln!("search: {} groups", size.groups());
        size.create(stage).await?;
        let is_largest = size.name == "100k";
        let server = SearchServer::lectern(stage, &size.database(), "search-own").await?;
        let peer = SearchServer::peer(stage, &size.database()).await?;
        compare::check_equal_answers(size, &server, &peer).await?;
        for measured in measure_kinds(size, &server, &peer, runs).await? {
            figures.extend(measured.figures(size, is_largest));
            let median = measured.lectern.percentile(50);
            match smallest.iter().find(|(kind, _)| *kind == measured.kind) {
                None => smallest.push((measured.kind, median)),
                Some((kind, first)) if is_largest => figures.push(growth(*kind, median, *first)),
                Some(_) => {}
            }
        }
        peer.stop().await?;
        figures.push(saturation(size, &server)?);
        let limit = if is_largest { MEMORY } else { 100_000 };
        figures.extend(writes::measure_visibility(stage, size, &server).await?);
        figures.extend(writes::measure_memory(stage, size, &server, limit).await?);
        figures.extend(starts(stage, size, server).await?);
        figures.push(writes::measure_application(stage, size).await?);
        figures.push(writes::measure_writers(stage, size, runs).await?);
        stage.drop(&size.database()).await?;
    }
    Ok(figures)
}

async fn measure_kinds(size: Size, server: &SearchServer, peer: &SearchServer, runs: usize) -> Result<Vec<Measured>> {
    let mut all = Vec::new();
    for (kind, ..) in Kind::ALL {
        let paths = writes::paths(size, kind);
        let warm = load(server.address, &paths, CONNECTIONS, TURN / 4)?;
        let constant = SearchServer::constant(warm.mean_bytes()).await?;
        let mut measured = Measured { kind, lectern: Load::default(), limit: Load::default(), peer: Load::default() };
        for _ in 0..runs {
            measured.lectern.add(load(server.address, &paths, CONNECTIONS, TURN)?);
            measured.limit.add(load(constant.address, &paths, CONNECTIONS, TURN)?);
        }
        measured.peer.add(load(peer.address, &paths, CONNECTIONS, PEER_TURN)?);
        constant.stop().await?;
        all.push(measured);
    }
    Ok(all)
}

impl Measured {
    fn figures(&self, size: Size, is_largest: bool) -> [Figure; 2] {
        let name = self.kind.name();
        let (per_second, median) = (self.lectern.per_second(), seconds(self.lectern.percentile(50)));
        let what = format!("{}: {name}, answers of {:.1} KB", size.name, self.lectern.mean_bytes() as f64 / 1024.0);
        let lectern = format!("{per_second:.0}/s, p50 {median}");
        let (of_limit, times_peer) = (per_second / self.limit.per_second(), per_second / self.peer.per_second());
        let goals = Kind::ALL.into_iter().find(|(kind, ..)| *kind == self.kind && is_largest);
        let goal = |least: Option<f64>| least.map(|least| format!("≥ {least} ×")).unwrap_or_default();
        let (least_share, least_times) = (goals.map(|(_, share, _)| share), goals.map(|(.., times)| times));
        let of = |name: &str, load: &Load| {
            format!("{name}: {:.1}/s, p50 {}", load.per_second(), seconds(load.percentile(50)))
        };
        [
            Figure {
                what,
                lectern: lectern.clone(),
                peer: of("constant body", &self.limit),
                ratio: format!("{of_limit:.2} ×"),
                goal: goal(least_share),
                met: least_share.is_none_or(|least| of_limit >= least),
            },
            Figure {
                what: "the same".to_owned(),
                lectern,
                peer: of("Django REST Framework, pg_trgm", &self.peer),
                ratio: format!("{times_peer:.0} ×"),
                goal: goal(least_times),
                met: least_times.is_none_or(|least| times_peer >= least),
            },
        ]
    }
}

fn growth(kind: Kind, large: f64, small: f64) -> Figure {
    Figure {
        what: format!("{}: p50 at 100k to p50 at 2k", kind.name()),
        lectern: seconds(large),
        peer: format!("at 2k: {}", seconds(small)),
        ratio: format!("{:.1} ×", large / small),
        goal: "≤ 8 ×".to_owned(),
        met: large / small <= 8.0,
    }
}

/// Measures the health check while twice as many clients browse as usual.
fn saturation(size: Size, server: &SearchServer) -> Result<Figure> {
    let (address, paths) = (server.address, writes::paths(size, Kind::Browse));
    let browsing = std::thread::spawn(move || load(address, &paths, 2 * CONNECTIONS, TURN + TURN / 2));
    std::thread::sleep(TURN / 4);
    let health = load(address, &["/livez".to_owned()], 1, TURN)?;
    browsing.join().map_err(|_| "a client panicked")??;
    let mut slowest = Samples::default();
    slowest.push(health.percentile(99));
    let what = format!("{}: /livez, p99 while {} clients browse", size.name, 2 * CONNECTIONS);
    Ok(Figure::within(&what, &slowest, 0.01))
}

async fn wait_for_file(path: &Path) -> Result<()> {
    let started = Instant::now();
    while !path.exists() {
        if started.elapsed() > Duration::from_secs(60) {
            return Err(format!("{} is not written", path.display()).into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Measures the start from PostgreSQL alone, and with what the last process left in its data folder.
async fn starts(stage: &Stage, size: Size, server: SearchServer) -> Result<Vec<Figure>> {
    server.stop().await?;
    let (mut fresh, mut again) = (Samples::default(), Samples::default());
    for turn in 0..3 {
        let folder = format!("search-start-{}-{turn}", size.name);
        for samples in [&mut fresh, &mut again] {
            let server = SearchServer::lectern(stage, &size.database(), &folder).await?;
            samples.push(server.ready_after.as_secs_f64());
            // The next start reads what this process writes.
            wait_for_file(&stage.folder(&folder)?.join("search/catalogue.rows")).await?;
            server.stop().await?;
        }
    }
    let what = |text: &str| format!("{}: ready, {text}", size.name);
    Ok(vec![
        Figure::within(&what("from PostgreSQL alone"), &fresh, 2.0),
        Figure::within(&what("with the snapshot file"), &again, 1.0),
    ])
}
