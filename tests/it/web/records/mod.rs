//! The pages of records: tables, the copy of an exam session, audit, settings and migrations.

mod administration;
mod every_table;
mod lists;

use super::visitor::Browser;
use crate::fixtures::provider::Provider;
use crate::fixtures::site::Site;
use crate::fixtures::test_db::TestDb;

/// A provider with one row of everything that forms refer to.
pub struct Archive {
    pub db: TestDb,
    pub site: Site,
    ids: Vec<(&'static str, i64)>,
}

impl Archive {
    pub async fn open() -> Archive {
        let db = TestDb::new().await;
        let provider = Provider::insert(&db).await;
        let more = "
            INSERT INTO acted.catalog_exam_sessions (session_code, start_date, end_date)
            VALUES ('2028-04', '2028-04-01', '2028-04-30');
            INSERT INTO acted.catalog_product_variations (variation_type, name, code) VALUES ('Printed', 'Notes', 'NOT');
            INSERT INTO acted.filter_groups (name) VALUES ('Material');
            INSERT INTO acted.catalog_product_bundles (bundle_name, subject_id)
            SELECT 'Complete', id FROM acted.catalog_subjects";
        sqlx::raw_sql(more).execute(&db.pool).await.expect("more rows");
        let site = Site::serve(&db).await;
        crate::web::lessons::enrolment(&db, &site).await;
        let mut ids = vec![("sold", provider.product), ("location", provider.location)];
        for (name, sql) in [
            ("subject", "SELECT min(id) FROM acted.catalog_subjects"),
            ("exam", "SELECT id FROM acted.catalog_exam_sessions WHERE session_code = '2026-04'"),
            ("other_exam", "SELECT id FROM acted.catalog_exam_sessions WHERE session_code = '2028-04'"),
            ("taught", "SELECT min(id) FROM acted.catalog_exam_session_subjects"),
            ("product", "SELECT min(id) FROM acted.catalog_products"),
            ("variation", "SELECT id FROM acted.catalog_product_variations WHERE name = 'Notes'"),
            ("pair", "SELECT min(id) FROM acted.catalog_product_product_variations"),
            ("template_of_bundle", "SELECT min(id) FROM acted.catalog_product_bundles"),
            ("group", "SELECT min(id) FROM acted.filter_groups"),
            ("student", "SELECT min(id) FROM public.student_profiles"),
            ("tutor", "SELECT min(id) FROM public.tutor_profiles"),
        ] {
            let sql = sqlx::AssertSqlSafe(format!("SELECT ({sql})::bigint"));
            let id: i64 =
                sqlx::query_scalar::<_, Option<i64>>(sql).fetch_one(&db.pool).await.expect("read").expect(name);
            ids.push((name, id));
        }
        Archive { db, site, ids }
    }

    /// Puts the ids into what is typed.
    pub fn typed(&self, text: &str) -> String {
        let id = |name: &str| self.ids.iter().find(|(known, _)| *known == name).map(|(_, id)| id.to_string());
        let name = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        name.map_or_else(|| text.to_owned(), |name| id(name).expect("a known row"))
    }
}

/// Returns what a form contains, as a browser sends it.
pub fn contents(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
        rest.split('"').next().map(unescaped)
    };
    let form =
        page.split("<form method=\"post\"").filter(|part| part.contains("name=\"version\"")).last().expect("a form");
    let form = form.split("</form>").next().expect("a form");
    for part in form.split('<').skip(1) {
        let (tag, content) = part.split_once('>').expect("a tag");
        let is_box = tag.contains("type=\"checkbox\"") && !tag.ends_with(" checked") && !tag.contains(" checked ");
        match tag.split(' ').next() {
            Some("input") if !is_box => {
                if let (Some(name), Some(value)) = (attribute(tag, "name"), attribute(tag, "value")) {
                    found.push((name, value));
                }
            }
            Some("textarea") => {
                found.push((attribute(tag, "name").expect("a name"), unescaped(content.trim_start_matches('\n'))))
            }
            Some("select") => found.push((attribute(tag, "name").expect("a name"), String::new())),
            Some("option") if tag.ends_with(" selected") => {
                found.last_mut().expect("a select").1 = attribute(tag, "value").expect("a value");
            }
            _ => {}
        }
    }
    found.retain(|(name, _)| name != "csrf_token");
    found
}

pub fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

pub async fn send(browser: &Browser, path: &str, fields: &[(String, String)]) -> reqwest::Response {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(path, &fields).await
}

/// Returns the fields with another value of one of them; "" takes it out.
pub fn with(fields: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = fields.iter().filter(|(known, _)| known != name).cloned().collect();
    if !value.is_empty() {
        fields.push((name.to_owned(), value.to_owned()));
    }
    fields
}
