//! `lectern search TEXT`.

use std::collections::BTreeSet;
use std::time::Instant;

use super::compose::{self, SessionUrls};
use super::query::{FoundPage, Query, explanation};
use super::read_model::ReadModel;
use super::read_model::items::{CatalogueItem, StoreProduct};
use super::response::{BundleItem, PriceItem};
use super::store;
use super::synonyms::{self, cli::SearchCommand};
use crate::app::Context;
use crate::console;
use crate::console::table::OutputTable;
use crate::error::{Exit, Result};

/// Options of `lectern search`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<SearchCommand>,
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
    if let Some(command) = args.command {
        return synonyms::cli::run(context, command).await;
    }
    let database = context.database().await?;
    let loaded = store::load(&database.pool).await;
    database.close().await;
    let (_, rows) = loaded?;
    let model = ReadModel::build(rows);
    let query = Query { page: args.page, page_size: args.page_size, ..Query::for_text(&args.text.join(" ")) };
    let started = Instant::now();
    let found = FoundPage::new(&model, &query);
    let mut response = found.response(SessionUrls::Visible);
    response.performance.duration = started.elapsed().as_secs_f64();
    context.console.document(&response)?;
    if !context.console.json {
        context.console.print(if model.is_empty() { EMPTY_CATALOGUE.to_owned() } else { render_text(&found) });
    }
    Ok(Exit::Done)
}

/// Columns of the line below the results that names the matching texts.
const LINE_COLUMNS: usize = 80;

/// What a search says while there is nothing to find.
pub const EMPTY_CATALOGUE: &str = "the catalogue is empty: `lectern catalogue template catalogue.xlsx` writes a \
                                   workbook for your own, `lectern demo` shows one with sample data; or set \
                                   DATABASE_URL to the database that contains it";

/// Renders what was found as text: one table row per variation or bundle, followed by its events.
pub fn render_text(found: &FoundPage<'_>) -> String {
    let columns = ["Subject, exam", "Product", "Event", "Starts", "Sessions", "Price, places", "Instructors"];
    let mut table = console::table(columns);
    let mut matching: Vec<String> = Vec::new();
    for hit in &found.hits {
        let Some((item, positions)) = found.item(hit) else { continue };
        match item {
            CatalogueItem::Group(group) => positions
                .filter_map(|position| group.products.get(position))
                .for_each(|product| add_product(product, &mut table)),
            CatalogueItem::Bundle(bundle) => add_bundle(&compose::build_bundle(bundle), &mut table),
        }
        let texts = explanation::matching_texts(found, hit);
        matching.extend(texts.iter().map(|text| format!("{} ({})", text.text, text.field.replace('_', " "))));
    }
    let pagination = &found.pagination;
    let count = match pagination.total_count {
        0 => return "no results: try fewer or different words\n".to_owned(),
        1 => "1 product".to_owned(),
        many => format!("{many} products"),
    };
    let mut text = format!("{table}\n");
    if let Some(corrected) = found.matches.as_ref().and_then(explanation::corrected_query) {
        text.push_str(&format!("searched for: {corrected}\n"));
    }
    if !matching.is_empty() {
        text.push_str(&matching_line(matching));
    }
    format!("{text}{count}, page {} of {}\n", pagination.page, pagination.total_pages)
}

/// Names the matching texts, each once, as far as a line has room for them, and says how many are left out.
fn matching_line(mut texts: Vec<String>) -> String {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    let mut line = "matched: ".to_owned();
    for (number, text) in texts.iter().enumerate() {
        let more = match texts.len() - number - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let separator = if number == 0 { "" } else { ", " };
        let columns = [&line, separator, text, &more].iter().map(|part| part.chars().count()).sum::<usize>();
        if number > 0 && columns > LINE_COLUMNS {
            return format!("{line} and {} more\n", texts.len() - number);
        }
        line.push_str(separator);
        line.push_str(text);
    }
    format!("{line}\n")
}

fn add_product(product: &StoreProduct, table: &mut OutputTable) {
    let variation = compose::build_variation(product, SessionUrls::Visible);
    let row = &product.row;
    table.add_row([
        exam_label(&row.sitting.subject_code, &row.sitting.exam_session_code),
        row.form.fullname.to_string(),
        variation.name.to_owned(),
        String::new(),
        String::new(),
        price_label(&variation.prices),
        String::new(),
    ]);
    for event in &product.events {
        let places = match event.row.remain_space {
            _ if event.row.is_soldout => "sold out".to_owned(),
            _ if event.row.is_unlimited => String::new(),
            1 => "1 place".to_owned(),
            places => format!("{places} places"),
        };
        let venue = event.row.place.venue.as_ref().map(|venue| format!("  {venue}")).unwrap_or_default();
        table.add_row([
            "",
            venue.as_str(),
            &event.row.code,
            &event.row.start_date.to_string(),
            &event.sessions.len().to_string(),
            &places,
            &event.instructors.join(", "),
        ]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching_texts_are_named_once_as_far_as_the_line_has_room() {
        let line = |texts: &[&str]| matching_line(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(
            line(&["York (venue)", "York (venue)", "Ada (instructor)"]),
            "matched: York (venue), Ada (instructor)\n"
        );
        let long = ["Halls of the Northern Institute (venue)", "Northern Institute (location)", "Ada (instructor)"];
        assert_eq!(line(&long), "matched: Halls of the Northern Institute (venue) and 2 more\n");
        let longest = "a".repeat(90);
        assert_eq!(line(&[&longest, "b"]), format!("matched: {longest} and 1 more\n"), "one is always named");
    }
}
