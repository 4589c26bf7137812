//! `lectern catalogue template`, `import` and `undo`, and the products that users choose.

mod first_steps;
mod hostile;
mod mappings;
mod mistakes;
mod references;
mod round_trip;
mod undo;

use serde_json::{Value, json};

use crate::fixtures::test_db::TestDb;
use crate::fixtures::workbook::{SheetTexts, write};

/// Runs the program and returns exit code, standard output and standard error.
fn run(db: &TestDb, arguments: &[&str]) -> (i32, String, String) {
    let output = db.program(arguments).output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// Runs the program with `--json` and returns exit code and document.
fn run_json(db: &TestDb, arguments: &[&str]) -> (i32, Value) {
    let (exit, stdout, stderr) = run(db, &[arguments, &["--json"]].concat());
    let document = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {stderr}"));
    (exit, document)
}

/// Imports a workbook of these sheets.
fn import(db: &TestDb, sheets: &[SheetTexts<'_>]) -> (i32, Value) {
    write(&db.folder().join("catalogue.xlsx"), sheets);
    run_json(db, &["catalogue", "import", "catalogue.xlsx"])
}

/// Returns created, updated, unchanged and rejected rows.
fn counts(document: &Value) -> [i64; 4] {
    ["created", "updated", "unchanged", "rejected"].map(|name| document["counts"][name].as_i64().expect("a count"))
}

/// Returns place and code of each problem.
fn problems(document: &Value) -> Vec<(String, &str)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |problem: &'_ Value| format!("{}!{}", text(&problem["sheet"]), text(&problem["cell"]));
    let all = document["problems"].as_array().expect("a list").iter();
    all.map(|problem| (of(problem), problem["code"].as_str().expect("a code"))).collect()
}

/// Returns the changes of each changed row: its name, then `[field, old, new]`.
fn changes(document: &Value) -> Value {
    let changed = document["plan"].as_array().expect("a plan").iter();
    let of = |row: &Value| {
        let changes = row["changes"].as_array().expect("a list").iter();
        let changes: Vec<Value> =
            changes.map(|change| json!([change["field"], change["old"], change["new"]])).collect();
        json!({ "row": row["name"], "changes": changes })
    };
    changed.filter(|row| row["outcome"] == "updated").map(of).collect()
}

/// Returns every row that an import can write, as text: without times and without ids of sequences.
async fn content(db: &TestDb) -> String {
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
        "acted.bundles",
        "acted.bundle_products",
        "acted.filter_groups",
        "acted.filter_product_product_groups",
        "acted.filter_configuration_groups",
        "acted.tutorial_locations",
        "acted.tutorial_venues",
        "acted.tutorial_instructors",
        "acted.staff",
        "public.auth_user",
        "acted.tutorial_course_templates",
    ];
    let mut all = String::new();
    for table in tables {
        let sql = format!(
            "SELECT coalesce(string_agg((to_jsonb(t) - ARRAY['created_at', 'updated_at', 'create_date', 'modified_date'])::text,
                                        E'\\n' ORDER BY to_jsonb(t)->>'id'), '') FROM {table} AS t"
        );
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&db.pool).await.expect(table);
        all.push_str(&format!("{table}\n{rows}\n"));
    }
    all
}
