//! Answers are read more liberally than they are documented.

use administrate::{EventMode, Id, Moment, SupportsCustomField};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::environment::{World, connection, data, errors, ok, page};

#[tokio::test]
async fn an_empty_list_of_errors_is_none() {
    let body =
        json!({"data": {"priceLevels": connection(vec![json!({"id": 7, "name": null})], 1, false)}, "errors": []});
    let found = World::new(vec![ok(body)]).client().price_levels().await.expect("found");
    assert_eq!((found[0].id.as_str(), found[0].name.as_str()), ("7", ""));
}

#[tokio::test]
async fn names_may_be_null_and_stand_in_two_places() {
    let nodes = vec![
        json!({"id": "P1", "legacyId": 12, "firstName": "Ada", "lastName": "Byron King"}),
        json!({"id": "P2", "legacyId": "13", "firstName": null, "lastName": null}),
        json!({"id": "P3", "personalName": {"firstName": "Emmy", "lastName": "Noether"}}),
        json!({"id": "P4", "firstName": " ", "lastName": "Hypatia"}),
    ];
    let world = World::new(vec![page("contacts", nodes, 4, false)]);
    let names: Vec<_> = world.client().instructors().await.expect("found");
    let names: Vec<_> = names.iter().map(|contact| contact.full_name()).collect();
    let expected = [Some("Ada Byron King"), None, Some("Emmy Noether"), Some("Hypatia")];
    assert_eq!(names, expected.map(|name| name.map(str::to_owned)));
    let query = world.last().query();
    assert!(query.contains("filters: [{field: isInstructor, operation: eq, value: $value}]"), "{query}");
    assert_eq!(world.last().variables()["value"], "true");
}

#[tokio::test]
async fn templates_with_values_and_modes_in_any_shape() {
    let values = json!([
        {"definition": {"key": "K1", "label": "Sitting"}, "value": "2026A"},
        {"definitionKey": "K2", "value": 3},
        {"definition": {"key": "K3"}, "value": null},
    ]);
    let template = |mode: &str, values: Value, approved: Value| {
        json!({"id": mode, "code": "CM2", "title": null, "eventLearningMode": mode, "lifecycleState": "PUBLISHED",
               "customFieldValues": values, "approvedInstructors": approved})
    };
    let nodes = vec![
        template("blended", values.clone(), json!([{"id": "P1"}])),
        template("LMS", connection(vec![values[0].clone()], 1, false), Value::Null),
    ];
    let world = World::new(vec![page("courseTemplates", nodes, 2, false)]);
    let found = world.client().course_templates().await.expect("found");
    assert_eq!(found[0].event_learning_mode.as_deref(), Some("BLENDED"));
    assert_eq!(found[0].lifecycle.as_deref(), Some("published"));
    assert_eq!(found[0].approved_instructors, [Id::from("P1")]);
    let pairs: Vec<_> = found[0].custom_fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("K1", "2026A"), ("K2", "3")]);
    assert_eq!(found[1].custom_fields.len(), 1);
}

#[tokio::test]
async fn amounts_are_texts_or_numbers() {
    let price = |id: &str, amount: Value, unit: Value| json!({"id": id, "amount": amount, "priceLevel": {"id": "V1", "name": "Standard"}, "financialUnit": unit, "region": null});
    let pounds = json!({"name": "Pound sterling", "code": "GBP", "symbol": "£"});
    let prices = vec![
        price("R1", json!("250.00"), pounds.clone()),
        price("R2", json!(99.95), pounds),
        price("R3", json!(1200), Value::Null),
    ];
    let template = json!({"id": "T1", "publicPrices": connection(prices, 3, false)});
    let world = World::new(vec![page("courseTemplates", vec![template], 1, false)]);
    let found = world.client().template_prices().await.expect("found");
    let amounts: Vec<_> = found.iter().map(|price| price.amount.as_deref()).collect();
    assert_eq!(amounts, [Some("250.00"), Some("99.95"), Some("1200")]);
    assert_eq!(found[0].currency_code.as_deref(), Some("GBP"));
    assert_eq!((found[2].currency_code.as_deref(), found[2].region_code.as_deref()), (None, None));

    let rubbish = json!({"id": "T1", "publicPrices": [{"id": "R1", "amount": "a lot"}]});
    let told = World::new(vec![page("courseTemplates", vec![rubbish], 1, false)]);
    let told = told.client().template_prices().await.expect("found");
    assert_eq!(told[0].amount.as_deref(), Some("a lot"), "for whoever reads it, or not");
}

