//! Builds the read model from its rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::categories::Categories;
use super::ranking::{Field, Vocabulary, VocabularyBuilder};
use super::rows::{
    BundleRow, ComponentRow, EventRow, InstructorRow, OfferRow, Place, PriceRow, RecommendationRow, Rows, SessionRow,
};
use super::{Bundle, Catalogue, Event, Kind, Offer, is_tutorial};
use crate::names::fold;

impl Catalogue {
    /// Builds the read model. Rows that point nowhere are left out.
    pub fn build(rows: Rows) -> Self {
        let categories = Categories::new(&rows.categories, &rows.memberships, &rows.facet_entries);
        let events = events_by_offer(rows.events, rows.sessions, &rows.instructors);
        let mut offers = offers(rows.offers, rows.prices, events);
        name_kinds(&mut offers, &categories);
        recommend(&mut offers, &rows.recommendations);
        let bundles = bundles(rows.bundles, rows.components, &offers);
        let vocabulary = vocabulary(&offers, &bundles);
        Self { version: rows.version, offers, bundles, categories, vocabulary }
    }
}

fn events_by_offer(
    events: Vec<EventRow>,
    sessions: Vec<SessionRow>,
    instructors: &[InstructorRow],
) -> HashMap<i64, Vec<Event>> {
    let mut sessions_of: HashMap<i64, Vec<SessionRow>> = HashMap::new();
    for session in sessions {
        sessions_of.entry(session.event_id).or_default().push(session);
    }
    let mut instructors_of: HashMap<i64, Vec<String>> = HashMap::new();
    for instructor in instructors {
        instructors_of.entry(instructor.event_id).or_default().push(instructor.name.clone());
    }
    let mut by_offer: HashMap<i64, Vec<Event>> = HashMap::new();
    for row in events {
        let sessions = sessions_of.remove(&row.id).unwrap_or_default();
        let instructors = instructors_of.remove(&row.id).unwrap_or_default();
        by_offer.entry(row.offer_id).or_default().push(event(row, sessions, instructors));
    }
    for events in by_offer.values_mut() {
        events.sort_by(|a, b| (a.row.start_date, &a.row.code).cmp(&(b.row.start_date, &b.row.code)));
    }
    by_offer
}

fn event(row: EventRow, mut sessions: Vec<SessionRow>, mut instructors: Vec<String>) -> Event {
    sessions.sort_by_key(|session| (session.sequence, session.id));
    for session in &mut sessions {
        if session.place.location.is_none() && session.place.venue.is_none() {
            session.place = row.place.clone();
        }
    }
    instructors.sort();
    instructors.dedup();
    let places: Vec<&Place> = std::iter::once(&row.place).chain(sessions.iter().map(|s| &s.place)).collect();
    let locations = places.iter().flat_map(|place| [&place.location, &place.location_code]);
    let location_names = folded(locations.flatten());
    let venue_names = folded(places.iter().filter_map(|place| place.venue.as_ref()));
    let instructor_names = folded(&instructors);
    Event { location_names, venue_names, instructor_names, row, sessions, instructors }
}

fn folded<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut all: Vec<String> = names.into_iter().map(|name| fold(name)).filter(|name| !name.is_empty()).collect();
    all.sort();
    all.dedup();
    all
}

fn offers(mut rows: Vec<OfferRow>, prices: Vec<PriceRow>, mut events: HashMap<i64, Vec<Event>>) -> Vec<Offer> {
    let mut prices_of: HashMap<i64, Vec<PriceRow>> = HashMap::new();
    for price in prices {
        prices_of.entry(price.offer_id).or_default().push(price);
    }
    rows.sort_by(|a, b| browsing_order(a).cmp(&browsing_order(b)));
    let mut offers: Vec<Offer> = Vec::with_capacity(rows.len());
    for row in rows {
        let listing = match offers.last() {
            None => 0,
            Some(last) if listing_of(&last.row) == listing_of(&row) => last.listing,
            Some(last) => last.listing + 1,
        };
        let mut prices = prices_of.remove(&row.id).unwrap_or_default();
        prices.sort_by_key(|price| price.id);
        let events = events.remove(&row.id).unwrap_or_default();
        offers.push(Offer { listing, kind: Kind::Materials, prices, recommended: None, events, row });
    }
    offers
}

fn browsing_order(row: &OfferRow) -> (&str, &str, &str, i64, i64, i64) {
    let name = if row.shortname.is_empty() { &row.fullname } else { &row.shortname };
    let OfferRow { subject_code, exam_session_code, sitting_id, catalog_product_id, id, .. } = row;
    (subject_code, name, exam_session_code, *sitting_id, *catalog_product_id, *id)
}

fn listing_of(row: &OfferRow) -> (i64, i64) {
    (row.sitting_id, row.catalog_product_id)
}

