//! Deletions: what forbids them, what goes with them, and rules of tables that Lectern does not know.

use lectern::identity::Role;
use serde_json::{Value, json};

use super::examples::exam_session;
use super::{Catalogue, pointers, status_and_document};
use crate::fixtures::provider::Provider;
use crate::fixtures::site::token;

#[tokio::test]
async fn deletion_that_cascades_needs_an_admin_who_says_so() {
    let catalogue = Catalogue::new().await;
    let provider = Provider::insert(&catalogue.db).await;
    catalogue.create("prices", json!({ "product_id": provider.product, "amount": "5" })).await;
    let (_, subjects) = catalogue.get("subjects").await;
    let item = format!("subjects/{}", subjects["results"][0]["id"]);
    let (status, problem) = catalogue.delete(&item).await;
    let mut cascades: Vec<&str> = problem["cascades"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["table"].as_str().expect("text"))
        .collect();
    cascades.sort_unstable();
    let expected = ["acted.catalog_exam_session_subjects", "acted.prices", "acted.products"];
    assert_eq!((status, cascades), (409, expected.to_vec()), "{problem}");
    assert_eq!(catalogue.delete(&format!("{item}?cascade=1")).await.0, 409, "an operator may not");
    let admin = token(&catalogue.db, Role::Admin).await;
    let request = |path: &str| catalogue.site.request("DELETE", &format!("/api/catalogue/{path}")).bearer_auth(&admin);
    let send = async |path: &str| status_and_document(request(path).send().await.expect("an answer")).await.0;
    assert_eq!(send(&item).await, 409);
    assert_eq!(send(&format!("{item}?cascade=x")).await, 400);
    assert_eq!(send(&format!("{item}?cascade=1")).await, 204);
    assert_eq!(catalogue.get("store-products").await.1["count"], 0);
}

#[tokio::test]
async fn event_that_administrate_knows_forbids_a_cascade() {
    let catalogue = Catalogue::new().await;
    let provider = Provider::insert(&catalogue.db).await;
    let mut connection = catalogue.db.pool.acquire().await.expect("a connection");
    lectern::tutorials::create_events(&mut connection, None, &[provider.event("CM2-01")], true).await.expect("created");
    let admin = token(&catalogue.db, Role::Admin).await;
    let path = format!("/api/catalogue/store-products/{}?cascade=1", provider.product);
    let delete = async || {
        let request = catalogue.site.request("DELETE", &path).bearer_auth(&admin);
        status_and_document(request.send().await.expect("an answer")).await
    };
    catalogue
        .execute("INSERT INTO adm.events (external_id, tutorial_event_id) SELECT 'RXZlbnQ6MQ==', id FROM acted.tutorial_events")
        .await;
    let (status, problem) = delete().await;
    assert_eq!((status, &problem["blockers"][0]["name"]), (409, &json!("CM2-01")), "{problem}");
    catalogue.execute("UPDATE adm.events SET external_id = NULL").await;
    assert_eq!(delete().await.0, 204);
}

#[tokio::test]
async fn own_parts_go_with_their_record_and_links_of_others_stay_out_of_the_way() {
    let catalogue = Catalogue::new().await;
    let group = catalogue.create("groups", json!({ "name": "Notes", "filter_keys": ["categories"] })).await;
    let product = json!({ "fullname": "Notes", "shortname": "Notes", "group_ids": [group] });
    let product = catalogue.create("products", product).await;
    assert_eq!(catalogue.delete(&format!("groups/{group}")).await.0, 204);
    assert_eq!(catalogue.get(&format!("products/{product}")).await.1["group_ids"], json!([]));
    let top = catalogue.create("groups", json!({ "name": "Top" })).await;
    catalogue.create("groups", json!({ "name": "Below", "parent_id": top })).await;
    let (status, problem) = catalogue.delete(&format!("groups/{top}")).await;
    assert_eq!((status, &problem["cascades"][0]["name"]), (409, &json!("Below")), "{problem}");
}

#[tokio::test]
async fn rules_of_unknown_tables_and_added_rules_are_named() {
    let catalogue = Catalogue::new().await;
    let id = exam_session(&catalogue, "2026-04").await;
    catalogue
        .execute(
            "ALTER TABLE acted.catalog_exam_sessions
                 ADD CONSTRAINT short_exams CHECK (end_date < start_date + interval '40 days'),
                 ADD CONSTRAINT no_april EXCLUDE (session_code WITH =) WHERE (session_code LIKE '%-04');
             CREATE UNIQUE INDEX one_code ON acted.catalog_exam_sessions (lower(session_code));
             ALTER TABLE acted.catalog_subjects ADD COLUMN owner text NOT NULL DEFAULT 'x';
             ALTER TABLE acted.catalog_subjects ALTER owner DROP DEFAULT;
             CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'groups are frozen'; END $$;
             CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON acted.filter_groups DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION public.refuse();
             CREATE TABLE public.restricting (id text PRIMARY KEY,
                 exam bigint REFERENCES acted.catalog_exam_sessions ON DELETE RESTRICT);",
        )
        .await;
    let long = json!({ "session_code": "x", "start_date": "2026-04-01", "end_date": "2026-06-30" });
    let (status, problem) = catalogue.json("POST", "exam-sessions", &long).await;
    assert_eq!((status, pointers(&problem)), (422, vec![("/end_date", "invalid_value")]), "{problem}");
    assert!(problem["detail"].as_str().expect("text").contains("short_exams"), "{problem}");
    for (path, body, expected, name) in [
        (
            "exam-sessions",
            json!({ "session_code": "2026-04", "start_date": "2026-04-01", "end_date": "2026-04-02" }),
            409,
            "session_code",
        ),
        ("subjects", json!({ "code": "CM2" }), 422, "owner"),
        ("groups", json!({ "name": "x" }), 409, "groups are frozen"),
    ] {
        let (status, problem) = catalogue.json("POST", path, &body).await;
        assert_eq!(status, expected, "{problem}");
        let text = problem.to_string();
        assert!(text.contains(name), "{problem}");
    }
    let item = format!("exam-sessions/{id}");
    let insert = "INSERT INTO public.restricting VALUES ('row', $1)";
    sqlx::query(insert).bind(id).execute(&catalogue.db.pool).await.expect("a row");
    let (status, problem) = catalogue.delete(&item).await;
    let blockers = json!([{ "table": "public.restricting", "id": "row", "name": "public.restricting \"row\"" }]);
    assert_eq!((status, &problem["blockers"]), (409, &blockers), "{problem}");
    assert_eq!(catalogue.get(&item).await.0, 200);
}

#[tokio::test]
async fn simultaneous_creations_of_one_code_are_one_row_and_conflicts() {
    let catalogue = Catalogue::new().await;
    let body = json!({ "code": "CM2" });
    let requests = (0..6).map(|_| catalogue.json("POST", "subjects", &body));
    let answers = futures_util::future::join_all(requests).await;
    let mut statuses: Vec<u16> = answers.iter().map(|(status, _): &(u16, Value)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
    for (_, problem) in answers.iter().filter(|(status, _)| *status == 409) {
        assert_eq!(pointers(problem), [("/code", "not_unique")]);
    }
}
