//! The sample provider's rows: inserted once, complete, and found by an import.

use jiff::civil::date;
use lectern::demo::{lessons, local, sample, timetable};
use sqlx::Row;

use crate::fixtures::test_db::TestDb;

async fn counts(db: &TestDb) -> Vec<(String, i64)> {
    let tables = [
        "acted.catalog_subjects",
        "acted.catalog_exam_sessions",
        "acted.catalog_exam_session_subjects",
        "acted.catalog_products",
        "acted.catalog_product_variations",
        "acted.catalog_product_product_variations",
        "acted.products",
        "acted.prices",
        "acted.catalog_product_bundles",
        "acted.catalog_product_bundle_products",
        "acted.bundles",
        "acted.bundle_products",
        "acted.product_productvariation_recommendations",
        "acted.filter_groups",
        "acted.filter_product_product_groups",
        "acted.filter_configurations",
        "acted.filter_configuration_groups",
        "acted.tutorial_course_templates",
        "acted.tutorial_locations",
        "acted.tutorial_venues",
        "acted.tutorial_instructors",
    ];
    let mut counts = Vec::new();
    for table in tables {
        let count = format!("SELECT count(*) FROM {table}");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&db.pool).await.expect("counted");
        counts.push((table.to_owned(), count));
    }
    counts
}

#[tokio::test]
async fn sample_filled_twice_is_unchanged() {
    let db = TestDb::new().await;
    let provider = sample::provider(date(2031, 3, 5));
    let mut connection = db.pool.acquire().await.expect("a connection");
    local::fill(&mut connection, &provider).await.expect("filled");
    let once = counts(&db).await;
    for (table, count) in &once {
        assert!(*count > 0, "{table} is empty");
    }
    let of = |table: &str| once.iter().find(|(name, _)| name == table).map(|(_, count)| *count);
    assert_eq!(of("acted.catalog_subjects"), Some(60));
    assert_eq!(of("acted.tutorial_locations"), Some(10));
    assert_eq!(of("acted.tutorial_instructors"), Some(35));
    assert_eq!(of("acted.products"), Some((provider.tutorials.len() + 2 * 60 * provider.materials.len()) as i64));
    assert_eq!(of("acted.prices"), of("acted.products").map(|offers| offers * 3));
    assert_eq!(of("acted.bundle_products"), Some(2 * 60 * provider.materials.len() as i64));
    local::fill(&mut connection, &provider).await.expect("filled again");
    assert_eq!(counts(&db).await, once);
}

#[tokio::test]
async fn sample_event_has_exactly_one_product() {
    let db = TestDb::new().await;
    let today = date(2031, 3, 5);
    let provider = sample::provider(today);
    let mut connection = db.pool.acquire().await.expect("a connection");
    local::fill(&mut connection, &provider).await.expect("filled");
    let events = timetable::timetable(&provider, today);
    let templates: Vec<&str> = events.iter().map(|event| event.template.as_str()).collect();
    let locations: Vec<&str> = events.iter().map(|event| event.location.as_str()).collect();
    let sittings: Vec<String> =
        events.iter().map(|event| event.sitting.replace('A', "-04").replace('S', "-09")).collect();
    let found = sqlx::query(
        "SELECT count(*) AS found FROM UNNEST($1::text[], $2::text[], $3::text[]) AS event (template, location, sitting)
         JOIN acted.catalog_exam_sessions AS exam ON exam.session_code = event.sitting
         JOIN acted.catalog_exam_session_subjects AS examined ON examined.exam_session_id = exam.id
         JOIN acted.catalog_product_variations AS variation ON variation.code = event.template
         JOIN acted.catalog_products AS product ON product.shortname = event.location
         JOIN acted.catalog_product_product_variations AS pair
             ON pair.product_id = product.id AND pair.product_variation_id = variation.id
         JOIN acted.products AS offer
             ON offer.product_product_variation_id = pair.id AND offer.exam_session_subject_id = examined.id",
    )
    .bind(&templates)
    .bind(&locations)
    .bind(&sittings)
    .fetch_one(&db.pool)
    .await
    .expect("found");
    assert_eq!(found.get::<i64, _>("found"), 348);
}

#[tokio::test]
async fn demo_has_people_and_lessons() {
    let db = TestDb::new().await;
    let mut connection = db.pool.acquire().await.expect("a connection");
    lessons::fill(&mut connection, date(2031, 3, 5)).await.expect("filled");
    let numbers: Vec<i64> = sqlx::query_scalar(
        "SELECT count(*) FROM public.tutor_profiles UNION ALL SELECT count(*) FROM public.student_profiles
         UNION ALL SELECT count(*) FROM public.parent_profiles UNION ALL SELECT count(*) FROM public.sessions
         UNION ALL SELECT count(*) FROM public.sessions WHERE is_recurring
         UNION ALL SELECT count(DISTINCT status) FROM public.sessions",
    )
    .fetch_all(&db.pool)
    .await
    .expect("numbers");
    assert_eq!(numbers, [5, 20, 10, 200, 20, 4]);
}
