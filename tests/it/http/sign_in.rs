//! Signing in: logins of Lectern, existing accounts, sessions and their end, lock-out, links, and the page.

use std::io::Write;
use std::process::Stdio;

use lectern::config::Config;
use lectern::identity::logins::{self, Rights};
use lectern::identity::passwords::Password;
use lectern::identity::{Role, csrf_token};
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::fixtures::site::{Site, problem, token};
use crate::fixtures::test_db::TestDb;

const PASSWORD: &str = "correct horse";

/// Hashes of Django 5.1 and of bcrypt for the password.
const OF_DJANGO: &str = "pbkdf2_sha256$2000$JomaOEkIoURpAxwRwJL8zU$sv44P21K84Kj3hLoIJD5Op08+Z6jGGoEIwXdyYkvz+c=";
const OF_BCRYPT: &str = "$2b$04$iQx.bHBcjQmxWdMtxAfzmud3K7XzUNiVdQF6DTM4ouyW/qUe7BFt2";

/// Returns settings with cheap hashes: what they protect in a test is made up.
fn cheap(db: &TestDb) -> Config {
    let mut config = db.config(&[]);
    (config.login.argon2_memory_kib, config.login.argon2_iterations) = (64, 1);
    config
}

struct SignIns {
    db: TestDb,
    site: Site,
}

impl SignIns {
    async fn new() -> SignIns {
        let db = TestDb::new().await;
        let site = Site::serve_with(&db, &cheap(&db)).await;
        SignIns { db, site }
    }

    async fn add(&self, name: &str, role: Role) {
        let rights = Rights { role, subject_id: role.has_subject().then_some(1) };
        let config = cheap(&self.db);
        logins::add(&self.db.pool, name, rights, Password::typed(PASSWORD), &config.login).await.expect("added");
    }

    async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.db.pool).await.expect(sql);
    }

    async fn post(&self, name: &str, password: &str) -> Response {
        let body = json!({ "name": name, "password": password });
        self.site.request("POST", "/api/login").json(&body).send().await.expect("a response")
    }

    /// Signs in; returns the secret in the cookie and the document.
    async fn sign_in(&self, name: &str) -> (String, Value) {
        let response = self.post(name, PASSWORD).await;
        assert_eq!(response.status(), 200, "{name}");
        let secret = secret_of(&response);
        (secret, response.json().await.expect("JSON"))
    }

    fn with_cookie(&self, secret: &str, method: &str, path: &str) -> RequestBuilder {
        self.site.request(method, path).header(COOKIE, format!("theme=dark; lectern_session={secret}"))
    }

    /// Returns the status of `GET /api/me` with a session.
    async fn me(&self, secret: &str) -> u16 {
        self.with_cookie(secret, "GET", "/api/me").send().await.expect("a response").status().as_u16()
    }
}

fn cookie_of(response: &Response) -> String {
    response.headers()[SET_COOKIE].to_str().expect("text").to_owned()
}

fn secret_of(response: &Response) -> String {
    let cookie = cookie_of(response);
    let (secret, _) =
        cookie.strip_prefix("lectern_session=").expect("the session").split_once(';').expect("attributes");
    secret.to_owned()
}

