//! Rules of every route: problems point at the invalid field, items have a version, readers cannot write.

use lectern::error::Error;
use lectern::http::problem::HttpProblem;
use lectern::identity::Role;
use reqwest::Response;
use serde_json::{Value, json};

use crate::fixtures::api::{ApiFixture, location};
use crate::fixtures::site::problem;
use crate::fixtures::test_db::TestDb;

async fn status_and_pointer(response: Response) -> (u16, String) {
    let (status, document) = problem(response).await;
    (status, document["errors"][0]["pointer"].as_str().unwrap_or("none").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_body_is_a_problem_with_a_pointer() {
    let fixture = ApiFixture::new().await;
    let post = |path: &str, body: Value| fixture.request("POST", path).json(&body).send();
    for (path, body, status, pointer) in [
        ("/api/syncs", json!({ "entity": "locations", "only": ["a\u{0}b"] }), 400, "/only/0"),
        ("/api/syncs", json!({ "entity": "locations", "only": ["a", " "] }), 400, "/only"),
        ("/api/syncs", json!({ "entity": "locations", "skip_errors": true }), 422, "/skip_errors"),
        ("/api/outbox/retry", json!({ "ids": ["\u{0}"] }), 400, "/ids/0"),
        ("/api/outbox/abc/resolve", json!({ "recreate": true }), 404, "none"),
        ("/api/outbox/9/resolve", json!({ "recreate": true }), 404, "none"),
        ("/api/outbox/9/resolve", json!({ "recreate": false }), 400, "/recreate"),
        ("/api/outbox/9/resolve", json!({ "delivered": "" }), 400, "/delivered"),
        ("/api/outbox/9/resolve", json!({ "delivered": "x", "recreate": true }), 400, "/recreate"),
        ("/api/outbox/9/resolve", json!({ "ids": [1] }), 400, "/ids"),
        ("/api/outbox/9/resolve", json!({}), 400, ""),
    ] {
        let answer = post(path, body.clone()).await.expect("an answer");
        assert_eq!(status_and_pointer(answer).await, (status, pointer.to_owned()), "{path} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn form_with_an_invalid_field_imports_nothing() {
    let fixture = ApiFixture::new().await;
    for (fields, pointer) in [
        (&[("dry_run", "")][..], "/dry_run"),
        (&[("dry_run", "true"), ("dry_run", "false")], "/dry_run"),
        (&[("dryrun", "true")], "/dryrun"),
        (&[("file", "x")], "/file"),
    ] {
        assert_eq!(
            status_and_pointer(fixture.post_import(fields).await).await,
            (400, pointer.to_owned()),
            "{fields:?}"
        );
    }
    assert_eq!(fixture.import.count("SELECT count(*) FROM lectern.runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn run_version_supports_conditional_requests() {
    let fixture = ApiFixture::new().await;
    let run = location(&fixture.post_import(&[("dry_run", "true")]).await);
    let get = async |name: &str, value: &str| {
        fixture.request("GET", &run).header(name, value).send().await.expect("an answer")
    };
    let tag = |response: &Response| response.headers()["etag"].to_str().expect("a tag").to_owned();
    let queued = tag(&get("accept", "*/*").await);
    let unchanged = get("if-none-match", &queued).await;
    assert_eq!((unchanged.status().as_u16(), tag(&unchanged)), (304, queued.clone()));
    assert!(unchanged.bytes().await.expect("a body").is_empty());

    let worker = fixture.worker();
    fixture.wait_for_end(&run).await;
    drop(worker);
    let done = get("if-none-match", &queued).await;
    assert_eq!(done.status(), 200);
    assert_ne!(tag(&done), queued);
    assert!(tag(&done).starts_with('"'), "it is a strong one");

    let later = location(&fixture.post_import(&[]).await);
    let now = tag(&fixture.request("GET", &later).send().await.expect("an answer"));
    let call_off =
        async |tag: &str| fixture.request("DELETE", &later).header("if-match", tag).send().await.expect("an answer");
    assert_eq!(problem(call_off(&queued).await).await.0, 412);
    assert_eq!(problem(call_off(&format!("W/{now}")).await).await.0, 412, "a weak tag is no proof");
    assert_eq!(call_off(&now).await.status(), 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_role_can_read_and_cannot_write() {
    let fixture = ApiFixture::new().await;
    let run = location(&fixture.post_import(&[("dry_run", "true")]).await);
    let status_of = async |role, method: &str, path: &str| {
        let request = fixture.site.request_as(&fixture.import.db, role, method, path).await;
        request.send().await.expect("an answer").status().as_u16()
    };
    for path in ["/api/imports", &run, "/api/syncs", "/api/outbox"] {
        let status = status_of(Role::Reader, "GET", path).await;
        assert!(matches!(status, 200 | 202), "{path}: {status}");
        assert_eq!(status_of(Role::Parent, "GET", path).await, 403, "{path}");
    }
    for (method, path) in [("DELETE", run.as_str()), ("POST", "/api/outbox/retry"), ("POST", "/api/syncs")] {
        assert_eq!(status_of(Role::Reader, method, path).await, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn refused_foreign_key_is_a_conflict_also_at_commit() {
    let db = TestDb::new().await;
    for sql in [
        "CREATE TABLE public.parents (id int PRIMARY KEY)",
        "CREATE TABLE public.children (parent int REFERENCES public.parents,
                                       guardian int REFERENCES public.parents DEFERRABLE INITIALLY DEFERRED)",
    ] {
        sqlx::query(sql).execute(&db.pool).await.expect(sql);
    }
    let at_once = sqlx::query("INSERT INTO public.children (parent) VALUES (1)").execute(&db.pool).await;
    let mut tx = db.pool.begin().await.expect("begin");
    sqlx::query("INSERT INTO public.children (guardian) VALUES (1)").execute(&mut *tx).await.expect("checked later");
    for error in [at_once.map(drop).expect_err("refused"), tx.commit().await.expect_err("refused")] {
        let message = Error::from(error);
        let text = message.to_string();
        assert!(text.contains("children") && !text.contains("SQLSTATE") && !text.contains("INSERT"), "{text}");
        assert_eq!(HttpProblem::from(message).status(), 409);
    }
}
