//! Products with their events and sessions, as a customer sees them. What matches the text is marked.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::search::compose::SessionUrls;
use crate::search::query::FoundPage;
use crate::search::query::explanation::{MatchingText, marked, matching_texts};
use crate::search::read_model::ReadModel;
use crate::search::read_model::items::{CatalogueItem, StoreBundle, StoreProduct, TutorialEvent};
use crate::search::read_model::rows::{Place, PriceRecord, TutorialSessionRow};

/// Most events on a page whose sessions are shown without a click.
const MAX_OPEN_EVENTS: usize = 3;

/// Most events of a variation that a page shows.
const MAX_EVENTS: usize = 20;

/// When and for whom the page is shown.
pub(super) struct PageClock {
    /// The zone of events without one.
    pub zone: TimeZone,
    pub now: Timestamp,
    pub urls: SessionUrls,
    /// Whether events lead to their page.
    pub is_staff: bool,
}

/// A product of a subject in an exam session, or a bundle. Texts ending in `html` contain marks.
pub(super) struct ProductCard {
    pub subject_html: String,
    pub exam: String,
    pub name_html: String,
    pub text: Option<String>,
    pub lines: Vec<CardLine>,
    pub is_open: bool,
}

/// A variation of a product, or a component of a bundle.
pub(super) struct CardLine {
    pub name_html: String,
    pub note: Option<String>,
    pub price: String,
    pub events: Vec<EventCard>,
    /// Events that are not shown.
    pub more: usize,
}

pub(super) struct EventCard {
    pub code: String,
    pub code_html: String,
    /// The page of the event, for staff.
    pub path: Option<String>,
    /// What it teaches, where that is not clear from its place on the page.
    pub product: String,
    /// The days of its sessions.
    pub days: String,
    pub place_html: String,
    pub instructors_html: String,
    pub places: String,
    /// Class of the places: `good`, `warn` or `soft`.
    pub tone: &'static str,
    pub zone: String,
    pub sessions: Vec<SessionCard>,
}

pub(super) struct SessionCard {
    pub title: String,
    pub title_html: String,
    pub when: String,
    pub place_html: String,
    pub url: Option<String>,
}

/// Returns the products of a page.
pub(super) fn products(found: &FoundPage<'_>, clock: &PageClock) -> Vec<ProductCard> {
    let mut cards: Vec<ProductCard> = found
        .hits
        .iter()
        .filter_map(|hit| {
            let (item, positions) = found.item(hit)?;
            let texts = matching_texts(found, hit);
            Some(match item {
                CatalogueItem::Group(group) => {
                    let products: Vec<&StoreProduct> = positions.filter_map(|at| group.products.get(at)).collect();
                    product_card(&products, &texts, clock)?
                }
                CatalogueItem::Bundle(bundle) => bundle_card(bundle, &texts),
            })
        })
        .collect();
    let events: usize = cards.iter().flat_map(|card| &card.lines).map(|line| line.events.len()).sum();
    cards.iter_mut().for_each(|card| card.is_open = events <= MAX_OPEN_EVENTS);
    cards
}

/// Returns the events that are not over, the next first.
pub(super) fn next_events(model: &ReadModel, clock: &PageClock, limit: usize) -> Vec<EventCard> {
    let now = clock.now.as_second();
    let events = model.store_products().flat_map(|product| product.events.iter().map(move |event| (product, event)));
    let mut ahead: Vec<(&StoreProduct, &TutorialEvent)> = events.filter(|(_, event)| event.over_from > now).collect();
    let key = |(_, event): &(&StoreProduct, &TutorialEvent)| (next_start(event, clock), event.row.id);
    if ahead.len() > limit {
        ahead.select_nth_unstable_by_key(limit, key);
        ahead.truncate(limit);
    }
    ahead.sort_by_key(key);
    let card = |(product, event): (&StoreProduct, &TutorialEvent)| EventCard {
        product: format!("{} {}", product.row.sitting.subject_code, product.row.form.fullname),
        ..event_card(event, &[], clock)
    };
    ahead.into_iter().map(card).collect()
}

