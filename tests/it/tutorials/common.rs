//! The rules that every resource of tutorials follows, each tried on each resource.

use std::collections::BTreeSet;

use lectern::identity::Role;
use serde_json::{Value, json};

use super::{Tutorials, answer, pointers, session, status_and_document, with};
use crate::fixtures::site::token;
use crate::fixtures::test_db::TestDb;

/// A resource with a document that can be created.
struct Example {
    path: &'static str,
    /// The fields that everyone sees.
    public: &'static str,
    /// The fields that others see too, by role.
    reader: &'static str,
    operator: &'static str,
    required: &'static [&'static str],
    body: Value,
    /// Fields that null clears.
    nullable: &'static [&'static str],
}

/// Returns an example that everyone sees completely.
fn simple(path: &'static str, public: &'static str, required: &'static [&'static str], body: Value) -> Example {
    Example { path, public, reader: "", operator: "", required, body, nullable: &[] }
}

fn examples(tutorials: &Tutorials, event: i64) -> Vec<Example> {
    let location = tutorials.provider.location;
    let mut examples = vec![events(tutorials), sessions(tutorials, event)];
    examples.extend([
        simple(
            "course-templates",
            "id code title description is_active",
            &["code", "title"],
            json!({ "code": "CM2_f2f_3", "title": "Three days", "description": "a\nb" }),
        ),
        simple("locations", "id name code is_active", &["name"], json!({ "name": "Leeds", "code": "LDS" })),
        Example {
            nullable: &["location_id"],
            ..simple(
                "venues",
                "id name description location_id location",
                &["name"],
                json!({ "name": "Mill", "location_id": location }),
            )
        },
        Example {
            reader: "staff_id",
            operator: "email",
            nullable: &["email"],
            ..simple(
                "instructors",
                "id first_name last_name is_active",
                &["first_name"],
                json!({ "first_name": "Tom", "last_name": "Okafor", "email": "tom@example.org" }),
            )
        },
        Example {
            operator: "user_id username email",
            nullable: &["email"],
            ..simple(
                "staff",
                "id first_name last_name instructor_id created_at updated_at",
                &["first_name"],
                json!({ "first_name": "Kit", "last_name": "Ash", "email": "kit@example.org" }),
            )
        },
    ]);
    examples
}

fn events(tutorials: &Tutorials) -> Example {
    let provider = tutorials.provider;
    let details = json!({
        "course_template_id": provider.template, "location_id": provider.location, "venue_id": provider.venue,
        "finalisation_date": "2026-05-20", "max_places": 20, "learning_mode": "Blended", "time_zone": "Asia/Kolkata",
        "lms_start": "2026-06-01T00:00:00+05:30", "lms_end": "2026-07-01", "sitting": "2026A", "web_sale": true,
        "event_url": "https://rooms.example.org/1", "ocr_moodle_code": "M1", "instructor_ids": [provider.instructor],
        "local_only": true,
    });
    let public = "id code product_id course_template_id location_id location venue_id venue is_soldout finalisation_date \
                  remain_space start_date end_date learning_mode time_zone lms_start lms_end max_places sitting web_sale \
                  cancelled event_url ocr_moodle_code instructor_ids store_product_code subject_code instructors warnings \
                  created_at updated_at";
    let body = with(tutorials.event("CM2-09"), details);
    Example {
        reader: "administrators custom_fields local_only administrate",
        nullable: &[
            "course_template_id",
            "location_id",
            "venue_id",
            "finalisation_date",
            "lms_start",
            "lms_end",
            "max_places",
            "sitting",
            "event_url",
            "ocr_moodle_code",
        ],
        ..simple("events", public, &["code", "product_id", "start_date", "end_date"], body)
    }
}

