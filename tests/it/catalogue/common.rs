//! The rules that every resource of the catalogue follows, each tried on each resource.

use std::collections::BTreeSet;

use lectern::identity::Role;
use serde_json::{Map, Value, json};

use super::examples::{Example, examples};
use super::{Catalogue, pointers, status_and_document};
use crate::fixtures::site::{Site, token};

#[tokio::test]
async fn every_resource_follows_the_common_rules() {
    let catalogue = Catalogue::new().await;
    let reader = token(&catalogue.db, Role::Reader).await;
    for example in examples(&catalogue).await {
        let (path, body) = (example.path, &example.body);
        rights(&catalogue, &example, &reader).await;
        problems_of_bodies(&catalogue, &example).await;
        let response = catalogue.send("POST", path, body).await;
        let (tag, location) = (response.headers().get("etag").cloned(), response.headers().get("location").cloned());
        let (status, created) = status_and_document(response).await;
        assert_eq!(status, 201, "{path}: {created}");
        let names: BTreeSet<&str> = created.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names, example.fields.iter().copied().collect(), "{path}");
        let item = format!("{path}/{}", created["id"]);
        assert_eq!(location.expect(path), format!("/api/catalogue/{item}").as_str());
        round_trip(&catalogue, &item, &created, tag.expect(path).to_str().expect("text")).await;
        changes(&catalogue, &example, &item, &created).await;
        uniqueness(&catalogue, &example).await;
        repeated_post(&catalogue, &example, created["id"].as_i64().expect("an id")).await;
        deletion(&catalogue, &item, &example).await;
    }
}

async fn rights(catalogue: &Catalogue, example: &Example, reader: &str) {
    let path = format!("/api/catalogue/{}/", example.path);
    let status = async |method: &str, secret: Option<&str>| {
        let request = catalogue.site.request(method, &path).json(&example.body);
        let request = match secret {
            Some(secret) => request.bearer_auth(secret),
            None => request,
        };
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("GET", None).await, 401, "{path}");
    assert_eq!(status("GET", Some("lectern_unknown")).await, 401, "{path}");
    assert_eq!(status("GET", Some(reader)).await, 200, "{path}");
    assert_eq!(status("POST", None).await, 401, "{path}");
    assert_eq!(status("POST", Some(reader)).await, 403, "{path}");
}

/// Bodies that are refused as a whole, with all their problems.
async fn problems_of_bodies(catalogue: &Catalogue, example: &Example) {
    let path = example.path;
    let (status, problem) = catalogue.json("POST", path, &json!({})).await;
    let missing: Vec<(String, &str)> =
        example.required.iter().map(|name| (format!("/{name}"), "missing_value")).collect();
    let missing: Vec<(&str, &str)> = missing.iter().map(|(pointer, code)| (pointer.as_str(), *code)).collect();
    assert_eq!((status, pointers(&problem)), (400, missing), "{path}");

    // Each field that can be written gets an object, which no field takes.
    let read_only = ["id", "name", "create_date", "modified_date", "created_at", "updated_at"];
    let is_read_only = |name: &str| read_only.contains(&name) && !example.required.contains(&name);
    let written: Vec<&str> = example.fields.iter().copied().filter(|name| !is_read_only(name)).collect();
    let wrong: Map<String, Value> = written.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    let (status, problem) = catalogue.json("POST", path, &Value::Object(wrong)).await;
    let found: BTreeSet<String> = pointers(&problem).iter().map(|(pointer, _)| (*pointer).to_owned()).collect();
    let expected: BTreeSet<String> = written.iter().map(|name| format!("/{name}")).collect();
    assert_eq!((status, found), (400, expected), "{path}: {problem}");

    let mut unknown = example.body.clone();
    unknown["colour/~"] = json!("red");
    let (status, problem) = catalogue.json("POST", path, &unknown).await;
    assert_eq!((status, pointers(&problem)), (400, vec![("/colour~1~0", "unknown_field")]), "{path}");
    for name in example.fields {
        assert!(problem["errors"][0]["message"].as_str().expect("text").contains(name), "{problem}");
    }
    for (body, expected) in [(json!("x"), 400), (json!(null), 400), (json!([1]), 400), (json!({ "id": "\0" }), 400)] {
        assert_eq!(catalogue.json("POST", path, &body).await.0, expected, "{path} {body}");
    }
    let broken = catalogue.request("POST", path).header("content-type", "application/json").body("{");
    assert_eq!(broken.send().await.expect("an answer").status(), 400);

    let list = json!([example.other_body(), {}]);
    let before = catalogue.get(path).await.1["count"].clone();
    let (status, problem) = catalogue.json("POST", path, &list).await;
    assert_eq!(status, 400, "{path}");
    assert!(pointers(&problem).iter().all(|(pointer, _)| pointer.starts_with("/1/")), "{problem}");
    assert_eq!(catalogue.get(path).await.1["count"], before, "{path}");
}

