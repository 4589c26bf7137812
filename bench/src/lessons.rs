//! Lessons: the days of series compared with python-dateutil, and pages of a million lessons.

use std::collections::BTreeSet;
use std::time::Instant;

use jiff::civil::Date;
use lectern::lessons::api::explain_page;
use lectern::lessons::recurrence::{LessonFrequency, LessonPattern, LessonSeries};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Result;
use crate::figure::{Figure, Samples};
use crate::program::run;
use crate::stage::Stage;

const DATABASE: &str = "lessons";
const SERIES: &str = "5000";
const LESSONS: u32 = 1_000_000;

/// Pages, the condition of each, and the most seconds that the database may take.
const PAGES: [(&str, &str, f64); 12] = [
    ("no filter", "limit=50", 0.005),
    ("status", "status=missed", 0.005),
    ("date range", "date_from=2024-01-01&date_to=2024-02-28", 0.005),
    ("tutor", "tutor_id=77", 0.005),
    ("student", "student_id=77", 0.005),
    ("enrolment", "course_enrollment_id=77", 0.005),
    ("mode", "session_mode=hybrid", 0.005),
    ("featured", "is_featured=true", 0.005),
    ("recurring", "is_recurring=true", 0.005),
    ("q, a rare word", "q=4321", 0.05),
    ("q, a frequent word", "q=fractions", 0.05),
    ("q, a name", "q=family777", 0.05),
];

pub async fn measure(stage: &Stage, runs: usize) -> Result<Vec<Figure>> {
    let mut figures = vec![expansion(stage, runs).await?];
    figures.extend(pages(stage, runs).await?);
    Ok(figures)
}

fn oracle() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/it/fixtures/recurrence/oracle.py").to_owned()
}

async fn expansion(stage: &Stage, runs: usize) -> Result<Figure> {
    let python = stage.python().to_owned();
    let script = oracle();
    let made = Command::new(&python).args([&script, "make", "7", SERIES]).output().await?;
    let file = stage.write("series.jsonl", &made.stdout)?;
    let lines: Vec<Value> =
        String::from_utf8(made.stdout)?.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    let all: Vec<(LessonSeries, Date)> = lines.iter().map(series).collect::<Result<_>>()?;
    let (mut lectern, mut peer) = (Samples::default(), Samples::default());
    for _ in 0..runs {
        let started = Instant::now();
        let mut days = 0;
        for (series, to) in &all {
            let found = series.occurrences(series.first, *to, &BTreeSet::new(), usize::MAX);
            days += found.map_err(|_| "too many lessons")?.len();
        }
        lectern.push(started.elapsed().as_secs_f64());
        let measured = Command::new(&python).args([&script, "time", &file.to_string_lossy()]).output().await?;
        let measured: Value = serde_json::from_slice(&measured.stdout)?;
        if measured["lessons"] != days {
            return Err(format!("{days} lessons, but the peer has {}", measured["lessons"]).into());
        }
        peer.push(measured["seconds"].as_f64().ok_or("no time")?);
    }
    let what = format!("the lessons of {SERIES} series");
    Ok(Figure::faster(&what, &lectern, ("python-dateutil", &peer), 200.0))
}

fn series(line: &Value) -> Result<(LessonSeries, Date)> {
    let day = |value: &Value| value.as_str().and_then(|text| text.parse::<Date>().ok());
    let pattern = json!({ "days": line["days"], "months": line["months"], "specific_dates": line["dates"] });
    let frequency = line["frequency"].as_str().and_then(LessonFrequency::of).ok_or("a frequency")?;
    let first = day(&line["first"]).ok_or("a day")?;
    let mut series = LessonSeries::new(first, frequency, LessonPattern::stored(&pattern));
    series.until = day(&line["until"]);
    series.count = line["count"].as_u64().and_then(|count| u32::try_from(count).ok());
    series.exceptions = line["exceptions"].as_array().into_iter().flatten().filter_map(day).collect();
    Ok((series, day(&line["to"]).ok_or("a day")?))
}

/// Measures pages by the time that PostgreSQL says, with that of the words of a search.
async fn pages(stage: &Stage, runs: usize) -> Result<Vec<Figure>> {
    stage.create_empty(DATABASE).await?;
    run(stage.program(DATABASE, None, &["migrate"])).await?;
    let pool = stage.connect(DATABASE).await?;
    let sql = include_str!("lessons.sql").replace("{lessons}", &LESSONS.to_string());
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await?;
    let mut figures = Vec::new();
    let mut db = pool.acquire().await?;
    for (name, query, limit) in PAGES {
        let mut samples = Samples::default();
        // The first one fills caches.
        for turn in 0..=runs.max(5) {
            let plan = explain_page(&mut db, query).await.map_err(|problem| format!("{query}: {problem:?}"))?;
            let times =
                plan.iter().filter(|line| line.contains("Execution Time: ") || line.starts_with("Words Time: "));
            let seconds: f64 = times
                .filter_map(|line| line.split(": ").nth(1)?.trim_end_matches(" ms").parse::<f64>().ok())
                .sum::<f64>()
                / 1000.0;
            if turn > 0 {
                samples.push(seconds);
            }
            if plan.iter().any(|line| line.contains("Seq Scan on sessions")) {
                return Err(format!("{query}: {}", plan.join("\n")).into());
            }
        }
        figures.push(Figure::within(&format!("page of {LESSONS} lessons: {name}"), &samples, limit));
    }
    drop(db);
    pool.close().await;
    stage.drop(DATABASE).await?;
    Ok(figures)
}
