//! Every table is listed, created, changed, noticed when another user was faster, and deleted.

use lectern::identity::Role;

use super::{Archive, contents, send, with};
use crate::web::visitor::{Browser, message, text, to, version};

/// A table, what its form takes, and one change.
struct Table {
    path: &'static str,
    /// What is typed for a new row. `{name}` is the id of the first row of a table in the provider's database.
    new: &'static [(&'static str, &'static str)],
    /// The field that is changed, and two other values.
    field: &'static str,
    changes: [&'static str; 2],
    /// What the pages of the new row show.
    shown: &'static [&'static str],
    /// What the form says if it is sent empty.
    refused: &'static str,
}

const FILL: &str = "Fill in this field.";
const CHOOSE: &str = "Choose one.";

const TABLES: [Table; 21] = [
    Table {
        path: "/reference/subjects",
        new: &[("code", "CS9"), ("description", "Made-up statistics"), ("active", "true")],
        field: "description",
        changes: ["Statistics", "More statistics"],
        shown: &["CS9", "Made-up statistics"],
        refused: FILL,
    },
    Table {
        path: "/reference/exam-sessions",
        new: &[("session_code", "2027-09"), ("start_date", "2027-09-01"), ("end_date", "2027-09-20")],
        field: "end_date",
        changes: ["2027-09-21", "2027-09-22"],
        shown: &["2027-09", "1 Sep 2027", "20 Sep 2027"],
        refused: FILL,
    },
    Table {
        path: "/reference/exam-session-subjects",
        new: &[("exam_session_id", "{other_exam}"), ("subject_id", "{subject}"), ("is_active", "true")],
        field: "is_active",
        changes: ["", "true"],
        shown: &["CM2 in 2028-04"],
        refused: CHOOSE,
    },
    Table {
        path: "/reference/products",
        new: &[("fullname", "Tutorial - Derby"), ("shortname", "Derby"), ("group_ids", "{group}")],
        field: "shortname",
        changes: ["Derby East", "Derby West"],
        shown: &["Tutorial - Derby", "Material"],
        refused: FILL,
    },
    Table {
        path: "/reference/variations",
        new: &[("variation_type", "Printed"), ("name", "Spiral bound"), ("code", "SPI")],
        field: "name",
        changes: ["Bound", "Hard cover"],
        shown: &["Spiral bound", "Printed"],
        refused: CHOOSE,
    },
    Table {
        path: "/reference/product-variations",
        new: &[("product_id", "{product}"), ("product_variation_id", "{variation}")],
        field: "recommended_id",
        changes: ["{pair}", ""],
        shown: &["Tutorial - London, Notes"],
        refused: CHOOSE,
    },
    Table {
        path: "/reference/store-products",
        new: &[
            ("exam_session_id", "{exam}"),
            ("subject_id", "{subject}"),
            ("product_id", "{product}"),
            ("variation_id", "{variation}"),
            ("is_active", "true"),
        ],
        field: "product_code",
        changes: ["CM2/A", "CM2/B"],
        shown: &["CM2/", "Tutorial - London, Notes"],
        refused: CHOOSE,
    },
    Table {
        path: "/reference/prices",
        new: &[("product_id", "{sold}"), ("price_type", "retaker"), ("amount", "610.5"), ("currency", "gbp")],
        field: "amount",
        changes: ["620.00", "630.00"],
        shown: &["610.50", "GBP", "CM2/TLONCM2_f2f_2/2026-04, retaker"],
        refused: CHOOSE,
    },
    Table {
        path: "/reference/bundle-templates",
        new: &[
            ("bundle_name", "Everything"),
            ("subject_id", "{subject}"),
            ("components-1-product_product_variation_id", "{pair}"),
            ("components-1-default_price_type", "standard"),
            ("components-1-quantity", "2"),
            ("components-1-sort_order", "5"),
        ],
        field: "components-0-quantity",
        changes: ["3", "4"],
        shown: &["Everything, CM2", "Tutorial - London, CM2_f2f_2", "standard"],
        refused: FILL,
    },
    Table {
        path: "/reference/bundles",
        new: &[
            ("bundle_template_id", "{template_of_bundle}"),
            ("exam_session_subject_id", "{taught}"),
            ("override_name", "All of it"),
            ("components-0-product_id", "{sold}"),
            ("components-0-default_price_type", "standard"),
            ("components-0-quantity", "1"),
            ("components-0-sort_order", "0"),
        ],
        field: "override_name",
        changes: ["Nearly all", "All in all"],
        shown: &["All of it, 2026-04", "CM2/TLONCM2_f2f_2/2026-04"],
        refused: CHOOSE,
    },
    Table {
        path: "/reference/groups",
        new: &[("name", "Notes in print"), ("parent_id", "{group}"), ("filter_keys", "categories")],
        field: "display_order",
        changes: ["3", "4"],
        shown: &["Notes in print", "Material"],
        refused: FILL,
    },
    Table {
        path: "/reference/course-templates",
        new: &[("code", "CS9_LO_1"), ("title", "CS9 in one day"), ("is_active", "true")],
        field: "title",
        changes: ["One day", "A day"],
        shown: &["CS9_LO_1", "CS9 in one day", "Created"],
        refused: FILL,
    },
    Table {
        path: "/reference/locations",
        new: &[("name", "Derby"), ("code", "DBY"), ("is_active", "true")],
        field: "code",
        changes: ["DER", "DE"],
        shown: &["Derby", "DBY", "Created"],
        refused: FILL,
    },
    Table {
        path: "/reference/venues",
        new: &[("name", "Mill Room"), ("location_id", "{location}")],
        field: "description",
        changes: ["First floor", "Second floor"],
        shown: &["Mill Room", "London"],
        refused: FILL,
    },
    Table {
        path: "/reference/staff",
        new: &[("first_name", "Ivo"), ("last_name", "Marsh"), ("email", "ivo@example.org")],
        field: "last_name",
        changes: ["Marshall", "Marshman"],
        shown: &["Ivo Marsh", "ivo@example.org"],
        refused: "give a name, or “Account”",
    },
    Table {
        path: "/reference/instructors",
        new: &[("first_name", "Una"), ("last_name", "Wold"), ("is_active", "true")],
        field: "last_name",
        changes: ["Wolds", "Woldman"],
        shown: &["Una Wold"],
        refused: "give a name, or “Staff”",
    },
    Table {
        path: "/people/tutors",
        new: &[("first_name", "Ola"), ("father_name", "Reed"), ("email", "ola@example.org"), ("is_active", "true")],
        field: "phone",
        changes: ["+44 1", "+44 2"],
        shown: &["Ola Reed", "ola@example.org"],
        refused: "“Account”",
    },
    Table {
        path: "/people/students",
        new: &[("first_name", "Pia"), ("father_name", "Reed"), ("is_active", "true")],
        field: "username",
        changes: ["pia", "pia2"],
        shown: &["Pia Reed"],
        refused: "“Account”",
    },
    Table {
        path: "/people/parents",
        new: &[("first_name", "Rex"), ("father_name", "Reed"), ("children_ids", "{student}"), ("is_active", "true")],
        field: "phone",
        changes: ["+44 3", "+44 4"],
        shown: &["Rex Reed", "Ben"],
        refused: "“Account”",
    },
    Table {
        path: "/people/enrolments",
        new: &[("tutor_id", "{tutor}"), ("student_id", "{student}"), ("package_id", "77"), ("status", "active")],
        field: "status",
        changes: ["suspended", "alumni"],
        shown: &["77", "active", "Ben"],
        refused: CHOOSE,
    },
    Table {
        path: "/people/holidays",
        new: &[("date", "2027-12-27"), ("name", "Office closed")],
        field: "name",
        changes: ["Closed", "Still closed"],
        shown: &["Office closed", "27 Dec 2027"],
        refused: FILL,
    },
];

