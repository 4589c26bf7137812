//! Responses are parsed more leniently than they are documented.

use administrate::{EventMode, Id, Moment, SupportsCustomField};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::environment::{ScriptedEnvironment, connection, data, errors, ok, page};

#[tokio::test]
async fn empty_error_list_is_not_an_error() {
    let body =
        json!({"data": {"priceLevels": connection(vec![json!({"id": 7, "name": null})], 1, false)}, "errors": []});
    let found = ScriptedEnvironment::new(vec![ok(body)]).client().price_levels().await.expect("found");
    assert_eq!((found[0].id.as_str(), found[0].name.as_str()), ("7", ""));
}

#[tokio::test]
async fn contact_name_is_read_from_two_places_and_may_be_null() {
    let nodes = vec![
        json!({"id": "P1", "legacyId": 12, "firstName": "Ada", "lastName": "Byron King"}),
        json!({"id": "P2", "legacyId": "13", "firstName": null, "lastName": null}),
        json!({"id": "P3", "personalName": {"firstName": "Emmy", "lastName": "Noether"}}),
        json!({"id": "P4", "firstName": " ", "lastName": "Hypatia"}),
    ];
    let env = ScriptedEnvironment::new(vec![page("contacts", nodes, 4, false)]);
    let names: Vec<_> = env.client().instructors().await.expect("found");
    let names: Vec<_> = names.iter().map(|contact| contact.full_name()).collect();
    let expected = [Some("Ada Byron King"), None, Some("Emmy Noether"), Some("Hypatia")];
    assert_eq!(names, expected.map(|name| name.map(str::to_owned)));
    let query = env.last().query();
    assert!(query.contains("filters: [{field: isInstructor, operation: eq, value: $value}]"), "{query}");
    assert_eq!(env.last().variables()["value"], "true");
}

#[tokio::test]
async fn course_templates_are_read_in_every_shape() {
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
    let env = ScriptedEnvironment::new(vec![page("courseTemplates", nodes, 2, false)]);
    let found = env.client().course_templates().await.expect("found");
    assert_eq!(found[0].event_learning_mode.as_deref(), Some("BLENDED"));
    assert_eq!(found[0].lifecycle.as_deref(), Some("published"));
    assert_eq!(found[0].approved_instructors, [Id::from("P1")]);
    let pairs: Vec<_> = found[0].custom_fields.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("K1", "2026A"), ("K2", "3")]);
    assert_eq!(found[1].custom_fields.len(), 1);
}

#[tokio::test]
async fn price_amount_is_read_from_text_or_number() {
    let price = |id: &str, amount: Value, unit: Value| json!({"id": id, "amount": amount, "priceLevel": {"id": "V1", "name": "Standard"}, "financialUnit": unit, "region": null});
    let pounds = json!({"name": "Pound sterling", "code": "GBP", "symbol": "£"});
    let prices = vec![
        price("R1", json!("250.00"), pounds.clone()),
        price("R2", json!(99.95), pounds),
        price("R3", json!(1200), Value::Null),
    ];
    let template = json!({"id": "T1", "publicPrices": connection(prices, 3, false)});
    let env = ScriptedEnvironment::new(vec![page("courseTemplates", vec![template], 1, false)]);
    let found = env.client().template_prices().await.expect("found");
    let amounts: Vec<_> = found.iter().map(|price| price.amount.as_deref()).collect();
    assert_eq!(amounts, [Some("250.00"), Some("99.95"), Some("1200")]);
    assert_eq!(found[0].currency_code.as_deref(), Some("GBP"));
    assert_eq!((found[2].currency_code.as_deref(), found[2].region_code.as_deref()), (None, None));

    let invalid = json!({"id": "T1", "publicPrices": [{"id": "R1", "amount": "a lot"}]});
    let env = ScriptedEnvironment::new(vec![page("courseTemplates", vec![invalid], 1, false)]);
    let found = env.client().template_prices().await.expect("found");
    assert_eq!(found[0].amount.as_deref(), Some("a lot"), "the caller has to parse it");
}

