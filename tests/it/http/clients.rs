//! Programs of others read the description: a linter, generators of clients, a tester of APIs, and a browser.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use lectern::identity::Role;

use crate::fixtures::browser::chromium;
use crate::fixtures::environments::{node, python, run};
use crate::fixtures::provider::Provider;
use crate::fixtures::site::{Site, token};
use crate::fixtures::test_db::TestDb;

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/clients")).join(name)
}

/// A server with a tutorial in London.
async fn served() -> (TestDb, Site, String) {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let site = Site::serve(&db).await;
    let secret = token(&db, Role::Admin).await;
    (db, site, secret)
}

/// Writes the description to a file of the test's folder.
fn write_description(db: &TestDb) -> PathBuf {
    let path = db.folder().join("openapi.json");
    let document = lectern::serve::description::document(&db.config(&[]));
    std::fs::write(&path, document.to_string()).expect("written");
    path
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm: `make long`"]
async fn long_linter_finds_nothing_in_the_description() {
    let db = TestDb::new().await;
    let description = write_description(&db);
    let folder = node("clients-node", &fixture("package.json"));
    let spectral = folder.join("node_modules/.bin/spectral");
    let arguments =
        ["lint", "--fail-severity", "hint", "--ruleset", &text(&fixture("spectral.yaml")), &text(&description)];
    let printed = run(&text(&spectral), &arguments, None);
    assert!(printed.contains("No results"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs npm: `make long`"]
async fn long_client_in_typescript_makes_a_round_trip() {
    let (db, site, secret) = served().await;
    let description = write_description(&db);
    let folder = node("clients-node", &fixture("package.json"));
    let program = |name: &str| text(&folder.join("node_modules/.bin").join(name));
    // Beside the packages, where the compiler finds them.
    let work = folder.join(format!("work-{}", std::process::id()));
    std::fs::create_dir_all(&work).expect("a folder");
    let (types, main) = (work.join("api.d.ts"), work.join("round_trip.ts"));
    std::fs::copy(fixture("round_trip.ts"), &main).expect("copied");
    run(&program("openapi-typescript"), &[&text(&description), "--output", &text(&types)], None);
    std::fs::copy(fixture("tsconfig.json"), work.join("tsconfig.json")).expect("copied");
    std::fs::write(work.join("process.d.ts"), "declare const process: { argv: string[] };\n").expect("written");
    run(&program("tsc"), &["--project", &text(&work)], None);
    let address = format!("http://{}", site.address);
    let arguments = [text(&work.join("round_trip.js")), address, secret];
    let printed = tokio::task::spawn_blocking(move || {
        run("node", &arguments.iter().map(String::as_str).collect::<Vec<_>>(), None)
    });
    let printed = printed.await;
    std::fs::remove_dir_all(&work).expect("removed");
    assert!(printed.expect("it ends").contains("round trip done"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PyPI: `make long`"]
async fn long_client_in_python_makes_a_round_trip() {
    let (db, site, secret) = served().await;
    let description = write_description(&db);
    let programs = python("clients-python", &fixture("requirements.txt"));
    let client = db.folder().join("client");
    let arguments = [
        "generate",
        "--path",
        &text(&description),
        "--output-path",
        &text(&client),
        "--meta",
        "none",
        "--config",
        &text(&fixture("client.yaml")),
        "--overwrite",
    ]
    .map(str::to_owned);
    let generator = text(&programs.join("openapi-python-client"));
    let printed = run(&generator, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), None);
    assert!(!printed.contains("WARNING"), "every operation has a function: {printed}");
    // Without metadata, the output folder is the package itself.
    let packages = db.folder().join("packages");
    std::fs::create_dir_all(&packages).expect("a folder");
    std::fs::rename(&client, packages.join("lectern_client")).expect("moved");
    std::fs::copy(fixture("round_trip.py"), packages.join("round_trip.py")).expect("copied");
    let arguments = [text(&packages.join("round_trip.py")), format!("http://{}", site.address), secret];
    let python = text(&programs.join("python"));
    let printed = tokio::task::spawn_blocking(move || {
        run(&python, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), Some(&packages))
    });
    assert!(printed.await.expect("it ends").contains("round trip done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tester_of_apis_finds_no_server_error_and_no_undocumented_answer() {
    let (db, site, secret) = served().await;
    let programs = python("schemathesis", &fixture("schemathesis.txt"));
    let arguments = [
        "run".to_owned(),
        format!("http://{}/api/openapi.json", site.address),
        "--header".to_owned(),
        format!("Authorization: Bearer {secret}"),
        "--checks".to_owned(),
        "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
         response_schema_conformance"
            .to_owned(),
        // Streams do not end.
        "--exclude-operation-id".to_owned(),
        "followImport".to_owned(),
        "--exclude-operation-id".to_owned(),
        "followChanges".to_owned(),
        "--max-examples".to_owned(),
        "3".to_owned(),
        "--workers".to_owned(),
        "2".to_owned(),
        "--seed".to_owned(),
        "7".to_owned(),
        "--phases".to_owned(),
        "examples,fuzzing".to_owned(),
        "--suppress-health-check".to_owned(),
        "all".to_owned(),
        "--no-color".to_owned(),
    ];
    let (program, folder) = (text(&programs.join("schemathesis")), db.folder().to_owned());
    let printed = tokio::task::spawn_blocking(move || {
        run(&program, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), Some(&folder))
    });
    let printed = printed.await.expect("it ends");
    assert!(printed.contains("Tested: "), "{printed}");
    println!("{printed}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: `make long`"]
async fn long_page_of_another_origin_reads_and_writes_in_a_browser() {
    let db = TestDb::new().await;
    Provider::insert(&db).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let shop = format!("http://{}", listener.local_addr().expect("bound"));
    let html = std::fs::read_to_string(fixture("page.html")).expect("readable");
    let page = Router::new().route("/", get(move || std::future::ready(Html(html.clone()))));
    tokio::spawn(async move { axum::serve(listener, page).await });
    let secret = token(&db, Role::Operator).await;
    let browser = chromium();
    for (origins, expected) in
        [(shop.as_str(), r#"{"popular":1,"found":1,"version":"#), ("https://other.example", "failed: TypeError")]
    {
        let site = Site::serve_with(&db, &db.config(&[("LECTERN_CORS_ORIGINS", origins)])).await;
        let profile = db.folder().join("profile");
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            format!("--user-data-dir={}", profile.display()),
            "--virtual-time-budget=20000".to_owned(),
            "--dump-dom".to_owned(),
            format!("{shop}/?lectern=http://{}&token={secret}", site.address),
        ];
        let program = browser.clone();
        let printed = tokio::task::spawn_blocking(move || {
            run(&program, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), None)
        });
        let printed = printed.await.expect("it ends");
        assert!(printed.contains(expected), "{origins}: {printed}");
        if origins == shop {
            assert!(printed.contains(r#""created":201,"code":"WEB","etag":true"#), "{printed}");
        }
    }
}
