//! What single resources do beyond the common rules.

use serde_json::{Value, json};

use super::examples::exam_session;
use super::{Catalogue, pointers};

/// The ids of a catalogue with one exam session, one subject and one product in three variations.
struct Trade {
    exam_session: i64,
    subject: i64,
    product: i64,
    printed: i64,
    ebook: i64,
    tutorial: i64,
}

async fn trade(catalogue: &Catalogue) -> Trade {
    let variation = async |kind: &str, code: &str| {
        catalogue.create("variations", json!({ "variation_type": kind, "name": code, "code": code })).await
    };
    Trade {
        exam_session: exam_session(catalogue, "2025-04").await,
        subject: catalogue.create("subjects", json!({ "code": "CB1" })).await,
        product: catalogue
            .create("products", json!({ "fullname": "Notes", "shortname": "Notes", "code": "LON" }))
            .await,
        printed: variation("Printed", "P").await,
        ebook: variation("eBook", "E").await,
        tutorial: variation("Tutorial", "CB1_f2f_3").await,
    }
}

impl Trade {
    fn sold(&self, variation: i64) -> Value {
        json!({ "exam_session_id": self.exam_session, "subject_id": self.subject, "product_id": self.product,
                "variation_id": variation })
    }
}

#[tokio::test]
async fn store_product_creates_missing_links_and_its_code() {
    let catalogue = Catalogue::new().await;
    let trade = trade(&catalogue).await;
    let list = json!([trade.sold(trade.printed), trade.sold(trade.tutorial)]);
    let (status, created) = catalogue.json("POST", "store-products", &list).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(created[0]["product_code"], "CB1/PLON/2025-04");
    assert_eq!(created[1]["product_code"], format!("CB1/TLONCB1_f2f_3/2025-04-{}", created[1]["id"]));
    assert_eq!(created[0]["exam_session_subject_id"], created[1]["exam_session_subject_id"]);
    assert_eq!(catalogue.get("exam-session-subjects").await.1["count"], 1);
    assert_eq!(catalogue.get("product-variations").await.1["count"], 2);

    // The code of another product with the same codes is taken.
    let other = json!({ "fullname": "More notes", "shortname": "More", "code": "LON" });
    let other = catalogue.create("products", other).await;
    let mut body = trade.sold(trade.printed);
    body["product_id"] = json!(other);
    let (_, second) = catalogue.json("POST", "store-products", &body).await;
    assert_eq!(second["product_code"], format!("CB1/PLON/2025-04-{}", second["id"]));

    let item = format!("store-products/{}", second["id"]);
    let (status, renamed) = catalogue.json("PATCH", &item, &json!({ "product_code": "OWN" })).await;
    assert_eq!((status, &renamed["product_code"]), (200, &json!("OWN")));
    let links = json!({ "exam_session_subject_id": second["exam_session_subject_id"],
                        "product_product_variation_id": second["product_product_variation_id"] });
    assert_eq!(catalogue.json("PUT", &item, &links).await.1["product_code"], "OWN");
    assert_eq!(
        catalogue.json("PATCH", &item, &json!({ "product_code": "" })).await.1["product_code"],
        second["product_code"]
    );

    for (change, expected) in [
        (json!({ "exam_session_id": null }), vec![("/exam_session_id", "missing_value")]),
        (json!({ "variation_id": 0 }), vec![("/variation_id", "invalid_value")]),
        (
            json!({ "variation_id": 999_999, "subject_id": 999_999 }),
            vec![("/subject_id", "unknown_reference"), ("/variation_id", "unknown_reference")],
        ),
        (
            json!({ "product_product_variation_id": 1 }),
            vec![("/product_id", "conflicting_value"), ("/variation_id", "conflicting_value")],
        ),
    ] {
        let mut body = trade.sold(trade.ebook);
        for (name, value) in change.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let (_, problem) = catalogue.json("POST", "store-products", &body).await;
        assert_eq!(pointers(&problem), expected, "{change}");
    }
    // Null is the same as nothing.
    let mut body = trade.sold(trade.ebook);
    body["exam_session_subject_id"] = json!(null);
    catalogue.create("store-products", body).await;
    assert_eq!(catalogue.json("POST", "store-products", &json!([])).await, (201, json!([])));
    let half = json!({ "exam_session_id": 1, "product_id": 1 });
    let (_, problem) = catalogue.json("POST", "store-products", &half).await;
    assert_eq!(pointers(&problem), [("/subject_id", "missing_value"), ("/variation_id", "missing_value")]);
}