/// A group name tells, else the full name, else a variation that is a tutorial.
fn name_kinds(offers: &mut [Offer], categories: &Categories) {
    let mut has_tutorials: BTreeMap<usize, bool> = BTreeMap::new();
    for offer in offers.iter() {
        *has_tutorials.entry(offer.listing).or_default() |= is_tutorial(&offer.row);
    }
    for offer in offers.iter_mut() {
        let named: Vec<String> = categories.names_of(offer.row.catalog_product_id).map(fold).collect();
        let by_name = kind_named(named.iter().map(String::as_str))
            .or_else(|| kind_named([fold(&offer.row.fullname).as_str()].into_iter()));
        let tutorials = has_tutorials.get(&offer.listing).copied().unwrap_or_default();
        offer.kind = by_name.unwrap_or(if tutorials { Kind::Tutorial } else { Kind::Materials });
    }
}

fn kind_named<'a>(folded_names: impl Iterator<Item = &'a str> + Clone) -> Option<Kind> {
    let says = |word: &str| folded_names.clone().any(|name| name.contains(word));
    if says("tutorial") {
        Some(Kind::Tutorial)
    } else if says("marking") {
        Some(Kind::Markings)
    } else {
        None
    }
}

fn recommend(offers: &mut [Offer], recommendations: &[RecommendationRow]) {
    let by_place: HashMap<(i64, i64), usize> = offers
        .iter()
        .enumerate()
        .map(|(at, offer)| ((offer.row.sitting_id, offer.row.product_variation_id), at))
        .collect();
    let wanted: HashMap<i64, i64> =
        recommendations.iter().map(|row| (row.product_variation_id, row.recommended_id)).collect();
    for offer in offers {
        if let Some(recommended) = wanted.get(&offer.row.product_variation_id) {
            offer.recommended = Some(by_place.get(&(offer.row.sitting_id, *recommended)).copied());
        }
    }
}

fn bundles(rows: Vec<BundleRow>, components: Vec<ComponentRow>, offers: &[Offer]) -> Vec<Bundle> {
    let by_id: HashMap<i64, usize> = offers.iter().enumerate().map(|(at, offer)| (offer.row.id, at)).collect();
    let mut components_of: HashMap<i64, Vec<(ComponentRow, usize)>> = HashMap::new();
    for component in components {
        if let Some(at) = by_id.get(&component.offer_id) {
            components_of.entry(component.bundle_id).or_default().push((component, *at));
        }
    }
    let mut bundles: Vec<Bundle> = rows
        .into_iter()
        .map(|row| {
            let mut components = components_of.remove(&row.id).unwrap_or_default();
            components.sort_by_key(|(component, _)| (component.sort_order, component.offer_id));
            Bundle { row, components }
        })
        .collect();
    bundles.sort_by(|a, b| {
        let key =
            |b: &Bundle| (b.row.subject_code.clone(), b.row.name.clone(), b.row.exam_session_code.clone(), b.row.id);
        key(a).cmp(&key(b))
    });
    bundles
}

fn vocabulary(offers: &[Offer], bundles: &[Bundle]) -> Vocabulary {
    let mut builder = VocabularyBuilder::default();
    for offer in offers {
        builder.next_row();
        offer_words(offer, &mut builder);
    }
    for bundle in bundles {
        builder.next_row();
        bundle_words(bundle, offers, &mut builder);
    }
    builder.finish()
}

fn offer_words(offer: &Offer, builder: &mut VocabularyBuilder) {
    let row = &offer.row;
    builder.add(Field::Subject, &row.subject_code);
    builder.add(Field::Name, if row.shortname.is_empty() { &row.fullname } else { &row.shortname });
    builder.add(Field::Variation, &row.fullname);
    builder.add(Field::Variation, &row.variation_name);
    builder.add(Field::Variation, &row.variation_type);
    builder.add(Field::Code, &row.exam_session_code);
    builder.add(Field::Detail, &row.product_code);
    builder.add(Field::Detail, row.subject_description.as_deref().unwrap_or_default());
    // Most events of an offer are at the same few places with the same few people.
    let mut places: BTreeSet<&str> = BTreeSet::new();
    for event in &offer.events {
        builder.add(Field::Code, &event.row.code);
        for session in &event.sessions {
            builder.add(Field::Detail, &session.title);
        }
        let names = [&event.location_names, &event.venue_names, &event.instructor_names];
        places.extend(names.into_iter().flatten().map(String::as_str));
    }
    for name in places {
        builder.add(Field::Place, name);
    }
}

fn bundle_words(bundle: &Bundle, offers: &[Offer], builder: &mut VocabularyBuilder) {
    builder.add(Field::Subject, &bundle.row.subject_code);
    builder.add(Field::Name, &bundle.row.name);
    builder.add(Field::Variation, "bundle");
    builder.add(Field::Code, &bundle.row.exam_session_code);
    builder.add(Field::Detail, bundle.row.description.as_deref().unwrap_or_default());
    for offer in bundle.components.iter().filter_map(|(_, at)| offers.get(*at)) {
        builder.add(Field::Detail, &offer.row.fullname);
        builder.add(Field::Detail, &offer.row.variation_name);
    }
}
