//! Compares the answers of Lectern and of the peer before they are measured.

use std::collections::BTreeMap;

use serde_json::Value;

use super::server::SearchServer;
use super::shop::{Kind, Size};
use crate::Result;

/// Facets that both sides count.
const FACETS: [&str; 5] = ["subjects", "categories", "product_types", "products", "modes_of_delivery"];

/// Checks that both sides find the same rows and count the same facets for every search.
///
/// With a text the order is a matter of taste; without one it is compared too, with all that the page says.
pub async fn check_equal_answers(size: Size, lectern: &SearchServer, peer: &SearchServer) -> Result<()> {
    for (kind, ..) in Kind::ALL {
        for query in size.searches(kind) {
            let (one, other) = (lectern.search(&query).await?, peer.search(&query).await?);
            let differs = |what: &str, one: &Value, other: &Value| -> Result<()> {
                match one == other {
                    true => Ok(()),
                    false => Err(format!("{query}: the peer has another {what}:\n{one}\n{other}").into()),
                }
            };
            differs("number of results", &one["pagination"]["total_count"], &other["pagination"]["total_count"])?;
            if one["pagination"]["total_count"] == 0 {
                return Err(format!("{query} finds nothing").into());
            }
            for facet in FACETS {
                let (one, other) = (counts(&one["filter_counts"][facet]), counts(&other["filter_counts"][facet]));
                if one != other {
                    return Err(format!("{query}: the peer counts another {facet}:\n{one:?}\n{other:?}").into());
                }
            }
            if matches!(kind, Kind::Browse | Kind::Filter) {
                differs("page", &one["products"], &other["products"])?;
            }
        }
    }
    Ok(())
}

fn counts(facet: &Value) -> BTreeMap<String, i64> {
    let values = facet.as_object().into_iter().flatten();
    values.map(|(value, count)| (value.clone(), count["count"].as_i64().unwrap_or(-1))).collect()
}
