//! Long tables, deletions, and the copy of an exam session.

use lectern::identity::{Role, csrf_token};

use super::Archive;
use crate::fixtures::api::upload as multipart;
use crate::fixtures::workbook::{SheetTexts, write};
use crate::web::visitor::{Browser, message, text, to, version};

#[tokio::test]
async fn long_table_is_searched_filtered_ordered_and_chosen_from_by_typing() {
    let archive = Archive::open().await;
    let ann = Browser::sign_in(&archive.db, &archive.site, "ann", Role::Admin).await;
    let many = "INSERT INTO acted.catalog_products (fullname, shortname, code, is_active)
                SELECT 'Course Notes ' || n, 'Notes ' || n, 'N' || n, n % 2 = 0 FROM generate_series(1, 120) AS n";
    sqlx::raw_sql(many).execute(&archive.db.pool).await.expect("products");
    let rows = |page: &str| page.matches("<th scope=\"row\"><a href=\"/reference/").count();
    let list = async |query: &str| ann.page(&format!("/reference/products{query}")).await;
    assert_eq!(rows(&list("").await), 50);
    assert!(list("?part=3").await.contains("101 to 121 of 121"));
    assert_eq!(rows(&list("?part=99").await), 21, "a part after the last one is the last one");
    assert_eq!(rows(&list("?q=notes+NOTES+7").await), 21, "every word, whatever its letter case");
    assert_eq!(rows(&list("?q=notes&is_active=false&part=2").await), 10);
    let found = list("?q=notes+1&order=-fullname").await;
    let first = found.split("<th scope=\"row\">").nth(1).expect("a row").to_owned();
    assert!(first.contains("Course Notes 91") && found.contains("aria-sort=\"descending\""), "{first}");
    let nothing = list("?q=%22%25_'+no+such").await;
    assert!(nothing.contains("Nothing fits") && nothing.contains("value=\"&#34;%_&#39; no such\""), "{nothing}");
    assert_eq!(
        rows(&list("?is_active=perhaps&order=password&part=x&q=%00").await),
        50,
        "what means nothing is ignored"
    );
    let offered = ann.page("/reference/products/choices?product_id=notes+7").await;
    assert!(offered.contains("Course Notes 7") && !offered.contains("Course Notes 8\""), "{offered}");

    let variation = archive.typed("{variation}");
    let pair = async |product: &str| {
        ann.submit("/reference/product-variations", &[("product_id", product), ("product_variation_id", &variation)])
            .await
    };
    let unknown = text(pair("Course Nots 7").await).await;
    assert!(unknown.contains("No product has this name") && unknown.contains("value=\"Course Nots 7\""), "{unknown}");
    assert_eq!(pair("course notes 7").await.status(), 303);
    let filtered = ann.page("/reference/product-variations?product_id=Course+Notes+7").await;
    assert_eq!(rows(&filtered), 1, "{filtered}");
    assert_eq!(rows(&ann.page("/reference/product-variations?product_id=Course").await), 0);
    let twice =
        "INSERT INTO acted.catalog_products (fullname, shortname) VALUES ('Course Notes 7', 'Again') RETURNING id";
    let id: i64 = sqlx::query_scalar(twice).fetch_one(&archive.db.pool).await.expect("a product");
    let several = text(pair("Course Notes 7").await).await;
    assert!(several.contains(&format!("Course Notes 7 #{id}")), "{several}");
    assert_eq!(pair(&format!("Course Notes 7 #{id}")).await.status(), 303);
}

#[tokio::test]
async fn deletion_says_what_refuses_it_and_what_goes_with_it() {
    let archive = Archive::open().await;
    let ann = Browser::sign_in(&archive.db, &archive.site, "ann", Role::Operator).await;
    let alma = Browser::sign_in(&archive.db, &archive.site, "alma", Role::Admin).await;
    let event = "INSERT INTO acted.tutorial_events (code, product_id, start_date, end_date)
                 SELECT 'CM2-SPRING', id, '2027-03-01', '2027-03-02' FROM acted.products;
                 INSERT INTO adm.events (external_id, tutorial_event_id) SELECT 'RXZlbnQ6MQ==', id FROM acted.tutorial_events";
    sqlx::raw_sql(event).execute(&archive.db.pool).await.expect("an event");
    let path = format!("/reference/store-products/{}", archive.typed("{sold}"));
    let shown = ann.page(&path).await;
    assert!(shown.contains("What refers to it") && shown.contains("CM2-SPRING</a>"), "{shown}");
    let question = ann.page(&format!("{path}/delete")).await;
    assert!(question.contains("cannot be deleted") && question.contains("CM2-SPRING"), "{question}");
    assert!(!question.contains("class=\"danger\""), "there is no button that cannot work");
    let delete = "DELETE FROM adm.events; DELETE FROM acted.tutorial_events";
    sqlx::raw_sql(delete).execute(&archive.db.pool).await.expect("deleted");
    let subject = format!("/reference/subjects/{}", archive.typed("{subject}"));
    let question = ann.page(&format!("{subject}/delete")).await;
    assert!(question.contains("Only an admin may delete"), "{question}");
    let question = alma.page(&format!("{subject}/delete")).await;
    assert!(question.contains("These are deleted with it") && question.contains("CM2 in 2026-04"), "{question}");
    let version = version(&question);
    let refused = alma.submit(&format!("{subject}/delete"), &[("version", &version)]).await;
    assert_eq!(refused.status(), 409);
    assert!(text(refused).await.contains("Nothing was deleted"));
    let deleted = alma.submit(&format!("{subject}/delete"), &[("version", &version), ("cascade", "1")]).await;
    assert_eq!(to(&deleted), "/reference/subjects");
}