#[tokio::test]
async fn login_gets_a_session_that_does_what_its_role_may() {
    let sign_ins = SignIns::new().await;
    sign_ins.add("Ann Page", Role::Operator).await;
    let response = sign_ins.post(" ann  PAGE ", PASSWORD).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["cache-control"]),
        (200, &"no-store".parse().expect("a value"))
    );
    let cookie = cookie_of(&response);
    for attribute in ["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=1209600"] {
        assert!(cookie.split("; ").any(|known| known == attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "on loopback: {cookie}");
    let secret = secret_of(&response);
    let document: Value = response.json().await.expect("JSON");
    assert_eq!(document, json!({ "role": "operator", "subject_id": null, "csrf_token": csrf_token(&secret) }));

    let me = sign_ins.with_cookie(&secret, "GET", "/api/me").send().await.expect("a response");
    let me: Value = me.json().await.expect("JSON");
    assert_eq!((&me["name"], &me["role"]), (&json!("Ann Page"), &json!("operator")));
    assert_eq!(me["csrf_token"], document["csrf_token"]);

    let create = || {
        let body = json!({ "name": "London" });
        sign_ins.with_cookie(&secret, "POST", "/api/tutorials/locations/").json(&body)
    };
    let (status, forged) = problem(create().send().await.expect("a response")).await;
    assert_eq!(status, 403, "{forged}");
    let forged = create().header("X-CSRFToken", csrf_token("another")).send().await.expect("a response");
    assert_eq!(forged.status(), 403);
    let created = create().header("X-CSRFToken", csrf_token(&secret)).send().await.expect("a response");
    assert_eq!(created.status(), 201);
    let actor: String =
        sqlx::query_scalar("SELECT actor FROM lectern.history WHERE table_name = 'acted.tutorial_locations'")
            .fetch_one(&sign_ins.db.pool)
            .await
            .expect("the history");
    assert_eq!(actor, "Ann Page");

    let out = sign_ins.with_cookie(&secret, "POST", "/api/logout").header("X-CSRFToken", csrf_token(&secret));
    let out = out.send().await.expect("a response");
    assert_eq!((out.status().as_u16(), cookie_of(&out).contains("Max-Age=0")), (204, true));
    assert_eq!(sign_ins.me(&secret).await, 401);
}

#[tokio::test]
async fn token_is_no_session() {
    let sign_ins = SignIns::new().await;
    let secret = token(&sign_ins.db, Role::Reader).await;
    let me = sign_ins.site.request("GET", "/api/me").bearer_auth(&secret).send().await.expect("a response");
    let me: Value = me.json().await.expect("JSON");
    assert_eq!(me, json!({ "name": "a test", "role": "reader", "subject_id": null, "csrf_token": null }));
    let out = sign_ins.site.request("POST", "/api/logout").bearer_auth(&secret).send().await.expect("a response");
    assert_eq!(problem(out).await.0, 409);
    assert_eq!(problem(sign_ins.site.request("GET", "/api/me").send().await.expect("a response")).await.0, 401);
}

#[tokio::test]
async fn wrong_name_and_wrong_password_have_the_same_refusal() {
    let sign_ins = SignIns::new().await;
    sign_ins.add("ann", Role::Admin).await;
    let (status, wrong_password) = problem(sign_ins.post("ann", "wrong horse").await).await;
    let (_, wrong_name) = problem(sign_ins.post("nobody", PASSWORD).await).await;
    assert_eq!((status, &wrong_password), (401, &wrong_name));
    for (name, password) in [("ann", ""), ("", PASSWORD), ("", ""), ("ann", "x".repeat(100_000).as_str())] {
        assert_eq!(problem(sign_ins.post(name, password).await).await.0, 401, "{name}");
    }
}

#[tokio::test]
async fn session_ends_when_it_is_idle_or_old_or_the_login_changes() {
    let sign_ins = SignIns::new().await;
    sign_ins.add("ann", Role::Operator).await;
    let config = cheap(&sign_ins.db);
    for ending in [
        "UPDATE lectern.tokens SET idle_until = now() WHERE login_id IS NOT NULL",
        "UPDATE lectern.tokens SET expires_at = now() WHERE login_id IS NOT NULL",
        "UPDATE lectern.logins SET disabled_at = now()",
    ] {
        let (secret, _) = sign_ins.sign_in("ann").await;
        assert_eq!(sign_ins.me(&secret).await, 200);
        sign_ins.execute(ending).await;
        assert_eq!(sign_ins.me(&secret).await, 401, "{ending}");
    }
    assert_eq!(problem(sign_ins.post("ann", PASSWORD).await).await.0, 403, "disabled");
    logins::set_password(&sign_ins.db.pool, "ann", Password::typed("another horse"), &config.login).await.expect("set");
    assert_eq!(sign_ins.post("ann", PASSWORD).await.status(), 401);
    assert_eq!(sign_ins.post("ann", "another horse").await.status(), 200);

    sign_ins.add("bob", Role::Operator).await;
    let (secret, _) = sign_ins.sign_in("bob").await;
    logins::set_password(&sign_ins.db.pool, "bob", Password::typed(PASSWORD), &config.login).await.expect("set");
    assert_eq!(sign_ins.me(&secret).await, 401, "the same password, set again");
    let (secret, _) = sign_ins.sign_in("bob").await;
    logins::grant(&sign_ins.db.pool, "bob", Rights { role: Role::Reader, subject_id: None }).await.expect("granted");
    let me = sign_ins.with_cookie(&secret, "GET", "/api/me").send().await.expect("a response");
    assert_eq!(me.json::<Value>().await.expect("JSON")["role"], "reader", "at once");
}

#[tokio::test]
async fn use_of_a_session_keeps_it_alive() {
    let sign_ins = SignIns::new().await;
    sign_ins.add("ann", Role::Reader).await;
    let (secret, _) = sign_ins.sign_in("ann").await;
    sign_ins
        .execute(
            "UPDATE lectern.tokens SET last_used_at = now() - interval '11 hours', idle_until = now() + interval '1 hour'
             WHERE login_id IS NOT NULL",
        )
        .await;
    assert_eq!(sign_ins.me(&secret).await, 200);
    let hours: f64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM idle_until - now())::float8 / 3600 FROM lectern.tokens WHERE login_id IS NOT NULL",
    )
    .fetch_one(&sign_ins.db.pool)
    .await
    .expect("the session");
    assert!(hours > 11.9, "{hours}");
}

