//! The addresses that an existing shop calls answer with the shapes that it reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::create_event;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, problem};
use crate::fixtures::test_db::TestDb;

async fn shop() -> (TestDb, Provider, Site) {
    let db = TestDb::new().await;
    let provider = Provider::insert(&db).await;
    create_event(&db, &provider, "CM2-01").await;
    let sql = "WITH face AS (INSERT INTO acted.filter_groups (name, code) VALUES ('Face-to-face', 'f2f') RETURNING id),
                    linked AS (INSERT INTO acted.filter_product_product_groups (product_id, product_group_id)
                               SELECT product.id, face.id FROM acted.catalog_products AS product, face),
                    filter AS (INSERT INTO acted.filter_configurations (name, display_label, filter_type, filter_key)
                               VALUES ('formats', 'Format', 'filter_group', 'categories') RETURNING id)
               INSERT INTO acted.filter_configuration_groups (filter_configuration_id, filter_group_id)
               SELECT filter.id, face.id FROM filter, face";
    sqlx::query(sql).execute(&db.pool).await.expect("groups");
    let site = Site::serve(&db).await;
    (db, provider, site)
}

async fn get(site: &Site, path: &str) -> Value {
    // An unknown token is ignored, because these routes need none.
    let response = site.request("GET", path).bearer_auth("another-program").send().await.expect("an answer");
    assert_eq!(response.status(), 200, "{path}");
    assert!(response.headers()["deprecation"].to_str().expect("text").starts_with('@'), "{path}");
    assert!(response.headers()["link"].to_str().expect("text").contains("rel=\"deprecation\""), "{path}");
    response.json().await.expect("JSON")
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

fn assert_keys(value: &Value, expected: &str) {
    assert_eq!(keys(value), expected.split(", ").collect::<BTreeSet<_>>(), "{value}");
}

#[tokio::test]
async fn menu_suggestions_and_filters_have_the_shapes_of_the_shop() {
    let (_db, _, site) = shop().await;
    let menu = get(&site, "/api/catalog/navigation-data/").await;
    assert_keys(&menu, "subjects, navbar_product_groups, distance_learning_dropdown, tutorial_dropdown");
    assert_keys(&menu["subjects"][0], "id, code, description, name, active");
    let group = &menu["navbar_product_groups"]["results"][0];
    assert_keys(group, "id, name, products");
    assert_keys(&group["products"][0], "id, shortname, fullname, code");
    assert_eq!(menu["distance_learning_dropdown"]["results"], json!([]), "tutorials only");
    let tutorials = &menu["tutorial_dropdown"]["results"];
    assert_keys(tutorials, "Location, Format, Online Classroom");
    assert_eq!(tutorials["Location"]["left"][0]["shortname"], "London");
    assert_eq!(tutorials["Location"]["right"], json!([]));
    assert_eq!(
        tutorials["Format"],
        json!([{ "name": "Face-to-face", "filter_type": "tutorial_format", "group_name": "Face-to-face" }])
    );

    let found = get(&site, "/api/catalog/search/?q=london&limit=50").await;
    assert_keys(&found, "query, suggested_filters, suggested_products, total_count, total_matches");
    assert_keys(&found["suggested_filters"], "subjects, product_groups, variations, products");
    assert_keys(&found["suggested_filters"]["subjects"][0], "id, code, description, name, active");
    assert_eq!((&found["query"], &found["total_count"]), (&json!("london"), &json!(1)));
    assert_eq!(found["total_matches"], json!({ "subjects": 1, "product_groups": 1, "products": 1 }));
    let unified = site.search(&json!({ "searchQuery": "london" })).await;
    assert_eq!(found["suggested_products"][0], unified["products"][0], "rows as in the unified search");
    assert_eq!(get(&site, "/api/catalog/search?q=l").await["total_count"], 0);

    let filters = get(&site, "/api/products/filter-configuration/?types=filter_group,subject").await;
    assert_keys(&filters, "formats");
    assert_keys(
        &filters["formats"],
        "type, label, description, display_order, collapsible, default_open, required, allow_multiple, filter_key, \
         ui_config, validation_rules, dependency_rules, options, filter_groups, filter_type, group_count",
    );
    assert_eq!((&filters["formats"]["label"], &filters["formats"]["group_count"]), (&json!("Format"), &json!(1)));
    assert_eq!(filters["formats"]["options"][0]["value"], "Face-to-face");
    assert_eq!(get(&site, "/api/products/filter-configuration/?types=date_range").await, json!({}));
}

#[tokio::test]
async fn tutorials_have_the_shapes_of_the_shop_and_follow_changes() {
    let (db, provider, site) = shop().await;
    let product: i64 =
        sqlx::query_scalar("SELECT id FROM acted.catalog_products").fetch_one(&db.pool).await.expect("one");
    let events = get(&site, "/api/tutorials/list/?subject_code=cm2").await;
    let event = &events[0];
    for name in "id, code, venue, is_soldout, start_date, end_date, store_product_code, subject_code".split(", ") {
        assert!(!event[name].is_null(), "{name}: {event}");
    }
    assert_eq!((&event["venue"], &event["location"]), (&json!("Quill House"), &json!("London")));
    assert_eq!(get(&site, "/api/tutorials/list/?subject_code=SP5").await, json!([]));

    let all = get(&site, "/api/tutorials/products/all/").await;
    assert_keys(&all[0], "subject_code, subject_name, location, product_id");
    assert_eq!((&all[0]["location"], &all[0]["product_id"]), (&json!("Tutorial - London"), &json!(product)));
    assert_eq!(get(&site, "/api/tutorials/products/?exam_session=2026-04&subject_code=CM2").await, all);
    assert_eq!(get(&site, "/api/tutorials/products?exam_session=2026-09&subject_code=CM2").await, json!([]));
    let missing = site.request("GET", "/api/tutorials/products/?subject_code=CM2").send().await.expect("an answer");
    let (status, missing) = problem(missing).await;
    assert_eq!((status, &missing["errors"][0]["pointer"]), (400, &json!("/exam_session")));

    let variations = get(&site, &format!("/api/tutorials/products/{product}/variations/?subject_code=CM2")).await;
    assert_keys(&variations[0], "id, variation_type, name, description, description_short, product_code");
    assert_eq!(variations[0]["id"], provider.product);
    let unknown = site.request("GET", "/api/tutorials/products/999/variations").send().await.expect("an answer");
    assert_eq!(problem(unknown).await.0, 404);

    let offers = get(&site, "/api/tutorials/data/comprehensive/").await;
    assert_keys(&offers[0], "subject_id, subject_code, subject_name, product_id, location, variations");
    assert_keys(&offers[0]["variations"][0], "id, name, description, description_short, events");
    let offered = &offers[0]["variations"][0]["events"][0];
    for name in
        "id, code, venue, location, is_soldout, finalisation_date, remain_space, start_date, end_date, title, price"
            .split(", ")
    {
        assert!(offered.get(name).is_some(), "{name}: {offered}");
    }
    assert_eq!(offered["price"], Value::Null);
    sqlx::query("UPDATE acted.products SET is_active = false").execute(&db.pool).await.expect("changed");
    site.follower.reload_now().await.expect("loaded");
    assert_eq!(get(&site, "/api/tutorials/list").await, json!([]));
    for (method, path) in [("POST", "/api/tutorials/list"), ("DELETE", "/api/catalog/search")] {
        assert_eq!(
            problem(site.request(method, path).send().await.expect("an answer")).await.0,
            405,
            "{method} {path}"
        );
    }
}
