//! `lectern import products`.

use clap::Subcommand;
use serde_json::json;
use sqlx::PgConnection;

use super::hooks::spelling;
use super::{ANY, ProductMapping, store, stored_sitting, unknown_sitting};
use crate::app::Context;
use crate::console;
use crate::error::{Error, Exit, Result};
use crate::names::{fold, nearest};

/// Maximum number of store products in a message.
const MAX_LISTED: usize = 10;

/// Options of `lectern import products`.
#[derive(Debug, clap::Args)]
pub struct ProductsArgs {
    #[command(subcommand)]
    command: Option<ProductsCommand>,
}

#[derive(Debug, Subcommand)]
enum ProductsCommand {
    /// List which products are chosen
    List,
    /// Choose the product of events, once for all imports
    Set(SetArgs),
    /// Remove a choice
    Remove {
        /// Number of the choice, as `lectern import products` lists it
        id: i64,
    },
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// Code of the course template
    template: String,
    /// Name of the location; '*' for any
    location: String,
    /// Sitting, such as 2026A, 26A or 2026-04; '*' for any
    sitting: String,
    /// Code or id of the store product
    store_product: String,
}

/// Runs `lectern import products`.
pub async fn run(context: &Context, args: ProductsArgs) -> Result<Exit> {
    let database = context.database().await?;
    let result = match database.pool.begin().await {
        Ok(mut transaction) => match execute(context, &mut transaction, args).await {
            Ok(()) => transaction.commit().await.map_err(Error::from),
            Err(error) => Err(error),
        },
        Err(error) => Err(error.into()),
    };
    database.close().await;
    result.map(|()| Exit::Done)
}

async fn execute(context: &Context, db: &mut PgConnection, args: ProductsArgs) -> Result<()> {
    match args.command {
        None | Some(ProductsCommand::List) => list(context, &store::all(db).await?),
        Some(ProductsCommand::Set(args)) => set(context, db, &args).await,
        Some(ProductsCommand::Remove { id }) => {
            if !store::remove(db, id).await? {
                return Err(Error::Usage(format!(
                    "there is no product mapping {id}: `lectern import products` lists them"
                )));
            }
            context.console.print(format_args!("product mapping {id} removed"));
            context.console.document(&json!({ "removed": id }))
        }
    }
}

fn list(context: &Context, mappings: &[ProductMapping]) -> Result<()> {
    if mappings.is_empty() {
        context.console.notify(
            "no product mapping is set; `lectern import products set TEMPLATE LOCATION SITTING STORE_PRODUCT` sets one",
        );
    } else {
        let mut table = console::table(["ID", "Template", "Location", "Sitting", "Store product"]);
        for ProductMapping { id, template, location, sitting, store_product, .. } in mappings {
            table.add_row([&id.to_string(), template, location, sitting, store_product]);
        }
        context.console.print(table);
    }
    context.console.document(&json!({ "mappings": mappings }))
}

async fn set(context: &Context, db: &mut PgConnection, args: &SetArgs) -> Result<()> {
    let [templates, locations, sessions] = store::known_names(db).await?;
    let template = spelling(&args.template, &templates);
    let location = spelling(&args.location, &locations);
    if template.is_empty() || template == ANY || location.is_empty() {
        return Err(Error::Usage("name one course template, and a location or '*' for any".into()));
    }
    let letters = &context.config.sittings;
    let sitting = stored_sitting(&args.sitting, letters, &sessions)
        .ok_or_else(|| Error::Usage(format!("\"{}\" {}", args.sitting, unknown_sitting(letters))))?;
    let (product, code) = find_product(&store::store_products(db).await?, &args.store_product)?;
    let id = store::set(db, [&template, &location, &sitting], product).await?;
    for (kind, name, known, command) in [
        ("course template", &template, &templates, "course-templates"),
        ("location", &location, &locations, "locations"),
    ] {
        if name != ANY && !known.contains(name) {
            let similar = nearest(name, known.iter().map(String::as_str));
            let meant = match similar.first() {
                Some(similar) => format!("did you mean \"{similar}\"?"),
                None => format!("`lectern sync {command}` loads those of Administrate"),
            };
            context.console.notify(format_args!("no {kind} is called \"{name}\" yet; {meant}"));
        }
    }
    let or_any = |name: &str, any: &str| if name == ANY { any.to_owned() } else { name.to_owned() };
    context.console.print(format_args!(
        "product mapping {id}: {template} at {}, {}: {code}",
        or_any(&location, "any location"),
        if sitting == ANY { "any sitting".to_owned() } else { format!("sitting {sitting}") },
    ));
    context.console.notify("next: lectern import FILE.xlsx --dry-run");
    let mapping = ProductMapping { id, template, location, sitting, store_product_id: product, store_product: code };
    context.console.document(&mapping)
}

/// Finds a store product by code, else by id.
fn find_product(known: &[(i64, String)], given: &str) -> Result<(i64, String)> {
    let by_code = known.iter().find(|(_, code)| fold(code) == fold(given));
    let found = by_code.or_else(|| known.iter().find(|(id, _)| given.trim().parse() == Ok(*id)));
    found.cloned().ok_or_else(|| {
        let similar = nearest(given, known.iter().map(|(_, code)| code.as_str()));
        let advice = match (known.is_empty(), similar.is_empty()) {
            (true, _) => "the catalogue has none, `lectern catalogue import FILE.xlsx` creates them".to_owned(),
            (_, true) => {
                let codes: Vec<&str> = known.iter().take(MAX_LISTED).map(|(_, code)| code.as_str()).collect();
                let more = match known.len().saturating_sub(MAX_LISTED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("the catalogue has {}{more}", codes.join(", "))
            }
            _ => format!("similar: {}", similar.join(", ")),
        };
        Error::Usage(format!("there is no store product \"{given}\": {advice}"))
    })
}
