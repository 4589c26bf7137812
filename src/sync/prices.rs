//! Prices of course templates on price levels: Administrate's own, found through the bridges (FR-009).
//!
//! We keep one price for a template and level. Of several, the one in the provider's currency and region is kept and
//! the others are skipped; where several of those remain, a person must choose and nothing is written.

use std::collections::{BTreeMap, HashMap};

use administrate::Client;
use rust_decimal::RoundingStrategy;
use sqlx::PgConnection;

use super::decisions::Decisions;
use super::entity::Entity;
use super::matching::{Ambiguity, Pairing, Theirs};
use super::findings::Skipped;
use super::plan::Plan;
use super::remote;
use super::synced::{Ground, Synced, ids};
use crate::bridges::reference as bridges;
use crate::error::Result;
use crate::names::fold;
use crate::tutorials::reference;

/// Prices on the way of every entity.
pub(super) struct Prices;

impl Synced for Prices {
    const ENTITY: Entity = Entity::CourseTemplatePriceLevels;
    type Row = bridges::Price;
    type Theirs = Vec<remote::Price>;
    type Ours = (Places, Preference);

    async fn fetch(client: &Client, _ground: &Ground) -> Result<Self::Theirs> {
        remote::prices(client).await
    }

    async fn rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        bridges::store::prices(db).await
    }

    async fn ours(db: &mut PgConnection, ground: &Ground) -> Result<Self::Ours> {
        let ours = reference::store::course_templates(db).await?;
        let codes: HashMap<i64, String> = ours.into_iter().map(|template| (template.id, template.name)).collect();
        let named = |row: bridges::CourseTemplate| {
            let code = row.tutorial_course_template_id.and_then(|id| codes.get(&id).cloned());
            (row.external_id.clone(), code.unwrap_or(row.external_id))
        };
        let templates = ground.course_templates(db).await?.into_iter().map(named).collect();
        let levels = ground.price_levels(db).await?.into_iter().map(|row| (row.external_id, row.name)).collect();
        Ok((Places { templates, levels }, ground.preference.clone()))
    }

    fn plan(
        (places, preference): &Self::Ours,
        theirs: Self::Theirs,
        rows: &[Self::Row],
        decisions: &Decisions,
    ) -> Plan<Self::Row> {
        plan(theirs, places, rows, preference, decisions)
    }

    async fn put(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        bridges::store::put_prices(db, rows).await
    }

    async fn remove(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        bridges::store::remove_prices(db, &ids(rows)).await
    }
}

/// Which price is kept where a template has several for one level.
#[derive(Debug, Clone)]
pub struct Preference {
    /// Code of the currency, `GBP`.
    pub currency: String,
    /// Code of the region; empty: any.
    pub region: String,
}

/// Ids of a course template and of a price level.
type Slot = (String, String);

/// Everything that a price is looked up in, with the names that people know.
#[derive(Debug, Default)]
pub struct Places {
    /// Name of each course template that is bridged, by its id.
    pub templates: HashMap<String, String>,
    /// Name of each price level that is bridged, by its id.
    pub levels: HashMap<String, String>,
}

/// Keeps for each template and level the price that the provider sells at.
pub fn plan(
    theirs: Vec<remote::Price>,
    places: &Places,
    rows: &[bridges::Price],
    preference: &Preference,
    decisions: &Decisions,
) -> Plan<bridges::Price> {
    let mut plan = Plan::between(Entity::CourseTemplatePriceLevels, Vec::new(), &[], Pairing::default());
    plan.fetched = theirs.len();
    let mut slots: BTreeMap<Slot, Vec<remote::Price>> = BTreeMap::new();
    for price in theirs {
        if decisions.ignored_remote.contains(&price.external_id) {
            plan.findings.skipped.push(Skipped::ignored(&price.external_id, places.describe(&price)));
            continue;
        }
        match places.slot(&price) {
            Ok(slot) => slots.entry(slot).or_default().push(price),
            Err(reason) => plan.findings.skipped.push(places.skipped(&price, reason)),
        }
    }
    let standing: HashMap<Slot, &bridges::Price> = rows.iter().map(|row| (slot_of(row), row)).collect();
    let is_told =
        |row: &&bridges::Price| plan.findings.skipped.iter().any(|price| price.external_id == row.external_id);
    let is_gone = |row: &&bridges::Price| !slots.contains_key(&slot_of(row)) && !is_told(row);
    plan.gone = rows.iter().filter(is_gone).cloned().collect();
    for (slot, prices) in slots {
        places.choose(&mut plan, &slot, prices, standing.get(&slot).copied(), preference);
    }
    plan
}

