//! The receipt: what was moved, proved, signed.

use serde_json::Value;

use super::migrate;
use crate::fixtures::legacy::{Legacy, LivingDb, Naming, Placement, State};

/// Hashes the rows as the receipt says that it does.
async fn hash_of_levels(living: &LivingDb) -> String {
    let hash = "SELECT sum(hashtextextended(row(id, external_id, name, description, last_synced)::text, 0))::text FROM adm.pricelevels";
    let mut connection = living.db.pool.acquire().await.expect("connected");
    sqlx::raw_sql("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET extra_float_digits = 1")
        .execute(&mut *connection)
        .await
        .expect("set");
    sqlx::query_scalar(hash).fetch_one(&mut *connection).await.expect("a hash")
}

/// Checks the entries of the moved tables: the same table with the same rows, from its former place.
fn check_moved(tables: &[Value]) {
    let moved: Vec<&str> = tables
        .iter()
        .filter(|table| table["step"] == "adm-schema")
        .map(|table| {
            assert_eq!(
                (&table["same_oid"], &table["same_relfilenode"], &table["ok"]),
                (&true.into(), &true.into(), &true.into())
            );
            assert_eq!(table["before"]["hash"], table["after"]["hash"], "{table}");
            assert_eq!((&table["before"]["rows"], &table["after"]["rows"]), (&3.into(), &3.into()), "{table}");
            table["before"]["place"].as_str().expect("a place")
        })
        .collect();
    assert_eq!(moved.len(), 5, "those in adm stay: {moved:?}");
    assert!(moved.contains(&"public.\"adm.course_templates\"") && moved.contains(&"public.custom_fields"), "{moved:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_proves_each_table_and_shows_when_it_was_altered() {
    let living = Legacy::new(State::February12, Placement::Mixed, Naming::Living).build().await;
    let (exit, applied, messages) = migrate(&living, &["apply"]);
    assert_eq!(exit, Some(0), "{messages}");
    let receipt = &applied["receipt"];
    let tables = receipt["tables"].as_array().expect("tables");
    check_moved(tables);
    let hash = hash_of_levels(&living).await;
    let levels = tables
        .iter()
        .find(|table| table["table"] == "pricelevels" && table["step"] == "adm-schema")
        .expect("pricelevels");
    assert_eq!(levels["before"]["hash"], hash);

    let file = living.db.folder().join("receipt.json");
    let verify = |text: &str| {
        std::fs::write(&file, text).expect("written");
        let (exit, document, messages) = migrate(&living, &["verify", "--receipt", file.to_str().expect("text")]);
        (exit, document["ok"].clone(), messages)
    };
    let (whole, alone) = (applied.to_string(), serde_json::to_string_pretty(receipt).expect("text"));
    for genuine in [&whole, &alone] {
        let (exit, ok, messages) = verify(genuine);
        assert_eq!((exit, ok), (Some(0), true.into()), "{messages}");
    }
    let altered = alone.replacen("\"rows\": 3", "\"rows\": 4", 1);
    assert_ne!(altered, alone);
    let (exit, ok, messages) = verify(&altered);
    assert_eq!((exit, ok), (Some(1), false.into()), "{messages}");
    for other in ["{\"a\": 1}", "[]", "no document", ""] {
        let (exit, _, messages) = verify(other);
        assert_eq!(exit, Some(2), "{other}: {messages}");
        assert!(messages.contains("receipt"), "{messages}");
    }
    let (exit, stored, messages) = migrate(&living, &["receipt"]);
    assert_eq!((exit, &stored), (Some(0), receipt), "{messages}");
    // Another installation signs with another key.
    let other = Legacy::new(State::February12, Placement::Mixed, Naming::Django).build().await;
    assert_eq!(migrate(&other, &["apply"]).0, Some(0));
    std::fs::write(&file, &whole).expect("written");
    let (exit, _, messages) = migrate(&other, &["verify", "--receipt", file.to_str().expect("text")]);
    assert_eq!(exit, Some(1), "{messages}");
    // A table that is elsewhere now is named.
    assert_eq!(migrate(&living, &["undo", "adm-schema"]).0, Some(0));
    let (exit, _, messages) = verify(&whole);
    assert_eq!(exit, Some(1), "{messages}");
    assert!(messages.contains("public.custom_fields"), "{messages}");
}
