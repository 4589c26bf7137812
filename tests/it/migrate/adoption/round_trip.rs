//! There and back: the same rows, the same objects under the same names.

use serde_json::{Value, json};

use super::{NAMINGS, PLACEMENTS, STATES, difference, in_parallel, migrate, samples};
use crate::fixtures::legacy::{Contents, Legacy, State, fingerprint};
use crate::fixtures::test_db::TestDb;

/// Adopts a living database, twice, and gives it back, once in each order.
async fn adopt_and_give_back(legacy: &Legacy, arguments: &[&str], orders: &[[&str; 2]]) {
    let living = legacy.build().await;
    let pool = &living.db.pool;
    let (contents, before) = (Contents::read(pool).await, fingerprint(pool).await);
    let (exit, plan, messages) = migrate(&living, &["plan"]);
    assert_eq!(exit, Some(0), "{legacy:?}\n{messages}\n{plan:#}");
    assert_eq!(difference(&before, &fingerprint(pool).await), "", "a plan changes nothing");
    let apply = || {
        let (exit, applied, messages) = migrate(&living, arguments);
        assert_eq!((exit, &applied["pending"]), (Some(0), &json!(0)), "{legacy:?}\n{messages}\n{applied:#}");
        applied
    };
    assert_eq!(apply()["receipt"]["ok"], true, "{legacy:?}");
    let (exit, verified, messages) = migrate(&living, &["verify"]);
    assert_eq!(exit, Some(0), "{legacy:?}\n{messages}\n{verified:#}");
    assert_eq!(other_shape(pool).await, "", "{legacy:?}");
    let changed = contents.differences(&contents.read_again(pool).await);
    // The roles of custom fields, an array on 4 February, are JSON now.
    let is_converted = |table: &&str| legacy.state == State::February4 && table.contains("custom");
    assert_eq!(changed.into_iter().filter(|table| !is_converted(table)).collect::<Vec<_>>(), [""; 0], "{legacy:?}");
    let adopted = fingerprint(pool).await;
    assert_eq!(apply()["receipt"], Value::Null, "{legacy:?}: nothing is left to do");
    assert_eq!(difference(&adopted, &fingerprint(pool).await), "", "{legacy:?}: applied twice");
    for order in orders {
        for name in order {
            let (exit, undone, messages) = migrate(&living, &["undo", name]);
            assert_eq!(exit, Some(0), "{legacy:?}\n{messages}\n{undone:#}");
        }
        let changed = without_what_lectern_made(&before, &fingerprint(pool).await);
        assert!(changed.is_empty(), "{legacy:?} {order:?}\n{changed}");
        assert_eq!(contents.differences(&contents.read_again(pool).await), [""; 0], "{legacy:?} {order:?}");
        apply();
        let changed = difference(&adopted, &fingerprint(pool).await);
        assert!(changed.is_empty(), "{legacy:?} {order:?} applied again:\n{changed}");
    }
}

/// Returns the difference without the tables and triggers of versioned SQL, which no undo takes away.
pub(in crate::migrate) fn without_what_lectern_made(before: &[String], after: &[String]) -> String {
    let relation = |line: &String| Some(line.strip_prefix("relation ")?.split(' ').next()?.to_owned());
    let old: Vec<String> = before.iter().filter_map(relation).collect();
    let new: Vec<String> = after.iter().filter_map(relation).filter(|name| !old.contains(name)).collect();
    let is_new_table = |line: &String| line.split(' ').any(|word| new.iter().any(|name| name == word));
    let is_trigger = |line: &String| line.starts_with("trigger CREATE TRIGGER lectern_");
    let rest: Vec<String> = after.iter().filter(|line| !is_new_table(line) && !is_trigger(line)).cloned().collect();
    difference(before, &rest)
}

