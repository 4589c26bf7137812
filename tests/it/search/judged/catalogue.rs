//! The made-up catalogue of the judged queries.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::fixtures::test_db::TestDb;

const CATALOGUE: &str = include_str!("../../../data/search/judged/catalogue.txt");

/// Inserts the catalogue.
pub async fn insert(db: &TestDb) {
    let mut tx = db.pool.begin().await.expect("begin");
    let mut people = BTreeMap::new();
    for line in CATALOGUE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (what, rest) = line.split_once(' ').expect("a line says what it describes");
        let fields: Vec<&str> = rest.split('|').map(str::trim).collect();
        match what {
            "event" => insert_event(&mut tx, &fields, &mut people).await,
            "synonyms" => insert_synonyms(&mut tx, &fields).await,
            "product" => insert_product(&mut tx, &fields).await,
            "bundle" => insert_bundle(&mut tx, &fields).await,
            _ => insert_word(&mut tx, what, &fields).await,
        }
    }
    tx.commit().await.expect("commit");
}

async fn run(db: &mut PgConnection, sql: &'static str, values: &[&str]) -> u64 {
    let mut query = sqlx::query(sql);
    for value in values {
        query = query.bind((*value).to_owned());
    }
    query.execute(db).await.expect(sql).rows_affected()
}

async fn insert_word(db: &mut PgConnection, what: &str, fields: &[&str]) {
    let sql = match what {
        "subject" => "INSERT INTO acted.catalog_subjects (code, description) VALUES ($1, $2)",
        "sitting" => {
            "WITH exam AS (INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
                           VALUES ($1, ($1 || '-01')::date, ($1 || '-28')::date) RETURNING id)
             INSERT INTO acted.catalog_exam_session_subjects (exam_session_id, subject_id)
             SELECT exam.id, subject.id FROM exam, acted.catalog_subjects subject"
        }
        "variation" => "INSERT INTO acted.catalog_product_variations (code, variation_type, name) VALUES ($1, $2, $3)",
        "place" => {
            "WITH place AS (INSERT INTO acted.tutorial_locations (name) VALUES ($2)),
                  product AS (INSERT INTO acted.catalog_products (code, shortname, fullname)
                              VALUES ($1, $2, 'Tutorial - ' || $2) RETURNING id)
             INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
             SELECT product.id, variation.id FROM product, acted.catalog_product_variations variation
             WHERE variation.code = CASE $2 WHEN 'Live online' THEN 'LON' ELSE 'F2F' END"
        }
        other => panic!("{other} is not described"),
    };
    assert!(run(db, sql, fields).await > 0, "{what} {fields:?}");
}

async fn insert_product(db: &mut PgConnection, fields: &[&str]) {
    let inserted = run(
        &mut *db,
        "WITH product AS (INSERT INTO acted.catalog_products (code, shortname, fullname) VALUES ($1, $2, $3)
                          RETURNING id),
              form AS (INSERT INTO acted.catalog_product_product_variations (product_id, product_variation_id)
                       SELECT product.id, variation.id FROM product, acted.catalog_product_variations variation
                       WHERE variation.code = ANY (string_to_array($4, ', ')) ORDER BY variation.id
                       RETURNING id, product_variation_id)
         INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
         SELECT taught.id, form.id, subject.code || '/' || $1 || variation.code || '/' || exam.session_code
         FROM form JOIN acted.catalog_product_variations variation ON variation.id = form.product_variation_id
         CROSS JOIN acted.catalog_exam_session_subjects taught
         JOIN acted.catalog_subjects subject ON subject.id = taught.subject_id
         JOIN acted.catalog_exam_sessions exam ON exam.id = taught.exam_session_id
         WHERE $5 = '*' OR subject.code = ANY (string_to_array($5, ', '))",
        fields,
    );
    assert!(inserted.await > 0, "{fields:?}");
}

async fn insert_bundle(db: &mut PgConnection, fields: &[&str]) {
    let inserted = run(
        &mut *db,
        "WITH template AS (INSERT INTO acted.catalog_product_bundles (bundle_name, subject_id)
                           SELECT $1, id FROM acted.catalog_subjects WHERE code = $2 RETURNING id, subject_id),
              bundle AS (INSERT INTO acted.bundles (bundle_template_id, exam_session_subject_id)
                         SELECT template.id, taught.id FROM template
                         JOIN acted.catalog_exam_session_subjects taught ON taught.subject_id = template.subject_id
                         JOIN acted.catalog_exam_sessions exam ON exam.id = taught.exam_session_id
                         WHERE exam.session_code = '2027-04' RETURNING id, exam_session_subject_id)
         INSERT INTO acted.bundle_products (bundle_id, product_id)
         SELECT bundle.id, sold.id FROM bundle
         JOIN acted.products sold ON sold.exam_session_subject_id = bundle.exam_session_subject_id
         JOIN acted.catalog_product_product_variations form ON form.id = sold.product_product_variation_id
         JOIN acted.catalog_products product ON product.id = form.product_id
         WHERE product.code = ANY (string_to_array($3, ', '))",
        fields,
    );
    assert!(inserted.await > 0, "{fields:?}");
}

