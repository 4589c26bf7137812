//! Prices of course templates on price levels: Administrate's own, found through the bridges (FR-009).
//!
//! We keep one price for a template and level. Of several, the one in the provider's currency and region is kept and
//! the others are skipped; where several of those remain, a person must choose and nothing is written.

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

/// Prices on the way of every entity.
pub(crate) struct Prices;

impl EntitySync for Prices {
    const ENTITY: Entity = Entity::CourseTemplatePriceLevels;
    type Row = bridges::PriceRow;
    type Remote = Vec<remote::RemotePrice>;
    type Local = (Places, Preference);

    async fn fetch(client: &Client, _ground: &SyncContext) -> Result<Self::Remote> {
        remote::prices(client).await
    }

    async fn link_rows(db: &mut PgConnection) -> Result<Vec<Self::Row>> {
        references::prices(db).await
    }

    async fn local_records(db: &mut PgConnection, ground: &SyncContext) -> Result<Self::Local> {
        let ours = reference::store::course_templates(db).await?;
        let codes: HashMap<i64, String> = ours.into_iter().map(|template| (template.id, template.name)).collect();
        let named = |row: bridges::CourseTemplateRow| {
            let code = row.tutorial_course_template_id.and_then(|id| codes.get(&id).cloned());
            (row.external_id.clone(), code.unwrap_or(row.external_id))
        };
        let templates = ground.course_templates(db).await?.into_iter().map(named).collect();
        let levels = ground.price_levels(db).await?.into_iter().map(|row| (row.external_id, row.name)).collect();
        Ok((Places { templates, levels }, ground.preference.clone()))
    }

    fn plan(
        (places, preference): &Self::Local,
        theirs: Self::Remote,
        rows: &[Self::Row],
        overrides: &MatchOverrides,
    ) -> SyncPlan<Self::Row> {
        plan(theirs, places, rows, preference, overrides)
    }

    async fn upsert(db: &mut PgConnection, rows: &[&Self::Row]) -> Result<()> {
        references::put_prices(db, rows).await
    }

    async fn delete(db: &mut PgConnection, rows: &[Self::Row]) -> Result<()> {
        references::remove_prices(db, &ids(rows)).await
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
type PriceSlot = (String, String);

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
    theirs: Vec<remote::RemotePrice>,
    places: &Places,
    rows: &[bridges::PriceRow],
    preference: &Preference,
    overrides: &MatchOverrides,
) -> SyncPlan<bridges::PriceRow> {
    let mut plan = SyncPlan::between(Entity::CourseTemplatePriceLevels, Vec::new(), &[], MatchResult::default());
    plan.fetched = theirs.len();
    let mut slots: BTreeMap<PriceSlot, Vec<remote::RemotePrice>> = BTreeMap::new();
    for price in theirs {
        if overrides.ignored_remote.contains(&price.external_id) {
            plan.findings.skipped.push(SkippedRecord::ignored(&price.external_id, places.describe(&price)));
            continue;
        }
        if let Some(text) = &price.unreadable {
            let message = format!("its amount \"{text}\" is no number: {}", places.place(&price));
            plan.findings.errors.push(RecordError { external_id: Some(price.external_id), message });
            continue;
        }
        match places.slot(&price) {
            Ok(slot) => slots.entry(slot).or_default().push(price),
            Err(reason) => plan.findings.skipped.push(places.skipped(&price, reason)),
        }
    }
    let standing: HashMap<PriceSlot, &bridges::PriceRow> = rows.iter().map(|row| (slot_of(row), row)).collect();
    let skipped = plan.findings.skipped.iter().map(|price| price.external_id.as_str());
    let failed = plan.findings.errors.iter().filter_map(|trouble| trouble.external_id.as_deref());
    let told: HashSet<&str> = skipped.chain(failed).collect();
    let is_told = |row: &&bridges::PriceRow| told.contains(row.external_id.as_str());
    let is_gone = |row: &&bridges::PriceRow| !slots.contains_key(&slot_of(row)) && !is_told(row);
    plan.missing_remote = rows.iter().filter(is_gone).cloned().collect();
    for (slot, prices) in slots {
        places.choose(&mut plan, &slot, prices, standing.get(&slot).copied(), preference);
    }
    plan
}

impl Places {
    /// Where the price belongs, or why it belongs nowhere.
    fn slot(&self, price: &remote::RemotePrice) -> Result<PriceSlot, &'static str> {
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
        plan: &mut SyncPlan<bridges::PriceRow>,
        slot: &PriceSlot,
        prices: Vec<remote::RemotePrice>,
        standing: Option<&bridges::PriceRow>,
        preference: &Preference,
    ) {
        let is_meant = preference.among(&prices);
        let (meant, others): (Vec<_>, Vec<_>) = prices.into_iter().partition(is_meant);
        let reason = match meant.as_slice() {
            [] => format!("none of the template's prices for this level is in {preference}"),
            [kept] => format!("the template has several prices for this level; {} is kept", terms(kept)),
            _ => format!("the template has several prices for this level; one in {preference} is to be chosen"),
        };
        if let [kept] = meant.as_slice() {
            plan.take(self.describe(kept), standing, row_of(slot, kept));
            plan.findings.skipped.extend(others.iter().map(|price| self.skipped(price, &reason)));
            return;
        }
        // Nothing is written; a row that stands stays as it is.
        let stands = |price: &&remote::RemotePrice| standing.is_some_and(|row| row.external_id == price.external_id);
        match standing {
            Some(row) if meant.iter().chain(&others).any(|price| stands(&price)) => {
                plan.unchanged.push(row.external_id.clone());
            }
            Some(row) => plan.missing_remote.push(row.clone()),
            None => {}
        }
        let left = others.iter().filter(|price| !stands(price));
        plan.findings.skipped.extend(left.map(|price| self.skipped(price, &reason)));
        if let [first, ..] = meant.as_slice() {
            plan.not_listed += meant.iter().filter(|price| !stands(price)).count();
            plan.findings.ambiguous.push(Ambiguity {
                key: fold(&self.place(first)),
                local: Vec::new(),
                remote: meant.iter().map(|price| RemoteRecord::new(&price.external_id, self.describe(price))).collect(),
            });
        }
    }