#[tokio::test]
async fn exam_session_is_copied_after_it_was_shown_what_that_means() {
    let archive = Archive::open().await;
    let ann = Browser::sign_in(&archive.db, &archive.site, "ann", Role::Operator).await;
    let path = format!("/reference/exam-sessions/{}/copy", archive.typed("{other_exam}"));
    let from = archive.typed("{exam}");
    let count = async || {
        let sql = "SELECT count(*) FROM acted.products";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&archive.db.pool).await.expect("counted")
    };
    let before = count().await;
    assert!(ann.page(&path).await.contains("Copy to 2028-04"));
    assert!(text(ann.submit(&path, &[]).await).await.contains("Choose one."));
    let preview = text(ann.submit(&path, &[("from", &from)]).await).await;
    assert!(preview.contains("What a copy from 2026-04 would do") && preview.contains("store products"), "{preview}");
    assert_eq!(count().await, before, "nothing is copied yet");
    let copied = ann.submit(&path, &[("from", &from), ("copy", "1")]).await;
    assert!(message(&copied).contains("copied to 2028-04"));
    assert_eq!(count().await, before * 2);
    let again = text(ann.submit(&path, &[("from", &from)]).await).await;
    assert!(again.contains("there is nothing to copy"), "{again}");
}

/// Uploads a workbook as a browser does. Returns the answer.
async fn upload(archive: &Archive, browser: &Browser, bytes: &[u8]) -> reqwest::Response {
    let request = browser.client.post(format!("http://{}/reference/workbook", archive.site.address));
    let request = multipart(request, bytes, &[("csrf_token", &csrf_token(&browser.secret))]);
    let cookie = format!("lectern_session={}", browser.secret);
    request.header("cookie", cookie).header("accept", "text/html").send().await.expect("an answer")
}

#[tokio::test]
async fn workbook_is_checked_imported_and_undone() {
    let archive = Archive::open().await;
    let ann = Browser::sign_in(&archive.db, &archive.site, "ann", Role::Operator).await;
    let file = archive.db.folder().join("autumn.xlsx");
    let sheets: [SheetTexts; 2] = [
        (
            "Subjects",
            &[
                &["Code", "Description"],
                &["CS9", "Made-up statistics"],
                &["CM2", "Economics"],
                &["A code that is too long", "x"],
            ],
        ),
        ("Locations", &[&["Name"], &["Derby"]]),
    ];
    write(&file, &sheets);
    let bytes = std::fs::read(&file).expect("a workbook");
    let uploaded = upload(&archive, &ann, &bytes).await;
    let plan = to(&uploaded).to_owned();
    let shown = ann.page(&plan).await;
    for expected in ["t.xlsx", "CS9", "Derby", "Economics", "Subjects, A4", "without the rejected rows"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let count =
        async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&archive.db.pool).await.expect("counted");
    const DERBY: &str = "SELECT count(*) FROM acted.tutorial_locations WHERE name = 'Derby'";
    assert_eq!(count(DERBY).await, 0, "nothing is written yet");
    let digest =
        shown.split("name=\"digest\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a digest");
    let report = ann.get(&format!("{plan}/report")).await;
    assert!(report.headers()["content-type"].to_str().expect("text").contains("spreadsheetml"));
    let changed = "UPDATE acted.catalog_subjects SET description = 'Other' WHERE code = 'CM2'";
    sqlx::raw_sql(changed).execute(&archive.db.pool).await.expect("changed");
    let late = ann.submit(&plan, &[("digest", digest)]).await;
    assert!(message(&late).contains("has changed since the plan was shown"), "{}", message(&late));
    let shown = ann.page(&plan).await;
    let digest =
        shown.split("name=\"digest\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a digest");
    let imported = ann.submit(&plan, &[("digest", digest)]).await;
    let run = to(&imported).split('?').next().expect("a path").to_owned();
    assert_eq!(count(DERBY).await, 1);
    assert_eq!(count("SELECT count(*) FROM lectern.history WHERE actor = 'ann' AND interface = 'import'").await, 3);
    assert!(ann.page(to(&imported)).await.contains("Download the rejected rows"));
    assert!(ann.page("/reference/workbook").await.contains(&format!("href=\"{run}\"")));
    assert!(ann.page(&format!("{run}/undo")).await.contains("2 records that the import created"));
    assert_eq!(count(DERBY).await, 1, "nothing is undone yet");
    assert!(message(&ann.submit(&format!("{run}/undo"), &[]).await).contains("is undone"));
    assert_eq!(count(DERBY).await, 0);
    assert!(ann.page(&run).await.contains("was undone by run"));
}

#[tokio::test]
async fn workbook_that_cannot_be_read_is_reported_and_readers_upload_none() {
    let archive = Archive::open().await;
    let ann = Browser::sign_in(&archive.db, &archive.site, "ann", Role::Operator).await;
    let odd = upload(&archive, &ann, b"no workbook").await;
    let plan = to(&odd).to_owned();
    assert!(ann.page(&plan).await.contains("cannot be read"));
    assert_eq!(ann.get("/reference/workbook/template").await.status(), 200);
    let rita = Browser::sign_in(&archive.db, &archive.site, "rita", Role::Reader).await;
    assert!(!rita.page("/reference/workbook").await.contains("type=\"file\""));
    assert_eq!(rita.get(&plan).await.status(), 403);
    for missing in [
        "/reference/workbook/99",
        "/reference/workbook/files/0000",
        "/reference/workbook/files/..%2F..",
        "/reference/workbook/x",
    ] {
        assert_eq!(ann.get(missing).await.status(), 404, "{missing}");
    }
}
