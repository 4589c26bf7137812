//! The public search: suggestions, facets, marks, corrections, and what comes next.

use lectern::identity::Role;
use reqwest::Client;

use super::visitor::Browser;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

/// Inserts an event with one session in some days.
async fn event_in(db: &TestDb, provider: &Provider, code: &str, days: i32, (places, limit): (i32, Option<i32>)) {
    sqlx::query(
        "WITH event AS (
             INSERT INTO acted.tutorial_events (code, product_id, location_id, venue_id, start_date, end_date, remain_space)
             VALUES ($1, $2, $3, $4, current_date - 30, current_date + 90, $6) RETURNING id),
         details AS (INSERT INTO lectern.event_details (tutorial_event_id, time_zone, max_places)
                     SELECT id, 'Europe/London', $7 FROM event)
         INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, sequence, start_date, end_date)
         SELECT id, $1 || ' day', 1, current_date + $5 + interval '9 hours', current_date + $5 + interval '11 hours' FROM event",
    )
    .bind(code)
    .bind(provider.product)
    .bind(provider.location)
    .bind(provider.venue)
    .bind(days)
    .bind(places)
    .bind(limit)
    .execute(&db.pool)
    .await
    .expect("an event");
}

#[tokio::test]
async fn customer_finds_events_by_typing_facets_and_what_comes_next() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    event_in(&db, &provider, "CM2-LATER", 40, (12, Some(12))).await;
    event_in(&db, &provider, "CM2-SOON", 4, (0, None)).await;
    let site = Site::serve(&db).await;
    let client = Client::new();
    let page = async |path: &str| {
        let response = client.get(format!("http://{}{path}", site.address)).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.expect("text")
    };
    let first = page("/search").await;
    let (_, next) = first.split_once("Next events").expect("what comes next");
    let at = |text: &str| next.find(text).unwrap_or_else(|| panic!("{text} is missing in {next}"));
    assert!(at("CM2-SOON") < at("CM2-LATER"));
    assert!(first.contains("no limit") && first.contains("12 places left"));
    assert!(!first.contains("/events/"), "an anonymous visitor has no page of an event");
    let day = jiff::Timestamp::now().in_tz("UTC").expect("a zone").date().saturating_add(jiff::Span::new().days(4));
    assert!(first.contains(&day.strftime("%-d %b %Y").to_string()), "the day of the session, not the window: {first}");

    let found = page("/search?q=lndon").await;
    assert!(found.contains("Showing results for <b>london</b>") && found.contains("<mark>London</mark>"), "{found}");
    assert!(!found.contains("Next events"));
    let ticked = page("/search?q=cm2&locations=London&available=true").await;
    assert!(ticked.contains("name=\"locations\" type=\"checkbox\" value=\"London\" checked"), "{ticked}");
    assert!(
        ticked.contains("href=\"/search?q=cm2&amp;locations=London\"")
            || ticked.contains("href=\"/search?q=cm2&#38;locations=London\"")
    );
    assert!(page("/search?q=cm2&locations=Nowhere").await.contains("No results"));
    let suggested = page("/search/suggestions?q=lon").await;
    assert!(
        suggested.contains("href=\"/search?locations=London\"") && suggested.contains("Tutorial - London"),
        "{suggested}"
    );
    assert!(!suggested.contains("<html") && page("/search/suggestions?q=").await.trim().is_empty());

    sqlx::query("UPDATE acted.tutorial_events SET is_soldout = true WHERE code = 'CM2-LATER'")
        .execute(&db.pool)
        .await
        .expect("sold");
    site.follower.reload_now().await.expect("reloaded");
    assert!(page("/search?q=cm2-later").await.contains("sold out"));
    let rita = Browser::sign_in(&db, &site, "rita", Role::Reader).await;
    assert!(rita.page("/search?q=cm2-soon").await.contains("href=\"/events/"), "staff reach the event");
}
