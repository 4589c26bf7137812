//! The pages of staff at 5,000 events: the time in which the server answers.

use std::time::{Duration, Instant};

use lectern::demo::remote;
use tokio::net::TcpStream;

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::load::client::exchange;
use crate::load::server::{Server, Side};
use crate::parse::timetable_workbook;
use crate::program::run;
use crate::provider::provider;
use crate::stage::{Stage, simulator};

const EVENTS: usize = 5000;

/// Requests of a page, of which the median counts.
const REQUESTS: usize = 20;

/// The longest time of a page, in seconds.
const LIMIT: f64 = 0.020;

/// One page of each list. The outbox is full, because nothing is delivered.
const PAGES: [&str; 17] = [
    "/today",
    "/imports",
    "/syncs",
    "/syncs/locations",
    "/outbox",
    "/webhooks",
    "/timetable?day=2027-03-01",
    "/timetable?view=list&day=2027-03-01",
    "/events/1",
    "/search?q=london",
    "/lessons",
    "/reference",
    "/reference/store-products",
    "/reference/prices",
    "/reference/instructors",
    "/people/enrolments",
    "/audit",
];

/// Puts every session into one month.
const ONE_MONTH: &str = "
    UPDATE acted.tutorial_sessions SET start_date = day + interval '9 hours', end_date = day + interval '17 hours'
    FROM (SELECT id AS of_session, timestamptz '2027-03-01Z' + (id % 28) * interval '1 day' AS day
          FROM acted.tutorial_sessions) AS moved
    WHERE id = of_session";

/// Measures each page.
pub async fn measure(stage: &Stage) -> Result<Vec<Figure>> {
    let side = Side { program: stage.program_path().to_owned(), name: "pages" };
    let labels = stage.config("postgres")?.administrate.labels;
    let simulator = simulator(remote::tenant(&provider(), &labels), Duration::ZERO).await?;
    side.prepare(stage, &simulator).await?;
    side.copy_template(stage).await?;
    let file = stage.write("pages.xlsx", &timetable_workbook(EVENTS)?)?;
    let import = ["import", &file.to_string_lossy(), "--deliver", "queue", "--json"];
    run(stage.run_program(&side.program, &side.database(), Some(&simulator), &import)).await?;
    let pool = stage.connect(&side.database()).await?;
    // No worker delivers them while the pages are measured.
    sqlx::raw_sql("UPDATE lectern.outbox SET state = 'failed', next_attempt_at = NULL; ANALYZE").execute(&pool).await?;
    sqlx::raw_sql(ONE_MONTH).execute(&pool).await?;
    pool.close().await;
    let server = side.serve(stage, &simulator, None).await?;
    let mut figures = Vec::new();
    for page in PAGES {
        let samples = sample(&server, page).await?;
        figures.push(Figure::within(&format!("page {page}, {EVENTS} events"), &samples, LIMIT));
    }
    server.stop().await?;
    simulator.stop().await;
    Ok(figures)
}

/// Returns the seconds of a page over one open connection, after one request that is not counted.
async fn sample(server: &Server, page: &str) -> Result<Samples> {
    let mut socket = TcpStream::connect(server.address).await?;
    let request = server.request("GET", page);
    let mut samples = Samples::default();
    exchange(&mut socket, &request).await?;
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let response = exchange(&mut socket, &request).await?;
        samples.push(started.elapsed().as_secs_f64());
        if response.status != 200 {
            return Err(format!("the page {page} ended with {}", response.status).into());
        }
    }
    Ok(samples)
}