#[tokio::test]
async fn custom_fields_are_read_from_list_or_connection() {
    let field = json!({"key": "K1", "label": "Day", "type": "Number", "isRequired": "true", "roles": null});
    for definitions in [json!([field]), connection(vec![field.clone()], 1, false)] {
        let response = data(json!({"customFieldTemplate": {"customFieldDefinitions": definitions}}));
        let env = ScriptedEnvironment::new(vec![response]);
        let found =
            env.client().custom_fields(SupportsCustomField::Session).await.expect("found").expect("definitions");
        assert_eq!((found[0].label.as_str(), found[0].field_type.as_deref()), ("Day", Some("number")));
        assert_eq!(found[0].is_required, Some(true));
        assert!(env.last().query().contains("customFieldTemplate(type: Session)"));
    }
    let env = ScriptedEnvironment::new(vec![data(json!({"customFieldTemplate": null}))]);
    let none = env.client().custom_fields(SupportsCustomField::TokenIssue).await;
    assert_eq!(none.expect("a response"), None, "an absent list is not an empty one");
    let unknown_kind = errors(&["Value \"TokenIssue\" does not exist in \"SupportsCustomField\" enum."]);
    let none =
        ScriptedEnvironment::new(vec![unknown_kind]).client().custom_fields(SupportsCustomField::TokenIssue).await;
    assert_eq!(none.expect("no such kind"), Some(vec![]));
    ScriptedEnvironment::new(vec![errors(&["TokenIssue is out of order"])])
        .client()
        .custom_fields(SupportsCustomField::TokenIssue)
        .await
        .expect_err("another error stays one");
    assert_eq!(SupportsCustomField::ALL.len(), 19);
    assert_eq!("coursetemplate".parse(), Ok(SupportsCustomField::CourseTemplate));
    assert_eq!(EventMode::Lms.operation(), "event.createLMS");
}

#[tokio::test]
async fn event_is_read_with_all_its_fields() {
    let session = json!({"id": "S1", "title": null, "start": "2026-07-01T09:00:00", "end": "2026-07-01T17:00:00",
        "lifecycleState": "draft", "venue": {"id": "V1"}, "location": null,
        "customFieldValues": [{"definitionKey": "K9", "value": "1"}],
        "staff": connection(vec![json!({"id": "F1", "staffType": "INSTRUCTOR", "contact": {"id": "P1"}})], 1, false)});
    let event = json!({"id": "E1", "title": "CB1-01", "lifecycleState": "Published", "isSoldOut": false,
        "maxPlaces": "12", "remainingPlaces": 3, "timeZoneName": "Europe/London",
        "start": "2026-07-01T09:00:00", "timeZonedEnd": "2026-07-02T16:00:00Z", "lmsStart": "2026-06-01T00:00:00Z",
        "courseTemplate": {"id": "T1", "code": "CB1"}, "location": {"id": "L1"},
        "sessions": connection(vec![session], 1, false), "staff": null});
    let env = ScriptedEnvironment::new(vec![data(json!({"node": event})), data(json!({"node": null}))]);
    let client = env.client();
    let event = client.event(&Id::from("E1")).await.expect("read").expect("an event");
    assert_eq!(event.lifecycle.as_deref(), Some("published"));
    assert_eq!((event.max_places, event.remaining_places), (Some(12), Some(3)));
    let starts = event.starts_at(&TimeZone::UTC).expect("a start");
    assert_eq!(starts.to_string(), "2026-07-01T08:00:00Z", "wall-clock time of the event's zone");
    assert!(matches!(event.lms_start, Some(Moment::Instant(_))));
    let session = &event.sessions[0];
    assert_eq!(session.venue_id, Some(Id::from("V1")));
    assert_eq!(session.custom_fields[&Id::from("K9")], "1");
    assert_eq!(session.staff[0].staff_type.as_deref(), Some("instructor"));
    let query = env.last().query();
    assert!(query.starts_with("query($id: ID!) { node(id: $id) { ... on Event { id "), "{query}");
    assert!(client.event(&Id::from("E2")).await.expect("read").is_none());
}