/// A document is read as it was created, and can be written back as it was read.
async fn round_trip(catalogue: &Catalogue, item: &str, created: &Value, tag: &str) {
    assert_eq!(catalogue.get(item).await, (200, created.clone()));
    let unchanged = catalogue.request("GET", item).header("if-none-match", tag).send().await.expect("an answer");
    assert_eq!((unchanged.status().as_u16(), unchanged.headers()["etag"].to_str().expect("text")), (304, tag));
    for method in ["PUT", "PATCH"] {
        assert_eq!(catalogue.json(method, item, created).await, (200, created.clone()), "{method} {item}");
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let request = catalogue.request(method, item).header("if-match", "\"other\"").json(created);
        assert_eq!(request.send().await.expect("an answer").status(), 412, "{method} {item}");
    }
    let request = catalogue.request("PATCH", item).header("if-match", tag).json(&json!({}));
    assert_eq!(request.send().await.expect("an answer").status(), 200, "{item}");
    let (path, _) = item.split_once('/').expect("a path");
    for unknown in ["0", "-1", "99999999999999999999", "x", "%00", "%ff", "9223372036854775807"] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let status = catalogue.json(method, &format!("{path}/{unknown}"), created).await.0;
            assert_eq!(status, 404, "{method} {path}/{unknown}");
        }
    }
}

async fn changes(catalogue: &Catalogue, example: &Example, item: &str, created: &Value) {
    let mut cleared = created.clone();
    for name in &example.nullable {
        assert!(!created[name].is_null(), "{item} {name}");
        let (status, document) = catalogue.json("PATCH", item, &json!({ *name: null })).await;
        assert_eq!((status, &document[name]), (200, &Value::Null), "{item} {name}");
        cleared = document;
    }
    let (status, restored) = catalogue.json("PUT", item, created).await;
    assert_eq!(status, 200, "{item}: {restored}");
    for name in example.fields.iter().filter(|name| !["updated_at", "modified_date"].contains(name)) {
        assert_eq!(restored[name], created[name], "{item} {name}");
    }
    // A replacement without optional fields gives them their default.
    let required: Map<String, Value> =
        example.required.iter().map(|name| ((*name).to_owned(), created[name].clone())).collect();
    let (status, replaced) = catalogue.json("PUT", item, &Value::Object(required)).await;
    assert_eq!(status, 200, "{item}: {replaced}");
    for name in &example.nullable {
        assert_eq!(replaced[name], cleared[name], "{item} {name}");
    }
    assert_eq!(catalogue.json("PUT", item, created).await.0, 200);
    assert_eq!(catalogue.json("PUT", item, &json!([created])).await.0, 400, "{item}");
    for name in &example.required {
        let (status, problem) = catalogue.json("PATCH", item, &json!({ *name: null })).await;
        assert_eq!((status, pointers(&problem)), (400, vec![(format!("/{name}").as_str(), "missing_value")]), "{item}");
    }
}

