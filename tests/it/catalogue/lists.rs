//! Lists: pages, ordering, filters, and what anonymous callers see.

use serde_json::{Value, json};

use super::examples::examples;
use super::{Catalogue, pointers};
use crate::fixtures::site::Site;

#[tokio::test]
async fn every_scalar_field_orders_and_filters() {
    let catalogue = Catalogue::new().await;
    for example in examples(&catalogue).await {
        let path = example.path;
        let id = catalogue.create(path, example.body.clone()).await;
        let (_, document) = catalogue.get(&format!("{path}/{id}")).await;
        for name in example.fields.iter().filter(|name| !document[name].is_array()) {
            let ascending = ids(&catalogue, &format!("{path}?ordering={name},id")).await;
            let mut descending = ids(&catalogue, &format!("{path}?ordering=-{name},-id")).await;
            descending.reverse();
            // Nulls are last in one direction and first in the other.
            assert_eq!(ascending, descending, "{path} {name}");
            let value = document[name].as_str().map_or_else(|| document[name].to_string(), str::to_owned);
            let encoded = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            let found = ids(&catalogue, &format!("{path}?{name}={encoded}")).await;
            assert!(found.contains(&id), "{path}?{name}={value}: {found:?}");
        }
        let filtered = ids(&catalogue, &format!("{path}?id={id}&id=0")).await;
        assert_eq!(filtered, [id], "{path}");
        let lists = example.fields.iter().filter(|name| document[name].is_array());
        for wrong in lists.copied().chain(["colour", "ordering=colour", "page=0", "page=x", "page_size=201", "id=x"]) {
            let (status, problem) = catalogue.get(&format!("{path}?{wrong}")).await;
            assert_eq!((status, pointers(&problem).len()), (400, 1), "{path}?{wrong}: {problem}");
        }
        for name in example.nullable.iter().filter(|name| !document[name].is_array()) {
            let found = ids(&catalogue, &format!("{path}?{name}=")).await;
            assert!(!found.contains(&id), "{path}?{name}=: {found:?}");
        }
    }
}

async fn ids(catalogue: &Catalogue, path: &str) -> Vec<i64> {
    let (status, list) = catalogue.get(path).await;
    assert_eq!(status, 200, "{path}: {list}");
    assert_eq!(list["count"], list["results"].as_array().expect("a list").len(), "{path}");
    list["results"].as_array().expect("a list").iter().map(|row| row["id"].as_i64().expect("an id")).collect()
}

#[tokio::test]
async fn pages_name_their_neighbours() {
    let catalogue = Catalogue::new().await;
    let subjects: Vec<Value> = (0..5).map(|n| json!({ "code": format!("S{n}"), "active": n != 4 })).collect();
    assert_eq!(catalogue.json("POST", "subjects", &subjects.into()).await.0, 201);
    let (_, page) = catalogue.get("subjects?active=true&page_size=2&ordering=-code&page=1").await;
    let base = format!("http://{}/api/catalogue/subjects/?", catalogue.site.address);
    let address = |page: u8| json!(format!("{base}active=true&page_size=2&ordering=%2Dcode&page={page}"));
    assert_eq!((&page["count"], &page["next"], &page["previous"]), (&json!(4), &address(2), &Value::Null));
    assert_eq!((&page["results"][0]["code"], page["results"].as_array().map(Vec::len)), (&json!("S3"), Some(2)));
    let next = page["next"].as_str().expect("an address").rsplit("/api/catalogue/").next().expect("a path");
    let (_, page) = catalogue.get(next).await;
    assert_eq!((&page["next"], &page["previous"]), (&Value::Null, &address(1)));
    let (_, beyond) = catalogue.get("subjects?active=true&page_size=2&ordering=-code&page=9").await;
    assert_eq!((&beyond["count"], &beyond["results"], &beyond["previous"]), (&json!(4), &json!([]), &address(2)));

    let mut config = catalogue.db.config(&[]);
    config.public_url = "https://lectern.example/".into();
    let site = Site::serve_with(&catalogue.db, &config).await;
    let request = site.request("GET", "/api/catalogue/subjects?page_size=1").bearer_auth(&catalogue.token);
    let list: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(list["next"], "https://lectern.example/api/catalogue/subjects/?page_size=1&page=2");
}

#[tokio::test]
async fn anonymous_callers_see_active_rows_where_the_setting_allows_it() {
    let catalogue = Catalogue::new().await;
    let mut config = catalogue.db.config(&[]);
    config.public_catalogue = true;
    let site = Site::serve_with(&catalogue.db, &config).await;
    let hidden = catalogue.create("subjects", json!({ "code": "CM1", "active": false })).await;
    let shown = catalogue.create("subjects", json!({ "code": "CM2" })).await;
    let get = async |path: &str, secret: Option<&str>| {
        let request = site.request("GET", &format!("/api/catalogue/{path}"));
        let request = match secret {
            Some(secret) => request.bearer_auth(secret),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
    };
    for secret in [None, Some("lectern_unknown")] {
        let (status, list) = get("subjects", secret).await;
        assert_eq!((status, &list["count"], &list["results"][0]["id"]), (200, &json!(1), &json!(shown)));
        assert_eq!(get(&format!("subjects/{shown}"), secret).await.0, 200);
        assert_eq!(get(&format!("subjects/{hidden}"), secret).await.0, 404);
    }
    assert_eq!(get("subjects", Some(&catalogue.token)).await.1["count"], 2);
    let post = site.request("POST", "/api/catalogue/subjects").json(&json!({ "code": "X" }));
    assert_eq!(post.send().await.expect("an answer").status(), 401);
    for example in examples_without_conflict(&catalogue).await {
        assert_eq!(get(&example, None).await.0, 200, "{example}");
    }
}

/// Returns the paths of all resources after rows of each were created.
async fn examples_without_conflict(catalogue: &Catalogue) -> Vec<String> {
    catalogue.execute("DELETE FROM acted.catalog_subjects").await;
    let mut paths = Vec::new();
    for example in examples(catalogue).await {
        catalogue.create(example.path, example.body).await;
        paths.push(example.path.to_owned());
    }
    paths
}
