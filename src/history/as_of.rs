//! An event as it was at a time: the present rows with the later changes taken back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use super::store::{self, LaterChange, PastTable};
use crate::error::Result;

const EVENTS: PastTable =
    PastTable { name: "acted.tutorial_events", key: "item.id::text", column: "id", history_column: "event_id" };
const DETAILS: PastTable = PastTable {
    name: "lectern.event_details",
    key: "item.tutorial_event_id::text",
    column: "tutorial_event_id",
    history_column: "event_id",
};
const STAFF: PastTable = PastTable {
    name: "lectern.event_staff",
    key: "concat_ws(',', item.tutorial_event_id, item.role, item.position)",
    column: "tutorial_event_id",
    history_column: "event_id",
};
const SESSIONS: PastTable = PastTable {
    name: "acted.tutorial_sessions",
    key: "item.id::text",
    column: "tutorial_event_id",
    history_column: "event_id",
};
const LINKS: PastTable = PastTable {
    name: "acted.tutorial_session_instructors",
    key: "item.id::text",
    column: "tutorialsessions_id",
    history_column: "session_id",
};
const LOCATIONS: PastTable =
    PastTable { name: "acted.tutorial_locations", key: "item.id::text", column: "id", history_column: "row_key" };
const VENUES: PastTable =
    PastTable { name: "acted.tutorial_venues", key: "item.id::text", column: "id", history_column: "row_key" };

/// Fields of an event that are columns of its details, with the value of an event without details.
const DETAIL_FIELDS: &[&str] = &[
    "course_template_id",
    "learning_mode",
    "time_zone",
    "lms_start",
    "lms_end",
    "max_places",
    "sitting",
    "web_sale",
    "cancelled",
    "event_url",
    "ocr_moodle_code",
];

/// Returns an event with its sessions as it was at a time; none if it did not exist then.
pub async fn as_of(db: &mut PgConnection, event: i64, time: Timestamp) -> Result<Option<Value>> {
    let Some(row) = rows(db, EVENTS, &[event], time).await?.remove(&event.to_string()) else { return Ok(None) };
    let details = rows(db, DETAILS, &[event], time).await?.remove(&event.to_string()).unwrap_or_default();
    let staff = rows(db, STAFF, &[event], time).await?;
    let mut sessions: Vec<Map<String, Value>> = rows(db, SESSIONS, &[event], time)
        .await?
        .into_values()
        .filter(|row| row["tutorial_event_id"] == event)
        .collect();
    sessions.sort_by_key(|row| row["sequence"].as_i64());
    let session_ids: Vec<i64> = sessions.iter().filter_map(|row| row["id"].as_i64()).collect();
    let links = rows(db, LINKS, &session_ids, time).await?;
    let places = PlaceNames::at(db, sessions.iter().chain([&row]), time).await?;
    let instructors_of = |session: &Value| -> Vec<i64> {
        let own = links.values().filter(|link| link["tutorialsessions_id"] == *session);
        let mut ids: Vec<i64> = own.filter_map(|link| link["tutorialinstructor_id"].as_i64()).collect();
        ids.sort_unstable();
        ids
    };
    let mut ids: Vec<i64> = staff.values().filter_map(|row| row["tutorial_instructor_id"].as_i64()).collect();
    let own_ids = ids.clone();
    ids.extend(links.values().filter_map(|link| link["tutorialinstructor_id"].as_i64()));
    let mut administrators: Vec<_> = staff.values().filter(|row| row["role"] == "administrator").collect();
    administrators.sort_by_key(|row| row["position"].as_i64());
    let administrators: Vec<&Value> = administrators.into_iter().map(|row| &row["name"]).collect();
    let mut document = row.clone();
    document.insert("administrators".into(), json!(administrators));
    // As the present event is read: the values and the labels are put together later.
    let values = details.get("custom_fields").filter(|values| values.is_object()).cloned();
    let labels = store::labels_of_events(db).await?;
    document.insert("custom_fields".into(), json!({ "values": values.unwrap_or_else(|| json!({})), "labels": labels }));
    for name in DETAIL_FIELDS {
        document.insert((*name).to_owned(), details.get(*name).cloned().unwrap_or_default());
    }
    for flag in ["web_sale", "cancelled"] {
        document[flag] = (details.get(flag) == Some(&Value::Bool(true))).into();
    }
    places.add(&mut document);
    let codes = store::codes_of_product(db, row["product_id"].as_i64().unwrap_or_default()).await?;
    let (product_code, subject_code) = codes.unzip();
    document.insert("store_product_code".into(), json!(product_code));
    document.insert("subject_code".into(), json!(subject_code));
    document.insert("instructor_ids".into(), json!(own_ids));
    document.insert("instructors".into(), json!(store::instructors(db, &ids).await?));
    let sessions = sessions.into_iter().map(|mut session| {
        session.insert("instructor_ids".into(), json!(instructors_of(&session["id"])));
        let event = session.remove("tutorial_event_id").unwrap_or_default();
        session.insert("tutorial_event".into(), event);
        places.add(&mut session);
        session
    });
    document.insert("warnings".into(), json!([]));
    document.insert("sessions".into(), sessions.collect());
    Ok(Some(Value::Object(document)))
}