#[tokio::test]
async fn existing_accounts_sign_in_with_their_own_passwords() {
    let sign_ins = SignIns::new().await;
    sign_ins
        .execute(&format!(
            "ALTER TABLE public.users ADD COLUMN password_hash text;
             INSERT INTO public.auth_user (username, email, password, is_superuser, is_staff, is_active) VALUES
                 ('root', 'root@provider.example', '{OF_DJANGO}', true, true, true),
                 ('staff', 'staff@provider.example', '{OF_DJANGO}', false, true, true),
                 ('left', 'left@provider.example', '{OF_DJANGO}', true, true, false),
                 ('unusable', 'unusable@provider.example', '!x', true, true, true),
                 ('twin1', 'twin@provider.example', '{OF_DJANGO}', true, true, true),
                 ('twin2', 'Twin@provider.example', '{OF_DJANGO}', true, true, true);
             INSERT INTO public.users (first_name, email, password_hash) VALUES
                 ('Tom', 'tom@provider.example', '{OF_BCRYPT}'), ('Ada', 'ada@provider.example', NULL);"
        ))
        .await;
    for name in ["root", "ROOT@provider.example"] {
        assert_eq!(sign_ins.sign_in(name).await.1["role"], "admin", "{name}");
    }
    for (name, status) in [
        ("staff", 403),
        ("tom@provider.example", 403),
        ("left", 401),
        ("unusable", 401),
        ("twin@provider.example", 401),
        ("ada@provider.example", 401),
        ("tom", 401),
    ] {
        assert_eq!(problem(sign_ins.post(name, PASSWORD).await).await.0, status, "{name}");
    }
    let pool = &sign_ins.db.pool;
    logins::grant(pool, "staff@provider.example", Rights { role: Role::Operator, subject_id: None })
        .await
        .expect("granted");
    logins::grant(pool, "tom@provider.example", Rights { role: Role::Tutor, subject_id: Some(7) })
        .await
        .expect("granted");
    assert_eq!(sign_ins.sign_in("staff").await.1["role"], "operator");
    let (secret, tom) = sign_ins.sign_in("tom@provider.example").await;
    assert_eq!((&tom["role"], &tom["subject_id"]), (&json!("tutor"), &json!(7)));
    sign_ins.execute("UPDATE public.users SET password_hash = password_hash || ' '").await;
    assert_eq!(sign_ins.me(&secret).await, 401, "its password has changed elsewhere");
    let (secret, _) = sign_ins.sign_in("root").await;
    sign_ins.execute("UPDATE public.auth_user SET is_superuser = false WHERE username = 'root'").await;
    assert_eq!(sign_ins.me(&secret).await, 401, "no longer a superuser");
    let stored: String = sqlx::query_scalar("SELECT password FROM public.auth_user WHERE username = 'root'")
        .fetch_one(pool)
        .await
        .expect("the account");
    assert_eq!(stored, OF_DJANGO, "never rewritten");
}

