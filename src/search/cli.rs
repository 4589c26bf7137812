//! `lectern search TEXT`.

use std::time::Instant;

use super::compose::SessionUrls;
use super::query::Query;
use super::query::search;
use super::read_model::ReadModel;
use super::response::{BundleItem, Listing, PriceItem, ResultItem, SearchResponse};
use super::store;
use crate::app::Context;
use crate::console;
use crate::console::table::OutputTable;
use crate::error::{Exit, Result};

/// Options of `lectern search`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Product, subject, event code, venue or instructor; typos are allowed
    #[arg(value_name = "TEXT")]
    text: Vec<String>,
    /// Page number, from 1
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    page: u64,
    /// Rows per page, up to 100
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    page_size: u64,
}

/// Runs `lectern search`: prints a table, or with `--json` the document of the HTTP API.
pub async fn run(context: &Context, args: Args) -> Result<Exit> {
    let database = context.database().await?;
    let rows = store::load(&database.pool).await;
    database.close().await;
    let model = ReadModel::build(rows?);
    let query = Query { page: args.page, page_size: args.page_size, ..Query::for_text(&args.text.join(" ")) };
    let started = Instant::now();
    let mut response = search(&model, &query, SessionUrls::Visible);
    response.performance.duration = started.elapsed().as_secs_f64();
    context.console.document(&response)?;
    if !context.console.json {
        context.console.print(if model.is_empty() { EMPTY_CATALOGUE.to_owned() } else { render_text(&response) });
    }
    Ok(Exit::Done)
}

/// What a search says while there is nothing to find.
pub const EMPTY_CATALOGUE: &str = "the catalogue is empty: `lectern catalogue template catalogue.xlsx` writes a \
                                   workbook for your own, `lectern demo` shows one with sample data; or set \
                                   DATABASE_URL to the database that contains it";

/// Renders a response as text: one table row per variation or bundle, followed by its events.
pub fn render_text(response: &SearchResponse<'_>) -> String {
    let mut table = console::table(["Subject, exam", "Product", "Event", "Starts", "Sessions", "Price, places"]);
    for item in &response.products {
        match item {
            ResultItem::Listing(listing) => add_listing(listing, &mut table),
            ResultItem::Bundle(bundle) => add_bundle(bundle, &mut table),
        }
    }
    let pagination = &response.pagination;
    let count = match pagination.total_count {
        0 => return "no results: try fewer or different words\n".to_owned(),
        1 => "1 product".to_owned(),
        many => format!("{many} products"),
    };
    format!("{table}\n{count}, page {} of {}\n", pagination.page, pagination.total_pages)
}

fn add_listing(listing: &Listing<'_>, table: &mut OutputTable) {
    for variation in &listing.variations {
        table.add_row([
            exam_label(listing.subject_code, listing.exam_session_code),
            listing.product_name.to_owned(),
            variation.name.to_owned(),
            String::new(),
            String::new(),
            price_label(&variation.prices),
        ]);
        for event in variation.events.iter().flatten() {
            let places =
                if event.is_soldout { "sold out".to_owned() } else { format!("{} places", event.remain_space) };
            let venue = event.venue.map(|venue| format!("  {venue}")).unwrap_or_default();
            table.add_row([
                "",
                venue.as_str(),
                event.code,
                &event.start_date.to_string(),
                &event.sessions.len().to_string(),
                &places,
            ]);
        }
    }
}

fn add_bundle(bundle: &BundleItem<'_>, table: &mut OutputTable) {
    let components = format!("bundle of {}", bundle.components_count);
    let exam = exam_label(bundle.subject_code, bundle.exam_session_code);
    table.add_row([exam.as_str(), bundle.name, components.as_str()]);
}

fn exam_label(subject: &str, exam_session: &str) -> String {
    format!("{subject} {exam_session}")
}

fn price_label(prices: &[PriceItem<'_>]) -> String {
    let standard = prices.iter().find(|price| price.price_type == "standard").or(prices.first());
    standard.map(|price| format!("{} {}", price.amount, price.currency)).unwrap_or_default()
}
