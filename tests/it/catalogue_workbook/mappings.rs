//! Products that users choose: once, on the command line or over HTTP, for catalogues that use other names.

use lectern::identity::Role;
use lectern::timetable_import::layout::Field as F;
use serde_json::{Value, json};

use crate::fixtures::api::answer;
use crate::fixtures::import::ImportFixture;
use crate::fixtures::site::{Site, token};
use crate::fixtures::timetable::{changed, event, fixture_for, outcome, second_day, write};

/// A timetable whose only event is sold as a product with the names of living catalogues.
async fn renamed() -> ImportFixture {
    let lines = [event("A"), second_day("A", "17:00")];
    let fixture = fixture_for(&lines).await;
    write(fixture.db.folder(), "t.xlsx", &lines);
    for sql in [
        "UPDATE acted.catalog_exam_sessions SET session_code = '26A'",
        "UPDATE acted.catalog_product_variations SET code = code || '_UK'",
        "UPDATE acted.catalog_products SET shortname = 'Online Classroom Tutorial'",
        "UPDATE acted.products SET product_code = 'CB1/TOC f2f/2025-04-472'",
    ] {
        sqlx::query(sql).execute(&fixture.db.pool).await.expect(sql);
    }
    fixture
}

async fn dry_run(fixture: &ImportFixture, file: &str) -> (String, Value) {
    let (exit, document) = fixture.run(&["import", file, "--dry-run"]).await;
    (outcome(exit, &document), document)
}

/// The command that the problem prints settles it, for this sitting and for the next.
#[tokio::test(flavor = "multi_thread")]
async fn printed_command_settles_an_unknown_product_for_all_imports() {
    let fixture = renamed().await;
    let (found, document) = dry_run(&fixture, "t.xlsx").await;
    assert_eq!(found, "exit 4; events 1, rejected 1; error unknown_product Z4");
    let message = document["problems"][0]["message"].as_str().expect("text");
    let command = message.split('`').find(|part| part.starts_with("lectern import products set")).expect(message);
    assert_eq!(command, "lectern import products set CB1_f2f_2 London 2026A 'CB1/TOC f2f/2025-04-472'", "{message}");
    let set =
        |sitting: &'static str| ["import", "products", "set", "cb1_f2f_2", "*", sitting, "CB1/TOC f2f/2025-04-472"];
    let (exit, mapping) = fixture.run(&set("2026-04")).await;
    assert_eq!(
        (exit, &mapping["template"], &mapping["sitting"]),
        (0, &json!("CB1_f2f_2"), &json!("2026A")),
        "{mapping}"
    );
    let (exit, same) = fixture.run(&set("26A")).await;
    assert_eq!((exit, &same["id"]), (0, &mapping["id"]), "one mapping in three spellings");
    assert_eq!(dry_run(&fixture, "t.xlsx").await.0, "exit 0; created 1, events 1, sessions 2");

    // Any sitting: the same product in the exam session of the sitting.
    let id = mapping["id"].to_string();
    assert_eq!(fixture.run(&["import", "products", "remove", &id]).await.0, 0);
    assert_eq!(fixture.run(&["import", "products", "remove", &id]).await.0, 2);
    assert_eq!(fixture.run(&set("*")).await.0, 0);
    let autumn = ["2026S", "26S", "2026-09"].map(|sitting| changed(event("B"), F::Sitting, sitting));
    for (lines, sitting) in autumn.iter().zip(["2026S", "26S", "2026-09"]) {
        let second = changed(second_day("B", "17:00"), F::Sitting, "26S");
        write(fixture.db.folder(), "autumn.xlsx", &[lines.clone(), second]);
        let found = dry_run(&fixture, "autumn.xlsx").await.0;
        assert_eq!(found, "exit 0; created 1, events 1, sessions 2", "{sitting}");
    }
    let (_, list) = fixture.run(&["import", "products"]).await;
    assert_eq!(list["mappings"].as_array().map(Vec::len), Some(1), "{list}");
    fixture.expect_undelivered();
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_over_http_follow_the_common_rules_and_are_used() {
    let fixture = renamed().await;
    let site = Site::serve_with(&fixture.db, &fixture.config()).await;
    let (operator, reader) = (token(&fixture.db, Role::Operator).await, token(&fixture.db, Role::Reader).await);
    let path = "/api/imports/product-mappings/";
    let send = async |method: &str, path: &str, body: &Value, secret: &str| {
        answer(site.request(method, path).bearer_auth(secret).json(body)).await
    };
    let mapping = json!({ "template": "CB1_f2f_2", "location": "london", "sitting": "26a",
                          "store_product": "cb1/toc F2F/2025-04-472" });
    assert_eq!(site.request("GET", path).send().await.expect("an answer").status(), 401);
    assert_eq!(send("POST", path, &mapping, &reader).await.0, 403);
    let (status, created) = send("POST", path, &mapping, &operator).await;
    let shown = ["template", "location", "sitting", "store_product"].map(|name| created[name].as_str().unwrap_or("?"));
    assert_eq!((status, shown), (201, ["CB1_f2f_2", "London", "2026A", "CB1/TOC f2f/2025-04-472"]), "{created}");
    assert_eq!(dry_run(&fixture, "t.xlsx").await.0, "exit 0; created 1, events 1, sessions 2");
    let (status, problem) = send("POST", path, &mapping, &operator).await;
    assert_eq!((status, &problem["errors"][0]["code"]), (409, &json!("not_unique")), "{problem}");
    for (field, value, status) in
        [("template", "*", 422), ("sitting", "summer", 422), ("store_product", "none", 422), ("colour", "red", 400)]
    {
        let mut body = mapping.clone();
        body[field] = json!(value);
        let (found, problem) = send("POST", path, &body, &operator).await;
        assert_eq!((found, &problem["errors"][0]["pointer"]), (status, &json!(format!("/{field}"))), "{problem}");
    }
    let (_, list) = send("GET", path, &json!({}), &reader).await;
    assert_eq!((&list["count"], &list["results"][0]), (&json!(1), &created));
    let item = format!("{path}{}/", created["id"]);
    let (status, changed) = send("PATCH", &item, &json!({ "location": "*", "sitting": "*" }), &operator).await;
    assert_eq!((status, &changed["location"], &changed["sitting"]), (200, &json!("*"), &json!("*")), "{changed}");
    let deleted = site.request("DELETE", &item).bearer_auth(&operator).send().await.expect("an answer");
    assert_eq!(deleted.status(), 204);
    assert_eq!(dry_run(&fixture, "t.xlsx").await.0, "exit 4; events 1, rejected 1; error unknown_product Z4");
    fixture.expect_undelivered();
}
