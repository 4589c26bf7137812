//! Rolling an exam session forward, over HTTP and on the command line.

use serde_json::{Value, json};

use super::examples::exam_session;
use super::{Catalogue, pointers};

/// Creates an exam session that sells two subjects, a bundle of one of them, and another one that sells nothing.
async fn sold(catalogue: &Catalogue) -> (i64, i64) {
    let (from, to) = (exam_session(catalogue, "2026-04").await, exam_session(catalogue, "2026-09").await);
    let group = catalogue.create("groups", json!({ "name": "Material" })).await;
    let product = json!({ "fullname": "Notes", "shortname": "Notes", "code": "C", "group_ids": [group] });
    let product = catalogue.create("products", product).await;
    let printed = json!({ "variation_type": "Printed", "name": "Printed", "code": "P" });
    let printed = catalogue.create("variations", printed).await;
    let tutorial = json!({ "variation_type": "Tutorial", "name": "Two days", "code": "T2" });
    let tutorial = catalogue.create("variations", tutorial).await;
    for code in ["CM2", "SP1"] {
        let subject = catalogue.create("subjects", json!({ "code": code })).await;
        let item = |variation: i64| json!({ "exam_session_id": from, "subject_id": subject, "product_id": product, "variation_id": variation });
        let (_, created) = catalogue.json("POST", "store-products", &json!([item(printed), item(tutorial)])).await;
        let price = |kind: &str| json!({ "product_id": created[0]["id"], "price_type": kind, "amount": "60.50" });
        catalogue.json("POST", "prices", &json!([price("standard"), price("retaker")])).await;
        if code == "CM2" {
            let template = json!({ "bundle_name": "Both", "subject_id": subject });
            let template = catalogue.create("bundle-templates", template).await;
            let component = |at: usize| json!({ "product_id": created[at]["id"], "sort_order": at, "quantity": 2 });
            let bundle = json!({ "bundle_template_id": template, "override_name": "All",
                                 "exam_session_subject_id": created[0]["exam_session_subject_id"],
                                 "components": [component(0), component(1)] });
            catalogue.create("bundles", bundle).await;
        }
    }
    (from, to)
}

fn counts(subjects: i32, store_products: i32, prices: i32, bundles: i32, bundle_products: i32) -> Value {
    json!({ "subjects": subjects, "store_products": store_products, "prices": prices, "bundles": bundles,
            "bundle_products": bundle_products, "groups": 0 })
}

#[tokio::test]
async fn copy_creates_what_the_next_exam_session_lacks() {
    let catalogue = Catalogue::new().await;
    let (from, to) = sold(&catalogue).await;
    let path = format!("exam-sessions/{to}/copy");
    let copy = async |body: Value| catalogue.json("POST", &path, &body).await;
    let (status, planned) = copy(json!({ "from": from, "dry_run": true })).await;
    assert_eq!((status, &planned["counts"]), (200, &counts(2, 4, 4, 1, 2)), "{planned}");
    assert_eq!(catalogue.get("store-products").await.1["count"], 4, "a dry run writes nothing");

    let (_, one) = copy(json!({ "from": from, "subjects": ["sp1"] })).await;
    assert_eq!(one["counts"], counts(1, 2, 2, 0, 0));
    assert_eq!(
        catalogue.site.search(&json!({})).await["pagination"]["total_count"],
        4,
        "two subjects and a bundle, one copy"
    );
    let (_, rest) = copy(json!({ "from": from })).await;
    assert_eq!(rest["counts"], counts(1, 2, 2, 1, 2));
    let (_, bundles) = catalogue.get("bundles?ordering=-id").await;
    assert_eq!(bundles["results"][0]["name"], "All");
    assert_eq!(bundles["results"][0]["components"][0]["quantity"], 2);
    let (_, codes) = catalogue.get("store-products?ordering=product_code&product_code=CM2/PC/2026-09").await;
    assert_eq!(codes["count"], 1, "{codes}");

    // What was changed since stays, and nothing is created twice.
    catalogue.execute("UPDATE acted.prices SET amount = 70 WHERE id = (SELECT max(id) FROM acted.prices)").await;
    let (_, again) = copy(json!({ "from": from })).await;
    assert_eq!((&again["counts"], &again["unchanged"]["prices"]), (&counts(0, 0, 0, 0, 0), &json!(4)));
    assert_eq!(catalogue.get("prices?amount=70").await.1["count"], 1);

    for (body, status, pointer) in [
        (json!({}), 400, "/from"),
        (json!({ "from": from, "form": 1 }), 400, "/form"),
        (json!({ "from": 0 }), 422, "/from"),
        (json!({ "from": to }), 422, "/from"),
        (json!({ "from": from, "subjects": ["CM2", "XX"] }), 422, "/subjects/1"),
    ] {
        let (found, problem) = copy(body.clone()).await;
        assert_eq!((found, pointers(&problem)[0].0), (status, pointer), "{body}");
    }
    assert_eq!(catalogue.json("POST", "exam-sessions/0/copy", &json!({ "from": from })).await.0, 404);
}

#[tokio::test]
async fn simultaneous_copies_create_each_row_once() {
    let catalogue = Catalogue::new().await;
    let (from, to) = sold(&catalogue).await;
    let (path, body) = (format!("exam-sessions/{to}/copy"), json!({ "from": from }));
    let answers = futures_util::future::join_all((0..4).map(|_| catalogue.json("POST", &path, &body))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let created: i64 =
        answers.iter().map(|(_, answer)| answer["counts"]["store_products"].as_i64().expect("a number")).sum();
    assert_eq!((created, &catalogue.get("store-products").await.1["count"]), (4, &json!(8)));
}

#[tokio::test]
async fn command_copies_by_code_and_names_what_it_does_not_know() {
    let catalogue = Catalogue::new().await;
    sold(&catalogue).await;
    let run = async |arguments: &[&str]| {
        let arguments = [&["catalogue", "copy"], arguments].concat();
        let mut command = catalogue.db.program(&arguments);
        let output = tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (exit, text, _) = run(&["2026-04", "2026-09", "--dry-run"]).await;
    assert!(exit == Some(0) && text.contains("store products\t4\t0") && text.contains("without --dry-run"), "{text}");
    let (exit, text, _) = run(&["2026-04", "2026-09", "--subjects", "CM2", "--json"]).await;
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((exit, &document["counts"]), (Some(0), &counts(1, 2, 2, 1, 2)));
    let (_, text, _) = run(&["2026-04", "2026-09", "--subjects", "CM2"]).await;
    assert!(text.contains("2026-09 already has everything that 2026-04 sells"), "{text}");
    for (arguments, expected) in [
        (vec!["2026-04", "2027-04"], "unknown exam session \"2027-04\": the catalogue has 2026-09, 2026-04"),
        (vec!["2026-04", "2026-04"], "FROM and TO are the same exam session"),
        (vec!["2026-04", "2026-09", "--subjects", "CM2,XX,YY"], "the catalogue has no subject XX, YY"),
    ] {
        let (exit, _, errors) = run(&arguments).await;
        assert!(exit == Some(2) && errors.contains(expected), "{arguments:?}: {errors}");
    }
}
