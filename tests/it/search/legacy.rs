//! The legacy search routes.

use serde_json::Value;

use super::create_event;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, problem};
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn legacy_searches_return_products_and_reject_invalid_parameters() {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let site = Site::serve(&db).await;
    for (path, key) in [
        ("/api/search/default-data/", "popular_products"),
        ("/api/search/fuzzy/?q=londn", "products"),
        ("/api/search/advanced-fuzzy/", "products"),
        ("/api/search/advanced-fuzzy?q=quill&min_score=40", "products"),
    ] {
        let document: Value = site.request("GET", path).send().await.expect("a response").json().await.expect("JSON");
        let events = &document[key][0]["variations"][0]["events"];
        assert_eq!(events[0]["sessions"].as_array().map(Vec::len), Some(2), "{path}");
    }
    for path in
        ["/api/search/default-data/?limit=x", "/api/search/fuzzy/?q=x", "/api/search/advanced-fuzzy/?subjects=x"]
    {
        assert_eq!(problem(site.request("GET", path).send().await.expect("a response")).await.0, 400, "{path}");
    }
}