/// Inserts an event of two sessions, a week apart, and its people where they are new.
async fn insert_event(db: &mut PgConnection, fields: &[&str], people: &mut BTreeMap<String, i64>) {
    let [code, subject, sitting, location, venues, start, instructors, ..] = fields else {
        panic!("an event has more fields than {fields:?}");
    };
    let venues: Vec<&str> = venues.split(", ").filter(|venue| !venue.is_empty()).collect();
    for venue in &venues {
        run(
            db,
            "INSERT INTO acted.tutorial_venues (name, location_id) SELECT $1, id FROM acted.tutorial_locations
             WHERE name = $2 AND NOT EXISTS (SELECT FROM acted.tutorial_venues WHERE name = $1)",
            &[venue, location],
        )
        .await;
    }
    run(
        db,
        "INSERT INTO acted.products (exam_session_subject_id, product_product_variation_id, product_code)
         SELECT taught.id, form.id, $1 || '/T' || product.code || '/' || $2
         FROM acted.catalog_products product
         JOIN acted.catalog_product_product_variations form ON form.product_id = product.id,
              acted.catalog_exam_session_subjects taught
         JOIN acted.catalog_subjects subject ON subject.id = taught.subject_id
         JOIN acted.catalog_exam_sessions exam ON exam.id = taught.exam_session_id
         WHERE subject.code = $1 AND exam.session_code = $2 AND product.shortname = $3 ON CONFLICT DO NOTHING",
        &[subject, sitting, location],
    )
    .await;
    let first_venue = venues.first().copied().unwrap_or_default();
    let values = [code, subject, location, start, first_venue, sitting];
    let inserted = run(
        &mut *db,
        "INSERT INTO acted.tutorial_events (code, product_id, location_id, venue_id, start_date, end_date, remain_space)
         SELECT $1, sold.id, location.id, venue.id, $4::date, $4::date + 7, 8
         FROM acted.products sold
         JOIN acted.tutorial_locations location ON location.name = $3
         JOIN acted.catalog_products product ON product.shortname = $3
         LEFT JOIN acted.tutorial_venues venue ON venue.name = $5
         WHERE sold.product_code = $2 || '/T' || product.code || '/' || $6",
        &values,
    );
    assert_eq!(inserted.await, 1, "{fields:?}");
    insert_sessions(db, fields, &venues).await;
    for name in instructors.split("; ") {
        let id = match people.get(name) {
            Some(id) => *id,
            None => insert_person(db, name).await,
        };
        people.insert(name.to_owned(), id);
        run(
            db,
            "INSERT INTO acted.tutorial_session_instructors (tutorialsessions_id, tutorialinstructor_id)
             SELECT session.id, $2::bigint FROM acted.tutorial_sessions session
             JOIN acted.tutorial_events event ON event.id = session.tutorial_event_id WHERE event.code = $1",
            &[code, &id.to_string()],
        )
        .await;
    }
}

/// Inserts the two sessions of an event.
async fn insert_sessions(db: &mut PgConnection, fields: &[&str], venues: &[&str]) {
    let code = fields[0];
    let title = fields.get(7).copied().unwrap_or(code);
    for (sequence, venue) in [("1", venues.first()), ("2", venues.last())] {
        let venue = venue.copied().unwrap_or_default();
        run(
            &mut *db,
            "INSERT INTO acted.tutorial_sessions (tutorial_event_id, title, venue_id, location_id, start_date, end_date, sequence)
             SELECT event.id, $2 || '-' || $3, venue.id, event.location_id, day + time '09:30', day + time '17:00', $3::int
             FROM acted.tutorial_events event LEFT JOIN acted.tutorial_venues venue ON venue.name = $4,
                  LATERAL (SELECT event.start_date + 7 * ($3::int - 1)) AS of_session (day)
             WHERE event.code = $1",
            &[code, title, sequence, venue],
        )
        .await;
    }
}

async fn insert_person(db: &mut PgConnection, name: &str) -> i64 {
    let (first_name, last_name) = name.rsplit_once(' ').unwrap_or(("", name));
    let inserted = sqlx::query_scalar(
        "WITH person AS (INSERT INTO public.auth_user (username, first_name, last_name)
                         VALUES ('person-' || md5($1 || $2), $1, $2) RETURNING id),
              staff AS (INSERT INTO acted.staff (user_id) SELECT id FROM person RETURNING id)
         INSERT INTO acted.tutorial_instructors (staff_id) SELECT id FROM staff RETURNING id",
    );
    inserted.bind(first_name).bind(last_name).fetch_one(db).await.expect("a person")
}

async fn insert_synonyms(db: &mut PgConnection, fields: &[&str]) {
    let exists = sqlx::query_scalar("SELECT to_regclass('lectern.search_synonyms') IS NOT NULL");
    if exists.fetch_one(&mut *db).await.expect("an answer") {
        let sql = "INSERT INTO lectern.search_synonyms (word, synonyms) VALUES ($1, string_to_array($2, ', '))";
        run(db, sql, fields).await;
    }
}
