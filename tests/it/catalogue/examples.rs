//! A document of each resource.

use serde_json::{Value, json};

use super::Catalogue;

/// A resource with a document that can be created.
pub struct Example {
    pub path: &'static str,
    /// The fields of its documents.
    pub fields: &'static [&'static str],
    pub required: Vec<&'static str>,
    /// Fields that null clears.
    pub nullable: Vec<&'static str>,
    pub body: Value,
    /// Changes that make another document, which can be stored beside the first.
    pub other: Value,
    /// Whether a second equal document is refused.
    pub is_unique: bool,
    pub table: &'static str,
}

impl Example {
    pub fn other_body(&self) -> Value {
        let mut body = self.body.clone();
        for (name, value) in self.other.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    }
}

/// Records that examples refer to.
struct Seed {
    exam_session: i64,
    subject: i64,
    sitting: i64,
    product: i64,
    variation: i64,
    other_variation: i64,
    pair: i64,
    store_product: i64,
    template: i64,
    group: i64,
    other_subject: i64,
}

async fn seed(catalogue: &Catalogue) -> Seed {
    let exam_session = exam_session(catalogue, "2026-04").await;
    let subject = catalogue.create("subjects", json!({ "code": "CM2" })).await;
    let other_subject = catalogue.create("subjects", json!({ "code": "SP1" })).await;
    let link = json!({ "exam_session_id": exam_session, "subject_id": subject });
    let sitting = catalogue.create("exam-session-subjects", link).await;
    let product = json!({ "fullname": "Course Notes", "shortname": "Notes", "code": "C" });
    let product = catalogue.create("products", product).await;
    let variation =
        catalogue.create("variations", json!({ "variation_type": "Printed", "name": "Printed", "code": "P" })).await;
    let other_variation =
        catalogue.create("variations", json!({ "variation_type": "eBook", "name": "eBook", "code": "E" })).await;
    let pair = json!({ "product_id": product, "product_variation_id": variation });
    let pair = catalogue.create("product-variations", pair).await;
    let sold = json!({ "exam_session_subject_id": sitting, "product_product_variation_id": pair });
    let store_product = catalogue.create("store-products", sold).await;
    let template = json!({ "bundle_name": "Everything", "subject_id": subject });
    let template = catalogue.create("bundle-templates", template).await;
    let group = catalogue.create("groups", json!({ "name": "Material", "code": "MATERIAL" })).await;
    Seed {
        exam_session,
        subject,
        sitting,
        product,
        variation,
        other_variation,
        pair,
        store_product,
        template,
        group,
        other_subject,
    }
}

/// Creates an exam session and returns its id.
pub async fn exam_session(catalogue: &Catalogue, code: &str) -> i64 {
    let body = json!({ "session_code": code, "start_date": "2026-04-01", "end_date": "2026-04-30" });
    catalogue.create("exam-sessions", body).await
}

/// Returns an example of every resource, after the records that they refer to were created.
pub async fn examples(catalogue: &Catalogue) -> Vec<Example> {
    let seed = seed(catalogue).await;
    [subjects(), exam_sessions(), sittings(&seed), products(&seed), variations(), product_variations(&seed)]
        .into_iter()
        .chain([store_products(&seed), prices(&seed), bundle_templates(&seed), bundles(&seed), groups(&seed)])
        .collect()
}

fn subjects() -> Example {
    Example {
        path: "subjects",
        fields: &["id", "code", "description", "active", "name", "created_at", "updated_at"],
        required: vec!["code"],
        nullable: vec!["description"],
        body: json!({ "code": "CB1", "description": "Business Finance", "active": false }),
        other: json!({ "code": "CB2" }),
        is_unique: true,
        table: "acted.catalog_subjects",
    }
}

fn exam_sessions() -> Example {
    Example {
        path: "exam-sessions",
        fields: &["id", "session_code", "start_date", "end_date", "create_date", "modified_date"],
        required: vec!["session_code", "start_date", "end_date"],
        nullable: vec![],
        body: json!({ "session_code": "2026-09", "start_date": "2026-09-01T09:00:00+01:00", "end_date": "2026-09-30" }),
        other: json!({ "session_code": "2027-04" }),
        is_unique: false,
        table: "acted.catalog_exam_sessions",
    }
}

fn sittings(seed: &Seed) -> Example {
    Example {
        path: "exam-session-subjects",
        fields: &["id", "exam_session_id", "subject_id", "is_active"],
        required: vec!["exam_session_id", "subject_id"],
        nullable: vec![],
        body: json!({ "exam_session_id": seed.exam_session, "subject_id": seed.other_subject }),
        other: json!({}),
        is_unique: true,
        table: "acted.catalog_exam_session_subjects",
    }
}