async fn uniqueness(catalogue: &Catalogue, example: &Example) {
    let (status, problem) = catalogue.json("POST", example.path, &example.body).await;
    if !example.is_unique {
        assert_eq!(status, 201, "{problem}");
        catalogue.delete(&format!("{}/{}", example.path, problem["id"])).await;
        return;
    }
    assert_eq!((status, pointers(&problem).len()), (409, 1), "{}: {problem}", example.path);
    let (pointer, code) = pointers(&problem)[0];
    assert!(example.fields.contains(&&pointer[1..]) && code == "not_unique", "{problem}");
    if example.other != json!({}) {
        let twice = json!([example.other_body(), example.other_body()]);
        let (status, problem) = catalogue.json("POST", example.path, &twice).await;
        assert_eq!((status, pointers(&problem)[0].1), (409, "not_unique"), "{}: {problem}", example.path);
        assert!(pointers(&problem)[0].0.starts_with("/1/"), "{problem}");
    }
}

async fn repeated_post(catalogue: &Catalogue, example: &Example, first: i64) {
    if example.other == json!({}) {
        return;
    }
    let list = json!([example.other_body()]);
    let send = async || {
        let request = catalogue.request("POST", example.path).header("idempotency-key", example.path).json(&list);
        status_and_document(request.send().await.expect("an answer")).await
    };
    let (status, created) = send().await;
    assert_eq!((status, created.as_array().map(Vec::len)), (201, Some(1)), "{}: {created}", example.path);
    assert_ne!(created[0]["id"], first);
    assert_eq!(send().await, (201, created.clone()), "{}", example.path);
    let other = catalogue.request("POST", example.path).header("idempotency-key", example.path).json(&json!([]));
    assert_eq!(other.send().await.expect("an answer").status(), 422);
    assert_eq!(catalogue.delete(&format!("{}/{}", example.path, created[0]["id"])).await.0, 204);
}

/// A table that Lectern does not know forbids the deletion, at the commit.
async fn deletion(catalogue: &Catalogue, item: &str, example: &Example) {
    let sql = format!(
        "CREATE TABLE public.shop_rows (id int PRIMARY KEY, label text,
             row_id bigint REFERENCES {} DEFERRABLE INITIALLY DEFERRED);
         INSERT INTO public.shop_rows SELECT 7, 'basket', id FROM {} WHERE id = {}",
        example.table,
        example.table,
        item.rsplit('/').next().expect("an id")
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&catalogue.db.pool).await.expect("a table");
    let (status, problem) = catalogue.delete(item).await;
    let blockers = json!([{ "table": "public.shop_rows", "id": 7, "name": "basket" }]);
    assert_eq!((status, &problem["blockers"]), (409, &blockers), "{item}: {problem}");
    catalogue.execute("DROP TABLE public.shop_rows").await;
    assert_eq!(catalogue.delete(item).await.0, 204, "{item}");
    assert_eq!(catalogue.get(item).await.0, 404, "{item}");
}

#[tokio::test]
async fn changes_need_if_match_where_the_setting_requires_it() {
    let catalogue = Catalogue::new().await;
    let mut config = catalogue.db.config(&[]);
    config.http.require_if_match = true;
    let site = Site::serve_with(&catalogue.db, &config).await;
    let id = catalogue.create("subjects", json!({ "code": "CM2" })).await;
    let request = |method: &str| {
        let request = site.request(method, &format!("/api/catalogue/subjects/{id}")).bearer_auth(&catalogue.token);
        request.json(&json!({ "code": "CM1" }))
    };
    for method in ["PUT", "PATCH", "DELETE"] {
        assert_eq!(request(method).send().await.expect("an answer").status(), 428, "{method}");
    }
    let tag = request("GET").send().await.expect("an answer").headers()["etag"].clone();
    assert_eq!(request("PATCH").header("if-match", tag).send().await.expect("an answer").status(), 200);
}