    fn skipped(&self, price: &remote::RemotePrice, reason: &str) -> SkippedRecord {
        SkippedRecord { external_id: price.external_id.clone(), name: self.describe(price), reason: reason.into() }
    }

    /// `CM2 - Standard`: our code of the template, else theirs; ids where names are not known.
    fn place(&self, price: &remote::RemotePrice) -> String {
        let name = |names: &HashMap<String, String>, id: &str| names.get(id).map_or(id.to_owned(), String::clone);
        let level = price.level.as_deref().map_or("no level".into(), |level| name(&self.levels, level));
        let template = self.templates.get(&price.template).filter(|name| **name != price.template);
        let template = template.or(price.template_code.as_ref()).unwrap_or(&price.template);
        format!("{template} - {level}")
    }

    /// `CM2 - Standard: GBP 250.00 (UK)`.
    fn describe(&self, price: &remote::RemotePrice) -> String {
        match terms(price) {
            none if none.is_empty() => self.place(price),
            terms => format!("{}: {terms}", self.place(price)),
        }
    }
}

/// `GBP 250.00 (UK)`, as far as it is known.
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
        // What numeric(10, 2) makes of it, so that the row compares equal the next time.
        amount: amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero),
    }
}

impl Preference {
    /// Which of the prices of one template and level are meant: the only one; else those in the currency for the region,
    /// or where there is none for it, those for any region.
    fn among(&self, prices: &[remote::RemotePrice]) -> impl Fn(&remote::RemotePrice) -> bool + use<> {
        let (currency, region) = (fold(&self.currency), fold(&self.region));
        let in_currency = move |price: &remote::RemotePrice| price.currency.iter().any(|name| fold(name) == currency);
        let in_region =
            move |price: &remote::RemotePrice| price.region.as_deref().is_some_and(|code| fold(code) == region);
        let (is_alone, is_anywhere) = (prices.len() == 1, self.region.is_empty());
        let is_told = prices.iter().any(|price| in_currency(price) && in_region(price));
        move |price| {
            is_alone
                || in_currency(price)
                    && (is_anywhere || if is_told { in_region(price) } else { price.region.is_none() })
        }
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

fn slot_of(row: &bridges::PriceRow) -> PriceSlot {
    (row.course_template.clone(), row.price_level.clone())
}
