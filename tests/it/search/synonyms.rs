//! Synonyms: set over HTTP and by the command, and in effect at once.

use lectern::identity::Role;
use serde_json::{Value, json};

use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, problem};
use crate::fixtures::test_db::TestDb;

async fn found(site: &Site, text: &str) -> usize {
    site.search(&json!({ "searchQuery": text })).await["products"].as_array().expect("a list").len()
}

#[tokio::test]
async fn word_finds_what_its_synonyms_find() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let expected = found(&site, "london").await;
    assert!(expected > 0 && found(&site, "smoke").await == 0);
    let post = site.request_as(&db, Role::Operator, "POST", "/api/search/synonyms/").await;
    let body = json!([{ "word": "Smoke", "synonyms": ["london", "quill house"] }]);
    let response = post.json(&body).send().await.expect("a response");
    assert_eq!(response.status(), 201);
    let created: Value = response.json().await.expect("JSON");
    assert_eq!((&created[0]["word"], &created[0]["synonyms"]), (&json!("smoke"), &json!(["london", "quill house"])));
    assert_eq!(found(&site, "smoke").await, expected);
    for (body, status) in [
        (json!({ "word": "smoke", "synonyms": ["x"] }), 409),
        (json!({ "word": "two words", "synonyms": ["x"] }), 422),
        (json!({ "word": "fog", "synonyms": [] }), 422),
        (json!({ "word": "fog" }), 400),
    ] {
        let post = site.request_as(&db, Role::Operator, "POST", "/api/search/synonyms/").await;
        let response = post.json(&body).send().await.expect("a response");
        assert_eq!(problem(response).await.0, status, "{body}");
    }
    let path = format!("/api/search/synonyms/{}", created[0]["id"]);
    let delete = site.request_as(&db, Role::Operator, "DELETE", &path).await;
    assert_eq!(delete.send().await.expect("a response").status(), 204);
    assert_eq!(found(&site, "smoke").await, 0);
}

#[tokio::test]
async fn command_sets_lists_and_removes_synonyms() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let run = |arguments: &[&str]| {
        let output = db.program(&[&["search", "synonyms"], arguments].concat()).output().expect("runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code().expect("an exit"), text(output.stdout), text(output.stderr))
    };
    let (exit, shown, hint) = run(&["list"]);
    assert!(exit == 0 && shown.is_empty() && hint.contains("no synonyms are set"), "{shown} {hint}");
    assert_eq!(run(&["set", "Smoke", "london", "quill house"]).1, "smoke: london, quill house\n");
    site.follower.reload_now().await.expect("reloaded");
    assert!(found(&site, "smoke").await > 0);
    assert_eq!(run(&["set", "smoke", "london"]).0, 0, "a word is set again");
    let (exit, shown, _) = run(&["--json", "list"]);
    let document: Value = serde_json::from_str(&shown).expect("one document");
    assert_eq!((exit, &document["synonyms"]), (0, &json!([{ "word": "smoke", "synonyms": ["london"] }])));
    for (arguments, reason) in [
        (&["set", "two words", "x"][..], "two words"),
        (&["set", "fog", "--", "-"][..], "contains no word"),
        (&["remove", "fog"][..], "has no synonyms"),
    ] {
        let (exit, _, message) = run(arguments);
        assert!(exit == 2 && message.contains(reason), "{arguments:?}: {exit} {message}");
    }
    assert_eq!(run(&["remove", "smoke"]).1, "smoke removed\n");
    site.follower.reload_now().await.expect("reloaded");
    assert_eq!(found(&site, "smoke").await, 0);
}
