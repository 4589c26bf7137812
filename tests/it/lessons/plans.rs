//! Pages of many lessons are found by index.

use lectern::lessons::api::explain_page;

use super::Tutoring;
use crate::fixtures::test_db::TestDb;

#[tokio::test]
async fn pages_of_many_lessons_are_found_by_index() {
    let tutoring = Tutoring::new().await;
    insert_many_lessons(&tutoring).await;
    let mut db = tutoring.db.pool.acquire().await.expect("a connection");
    let (_, first) = tutoring.get("sessions?status=completed").await;
    let cursor = first["next_cursor"].as_str().expect("a cursor").to_owned();
    for query in [
        "limit=50",
        "status=missed",
        "date_from=2024-03-01&date_to=2024-04-30",
        &format!("tutor_id={}", tutoring.tutors[0]),
        "student_id=77",
        "course_enrollment_id=77",
        "session_mode=hybrid",
        "is_featured=true",
        "is_recurring=true",
        "q=3999",
        "q=family577",
        "q=old",
        "q=topic",
        "q=first",
        &format!("status=completed&cursor={cursor}"),
    ] {
        let plan = explain_page(&mut db, query).await.expect("a plan");
        assert!(!plan.iter().any(|line| line.contains("Seq Scan on sessions")), "{query}:\n{}", plan.join("\n"));
    }
    drop(db);
    expect_what_a_scan_finds(&tutoring).await;
    // Only the first page counts all lessons.
    sqlx::raw_sql(
        "DELETE FROM public.sessions WHERE id = (SELECT min(id) FROM public.sessions WHERE status = 'completed')",
    )
    .execute(&tutoring.db.pool)
    .await
    .expect("deleted");
    let (_, second) = tutoring.get(&format!("sessions?status=completed&cursor={cursor}")).await;
    assert_eq!(second["count"], first["count"]);
    let (_, found) = tutoring.get("sessions?q=topic+3999").await;
    assert_eq!(found["count"], 15, "{found}");
    let (_, found) = tutoring.get("sessions?q=family577+topic").await;
    assert_eq!(found["count"], 100, "{}", found["count"]);
}

/// Enough for the words of topics to be found by index too.
async fn insert_many_lessons(tutoring: &Tutoring) {
    sqlx::raw_sql(
        "INSERT INTO public.users (first_name, father_name) SELECT 'First' || i, 'Family' || i FROM generate_series(1, 600) AS i;
         INSERT INTO public.student_profiles (user_id) SELECT id FROM public.users WHERE first_name LIKE 'First%';
         INSERT INTO public.enrolled_students (tutor_id, student_id)
         SELECT (SELECT min(id) FROM public.tutor_profiles) + id % 2, id FROM public.student_profiles OFFSET 2;
         ALTER TABLE public.sessions DISABLE TRIGGER USER;
         INSERT INTO public.sessions (course_enrollment_id, topics, session_date, start_time, end_time, session_mode, status,
                                      is_featured, is_recurring)
         SELECT 1 + i % 600, json_build_array('Topic ' || i % 4000, CASE WHEN i % 900 < 140 THEN 'Old-fashioned' ELSE 'New' END), date '2024-01-01' + i % 900,
                time '08:00' + make_interval(mins => 15 * (i % 40)), time '19:00',
                (ARRAY['online', 'in-person', 'hybrid'])[1 + i % 3], CASE WHEN i % 500 = 0 THEN 'missed' ELSE 'completed' END,
                i % 1000 = 0, i % 700 = 0
         FROM generate_series(1, 60000) AS i;
         ALTER TABLE public.sessions ENABLE TRIGGER USER;
         ANALYZE",
    )
    .execute(&tutoring.db.pool)
    .await
    .expect("lessons");
}