#[tokio::test]
async fn every_table_is_listed_created_changed_and_deleted() {
    let archive = Archive::open().await;
    let ann = Browser::sign_in(&archive.db, &archive.site, "ann", Role::Operator).await;
    let bob = Browser::sign_in(&archive.db, &archive.site, "bob", Role::Operator).await;
    for table in &TABLES {
        let path = table.path;
        let refused = ann.submit(path, &[]).await;
        assert!([400, 422].contains(&refused.status().as_u16()), "{path}: {}", refused.status());
        let refused = text(refused).await;
        assert!(refused.contains(table.refused) && refused.contains("Nothing is saved yet"), "{path}: {refused}");
        let empty = contents(&ann.page(&format!("{path}/new")).await);
        let mut new = empty.clone();
        for (name, value) in table.new {
            new = with(&new, name, &archive.typed(value));
        }
        let created = send(&ann, path, &new).await;
        assert_eq!(created.status(), 303, "{path}: {}", text(created).await);
        let created = to(&created).to_owned();
        let (shown, listed) = (ann.page(&created).await, ann.page(path).await);
        for expected in table.shown {
            assert!(shown.contains(&expected.replace('\'', "&#39;")), "{created}: {expected}: {shown}");
        }
        assert!(listed.contains(&format!("href=\"{created}\"")), "{path}: {listed}");
        for raw in ["_id\"", "null", "{&#34;"] {
            assert!(!shown.split("<main").nth(1).expect("a page").contains(&format!(">{raw}")), "{created}: {raw}");
        }
        change_twice(&archive, (&ann, &bob), table, &created).await;
        let question = ann.page(&format!("{created}/delete")).await;
        let stale = ann.submit(&format!("{created}/delete"), &[("version", "another")]).await;
        assert_eq!(stale.status(), 409, "{created}");
        let deleted = ann.submit(&format!("{created}/delete"), &[("version", &version(&question))]).await;
        assert_eq!(deleted.status(), 303, "{created}: {}", text(deleted).await);
        assert!(message(&deleted).contains("is deleted"));
        assert_eq!(ann.get(&created).await.status(), 404, "{created}");
    }
}