/// Returns when the event goes on: its next session, else its first day.
fn next_start(event: &TutorialEvent, clock: &PageClock) -> Timestamp {
    let sessions = event.sessions.iter().filter(|session| session.end > clock.now).map(|session| session.start);
    let first_day = || event.row.start_date.to_zoned(zone_of(event, clock)).map_or(Timestamp::MAX, |at| at.timestamp());
    sessions.min().unwrap_or_else(first_day)
}

fn zone_of(event: &TutorialEvent, clock: &PageClock) -> TimeZone {
    let own = event.row.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
    own.unwrap_or_else(|| clock.zone.clone())
}

fn product_card(products: &[&StoreProduct], texts: &[MatchingText], clock: &PageClock) -> Option<ProductCard> {
    let row = &products.first()?.row;
    let line = |product: &&StoreProduct| {
        let now = clock.now.as_second();
        let mut events: Vec<&TutorialEvent> = product.events.iter().collect();
        events.sort_by_key(|event| event.over_from <= now);
        let more = events.len().saturating_sub(MAX_EVENTS);
        events.truncate(MAX_EVENTS);
        CardLine {
            name_html: marked(texts, &product.row.form.variation_name),
            note: product.row.form.variation_description_short.as_deref().map(str::to_owned),
            price: price_label(&product.prices),
            events: events.into_iter().map(|event| event_card(event, texts, clock)).collect(),
            more,
        }
    };
    Some(ProductCard {
        subject_html: marked(texts, &row.sitting.subject_code),
        exam: row.sitting.exam_session_code.to_string(),
        name_html: marked(texts, &row.form.fullname),
        text: row.form.description.as_deref().map(str::to_owned),
        lines: products.iter().map(line).collect(),
        is_open: false,
    })
}

fn bundle_card(bundle: &StoreBundle, texts: &[MatchingText]) -> ProductCard {
    let lines = bundle.components.iter().filter_map(|component| component.store_product()).map(|product| CardLine {
        name_html: marked(texts, &product.row.form.fullname),
        note: Some(product.row.form.variation_name.to_string()),
        price: price_label(&product.prices),
        events: Vec::new(),
        more: 0,
    });
    ProductCard {
        subject_html: marked(texts, &bundle.row.subject_code),
        exam: bundle.row.exam_session_code.to_string(),
        name_html: format!("{} (bundle)", marked(texts, &bundle.row.name)),
        text: bundle.row.description.as_deref().map(str::to_owned),
        lines: lines.collect(),
        is_open: false,
    }
}

fn event_card(event: &TutorialEvent, texts: &[MatchingText], clock: &PageClock) -> EventCard {
    let (row, zone) = (&event.row, zone_of(event, clock));
    let names: Vec<String> = event.instructors.iter().map(|name| marked(texts, name)).collect();
    let (places, tone) = match row.remain_space {
        _ if row.is_soldout => ("sold out".to_owned(), "warn"),
        _ if row.is_unlimited => ("no limit".to_owned(), "good"),
        places if places < 1 => ("no places left".to_owned(), "warn"),
        1 => ("1 place left".to_owned(), "good"),
        places => (format!("{places} places left"), "good"),
    };
    let is_over = event.over_from <= clock.now.as_second();
    EventCard {
        code: row.code.to_string(),
        code_html: marked(texts, &row.code),
        path: clock.is_staff.then(|| format!("/events/{}", row.id)),
        product: String::new(),
        days: teaching_days(event, &zone),
        place_html: place_html(&row.place, texts),
        instructors_html: names.join(", "),
        places: if is_over { format!("{places}, over") } else { places },
        tone: if is_over { "soft" } else { tone },
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        sessions: event.sessions.iter().map(|session| session_line(session, texts, &zone, clock.urls)).collect(),
    }
}

