//! The size of the pages: as compressed bytes, with stylesheet and scripts.

use lectern::identity::Role;
use reqwest::Client;
use reqwest::header::COOKIE;

use super::visitor::{Browser, text};
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

/// The most that a page weighs when nothing of it is stored by the browser.
const MOST: usize = 100 * 1024;

/// The pages and what their lists contain at most: every list is in parts.
const PAGES: [&str; 14] = [
    "/today",
    "/timetable?view=month",
    "/timetable?view=list",
    "/timetable?view=venues",
    "/lessons",
    "/lessons/week",
    "/imports",
    "/syncs",
    "/syncs/locations",
    "/outbox?state=all",
    "/webhooks",
    "/users",
    "/tokens",
    "/search",
];

/// Fills the lists, so that each page has a whole part of its list.
const ROWS: &str = "
    INSERT INTO acted.tutorial_events (code, product_id, location_id, venue_id, start_date, end_date, remain_space)
    SELECT 'CM2-' || n, (SELECT min(product_id) FROM acted.tutorial_events), NULL, NULL, current_date + n % 28, current_date + n % 28, 5
    FROM generate_series(1, 400) AS n;
    INSERT INTO lectern.runs (kind, subject, dry_run, finished_at, exit_code, document)
    SELECT kind, subject, n % 2 = 0, now(), 0, '{\"counts\": {\"created\": 12, \"updated\": 3, \"rejected\": 1}}'
    FROM generate_series(1, 200) AS n, (VALUES ('import', 'autumn timetable.xlsx'), ('sync', 'locations')) AS one (kind, subject);
    INSERT INTO lectern.webhook_inbox (webhook_id, entity_id, triggered_at, content_hash, body, state, attempts, note)
    SELECT 'V2ViaG9vazox', 'RXZlbnQ6' || n, now(), int4send(n::int), '{}', 'dead', 5, 'the event is not known here'
    FROM generate_series(1, 300) AS n;";

#[tokio::test]
async fn every_page_weighs_less_than_100_kilobytes() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    let rows = ROWS.replace("(SELECT min(product_id) FROM acted.tutorial_events)", &provider.product.to_string());
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&db.pool).await.expect("filled");
    let site = Site::serve(&db).await;
    let ann = Browser::sign_in(&db, &site, "ann", Role::Admin).await;
    let plain = Client::builder().no_brotli().no_gzip().build().expect("a client");
    let size = async |path: &str| {
        let request = plain.get(format!("http://{}{path}", site.address)).header("accept-encoding", "br");
        let response =
            request.header(COOKIE, format!("lectern_session={}", ann.secret)).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-encoding"], "br", "{path}");
        let immutable = response.headers()["cache-control"].to_str().expect("text").contains("immutable");
        (response.bytes().await.expect("a body").len(), immutable)
    };
    let page = text(ann.get("/today").await).await;
    let assets: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3, "{page}");
    let mut shared = 0;
    for asset in assets {
        let (bytes, is_immutable) = size(asset).await;
        assert!(is_immutable, "{asset}");
        println!("{bytes:>7} {asset}");
        shared += bytes;
    }
    for path in PAGES {
        let (bytes, _) = size(path).await;
        println!("{bytes:>7} {path}, {} with style and scripts", bytes + shared);
        assert!(bytes + shared <= MOST, "{path}: {bytes} bytes and {shared} for style and scripts");
    }
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "nothing comes from other hosts");
    assert_eq!(ann.get("/assets/lectern.0000000000000000.css").await.status(), 404);
}