/// Two users change one row: the second one learns of it, loses nothing that was typed, and can save again.
async fn change_twice(archive: &Archive, (ann, bob): (&Browser, &Browser), table: &Table, path: &str) {
    let [first, second] = table.changes.map(|value| archive.typed(value));
    let opened = contents(&ann.page(&format!("{path}/edit")).await);
    let same = send(ann, path, &opened).await;
    assert_eq!(same.status(), 303, "{path}: {}", text(same).await);
    let faster = send(bob, path, &with(&opened, table.field, &first)).await;
    assert_eq!(faster.status(), 303, "{path}: {}", text(faster).await);
    let late = send(ann, path, &with(&opened, table.field, &second)).await;
    assert_eq!(late.status(), 409, "{path}");
    let late = text(late).await;
    assert!(late.contains("Another user has changed this"), "{path}");
    let typed = contents(&late);
    let value_of = |fields: &[(String, String)]| {
        fields.iter().find(|(name, _)| name == table.field).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(value_of(&typed), second, "{path}: what was typed stays");
    let saved = send(ann, path, &typed).await;
    assert_eq!(saved.status(), 303, "{path}: {}", text(saved).await);
    assert_eq!(value_of(&contents(&ann.page(&format!("{path}/edit")).await)), second, "{path}");
    let history = ann.page(path).await;
    let history = history.split("id=\"history\"").nth(1).expect("a history");
    if !["staff", "instructors"].iter().any(|table| path.contains(table)) && !path.contains("/people/") {
        assert!(history.contains("ann") && history.contains("added"), "{path}: {history}");
    }
}

#[tokio::test]
async fn reader_sees_no_buttons_and_no_addresses() {
    let archive = Archive::open().await;
    let rita = Browser::sign_in(&archive.db, &archive.site, "rita", Role::Reader).await;
    for table in &TABLES {
        let listed = rita.page(table.path).await;
        assert!(!listed.contains("New ") && !listed.contains("@example.org"), "{}: {listed}", table.path);
        for refused in ["/new", "/1/edit", "/1/delete"] {
            assert_eq!(rita.get(&format!("{}{refused}", table.path)).await.status(), 403, "{}{refused}", table.path);
        }
        assert_eq!(rita.submit(table.path, &[]).await.status(), 403, "{}", table.path);
    }
    for page in ["/reference", "/people"] {
        let shown = rita.page(page).await;
        for table in TABLES.iter().filter(|table| table.path.starts_with(page)) {
            assert!(shown.contains(&format!("href=\"{}\"", table.path)), "{page}: {}", table.path);
        }
    }
    for missing in ["/reference/rooms", "/reference/subjects/99", "/reference/subjects/x", "/people/tutors/0"] {
        assert_eq!(rita.get(missing).await.status(), 404, "{missing}");
    }
}