fn sessions(tutorials: &Tutorials, event: i64) -> Example {
    let provider = tutorials.provider;
    let place = json!({ "tutorial_event": event, "location_id": provider.location, "venue_id": provider.venue,
                        "url": "https://rooms.example.org/2", "instructor_ids": [provider.instructor] });
    let public = "id tutorial_event title location_id location venue_id venue start_date end_date sequence url \
                  instructor_ids warnings created_at updated_at";
    let body = with(session("Day one", 9, (9, 17)), place);
    Example {
        nullable: &["url", "location_id", "venue_id"],
        ..simple("sessions", public, &["tutorial_event", "title", "start_date", "end_date"], body)
    }
}

#[tokio::test]
async fn every_resource_follows_the_common_rules() {
    let db = TestDb::new().await;
    let tutorials = Tutorials::new(&db).await;
    let reader = token(&db, Role::Reader).await;
    let event = tutorials.create_id("events", tutorials.event("CM2-01")).await;
    for example in examples(&tutorials, event) {
        refused(&tutorials, &example, &reader).await;
        let path = example.path;
        let keyed = || tutorials.request("POST", path).header("idempotency-key", format!("key of {path}"));
        let response = keyed().json(&example.body).send().await.expect("an answer");
        let (tag, location) = (response.headers()["etag"].clone(), response.headers()["location"].clone());
        let (status, created) = status_and_document(response).await;
        assert_eq!(status, 201, "{path}: {created}");
        let item = format!("{path}/{}", created["id"]);
        assert_eq!(location, format!("/api/tutorials/{item}").as_str());
        assert_eq!(answer(keyed().json(&example.body)).await, (201, created.clone()), "{path}: repeated");
        let other = with(example.body.clone(), json!({ example.required[0]: "Another" }));
        assert_eq!(answer(keyed().json(&other)).await.0, 422, "{path}: another body with the key");
        visible_fields(&tutorials, &example, &item, &reader).await;
        round_trip(&tutorials, &item, &created, tag.to_str().expect("text")).await;
        cleared_fields(&tutorials, &example, &item, &created).await;
        ordered_and_filtered(&tutorials, path, &item).await;
        assert_eq!(tutorials.delete(&item).await.0, 204, "{item}");
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            assert_eq!(tutorials.json(method, &item, created.clone()).await.0, 404, "{method} {item}");
        }
    }
}

/// Callers without the right, and bodies that are refused as a whole.
async fn refused(tutorials: &Tutorials, example: &Example, reader: &str) {
    let path = example.path;
    let (status, _) = answer(tutorials.anonymous("POST", path).json(&example.body)).await;
    assert_eq!(status, 401, "{path}");
    let (status, _) = answer(tutorials.anonymous("POST", path).bearer_auth(reader).json(&example.body)).await;
    assert_eq!(status, 403, "{path}");
    let (status, problem) = tutorials.json("POST", path, json!({})).await;
    let expected: Vec<(String, &str)> =
        example.required.iter().map(|name| (format!("/{name}"), "missing_value")).collect();
    let expected: Vec<(&str, &str)> = expected.iter().map(|(pointer, code)| (pointer.as_str(), *code)).collect();
    assert_eq!((status, pointers(&problem)), (400, expected), "{path}: {problem}");
    let (status, problem) = tutorials.json("POST", path, with(example.body.clone(), json!({ "colour": 1 }))).await;
    assert_eq!((status, pointers(&problem)), (400, vec![("/colour", "unknown_field")]), "{path}: {problem}");
    let count = tutorials.get(path).await.1["count"].clone();
    let list = json!([example.body, with(example.body.clone(), json!({ example.required[0]: 1.5 }))]);
    let (status, problem) = tutorials.json("POST", path, list).await;
    assert_eq!(status, 400, "{path}: {problem}");
    assert!(pointers(&problem)[0].0.starts_with("/1/"), "{path}: {problem}");
    assert_eq!(tutorials.get(path).await.1["count"], count, "{path}: all or none");
    let (status, problem) = tutorials.get(&format!("{path}?colour=red")).await;
    assert_eq!((status, pointers(&problem)), (400, vec![("/colour", "unknown_parameter")]), "{path}");
}