#[tokio::test]
async fn too_many_attempts_lock_the_name_and_the_address() {
    let sign_ins = SignIns::new().await;
    for name in ["ann", "bob"] {
        sign_ins.add(name, Role::Reader).await;
    }
    // At once: none of them passes because another has not ended yet.
    let wrong = (0..30).map(|_| async { sign_ins.post("Ann", "wrong horse").await.status().as_u16() });
    let statuses = futures_util::future::join_all(wrong).await;
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
    let locked = sign_ins.post("ann", PASSWORD).await;
    let wait: u64 = locked.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=900).contains(&wait), "{wait}");
    assert_eq!(problem(locked).await.0, 429, "also with the right password");
    sign_ins.sign_in("bob").await;
    sign_ins.execute("UPDATE lectern.login_attempts SET at = at - interval '15 minutes'").await;
    sign_ins.sign_in("ann").await;
    for n in 0..50 {
        assert_eq!(sign_ins.post(&format!("guess {n}"), PASSWORD).await.status(), 401, "{n}");
    }
    assert_eq!(sign_ins.post("bob", PASSWORD).await.status(), 429);
}

#[tokio::test]
async fn behind_a_proxy_the_cookie_is_for_https_only() {
    let sign_ins = SignIns::new().await;
    sign_ins.add("ann", Role::Reader).await;
    let body = json!({ "name": "ann", "password": PASSWORD });
    let request = sign_ins.site.request("POST", "/api/login").json(&body).header("X-Forwarded-For", "203.0.113.9");
    let response = request.send().await.expect("a response");
    assert!(cookie_of(&response).contains("; Secure"), "{}", cookie_of(&response));
}

#[tokio::test]
async fn page_signs_in_and_out() {
    let sign_ins = SignIns::new().await;
    sign_ins.add("ann", Role::Reader).await;
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let url = |path: &str| format!("http://{}{path}", sign_ins.site.address);
    let page = browser.get(url("/login?next=/outbox%3Fstate%3Dfailed")).send().await.expect("a response");
    assert_eq!(page.status(), 200);
    assert!(page.text().await.expect("text").contains("value=\"/outbox?state=failed\""));
    let post = |form: Vec<(&'static str, &'static str)>| browser.post(url("/login")).form(&form);

    let wrong = post(vec![("name", "a<b"), ("password", "wrong horse")]).send().await.expect("a response");
    assert_eq!(wrong.status(), 401);
    let text = wrong.text().await.expect("text");
    assert!(text.contains("the name or the password is wrong") && text.contains("value=\"a&#60;b\""), "{text}");
    assert!(!text.contains("wrong horse"));

    let form = vec![("name", "ann"), ("password", PASSWORD), ("next", "//evil.example")];
    let foreign = post(form.clone()).header("Origin", "https://evil.example").send().await.expect("a response");
    assert_eq!(foreign.status(), 403);
    let signed_in = post(form).send().await.expect("a response");
    assert_eq!((signed_in.status().as_u16(), &signed_in.headers()["location"]), (303, &"/".parse().expect("a value")));
    let secret = secret_of(&signed_in);
    assert_eq!(sign_ins.me(&secret).await, 200);

    let out = |csrf_token: String| sign_ins.with_cookie(&secret, "POST", "/logout").form(&[("csrf_token", csrf_token)]);
    assert_eq!(out("forged".into()).send().await.expect("a response").status(), 403);
    out(csrf_token(&secret)).send().await.expect("a response");
    assert_eq!(sign_ins.me(&secret).await, 401);
}