#[tokio::test]
async fn custom_fields_as_list_or_connection_of_any_kind_of_record() {
    let field = json!({"key": "K1", "label": "Day", "type": "Number", "isRequired": "true", "roles": null});
    for definitions in [json!([field]), connection(vec![field.clone()], 1, false)] {
        let answer = data(json!({"customFieldTemplate": {"customFieldDefinitions": definitions}}));
        let world = World::new(vec![answer]);
        let found = world.client().custom_fields(SupportsCustomField::Session).await.expect("found").expect("told");
        assert_eq!((found[0].label.as_str(), found[0].field_type.as_deref()), ("Day", Some("number")));
        assert_eq!(found[0].is_required, Some(true));
        assert!(world.last().query().contains("customFieldTemplate(type: Session)"));
    }
    let world = World::new(vec![data(json!({"customFieldTemplate": null}))]);
    let none = world.client().custom_fields(SupportsCustomField::TokenIssue).await;
    assert_eq!(none.expect("an answer"), None, "nothing told is not nothing there");
    let denied = errors(&["Value \"TokenIssue\" does not exist in \"SupportsCustomField\" enum."]);
    let none = World::new(vec![denied]).client().custom_fields(SupportsCustomField::TokenIssue).await;
    assert_eq!(none.expect("no such kind"), Some(vec![]));
    World::new(vec![errors(&["TokenIssue is out of order"])])
        .client()
        .custom_fields(SupportsCustomField::TokenIssue)
        .await
        .expect_err("another error stays one");
    assert_eq!(SupportsCustomField::ALL.len(), 19);
    assert_eq!("coursetemplate".parse(), Ok(SupportsCustomField::CourseTemplate));
    assert_eq!(EventMode::Lms.operation(), "event.createLMS");
}

#[tokio::test]
async fn an_event_with_everything_in_it() {
    let session = json!({"id": "S1", "title": null, "start": "2026-07-01T09:00:00", "end": "2026-07-01T17:00:00",
        "lifecycleState": "draft", "venue": {"id": "V1"}, "location": null,
        "customFieldValues": [{"definitionKey": "K9", "value": "1"}],
        "staff": connection(vec![json!({"id": "F1", "staffType": "INSTRUCTOR", "contact": {"id": "P1"}})], 1, false)});
    let event = json!({"id": "E1", "title": "CB1-01", "lifecycleState": "Published", "isSoldOut": false,
        "maxPlaces": "12", "remainingPlaces": 3, "timeZoneName": "Europe/London",
        "start": "2026-07-01T09:00:00", "timeZonedEnd": "2026-07-02T16:00:00Z", "lmsStart": "2026-06-01T00:00:00Z",
        "courseTemplate": {"id": "T1", "code": "CB1"}, "location": {"id": "L1"},
        "sessions": connection(vec![session], 1, false), "staff": null});
    let world = World::new(vec![data(json!({"node": event})), data(json!({"node": null}))]);
    let client = world.client();
    let event = client.event(&Id::from("E1")).await.expect("read").expect("there");
    assert_eq!(event.lifecycle.as_deref(), Some("published"));
    assert_eq!((event.max_places, event.remaining_places), (Some(12), Some(3)));
    let starts = event.starts_at(&TimeZone::UTC).expect("a start");
    assert_eq!(starts.to_string(), "2026-07-01T08:00:00Z", "wall-clock time of the event's zone");
    assert!(matches!(event.lms_start, Some(Moment::Instant(_))));
    let session = &event.sessions[0];
    assert_eq!(session.venue_id, Some(Id::from("V1")));
    assert_eq!(session.custom_fields[&Id::from("K9")], "1");
    assert_eq!(session.staff[0].staff_type.as_deref(), Some("instructor"));
    let query = world.last().query();
    assert!(query.starts_with("query($id: ID!) { node(id: $id) { ... on Event { id "), "{query}");
    assert!(client.event(&Id::from("E2")).await.expect("read").is_none());
}