#[tokio::test]
async fn long_product_code_is_cut_in_the_middle() {
    let catalogue = Catalogue::new().await;
    let trade = trade(&catalogue).await;
    let long = exam_session(&catalogue, &"2".repeat(50)).await;
    let variation = json!({ "variation_type": "Hub", "name": "Long", "code": "V".repeat(50) });
    let mut body = trade.sold(catalogue.create("variations", variation).await);
    body["exam_session_id"] = json!(long);
    let (status, created) = catalogue.json("POST", "store-products", &body).await;
    let code = created["product_code"].as_str().unwrap_or_default();
    assert!(status == 201 && code.len() <= 64 && code.ends_with(&format!("-{}", created["id"])), "{created}");
}

#[tokio::test]
async fn prices_are_shown_with_two_decimals_and_upper_case() {
    let catalogue = Catalogue::new().await;
    let trade = trade(&catalogue).await;
    let product = catalogue.create("store-products", trade.sold(trade.printed)).await;
    let (_, price) =
        catalogue.json("POST", "prices", &json!({ "product_id": product, "amount": "610", "currency": "gbp" })).await;
    assert_eq!(
        (&price["amount"], &price["currency"], &price["price_type"]),
        (&json!("610.00"), &json!("GBP"), &json!("standard"))
    );
    // Living databases contain lower case.
    catalogue.execute("UPDATE acted.prices SET currency = 'gbp'").await;
    let (_, list) = catalogue.get("prices?currency=gbp&amount=610").await;
    assert_eq!(list["results"], json!([price]));
    let (_, with_prices) = catalogue.get(&format!("store-products/{product}?include=prices")).await;
    assert_eq!(with_prices["prices"], json!([price]));
    let (_, list) = catalogue.get("store-products?include=prices").await;
    assert_eq!(list["results"], json!([with_prices]));
    for wrong in ["include=colour", "include="] {
        assert_eq!(catalogue.get(&format!("store-products?{wrong}")).await.0, 400, "{wrong}");
    }
    // The tag of a document with its prices is a tag of the same document.
    let item = format!("store-products/{product}");
    let response = catalogue.request("GET", &format!("{item}?include=prices")).send().await.expect("an answer");
    let request = catalogue.request("PATCH", &item).header("if-match", &response.headers()["etag"]);
    assert_eq!(request.json(&json!({ "is_active": false })).send().await.expect("an answer").status(), 200);
    let request = catalogue.request("PATCH", &item).header("if-match", &response.headers()["etag"]);
    assert_eq!(request.json(&json!({ "is_active": true })).send().await.expect("an answer").status(), 412);
    for (amount, expected) in [(json!("-1"), 422), (json!("1.234"), 422), (json!(1e12), 422), (json!("ten"), 400)] {
        let body = json!({ "product_id": product, "price_type": "retaker", "amount": amount });
        let (status, problem) = catalogue.json("POST", "prices", &body).await;
        assert_eq!((status, pointers(&problem)[0].0), (expected, "/amount"), "{amount}");
    }
}

