//! How people see the tables of the catalogue.

use crate::catalogue::resources::{
    BUNDLE_TEMPLATES, BUNDLES, EXAM_SESSION_SUBJECTS, EXAM_SESSIONS, GROUPS, PRICES, PRODUCT_VARIATIONS, PRODUCTS,
    STORE_PRODUCTS, SUBJECTS, VARIATIONS,
};
use crate::resources::pages::{PageField, RecordLink, TablePage};

/// The tables of the catalogue.
pub static TABLES: [&TablePage; 11] = [
    &SUBJECT_PAGE,
    &EXAM_SESSION_PAGE,
    &TAUGHT_PAGE,
    &PRODUCT_PAGE,
    &VARIATION_PAGE,
    &PRODUCT_VARIATION_PAGE,
    &STORE_PRODUCT_PAGE,
    &PRICE_PAGE,
    &BUNDLE_TEMPLATE_PAGE,
    &BUNDLE_PAGE,
    &GROUP_PAGE,
];

/// The upload of many rows at once.
const UPLOAD: &[RecordLink] = &[RecordLink { label: "Upload a workbook", path: "/reference/workbook" }];

const fn field(name: &'static str, label: &'static str, hint: &'static str) -> PageField {
    PageField::new(name, label, hint)
}

const TAUGHT: PageField =
    field("exam_session_subject_id", "Subject in an exam session", "What is taught and when its exam is");
const PAIR: PageField = field("product_product_variation_id", "Product variation", "The product in one of its forms");
const ORDER: PageField = field("display_order", "Place", "Rows with a lower number come first");

