//! A browser without scripts.

use lectern::identity::logins::{self, Rights};
use lectern::identity::passwords::Password;
use lectern::identity::{Role, csrf_token};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, redirect};

use crate::fixtures::browser::login_link;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

/// A browser without scripts: it has a login session and sends forms.
pub struct Browser {
    pub client: Client,
    pub address: String,
    pub secret: String,
}

impl Browser {
    pub async fn sign_in(db: &TestDb, site: &Site, name: &str, role: Role) -> Browser {
        Browser::follow(site, &login_link(db, name, role).await).await
    }

    /// Signs in a person who sees the records of one profile.
    pub async fn sign_in_as(db: &TestDb, site: &Site, name: &str, rights: Rights) -> Browser {
        let mut settings = db.config(&[]).login;
        (settings.argon2_memory_kib, settings.argon2_iterations) = (64, 1);
        let password = Password::typed("correct horse");
        let login = logins::add(&db.pool, name, rights, password, &settings).await.expect("a login");
        let secret = logins::create_link(&db.pool, login).await.expect("a link");
        Browser::follow(site, &format!("/login/{}", secret.reveal())).await
    }

    /// Signs in by a link.
    async fn follow(site: &Site, link: &str) -> Browser {
        let client = Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        let link = format!("http://{}{link}", site.address);
        let response = client.get(link).send().await.expect("an answer");
        let cookie = response.headers()[SET_COOKIE].to_str().expect("text");
        let secret = cookie.split(['=', ';']).nth(1).expect("a secret").to_owned();
        Browser { client, address: site.address.clone(), secret }
    }

    async fn answer(&self, request: RequestBuilder) -> Response {
        let cookie = format!("lectern_session={}", self.secret);
        request.header(COOKIE, cookie).header("accept", "text/html").send().await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> Response {
        self.answer(self.client.get(format!("http://{}{path}", self.address))).await
    }

    /// Returns a page.
    pub async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        text(response).await
    }

    /// Sends a form with the token of this login session, or with another one.
    pub async fn send(&self, path: &str, token: Option<&str>, fields: &[(&str, &str)]) -> Response {
        let own = csrf_token(&self.secret);
        let mut all = vec![("csrf_token", token.unwrap_or(&own))];
        all.extend(fields);
        self.answer(self.client.post(format!("http://{}{path}", self.address)).form(&all)).await
    }

    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.send(path, None, fields).await
    }
}

/// Returns where a form leads to.
pub fn to(response: &Response) -> &str {
    assert_eq!(response.status(), 303);
    response.headers()[LOCATION].to_str().expect("a path")
}

/// Returns the content of a page.
pub async fn text(response: Response) -> String {
    assert!(response.headers()["content-type"].to_str().expect("text").starts_with("text/html"));
    response.text().await.expect("a body")
}

/// Returns the message that the next page shows.
pub fn message(response: &Response) -> String {
    let cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let flash = cookies.filter_map(|cookie| cookie.strip_prefix("lectern_flash=")).next().expect("a message");
    let encoded = flash.split(';').next().unwrap_or_default();
    percent_encoding::percent_decode_str(encoded).decode_utf8().expect("text").into_owned()
}

/// Returns the version of the record that a form shows.
pub fn version(page: &str) -> String {
    let found = page.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    found.expect("a version").to_owned()
}

/// Waits until the run that a form has requested has ended, and returns its page.
pub async fn ended_run(browser: &Browser, response: &Response) -> String {
    let path = to(response).to_owned();
    assert!(path.contains("run="), "{path}: {}", message(response));
    loop {
        let page = browser.page(&path).await;
        if !page.contains("aria-busy") {
            return page;
        }
    }
}