/// Compares searches with scans of the table. `Old` are the last lessons in the order of the list.
async fn expect_what_a_scan_finds(tutoring: &Tutoring) {
    for (words, more, condition) in [
        ("topic", "", "true"),
        ("old", "", "has_old"),
        ("OLD-fashioned topic", "", "has_old"),
        ("old", "&status=missed", "has_old AND s.status = 'missed'"),
        ("old", "&sort=session_date,start_time", "has_old"),
        ("old", "&sort=-student_name", "has_old"),
        ("old 3999", "", "has_old AND topics::text LIKE '%3999%'"),
        ("family577 - old", "", "has_old AND father_name = 'Family577'"),
        ("first", "", "first_name LIKE 'First%'"),
        (
            "first57 new",
            "&session_mode=hybrid",
            "NOT has_old AND session_mode = 'hybrid' AND first_name LIKE 'First57%'",
        ),
        ("-", "", "false"),
        ("\\u0041", "", "false"),
        ("n'", "", "NOT has_old"),
    ] {
        let order = match more.strip_prefix("&sort=") {
            Some("session_date,start_time") => "session_date, start_time, s.id",
            Some(_) => "first_name || ' ' || father_name DESC, s.id DESC",
            None => "session_date DESC, start_time DESC, s.id DESC",
        };
        let sql = format!(
            "SELECT s.id::bigint FROM public.sessions AS s
                 CROSS JOIN LATERAL (SELECT topics::text LIKE '%Old%') AS topics_of (has_old)
                 JOIN public.enrolled_students AS e ON e.id = course_enrollment_id
                 JOIN public.student_profiles AS p ON p.id = student_id JOIN public.users AS u ON u.id = user_id
             WHERE {condition} ORDER BY {order}"
        );
        let scanned: Vec<i64> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&tutoring.db.pool).await.expect(words);
        let (mut found, mut cursor) = (Vec::new(), String::new());
        for _ in 0..2 {
            let text = words.replace(' ', "+").replace('\\', "%5C").replace('\'', "%27");
            let (status, page) = tutoring.get(&format!("sessions?limit=40&q={text}{more}{cursor}")).await;
            let (count, all) = (page["count"].as_f64().expect("a number"), scanned.len() as f64);
            // More than 20,000 are not counted.
            let is_estimate = all > 20_000.0;
            assert_eq!((status, page["count_is_estimate"] == true), (200, is_estimate), "{words}{more}: {count}");
            assert!((count - all).abs() <= if is_estimate { all / 2.0 } else { 0.0 }, "{words}{more}: {count}");
            found.extend(
                page["results"].as_array().expect("a list").iter().map(|one| one["id"].as_i64().expect("an id")),
            );
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, scanned[..scanned.len().min(80)], "{words}{more}");
    }
}

/// Returns the milliseconds that a plan says.
fn milliseconds(plan: &[String], of: &[&str]) -> f64 {
    let times = plan.iter().filter(|line| of.iter().any(|name| line.starts_with(name)));
    times.filter_map(|line| line.split(": ").nth(1)?.trim_end_matches(" ms").parse::<f64>().ok()).sum()
}

#[tokio::test]
#[ignore = "takes minutes: `make long`"]
async fn long_pages_of_a_million_lessons_are_found_by_index() {
    let db = TestDb::new().await;
    let lessons = include_str!("../../../bench/src/lessons.sql").replace("{lessons}", "1000000");
    sqlx::raw_sql(sqlx::AssertSqlSafe(lessons)).execute(&db.pool).await.expect("lessons");
    let mut connection = db.pool.acquire().await.expect("a connection");
    for query in [
        "limit=50",
        "status=missed",
        "date_from=2024-01-01&date_to=2024-02-28",
        "tutor_id=77",
        "student_id=77",
        "course_enrollment_id=77",
        "session_mode=hybrid",
        "is_featured=true",
        "is_recurring=true",
        "q=4321",
        "q=fractions",
        "q=family777",
        "q=zzzz",
        "q=topic",
        "q=first1",
        "q=fractions&status=completed",
    ] {
        let (mut times, mut counts) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            let plan = explain_page(&mut connection, query).await.expect("a plan");
            assert!(!plan.iter().any(|line| line.contains("Seq Scan on sessions")), "{query}:\n{}", plan.join("\n"));
            times.push(milliseconds(&plan, &["Execution Time: ", "Words Time: "]));
            counts.push(milliseconds(&plan, &["Count Time: "]));
        }
        times.sort_by(f64::total_cmp);
        counts.sort_by(f64::total_cmp);
        println!("{query}: {:.2} ms, the count {:.2} ms", times[times.len() / 2], counts[counts.len() / 2]);
    }
}