fn products(seed: &Seed) -> Example {
    Example {
        path: "products",
        fields: &["id", "fullname", "shortname", "description", "code", "is_active", "buy_both", "group_ids"],
        required: vec!["fullname", "shortname"],
        nullable: vec!["description"],
        body: json!({ "fullname": "Mock Exam", "shortname": "Mock", "code": "M", "description": "One\nexam",
                      "buy_both": true, "group_ids": [seed.group] }),
        other: json!({ "fullname": "Vault" }),
        is_unique: false,
        table: "acted.catalog_products",
    }
}

fn variations() -> Example {
    Example {
        path: "variations",
        fields: &["id", "variation_type", "name", "description", "description_short", "code"],
        required: vec!["variation_type", "name"],
        nullable: vec!["description", "description_short", "code"],
        body: json!({ "variation_type": "tutorial", "name": "Three days", "description": "a",
                      "description_short": "b", "code": "CM2_f2f_3" }),
        other: json!({ "name": "Two days", "code": "CM2_f2f_2" }),
        is_unique: true,
        table: "acted.catalog_product_variations",
    }
}

fn product_variations(seed: &Seed) -> Example {
    Example {
        path: "product-variations",
        fields: &["id", "product_id", "product_variation_id", "recommended_id"],
        required: vec!["product_id", "product_variation_id"],
        nullable: vec!["recommended_id"],
        body: json!({ "product_id": seed.product, "product_variation_id": seed.other_variation,
                      "recommended_id": seed.pair }),
        other: json!({}),
        is_unique: true,
        table: "acted.catalog_product_product_variations",
    }
}

fn store_products(seed: &Seed) -> Example {
    Example {
        path: "store-products",
        fields: &["id", "exam_session_subject_id", "product_product_variation_id", "product_code", "is_active"],
        required: vec!["exam_session_subject_id", "product_product_variation_id"],
        nullable: vec![],
        body: json!({ "exam_session_id": seed.exam_session, "subject_id": seed.other_subject,
                      "product_id": seed.product, "variation_id": seed.variation }),
        other: json!({ "subject_id": seed.subject, "variation_id": seed.other_variation }),
        is_unique: true,
        table: "acted.products",
    }
}

fn prices(seed: &Seed) -> Example {
    Example {
        path: "prices",
        fields: &["id", "product_id", "price_type", "amount", "currency"],
        required: vec!["product_id", "amount"],
        nullable: vec![],
        body: json!({ "product_id": seed.store_product, "amount": 610, "currency": "eur" }),
        other: json!({ "price_type": "retaker" }),
        is_unique: true,
        table: "acted.prices",
    }
}

fn bundle_templates(seed: &Seed) -> Example {
    Example {
        path: "bundle-templates",
        fields: &[
            "id",
            "bundle_name",
            "subject_id",
            "bundle_description",
            "is_featured",
            "is_active",
            "display_order",
            "components",
        ],
        required: vec!["bundle_name", "subject_id"],
        nullable: vec!["bundle_description"],
        body: json!({ "bundle_name": "Materials", "subject_id": seed.subject, "bundle_description": "All of it",
                      "components": [{ "product_product_variation_id": seed.pair, "quantity": 2 }] }),
        other: json!({ "bundle_name": "Notes" }),
        is_unique: true,
        table: "acted.catalog_product_bundles",
    }
}

fn bundles(seed: &Seed) -> Example {
    Example {
        path: "bundles",
        fields: &[
            "id",
            "bundle_template_id",
            "exam_session_subject_id",
            "override_name",
            "override_description",
            "is_active",
            "display_order",
            "name",
            "components",
        ],
        required: vec!["bundle_template_id", "exam_session_subject_id"],
        nullable: vec!["override_name", "override_description"],
        body: json!({ "bundle_template_id": seed.template, "exam_session_subject_id": seed.sitting,
                      "override_name": "All", "override_description": "a",
                      "components": [{ "product_id": seed.store_product, "default_price_type": "reduced" }] }),
        other: json!({}),
        is_unique: true,
        table: "acted.bundles",
    }
}

fn groups(seed: &Seed) -> Example {
    Example {
        path: "groups",
        fields: &[
            "id",
            "name",
            "code",
            "parent_id",
            "description",
            "is_active",
            "display_order",
            "product_ids",
            "filter_keys",
        ],
        required: vec!["name"],
        nullable: vec!["code", "parent_id"],
        body: json!({ "name": "Notes", "code": "NOTES", "parent_id": seed.group, "product_ids": [seed.product],
                      "filter_keys": ["product_types"] }),
        other: json!({ "code": "OTHER" }),
        is_unique: true,
        table: "acted.filter_groups",
    }
}
