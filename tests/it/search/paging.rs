//! Pages with a cursor while the catalogue changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

/// Products of which two thirds never change, each sold in one sitting.
const CATALOGUE: &str = "
    INSERT INTO acted.catalog_subjects (code, description) SELECT 'P' || n, 'Subject' FROM generate_series(1, 4) n;
    INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id)
    SELECT exam.id, subject.id FROM acted.catalog_exam_sessions exam, acted.catalog_subjects subject WHERE subject.code LIKE 'P_';
    INSERT INTO acted.catalog_products (code, shortname, fullname)
    SELECT 'K' || n, CASE WHEN n % 3 = 0 THEN 'Moving' ELSE 'Staying' END || ' notes ' || n % 5, 'Course notes ' || n
    FROM generate_series(1, 24) n;
    INSERT INTO acted.catalog_product_variations (variation_type, name, code) VALUES ('Printed', 'Print', 'P');
    INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
    SELECT product.id, variation.id FROM acted.catalog_products product, acted.catalog_product_variations variation
    WHERE product.code LIKE 'K%' AND variation.code = 'P';
    INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
    SELECT sitting.id, form.id, concat('S', sitting.id, '-', form.id)
    FROM acted.catalog_exam_session_subjects sitting
    JOIN acted.catalog_subjects subject ON subject.id = sitting.subject_id AND subject.code LIKE 'P_',
         acted.catalog_product_product_variations form
    JOIN acted.catalog_products product ON product.id = form.product_id AND product.code LIKE 'K%';
    INSERT INTO acted.catalog_product_bundles (bundle_name, subject_id) SELECT 'Staying notes pack ' || code, id
    FROM acted.catalog_subjects WHERE code LIKE 'P_';
    INSERT INTO acted.bundles (bundle_template_id, exam_session_subject_id)
    SELECT template.id, sitting.id FROM acted.catalog_product_bundles template
    JOIN acted.catalog_exam_session_subjects sitting ON sitting.subject_id = template.subject_id;
    INSERT INTO acted.bundle_products (bundle_id, product_id)
    SELECT bundle.id, min(sold.id) FROM acted.bundles bundle
    JOIN acted.products sold ON sold.exam_session_subject_id = bundle.exam_session_subject_id GROUP BY bundle.id;";

/// Writes on rows that move. `$1` is the number of the write.
const WRITES: [&str; 4] = [
    "UPDATE acted.catalog_products SET shortname = CASE WHEN $1 % 8 < 4 THEN 'A moving notes' ELSE 'Z moving notes' END
     WHERE code = 'K' || 3 * (1 + $1 % 8)",
    "UPDATE acted.products SET is_active = NOT is_active WHERE id % 2 = $1 % 2 AND product_product_variation_id IN (
         SELECT form.id FROM acted.catalog_product_product_variations form
         JOIN acted.catalog_products product ON product.id = form.product_id WHERE product.code IN ('K3', 'K6', 'K9', 'K12'))",
    "UPDATE acted.catalog_products SET fullname = 'Notes notes staying ' || $1 WHERE code = 'K' || 3 * (1 + $1 % 8)",
    "UPDATE acted.products SET product_code = 'T' || id || '-' || $1 WHERE product_product_variation_id IN (
         SELECT form.id FROM acted.catalog_product_product_variations form
         JOIN acted.catalog_products product ON product.id = form.product_id WHERE product.code IN ('K15', 'K18', 'K21', 'K24'))",
];

fn is_moving(item: &Value) -> bool {
    let code = item["product_code"].as_str().unwrap_or_default();
    code.strip_prefix('K').and_then(|number| number.parse::<i32>().ok()).is_some_and(|number| number % 3 == 0)
}

/// What distinguishes the results that do not move.
fn name(item: &Value) -> String {
    format!("{}/{}/{}", item["subject_code"], item["exam_session_code"], item["product_code"])
}

async fn write(pool: &PgPool, number: i32) {
    let sql = WRITES[usize::try_from(number).expect("a number") % WRITES.len()];
    sqlx::query(sql).bind(number).execute(pool).await.expect(sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn cursor_shows_each_row_that_stays_once() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    sqlx::raw_sql(CATALOGUE).execute(&db.pool).await.expect("the catalogue");
    let site = Site::serve(&db).await;
    let mut number = 0;
    for (request, expected) in [
        (json!({}), 4 * 16),
        (json!({ "searchQuery": "staying notes" }), 4 * 16),
        (json!({ "searchQuery": "stayng" }), 4 * 16),
        (json!({ "searchQuery": "notes", "filters": { "subjects": ["P2", "P3"] } }), 2 * 16),
        (json!({ "filters": { "modes_of_delivery": ["Printed"] } }), 4 * 16),
    ] {
        for page_size in [3, 7] {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            let mut pagination = json!({ "page_size": page_size });
            loop {
                let mut body = request.clone();
                body["pagination"] = pagination;
                let document = site.search(&body).await;
                let items = document["products"].as_array().expect("results");
                for item in items.iter().filter(|item| item["is_bundle"] != true && !is_moving(item)) {
                    let subject = item["subject_code"].as_str().expect("a subject");
                    if subject.starts_with('P') {
                        *seen.entry(name(item)).or_default() += 1;
                    }
                }
                let Some(cursor) = document["pagination"]["next_cursor"].as_str() else { break };
                pagination = json!({ "page_size": page_size, "cursor": cursor });
                write(&db.pool, number).await;
                number += 1;
                site.follower.reload_now().await.expect("reloaded");
            }
            let repeated: Vec<_> = seen.iter().filter(|(_, times)| **times != 1).collect();
            assert_eq!((seen.len(), &repeated), (expected, &Vec::new()), "{request} by {page_size}: {seen:?}");
        }
    }
    assert!(number > 100, "{number} writes");
}
