//! Lectern's figures, each beside a peer: the same work done by something else, on the same machine, in the same run,
//! in turn. Answers are compared before anything is timed.
//!
//! Drives the real program and the real simulator over their outward interface; calls the library only for stages
//! that have no command of their own. Everything runs on loopback, in a PostgreSQL of its own that ends with it.

mod delivery;
mod figure;
mod import;
mod parse;
mod program;
mod provider;
mod sync;
mod workbook_memory;
mod world;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use figure::Figure;
use world::World;

/// What may go wrong is told and ends the run.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures Lectern beside its peers.
#[derive(Parser)]
struct Options {
    /// The release build of `lectern`.
    #[arg(long)]
    program: PathBuf,
    /// A Python with the packages of requirements.txt.
    #[arg(long)]
    python: PathBuf,
    /// How often each side runs; the medians are compared.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only these.
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
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let world = World::start(&options.program, &options.python).await?;
    let measured = measure(&world, &options).await;
    world.end().await;
    println!("{}", figure::table(&measured?));
    Ok(())
}

async fn measure(world: &World, options: &Options) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for part in Part::value_variants() {
        if !options.only.is_empty() && !options.only.contains(part) {
            continue;
        }
        figures.extend(match part {
            Part::Parse => parse::measure(options.runs)?,
            Part::Import => import::measure(world, options.runs).await?,
            Part::Sync => sync::measure(world, options.runs).await?,
            Part::SyncMemory => sync::measure_memory(world).await?,
            Part::Delivery => delivery::measure(world).await?,
            Part::WorkbookMemory => workbook_memory::measure(world).await?,
        });
    }
    Ok(figures)
}
