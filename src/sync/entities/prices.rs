//! Prices of course templates at price levels, which exist in Administrate only.
//!
//! One price is stored for each template and level. If there are several, the one in the configured currency and region
//! is stored and the others are skipped. If several of those remain, a user has to choose and nothing is written.

use std::collections::{BTreeMap, HashMap, HashSet};

use administrate::Client;
use rust_decimal::RoundingStrategy;
use sqlx::PgConnection;

use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::bridges::store::references;
use crate::error::Result;
use crate::names::fold;
use crate::sync::entity::Entity;
use crate::sync::entity_sync::{EntitySync, SyncContext, ids};
use crate::sync::matching::{Ambiguity, MatchResult, RemoteRecord};
use crate::sync::plan::SyncPlan;
use crate::sync::remote;
use crate::sync::report::findings::{RecordError, SkippedRecord};
use crate::tutorials::reference;

/// The sync of prices.
pub(crate) struct Prices;

impl EntitySync for Prices {
    const ENTITY: Entity = Entity::CourseTemplatePriceLevels;
    type Row = bridges::PriceRow;
    type Remote = Vec<remote::RemotePrice>;
    type Local = (PriceNames, PricePreference);

    async fn fetch(client: &Client, _context: &SyncContext) -> Result<Self::Remote> {
        remote::prices(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::prices(db).await
    }

    async fn local_records(db: &mut PgConnection, context: &SyncContext) -> Result<Self::Local> {
        let local = reference::store::course_templates(db).await?;
        let local = local.into_iter().chain(context.planned_templates.iter().cloned());
        let codes: HashMap<i64, String> = local.map(|template| (template.id, template.name)).collect();
        let named = |row: bridges::CourseTemplateRow| {
            let code = row.tutorial_course_template_id.and_then(|id| codes.get(&id).cloned());
            (row.external_id.clone(), code.unwrap_or(row.external_id))
        };
        let templates = context.course_templates(db).await?.into_iter().map(named).collect();
        let levels = context.price_levels(db).await?.into_iter().map(|row| (row.external_id, row.name)).collect();
        Ok((PriceNames { templates, levels }, context.preference.clone()))
    }

    fn plan(
        (names, preference): &Self::Local,
        remote: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(remote, names, rows, preference, overrides)
    }

    fn apply_cascades(rows: &mut Vec<Self::Row>, cascaded: &bridges::CascadedDeletes) {
        rows.retain(|row| !cascaded.prices.contains(row));
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_prices(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_prices(db, &ids(rows)).await
    }
}

/// The currency and region whose price is stored if a template has several prices at one level.
#[derive(Debug, Clone)]
pub struct PricePreference {
    /// Code of the currency, `GBP`.
    pub currency: String,
    /// Code of the region; empty for any region.
    pub region: String,
}

/// Administrate's ids of a course template and of a price level. Each pair has at most one stored price.
type PriceSlot = (String, String);

/// The names of the course templates and price levels that prices may refer to.
#[derive(Debug, Default)]
pub struct PriceNames {
    /// Code of each course template that has a link row, by Administrate's id.
    pub templates: HashMap<String, String>,
    /// Name of each price level that has a row, by Administrate's id.
    pub levels: HashMap<String, String>,
}

/// Plans one price for each template and level, selected by `preference`.
pub fn plan(
    remote: Vec<remote::RemotePrice>,
    names: &PriceNames,
    rows: &[bridges::PriceRow],
    preference: &PricePreference,
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::PriceRow> {
    let mut plan = SyncPlan::between(Entity::CourseTemplatePriceLevels, Vec::new(), &[], MatchResult::default());
    plan.fetched = remote.len();
    let mut slots: BTreeMap<PriceSlot, Vec<remote::RemotePrice>> = BTreeMap::new();
    for price in remote {
        if overrides.ignored_remote.contains(&price.external_id) {
            plan.findings.skipped.push(SkippedRecord::ignored(&price.external_id, names.describe(&price)));
            continue;
        }
        if let Some(text) = &price.unreadable {
            let message = format!("{}: the amount \"{text}\" is no number", names.slot_name(&price));
            plan.findings.errors.push(RecordError { external_id: Some(price.external_id), message });
            continue;
        }
        match names.slot(&price) {
            Ok(slot) => slots.entry(slot).or_default().push(price),
            Err(reason) => plan.findings.skipped.push(names.skipped(&price, reason)),
        }
    }
    let stored: HashMap<PriceSlot, &bridges::PriceRow> = rows.iter().map(|row| (slot_of(row), row)).collect();
    let skipped = plan.findings.skipped.iter().map(|price| price.external_id.as_str());
    let failed = plan.findings.errors.iter().filter_map(|error| error.external_id.as_deref());
    let reported: HashSet<&str> = skipped.chain(failed).collect();
    let is_reported = |row: &&bridges::PriceRow| reported.contains(row.external_id.as_str());
    let is_missing = |row: &&bridges::PriceRow| !slots.contains_key(&slot_of(row)) && !is_reported(row);
    plan.missing_remote = rows.iter().filter(is_missing).cloned().collect();
    for (slot, prices) in slots {
        names.select(&mut plan, &slot, prices, stored.get(&slot).copied(), preference);
    }
    plan
}

impl PriceNames {
    /// Returns the template and level of a price, or why it has none.
    fn slot(&self, price: &remote::RemotePrice) -> Result<PriceSlot, &'static str> {
        let Some(level) = &price.level else { return Err("it names no price level") };
        if !self.templates.contains_key(&price.template) {
            return Err("its course template is not known locally: run `lectern sync course-templates`");
        }
        if !self.levels.contains_key(level) {
            return Err("its price level is not known locally: run `lectern sync price-levels`");
        }
        if price.amount.is_none() {
            return Err("it has no amount");
        }
        Ok((price.template.clone(), level.clone()))
    }

    /// Selects the price of a slot and adds it to the plan, or reports why no price is selected.
    fn select(
        &self,
        plan: &mut SyncPlan<bridges::PriceRow>,
        slot: &PriceSlot,
        prices: Vec<remote::RemotePrice>,
        stored: Option<&bridges::PriceRow>,
        preference: &PricePreference,
    ) {
        let is_preferred = preference.among(&prices);
        let (preferred, others): (Vec<_>, Vec<_>) = prices.into_iter().partition(is_preferred);
        let reason = match preferred.as_slice() {
            [] => format!("none of the template's prices for this level is in {preference}"),
            [price] => format!("the template has several prices for this level; {} is used", terms(price)),
            _ => format!("the template has several prices for this level; choose one in {preference}"),
        };
        if let [price] = preferred.as_slice() {
            plan.add_row(self.describe(price), stored, row_of(slot, price));
            plan.findings.skipped.extend(others.iter().map(|price| self.skipped(price, &reason)));
            return;
        }
        // Nothing is written. A stored row stays as it is.
        let is_stored = |price: &&remote::RemotePrice| stored.is_some_and(|row| row.external_id == price.external_id);
        match stored {
            Some(row) if preferred.iter().chain(&others).any(|price| is_stored(&price)) => {
                plan.unchanged.push(row.external_id.clone());
            }
            Some(row) => plan.missing_remote.push(row.clone()),
            None => {}
        }
        let unused = others.iter().filter(|price| !is_stored(price));
        plan.findings.skipped.extend(unused.map(|price| self.skipped(price, &reason)));
        if let [first, ..] = preferred.as_slice() {
            plan.not_listed += preferred.iter().filter(|price| !is_stored(price)).count();
            plan.findings.ambiguous.push(Ambiguity {
                key: fold(&self.slot_name(first)),
                local: Vec::new(),
                remote: preferred
                    .iter()
                    .map(|price| RemoteRecord::new(&price.external_id, self.describe(price)))
                    .collect(),
                ..Ambiguity::default()
            });
        }
    }

    fn skipped(&self, price: &remote::RemotePrice, reason: &str) -> SkippedRecord {
        SkippedRecord { external_id: price.external_id.clone(), name: self.describe(price), reason: reason.into() }
    }

    /// Returns `CM2 - Standard`: the local code of the template, else Administrate's; ids where names are not known.
    fn slot_name(&self, price: &remote::RemotePrice) -> String {
        let name = |names: &HashMap<String, String>, id: &str| names.get(id).map_or(id.to_owned(), String::clone);
        let level = price.level.as_deref().map_or("no level".into(), |level| name(&self.levels, level));
        let template = self.templates.get(&price.template).filter(|name| **name != price.template);
        let template = template.or(price.template_code.as_ref()).unwrap_or(&price.template);
        format!("{template} - {level}")
    }

    /// Returns `CM2 - Standard: GBP 250.00 (UK)`.
    fn describe(&self, price: &remote::RemotePrice) -> String {
        match terms(price) {
            empty if empty.is_empty() => self.slot_name(price),
            terms => format!("{}: {terms}", self.slot_name(price)),
        }
    }
}

/// Returns `GBP 250.00 (UK)`, as far as it is known.
fn terms(price: &remote::RemotePrice) -> String {
    let amount = price.amount.map(|amount| amount.to_string());
    let region = price.region.as_ref().map(|region| format!("({region})"));
    let words = [price.currency.first().cloned(), amount, region];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn row_of(slot: &PriceSlot, price: &remote::RemotePrice) -> bridges::PriceRow {
    let (course_template, price_level) = slot.clone();
    let amount = price.amount.unwrap_or_default();
    bridges::PriceRow {
        external_id: price.external_id.clone(),
        course_template,
        price_level,
        // Rounded as numeric(10, 2) stores it, so that the row compares equal the next time.
        amount: amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero),
    }
}

impl PricePreference {
    /// Returns a filter for the preferred ones of the prices of one template and level.
    ///
    /// A single price is preferred. Of several, those in the currency for the region are, or if there is none for the
    /// region, those in the currency for any region.
    fn among(&self, prices: &[remote::RemotePrice]) -> impl Fn(&remote::RemotePrice) -> bool + use<> {
        let (currency, region) = (fold(&self.currency), fold(&self.region));
        let in_currency = move |price: &remote::RemotePrice| price.currency.iter().any(|name| fold(name) == currency);
        let in_region =
            move |price: &remote::RemotePrice| price.region.as_deref().is_some_and(|code| fold(code) == region);
        let (is_single, is_any_region) = (prices.len() == 1, self.region.is_empty());
        let has_region = prices.iter().any(|price| in_currency(price) && in_region(price));
        move |price| {
            is_single
                || in_currency(price)
                    && (is_any_region || if has_region { in_region(price) } else { price.region.is_none() })
        }
    }
}

impl std::fmt::Display for PricePreference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.currency)?;
        if !self.region.is_empty() {
            write!(f, " for {}", self.region)?;
        }
        Ok(())
    }
}

fn slot_of(row: &bridges::PriceRow) -> PriceSlot {
    (row.course_template.clone(), row.price_level.clone())
}