/// Returns the rows of a table at a time, by key.
async fn rows(
    db: &mut PgConnection,
    table: PastTable,
    values: &[i64],
    time: Timestamp,
) -> Result<BTreeMap<String, Map<String, Value>>> {
    let (present, later) = store::present_and_later(db, table, values, time).await?;
    let object = |value: Value| if let Value::Object(row) = value { row } else { Map::new() };
    Ok(taken_back(present.into_iter().map(|(key, row)| (key, object(row))).collect(), later))
}

/// Takes changes back, of which the latest is the first.
fn taken_back(
    mut rows: BTreeMap<String, Map<String, Value>>,
    later: Vec<LaterChange>,
) -> BTreeMap<String, Map<String, Value>> {
    for change in later {
        let old = if let Some(Value::Object(old)) = change.old { old } else { Map::new() };
        match change.action.as_str() {
            "insert" => drop(rows.remove(&change.row_key)),
            "delete" => drop(rows.insert(change.row_key, old)),
            "update" => rows.entry(change.row_key).or_default().extend(old),
            _ => {}
        }
    }
    rows
}

/// Names of locations and venues at a time.
struct PlaceNames {
    locations: BTreeMap<String, Map<String, Value>>,
    venues: BTreeMap<String, Map<String, Value>>,
}

impl PlaceNames {
    async fn at<'a>(
        db: &mut PgConnection,
        of: impl Iterator<Item = &'a Map<String, Value>> + Clone,
        time: Timestamp,
    ) -> Result<PlaceNames> {
        let ids = |column: &str| -> Vec<i64> { of.clone().filter_map(|row| row[column].as_i64()).collect() };
        let (locations, venues) = (ids("location_id"), ids("venue_id"));
        Ok(PlaceNames {
            locations: rows(db, LOCATIONS, &locations, time).await?,
            venues: rows(db, VENUES, &venues, time).await?,
        })
    }

    /// Adds the names to a document.
    fn add(&self, document: &mut Map<String, Value>) {
        for (id, name, places) in [("location_id", "location", &self.locations), ("venue_id", "venue", &self.venues)] {
            let key = document[id].as_i64().map(|id| id.to_string());
            let place = key.and_then(|key| places.get(&key)?.get("name").cloned());
            document.insert(name.to_owned(), place.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_taken_back_in_their_order() {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let change = |key: &str, action: &str, old: Value| LaterChange {
            row_key: key.into(),
            action: action.into(),
            old: Some(old).filter(|old| !old.is_null()),
        };
        let present = BTreeMap::from([
            ("1".to_owned(), object(json!({ "id": 1, "code": "C", "places": 3 }))),
            ("3".to_owned(), object(json!({ "id": 3 }))),
        ]);
        let past = taken_back(
            present,
            vec![
                change("2", "delete", json!({ "id": 2, "code": "Z" })),
                change("1", "update", json!({ "code": "B" })),
                change("3", "insert", json!(null)),
                change("2", "update", json!({ "code": "Y" })),
                change("1", "update", json!({ "code": "A", "places": 2 })),
            ],
        );
        assert_eq!(past["1"], object(json!({ "id": 1, "code": "A", "places": 2 })));
        assert_eq!(past["2"], object(json!({ "id": 2, "code": "Y" })));
        assert!(!past.contains_key("3"));
    }
}