#[tokio::test]
async fn components_are_replaced_as_a_list() {
    let catalogue = Catalogue::new().await;
    let trade = trade(&catalogue).await;
    let list = json!([trade.sold(trade.printed), trade.sold(trade.ebook)]);
    let (_, sold) = catalogue.json("POST", "store-products", &list).await;
    let template = json!({ "bundle_name": "Both", "subject_id": trade.subject });
    let template = catalogue.create("bundle-templates", template).await;
    let component = |at: usize, order: i32| json!({ "product_id": sold[at]["id"], "sort_order": order });
    let body = json!({ "bundle_template_id": template, "exam_session_subject_id": sold[0]["exam_session_subject_id"],
                       "components": [component(0, 2), component(1, 1)] });
    let (status, bundle) = catalogue.json("POST", "bundles", &body).await;
    let shown = json!({ "product_id": sold[1]["id"], "default_price_type": "standard", "quantity": 1, "sort_order": 1,
                        "is_active": true });
    assert_eq!((status, &bundle["name"], &bundle["components"][0]), (201, &json!("Both"), &shown), "{bundle}");
    let rows = async || -> Vec<(i64, String)> {
        sqlx::query_as("SELECT id, xmin::text FROM acted.bundle_products ORDER BY product_id")
            .fetch_all(&catalogue.db.pool)
            .await
            .expect("rows")
    };
    let before = rows().await;
    let item = format!("bundles/{}", bundle["id"]);
    let one = json!({ "components": [component(0, 2)], "override_name": "Paper" });
    let (_, changed) = catalogue.json("PATCH", &item, &one).await;
    assert_eq!((&changed["name"], changed["components"].as_array().map(Vec::len)), (&json!("Paper"), Some(1)));
    assert_eq!(rows().await, before[..1], "an unchanged component is not written");
    let (_, search) = catalogue.get(&format!("{item}?")).await;
    assert_eq!(search, changed);
    let wrong = json!({ "components": [component(0, 2), component(0, 3), { "quantity": 0, "size": 1 }] });
    let (status, problem) = catalogue.json("PATCH", &item, &wrong).await;
    assert_eq!(status, 400);
    assert_eq!(
        pointers(&problem),
        [
            ("/components/1/product_id", "invalid_value"),
            ("/components/2/size", "unknown_field"),
            ("/components/2/product_id", "missing_value"),
            ("/components/2/quantity", "invalid_value"),
        ]
    );
    let unknown = json!({ "components": [{ "product_id": 999_999 }] });
    let (status, problem) = catalogue.json("PATCH", &item, &unknown).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/components/0/product_id", "unknown_reference")]));
}

#[tokio::test]
async fn product_variations_recommend_others_in_one_direction() {
    let catalogue = Catalogue::new().await;
    let trade = trade(&catalogue).await;
    let pair = async |variation: i64, recommended: Value| {
        let body =
            json!({ "product_id": trade.product, "product_variation_id": variation, "recommended_id": recommended });
        catalogue.json("POST", "product-variations", &body).await
    };
    let (_, first) = pair(trade.printed, Value::Null).await;
    let (status, second) = pair(trade.ebook, first["id"].clone()).await;
    assert_eq!((status, &second["recommended_id"]), (201, &first["id"]));
    for recommended in [&first["id"], &second["id"]] {
        let item = format!("product-variations/{}", first["id"]);
        let (status, problem) = catalogue.json("PATCH", &item, &json!({ "recommended_id": recommended })).await;
        assert_eq!((status, pointers(&problem)), (422, vec![("/recommended_id", "invalid_value")]));
    }
    assert_eq!(pair(trade.printed, Value::Null).await.0, 409);
    let (_, third) = pair(trade.tutorial, json!(null)).await;
    let item = format!("product-variations/{}", second["id"]);
    assert_eq!(
        catalogue.json("PATCH", &item, &json!({ "recommended_id": third["id"] })).await.1["recommended_id"],
        third["id"]
    );
}