static SUBJECT_PAGE: TablePage = TablePage {
    resource: &SUBJECTS,
    path: "/reference/subjects",
    title: "Subjects",
    about: "What is taught. Every product that is on sale belongs to one.",
    columns: &["code", "description", "active", "created_at"],
    filters: &["active"],
    fields: &[
        field("code", "Code", "At most 10 characters, such as CM2"),
        field("description", "Name", ""),
        field("created_at", "Created", ""),
        field("updated_at", "Changed", ""),
    ],
    hidden: &["name"],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static EXAM_SESSION_PAGE: TablePage = TablePage {
    resource: &EXAM_SESSIONS,
    path: "/reference/exam-sessions",
    title: "Exam sessions",
    about: "The periods of exams. What one sells can be copied to the next.",
    columns: &["session_code", "start_date", "end_date", "create_date"],
    fields: &[
        field("session_code", "Code", "Year and month, such as 2026-04"),
        field("start_date", "First day", ""),
        field("end_date", "Last day", ""),
        field("create_date", "Created", ""),
        field("modified_date", "Changed", ""),
    ],
    list_links: UPLOAD,
    row_links: &[RecordLink { label: "Copy from another one…", path: "/reference/exam-sessions/{id}/copy" }],
    ..TablePage::BASE
};

static TAUGHT_PAGE: TablePage = TablePage {
    resource: &EXAM_SESSION_SUBJECTS,
    path: "/reference/exam-session-subjects",
    title: "Subjects of exam sessions",
    about: "Which subjects can be examined in which exam session.",
    columns: &["*", "exam_session_id", "subject_id", "is_active"],
    filters: &["exam_session_id", "subject_id", "is_active"],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static PRODUCT_PAGE: TablePage = TablePage {
    resource: &PRODUCTS,
    path: "/reference/products",
    title: "Products",
    about: "What is offered, whatever the subject and the exam session. The short name of a tutorial is its location.",
    columns: &["fullname", "shortname", "code", "is_active", "group_ids"],
    filters: &["is_active", "buy_both"],
    fields: &[
        field("fullname", "Full name", ""),
        field("shortname", "Short name", "Of a tutorial, its location"),
        field("code", "Code", "At most 10 characters"),
        field("is_active", "On sale", ""),
        field("buy_both", "Variations are sold together", ""),
        field("group_ids", "Groups", ""),
    ],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static VARIATION_PAGE: TablePage = TablePage {
    resource: &VARIATIONS,
    path: "/reference/variations",
    title: "Variations",
    about: "The forms of products: print, eBook, tutorial and others.",
    columns: &["name", "variation_type", "code", "description_short"],
    filters: &["variation_type"],
    fields: &[
        field("variation_type", "Type", ""),
        field("description_short", "Short description", ""),
        field("code", "Code", "Of a tutorial, the code of its course template"),
    ],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static PRODUCT_VARIATION_PAGE: TablePage = TablePage {
    resource: &PRODUCT_VARIATIONS,
    path: "/reference/product-variations",
    title: "Product variations and recommendations",
    about: "Which products exist in which forms, and what is recommended with each.",
    columns: &["*", "product_id", "product_variation_id", "recommended_id"],
    filters: &["product_id", "product_variation_id"],
    fields: &[field("product_variation_id", "Variation", ""), field("recommended_id", "Recommended with it", "")],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static STORE_PRODUCT_PAGE: TablePage = TablePage {
    resource: &STORE_PRODUCTS,
    path: "/reference/store-products",
    title: "Store products",
    about: "What is on sale: a product variation for a subject in an exam session.",
    columns: &["product_code", "exam_session_subject_id", "product_product_variation_id", "is_active"],
    filters: &["exam_session_subject_id", "product_product_variation_id", "is_active"],
    fields: &[
        TAUGHT,
        PAIR,
        field("product_code", "Code", "Empty: it is made from subject, product, variation and exam session"),
        field("is_active", "On sale", ""),
    ],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static PRICE_PAGE: TablePage = TablePage {
    resource: &PRICES,
    path: "/reference/prices",
    title: "Prices",
    about: "The prices of store products by type.",
    columns: &["*", "product_id", "price_type", "amount", "currency"],
    filters: &["product_id", "price_type"],
    fields: &[
        field("product_id", "Store product", ""),
        field("price_type", "Type", ""),
        field("amount", "Amount", "Such as 610.00"),
        field("currency", "Currency", "Such as GBP"),
    ],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static BUNDLE_TEMPLATE_PAGE: TablePage = TablePage {
    resource: &BUNDLE_TEMPLATES,
    path: "/reference/bundle-templates",
    title: "Bundle templates",
    about: "Product variations that are sold together, whatever the exam session.",
    columns: &["bundle_name", "subject_id", "is_featured", "is_active", "display_order"],
    filters: &["subject_id", "is_active", "is_featured"],
    fields: &[
        field("bundle_name", "Name", ""),
        field("bundle_description", "Description", ""),
        ORDER,
        field("components", "Products in it", "Empty the product to take a row out."),
        PAIR,
        field("default_price_type", "Price", ""),
        field("sort_order", "Place", ""),
    ],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static BUNDLE_PAGE: TablePage = TablePage {
    resource: &BUNDLES,
    path: "/reference/bundles",
    title: "Bundles",
    about: "Bundle templates that are on sale in an exam session.",
    columns: &["name", "exam_session_subject_id", "is_active", "display_order"],
    filters: &["bundle_template_id", "exam_session_subject_id", "is_active"],
    fields: &[
        TAUGHT,
        field("override_name", "Other name", "Empty: the name of the template"),
        field("override_description", "Other description", "Empty: the description of the template"),
        field("is_active", "On sale", ""),
        ORDER,
        field("components", "Products in it", "Empty the store product to take a row out."),
        field("product_id", "Store product", ""),
        field("default_price_type", "Price", ""),
        field("sort_order", "Place", ""),
    ],
    list_links: UPLOAD,
    ..TablePage::BASE
};

static GROUP_PAGE: TablePage = TablePage {
    resource: &GROUPS,
    path: "/reference/groups",
    title: "Groups",
    about: "The tree of groups by which customers find products, and the filters that list them.",
    columns: &["name", "code", "parent_id", "is_active", "display_order", "filter_keys"],
    filters: &["parent_id", "is_active"],
    fields: &[
        field("parent_id", "Below", "The group that contains it"),
        ORDER,
        field("product_ids", "Products", ""),
        field("filter_keys", "Filters", "The filters of the search that list the group"),
    ],
    list_links: UPLOAD,
    ..TablePage::BASE
};