/// Returns the days of the sessions; without sessions those of the event.
fn teaching_days(event: &TutorialEvent, zone: &TimeZone) -> String {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let first = event.sessions.iter().map(|session| day(session.start)).min();
    let last = event.sessions.iter().map(|session| day(session.end)).max();
    match (first, last) {
        (Some(first), Some(last)) => format_days(first, last),
        _ => format_days(event.row.start_date, event.row.end_date),
    }
}

fn place_html(place: &Place, texts: &[MatchingText]) -> String {
    let names = [&place.venue, &place.location];
    let mut names: Vec<String> = names.into_iter().flatten().map(|name| marked(texts, name)).collect();
    names.dedup();
    names.join(", ")
}

fn session_line(
    session: &TutorialSessionRow,
    texts: &[MatchingText],
    zone: &TimeZone,
    urls: SessionUrls,
) -> SessionCard {
    let is_web_url = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    let url = session.url.as_deref().filter(|_| urls == SessionUrls::Visible).filter(is_web_url);
    SessionCard {
        title: session.title.to_string(),
        title_html: marked(texts, &session.title),
        when: format_times(session.start, session.end, zone),
        place_html: place_html(&session.place, texts),
        url: url.map(str::to_owned),
    }
}

fn format_days(from: Date, to: Date) -> String {
    let format = |day: Date| day.strftime("%-d %b %Y").to_string();
    match from == to {
        true => format(from),
        false if from.year() == to.year() => format!("{} to {}", from.strftime("%-d %b"), format(to)),
        false => format!("{} to {}", format(from), format(to)),
    }
}

/// Formats a period as `Sat 10 Jan 2026, 09:30 to 17:00`. The end includes its day when that differs.
fn format_times(from: Timestamp, to: Timestamp, zone: &TimeZone) -> String {
    let (from, to) = (from.to_zoned(zone.clone()), to.to_zoned(zone.clone()));
    let end = if from.date() == to.date() { "%H:%M" } else { "%a %-d %b %Y, %H:%M" };
    format!("{} to {}", from.strftime("%a %-d %b %Y, %H:%M"), to.strftime(end))
}

/// Returns the prices: the standard one first, the others with their type.
fn price_label(prices: &[PriceRecord]) -> String {
    let is_standard = |price: &&PriceRecord| &*price.price_type == "standard";
    let first = prices.iter().filter(is_standard);
    let others = prices.iter().filter(|price| !is_standard(price));
    let label = |price: &PriceRecord| match &*price.price_type {
        "standard" => amount(price.amount, &price.currency),
        kind => format!("{kind} {}", amount(price.amount, &price.currency)),
    };
    first.chain(others).map(label).collect::<Vec<_>>().join(", ")
}

fn amount(amount: Decimal, currency: &str) -> String {
    match currency.to_ascii_uppercase().as_str() {
        "GBP" => format!("£{amount:.2}"),
        "EUR" => format!("€{amount:.2}"),
        other => format!("{amount:.2} {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_days_are_written_as_in_britain() {
        let price = |kind: &str, amount: i64, currency: &str| PriceRecord {
            id: 1,
            store_product_id: 1,
            price_type: kind.into(),
            amount: Decimal::new(amount, 2),
            currency: currency.into(),
        };
        let prices = [price("retaker", 40000, "gbp"), price("standard", 61050, "GBP"), price("reduced", 100, "USD")];
        assert_eq!(price_label(&prices), "£610.50, retaker £400.00, reduced 1.00 USD");
        let day = |month, day| Date::constant(2026, month, day);
        assert_eq!(format_days(day(1, 3), day(1, 3)), "3 Jan 2026");
        assert_eq!(format_days(day(1, 3), day(2, 1)), "3 Jan to 1 Feb 2026");
    }
}