impl Places {
    /// Where the price belongs, or why it belongs nowhere.
    fn slot(&self, price: &remote::Price) -> Result<Slot, &'static str> {
        let Some(level) = &price.level else { return Err("it names no price level") };
        if !self.templates.contains_key(&price.template) {
            return Err("its course template is not known here: run `lectern sync course-templates`");
        }
        if !self.levels.contains_key(level) {
            return Err("its price level is not known here: run `lectern sync price-levels`");
        }
        if price.amount.is_none() {
            return Err("it has no amount");
        }
        Ok((price.template.clone(), level.clone()))
    }

    fn choose(
        &self,
        plan: &mut Plan<bridges::Price>,
        slot: &Slot,
        prices: Vec<remote::Price>,
        standing: Option<&bridges::Price>,
        preference: &Preference,
    ) {
        let several = prices.len() > 1;
        let (kept, others): (Vec<_>, Vec<_>) =
            prices.into_iter().partition(|price| !several || preference.prefers(price));
        let reason = format!("the template has several prices for this level; the one in {preference} is kept");
        plan.findings.skipped.extend(others.iter().map(|price| self.skipped(price, &reason)));
        match kept.as_slice() {
            [] => plan.unchanged.extend(standing.map(|row| row.external_id.clone())),
            [one] => plan.take(self.describe(one), standing, row_of(slot, one)),
            [first, ..] => {
                plan.unchanged.extend(standing.map(|row| row.external_id.clone()));
                plan.findings.ambiguous.push(Ambiguity {
                    key: fold(&self.place(first)),
                    local: Vec::new(),
                    remote: kept.iter().map(|price| Theirs::new(&price.external_id, self.describe(price))).collect(),
                });
            }
        }
    }

    fn skipped(&self, price: &remote::Price, reason: &str) -> Skipped {
        Skipped { external_id: price.external_id.clone(), name: self.describe(price), reason: reason.into() }
    }

    /// `CM2 - Standard`, or ids where names are not known.
    fn place(&self, price: &remote::Price) -> String {
        let name = |names: &HashMap<String, String>, id: &str| names.get(id).map_or(id.to_owned(), String::clone);
        let level = price.level.as_deref().map_or("no level".into(), |level| name(&self.levels, level));
        format!("{} - {level}", name(&self.templates, &price.template))
    }

    /// `CM2 - Standard: GBP 250.00 (UK)`.
    fn describe(&self, price: &remote::Price) -> String {
        let mut text = self.place(price);
        let amount = price.amount.map(|amount| amount.to_string());
        let words: Vec<&str> =
            price.currency.first().map(String::as_str).into_iter().chain(amount.as_deref()).collect();
        if !words.is_empty() {
            text = format!("{text}: {}", words.join(" "));
        }
        match &price.region {
            Some(region) => format!("{text} ({region})"),
            None => text,
        }
    }
}

fn row_of(slot: &Slot, price: &remote::Price) -> bridges::Price {
    let (course_template, price_level) = slot.clone();
    let amount = price.amount.unwrap_or_default();
    bridges::Price {
        external_id: price.external_id.clone(),
        course_template,
        price_level,
        // What numeric(10, 2) makes of it, so that the row compares equal the next time.
        amount: amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero),
    }
}

impl Preference {
    fn prefers(&self, price: &remote::Price) -> bool {
        let region = fold(&self.region);
        let in_currency = price.currency.iter().any(|name| fold(name) == fold(&self.currency));
        let in_region = region.is_empty() || price.region.as_deref().is_some_and(|code| fold(code) == region);
        in_currency && in_region
    }
}

impl std::fmt::Display for Preference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.currency)?;
        if !self.region.is_empty() {
            write!(f, " for {}", self.region)?;
        }
        Ok(())
    }
}

fn slot_of(row: &bridges::Price) -> Slot {
    (row.course_template.clone(), row.price_level.clone())
}