#[tokio::test]
async fn groups_form_a_tree_and_are_listed_by_filters() {
    let catalogue = Catalogue::new().await;
    let top = catalogue.create("groups", json!({ "name": "Top" })).await;
    let body =
        json!({ "name": "Below", "parent_id": top, "filter_keys": ["categories", "modes_of_delivery", "categories"] });
    let (_, below) = catalogue.json("POST", "groups", &body).await;
    assert_eq!(below["filter_keys"], json!(["categories", "modes_of_delivery"]));
    let item = format!("groups/{top}");
    for parent in [json!(top), below["id"].clone()] {
        let (status, problem) = catalogue.json("PATCH", &item, &json!({ "parent_id": parent })).await;
        assert_eq!((status, pointers(&problem)), (422, vec![("/parent_id", "invalid_value")]));
    }
    let below = format!("groups/{}", below["id"]);
    let (_, changed) =
        catalogue.json("PATCH", &below, &json!({ "filter_keys": ["product_types", "categories"] })).await;
    assert_eq!(changed["filter_keys"], json!(["categories", "product_types"]));
    let (status, problem) = catalogue.json("PATCH", &below, &json!({ "filter_keys": ["subjects"] })).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/filter_keys/0", "invalid_value")]));
    let product = json!({ "fullname": "Notes", "shortname": "Notes", "group_ids": [top] });
    let product = catalogue.create("products", product).await;
    assert_eq!(catalogue.get(&item).await.1["product_ids"], json!([product]));
    catalogue.json("PATCH", &item, &json!({ "product_ids": [] })).await;
    assert_eq!(catalogue.get(&format!("products/{product}")).await.1["group_ids"], json!([]));
}

#[tokio::test]
async fn texts_numbers_and_times_are_checked_with_all_their_problems() {
    let catalogue = Catalogue::new().await;
    let body = json!({ "session_code": "x".repeat(51), "start_date": "2026-05-01", "end_date": "2026-04-30" });
    let (status, problem) = catalogue.json("POST", "exam-sessions", &body).await;
    let expected = vec![("/session_code", "invalid_value"), ("/end_date", "end_before_start")];
    assert_eq!((status, pointers(&problem)), (422, expected));
    let id = exam_session(&catalogue, "2026-04").await;
    let item = format!("exam-sessions/{id}");
    let (status, problem) = catalogue.json("PATCH", &item, &json!({ "start_date": "2027-01-01T00:00:00Z" })).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/end_date", "end_before_start")]));
    let (_, before) = catalogue.get(&item).await;
    assert_eq!(before["end_date"], "2026-04-30T23:59:59+00:00");
    let (_, after) = catalogue.json("PATCH", &item, &json!({ "session_code": "2026-05" })).await;
    assert_ne!(after["modified_date"], before["modified_date"]);
    let texts = json!({ "code": "CM2\u{202e}", "description": "" });
    let (_, subject) = catalogue.json("POST", "subjects", &texts).await;
    assert_eq!((&subject["code"], &subject["description"]), (&json!("CM2"), &Value::Null));
    for (code, expected) in [("CB1\u{7}", 422), ("ABCDEFGHIJK", 422), ("  ", 422), ("", 422), ("a\0", 400)] {
        assert_eq!(catalogue.json("POST", "subjects", &json!({ "code": code })).await.0, expected, "{code:?}");
    }
    let order = json!({ "name": "x", "display_order": 2_147_483_648_i64 });
    assert_eq!(catalogue.json("POST", "groups", &order).await.0, 422);
}

#[tokio::test]
async fn write_is_in_the_next_search() {
    let catalogue = Catalogue::new().await;
    let trade = trade(&catalogue).await;
    let count =
        async || catalogue.site.search(&json!({ "searchQuery": "CB1" })).await["pagination"]["total_count"].clone();
    assert_eq!(count().await, 0);
    for _ in 0..5 {
        let product = catalogue.create("store-products", trade.sold(trade.printed)).await;
        assert_eq!(count().await, 1);
        assert_eq!(catalogue.delete(&format!("store-products/{product}")).await.0, 204);
        assert_eq!(count().await, 0);
    }
}
