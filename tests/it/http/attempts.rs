//! Runs that end their process, and runs whose document cannot be stored, are given up; the queue goes on.

use administrate_sim::{Action, Fault, When};
use reqwest::Client;
use serde_json::{Value, json};

use super::restart::ServerProcess;
use crate::fixtures::api::{ApiFixture, answer, location, upload};

const ATTEMPTS: &str = "SELECT attempts::bigint FROM lectern.requested_runs WHERE run_id = 1";

async fn wait_for_end(server: &ServerProcess, fixture: &ApiFixture, run: &str) -> Value {
    let client = Client::new();
    loop {
        let request = client.get(format!("{}{run}", server.address)).bearer_auth(&fixture.token);
        let (status, document) = answer(request).await;
        if status == 200 {
            return document;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn run_that_ends_three_processes_is_given_up_and_the_next_run_is_executed() {
    let fixture = ApiFixture::new().await;
    fixture.expect_undelivered();
    fixture.import.simulator.add_fault(Fault::first("event.createBlended", Action::Hang { when: When::Before }));
    let mut server = ServerProcess::start(&fixture.import);
    let post = async |server: &ServerProcess, fields: &[(&str, &str)]| {
        let request = Client::new().post(format!("{}/api/imports", server.address)).bearer_auth(&fixture.token);
        location(&upload(request, &fixture.timetable, fields).send().await.expect("an answer"))
    };
    let deadly = post(&server, &[]).await;
    let innocent = post(&server, &[("dry_run", "true")]).await;
    for attempt in 1..=3 {
        while fixture.import.count(ATTEMPTS).await < attempt {
            tokio::task::yield_now().await;
        }
        server.kill();
        server = ServerProcess::start(&fixture.import);
    }
    let document = wait_for_end(&server, &fixture, &deadly).await;
    assert_eq!((&document["kind"], &document["exit_code"]), (&json!("defect"), &json!(1)), "{document}");
    let error = document["error"].as_str().expect("an error");
    assert!(error.starts_with("the run was given up after 3 attempts"), "{error}");
    assert_eq!(document["file"], "t.xlsx");
    let document = wait_for_end(&server, &fixture, &innocent).await;
    assert_eq!((&document["exit_code"], &document["counts"]["events"]), (&json!(0), &json!(1)), "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn run_whose_document_cannot_be_stored_ends_with_a_short_one() {
    let fixture = ApiFixture::new().await;
    sqlx::raw_sql(
        "CREATE FUNCTION too_large() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.document ? 'problems' AND NOT NEW.document ? 'kind' THEN
                 RAISE EXCEPTION 'the total size of jsonb object elements exceeds the maximum' USING ERRCODE = '54000';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER too_large BEFORE UPDATE ON lectern.runs FOR EACH ROW EXECUTE FUNCTION too_large()",
    )
    .execute(&fixture.import.db.pool)
    .await
    .expect("a limit");
    let _worker = fixture.worker();
    let run = location(&fixture.post_import(&[]).await);
    let document = fixture.wait_for_end(&run).await;
    assert_eq!((&document["kind"], &document["exit_code"]), (&json!("defect"), &json!(4)), "{document}");
    assert_eq!(document["counts"]["created"], 1, "what was done is said: {document}");
    assert!(document["error"].as_str().expect("an error").contains("too large"), "{document}");
    let (_, listed) = fixture.get("/api/imports").await;
    assert_eq!(listed["results"][0]["counts"]["created"], 1, "{listed}");
    assert_eq!(fixture.import.count(ATTEMPTS).await, 1, "it is not tried again");
}