/// Returns what an adopted database lacks of a fresh one, and the names in it that tell of former places.
pub async fn other_shape(pool: &sqlx::PgPool) -> String {
    let fresh = TestDb::new().await;
    let expected = lectern::migrate::shape(&fresh.pool).await.expect("a shape");
    let found = lectern::migrate::shape(pool).await.expect("a shape");
    let tables = |shape: &Value| shape["catalog"]["tables"].as_array().expect("tables").clone();
    let found = tables(&found);
    let mut lacking = Vec::new();
    for expected in tables(&expected) {
        let place = format!("{}.{}", expected["schema"], expected["name"]);
        let is_same = |found: &&Value| found["schema"] == expected["schema"] && found["name"] == expected["name"];
        let Some(found) = found.iter().find(is_same) else {
            lacking.push(place);
            continue;
        };
        for (kind, fields) in [
            ("constraints", &["kind", "columns", "target", "is_valid", "definition"][..]),
            ("indexes", &["is_unique", "is_valid", "definition"]),
            ("sequences", &["schema", "column"]),
            ("columns", &["is_optional", "default"]),
        ] {
            for object in parts(&expected, kind) {
                let same = parts(found, kind).find(|found| found["name"] == object["name"]).unwrap_or_default();
                let may_differ = |field: &str| field == "is_optional" && object["not_null"] == true;
                let differs = |field: &&&str| value(&same, field) != value(&object, field) && !may_differ(field);
                for field in fields.iter().filter(differs) {
                    let (is, should) = (value(&same, field), value(&object, field));
                    lacking.push(format!("{place} {kind} {}: {field} is {is}, not {should}", object["name"]));
                }
            }
        }
        let names = ["constraints", "indexes", "sequences"].into_iter().flat_map(|kind| parts(found, kind));
        let names = names.map(|part| part["name"].as_str().expect("a name").to_owned());
        let is_former = |name: &String| name.contains("adm.") || name.contains("administrate_");
        lacking.extend(names.filter(is_former).map(|name| format!("{place}: {name}")));
    }
    lacking.join("\n")
}

fn parts<'a>(table: &'a Value, kind: &'a str) -> impl Iterator<Item = Value> + 'a {
    table[kind].as_array().into_iter().flatten().cloned()
}

/// Returns what must be equal. Foreign keys of Django stay deferred, and a key may come from a plain sequence.
fn value(part: &Value, field: &str) -> Value {
    let is_key =
        part["is_identity"] == true || part["default"].as_str().is_some_and(|text| text.starts_with("nextval("));
    match field {
        "default" if is_key => Value::Null,
        "is_optional" => (part["not_null"] == false || part["default"].is_string() || is_key).into(),
        "definition" => {
            part[field].as_str().unwrap_or_default().trim_end_matches(" DEFERRABLE INITIALLY DEFERRED").into()
        }
        field => part[field].clone(),
    }
}

const ORDERS: [[&str; 2]; 2] = [["adm-schema", "adopt"], ["adopt", "adm-schema"]];

#[tokio::test(flavor = "multi_thread")]
async fn living_database_is_adopted_and_given_back() {
    in_parallel(samples().into_iter().enumerate().collect(), async |(at, legacy)| {
        let arguments = [&[][..], &["--compat-views"]][at % 2];
        // The second time, columns get back the values that the undo has archived.
        let orders = if legacy.state == State::February6 { &ORDERS[..] } else { &ORDERS[at / 2 % 2..][..1] };
        adopt_and_give_back(&legacy, arguments, orders).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long"]
async fn long_every_state_placement_and_naming_is_adopted_and_given_back() {
    let mut all = Vec::new();
    for state in STATES {
        for placement in PLACEMENTS {
            all.extend(NAMINGS.map(|naming| Legacy::new(state, placement, naming)));
        }
    }
    in_parallel(all.into_iter().enumerate().collect(), async |(at, legacy)| {
        let legacy = Legacy { customfields: at % 2 == 0, ..legacy };
        adopt_and_give_back(&legacy, [&[][..], &["--compat-views"]][at / 2 % 2], &ORDERS).await;
    });
}