#[tokio::test]
async fn link_signs_in_once() {
    let sign_ins = SignIns::new().await;
    sign_ins.add("ann", Role::Admin).await;
    let logins = logins::list(&sign_ins.db.pool).await.expect("a list");
    let link = logins::create_link(&sign_ins.db.pool, logins[0].id).await.expect("a link");
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let follow = || browser.get(format!("http://{}/login/{}", sign_ins.site.address, link.reveal())).send();
    let response = follow().await.expect("a response");
    assert_eq!(response.status(), 303);
    assert_eq!(sign_ins.me(&secret_of(&response)).await, 200);
    let again = follow().await.expect("a response");
    assert_eq!((again.status().as_u16(), again.headers().contains_key(SET_COOKIE)), (410, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn command_adds_lists_changes_and_disables_logins() {
    let sign_ins = SignIns::new().await;
    let run = async |arguments: &[&str], stdin: &str| {
        let mut command = sign_ins.db.program(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let stdin = stdin.to_owned();
        let run = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().expect("starts");
            // The command may have refused its arguments and ended.
            let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
            child.wait_with_output().expect("ends")
        });
        let output = run.await.expect("ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let add = ["user", "add", "ann", "--role", "operator", "--password-stdin"];
    let (code, _, stderr) = run(&add, "correct horse\n").await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains(PASSWORD));
    assert_eq!(sign_ins.sign_in("ann").await.1["role"], "operator");
    for (arguments, stdin, expected) in [
        (&add[..], "correct horse", "a login is called \"ann\" already"),
        (&["user", "add", "bob", "--role", "operator", "--password-stdin"], "short", "at least 8 characters"),
        (&["user", "add", "bob", "--role", "tutor", "--password-stdin"], "correct horse", "--subject"),
        (&["user", "add", "bob", "--role", "reader"], "", "--password-stdin"),
        (&["user", "grant", "bob", "--role", "reader"], "", "no login or account \"bob\""),
        (&["user", "disable", "bob"], "", "no login or account \"bob\""),
        (&["user", "password", "bob", "--password-stdin"], "correct horse", "no login or account \"bob\""),
    ] {
        let (code, _, stderr) = run(arguments, stdin).await;
        assert!(code == Some(2) && stderr.contains(expected), "{arguments:?}: {code:?} {stderr}");
    }
    assert_eq!(run(&["user", "grant", "Ann", "--role", "reader"], "").await.0, Some(0));
    assert_eq!(sign_ins.sign_in("ann").await.1["role"], "reader");
    assert_eq!(run(&["user", "password", "ann", "--password-stdin"], "another horse\r\n").await.0, Some(0));
    assert_eq!(sign_ins.post("ann", "another horse").await.status(), 200);
    assert_eq!(run(&["user", "disable", "ann"], "").await.0, Some(0));
    assert_eq!(sign_ins.post("ann", "another horse").await.status(), 403);
    let (code, stdout, _) = run(&["user", "list", "--json"], "").await;
    let document: Value = serde_json::from_str(&stdout).expect("JSON");
    let ann = &document["users"][0];
    assert_eq!((code, &ann["name"], &ann["role"]), (Some(0), &json!("ann"), &json!("reader")));
    assert!(ann["disabled_at"].is_string() && !stdout.contains("argon2"), "{stdout}");
    let (_, tokens, _) = run(&["token", "list", "--json"], "").await;
    assert_eq!(tokens.trim(), "{\n  \"tokens\": []\n}", "sessions are no tokens of programs");
}
