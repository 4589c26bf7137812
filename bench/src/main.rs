//! Benchmarks. Each figure is compared with a peer: other software that does the same work on the same machine, in the
//! same run, in turn. The results of both sides are compared before the measurement.
//!
//! The benchmarks run the program and the simulator; they call the library only for stages without a command. Everything
//! runs on loopback with a private PostgreSQL.

mod delivery;
mod figure;
mod http;
mod import;
mod lessons;
mod load;
mod moves;
mod pages;
mod parse;
mod program;
mod provider;
mod search;
mod stage;
mod sync;
mod workbook_memory;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use figure::Figure;
use stage::Stage;

/// A result whose error is printed and ends the run.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measure Lectern and its peers
#[derive(Parser)]
struct Options {
    /// Use this release build of `lectern`
    #[arg(long)]
    program: PathBuf,
    /// Compare the load figures with this earlier build of `lectern`
    #[arg(long)]
    peer_program: Option<PathBuf>,
    /// Use this Python with the packages of requirements.txt
    #[arg(long)]
    python: PathBuf,
    /// Run each side this many times and compare the medians
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Move tables of at most this many rows
    #[arg(long, default_value_t = 10_000_000)]
    rows: u32,
    /// Search in shops of at most this many groups
    #[arg(long, default_value_t = 100_000)]
    groups: usize,
    /// Measure only these parts
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Parse,
    Import,
    Sync,
    SyncMemory,
    Delivery,
    WorkbookMemory,
    Load,
    Http,
    Pages,
    Moves,
    Lessons,
    Search,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, address, length] = arguments.as_slice()
        && what == search::CONSTANT_BODY
    {
        return search::serve_constant_body(address.parse()?, length.parse()?).await;
    }
    let options = Options::parse();
    let stage = Stage::start(&options.program, options.peer_program.as_deref(), &options.python).await?;
    let measured = measure(&stage, &options).await;
    stage.end().await;
    println!("{}", figure::table(&measured?));
    Ok(())
}

async fn measure(stage: &Stage, options: &Options) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for part in Part::value_variants() {
        if !options.only.is_empty() && !options.only.contains(part) {
            continue;
        }
        figures.extend(match part {
            Part::Parse => parse::measure(options.runs)?,
            Part::Import => import::measure(stage, options.runs).await?,
            Part::Sync => sync::measure(stage, options.runs).await?,
            Part::SyncMemory => sync::measure_memory(stage).await?,
            Part::Delivery => delivery::measure(stage).await?,
            Part::WorkbookMemory => workbook_memory::measure(stage).await?,
            Part::Load => load::measure(stage).await?,
            Part::Http => http::measure(stage, options.runs).await?,
            Part::Pages => pages::measure(stage).await?,
            Part::Moves => moves::measure(stage, options.runs, options.rows).await?,
            Part::Lessons => lessons::measure(stage, options.runs).await?,
            Part::Search => search::measure(stage, options.runs, options.groups).await?,
        });
    }
    Ok(figures)
}