async fn visible_fields(tutorials: &Tutorials, example: &Example, item: &str, reader: &str) {
    let names = |texts: &[&'static str]| -> BTreeSet<String> {
        texts.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
    };
    let seen =
        |document: &Value| -> BTreeSet<String> { document.as_object().expect("an object").keys().cloned().collect() };
    let public = names(&[example.public]);
    let for_reader = names(&[example.public, example.reader]);
    let for_operator = names(&[example.public, example.reader, example.operator]);
    let get = |request: reqwest::RequestBuilder| answer(request);
    let (status, document) = get(tutorials.anonymous("GET", item)).await;
    assert_eq!((status, seen(&document)), (200, public.clone()), "{item}");
    let unknown = tutorials.anonymous("GET", item).bearer_auth("lectern_unknown");
    assert_eq!(seen(&get(unknown).await.1), public, "{item}: an unknown token is ignored");
    assert_eq!(seen(&get(tutorials.anonymous("GET", item).bearer_auth(reader)).await.1), for_reader, "{item}");
    assert_eq!(seen(&tutorials.get(item).await.1), for_operator, "{item}");
    for hidden in for_operator
        .difference(&public)
        .filter(|name| !["administrators", "custom_fields", "administrate"].contains(&name.as_str()))
    {
        for parameter in [format!("ordering=-{hidden}"), format!("{hidden}=x")] {
            let request = tutorials.anonymous("GET", &format!("{}?{parameter}", example.path));
            assert_eq!(answer(request).await.0, 401, "{}?{parameter}", example.path);
        }
    }
}

/// A document is read as it was created, can be written back as it was read, and is not overwritten by mistake.
async fn round_trip(tutorials: &Tutorials, item: &str, created: &Value, tag: &str) {
    assert_eq!(tutorials.get(item).await, (200, created.clone()));
    let unchanged = tutorials.request("GET", item).header("if-none-match", tag).send().await.expect("an answer");
    assert_eq!(unchanged.status(), 304);
    for method in ["PUT", "PATCH"] {
        assert_eq!(tutorials.json(method, item, created.clone()).await, (200, created.clone()), "{method} {item}");
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let request = tutorials.request(method, item).header("if-match", "\"other\"").json(created);
        assert_eq!(answer(request).await.0, 412, "{method} {item}");
    }
    let anonymous = tutorials.anonymous("GET", item).send().await.expect("an answer").headers()["etag"].clone();
    for tag in [tag, anonymous.to_str().expect("text")] {
        let request = tutorials.request("PATCH", item).header("if-match", tag).json(&json!({}));
        assert_eq!(answer(request).await.0, 200, "{item}");
    }
}

async fn cleared_fields(tutorials: &Tutorials, example: &Example, item: &str, created: &Value) {
    for name in example.nullable {
        assert!(!created[name].is_null(), "{item} {name}");
        let (status, document) = tutorials.json("PATCH", item, json!({ *name: null })).await;
        assert_eq!((status, &document[name]), (200, &Value::Null), "{item} {name}: {document}");
        let (status, document) = tutorials.json("PATCH", item, json!({ *name: created[name] })).await;
        assert_eq!((status, &document[name]), (200, &created[name]), "{item} {name}: {document}");
    }
}

async fn ordered_and_filtered(tutorials: &Tutorials, path: &str, item: &str) {
    let (_, document) = tutorials.get(item).await;
    let id = document["id"].as_i64().expect("an id");
    for (name, value) in document.as_object().expect("an object") {
        if value.is_array() || value.is_object() {
            assert_eq!(tutorials.get(&format!("{path}?ordering={name}")).await.0, 400, "{path} {name}");
            continue;
        }
        let ascending = tutorials.ids(&format!("{path}?ordering={name},id")).await;
        let mut descending = tutorials.ids(&format!("{path}?ordering=-{name},-id")).await;
        descending.reverse();
        assert_eq!(ascending, descending, "{path} {name}");
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if value.is_null() {
            continue;
        }
        let encoded = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
        let found = tutorials.ids(&format!("{path}?{name}={encoded}")).await;
        assert!(found.contains(&id), "{path}?{name}={text}: {found:?}");
    }
}
