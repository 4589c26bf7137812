//! Templates, prices, contacts, locations, venues, learners and webhooks.

use administrate_sim::tenant::Event;
use administrate_sim::{Profile, Tenant};
use serde_json::json;

use crate::client::{Client, field_of_nodes, nodes};

#[tokio::test]
async fn update_of_approved_instructors_replaces_the_whole_list() {
    let client = Client::sample().await;
    let document = "mutation($id: ID!, $contacts: [ID!]) { courseTemplate { update(courseTemplateId: $id, input: { approvedInstructors: $contacts }) { \
        courseTemplate { approvedInstructors { edges { node { id } } } } errors { label value } } } }";
    let tom = Tenant::contact_id(2);
    let reply = client.send(document, json!({ "id": Tenant::template_id(1), "contacts": [tom] })).await;
    let payload = reply.data("/courseTemplate/update");
    assert_eq!(field_of_nodes(&payload["courseTemplate"]["approvedInstructors"], "id"), [tom.as_str()]);
    let unknown = Tenant::contact_id(99);
    let reply = client.send(document, json!({ "id": Tenant::template_id(1), "contacts": [tom, unknown] })).await;
    assert_eq!(
        *reply.data("/courseTemplate/update/errors"),
        json!([{ "label": "approvedInstructors", "value": unknown }])
    );
    assert_eq!(client.simulator.tenant().templates.get(1).map(|template| template.approved_instructors.len()), Some(1));
}

#[tokio::test]
async fn public_prices_payload_is_a_list_or_an_object_by_profile() {
    for (profile, pointer) in [
        (Profile::CLASSIC, "/courseTemplate/addPublicPrices/prices/0/amount"),
        (Profile::CURRENT, "/courseTemplate/addPublicPrices/prices/amount"),
    ] {
        let mut tenant = Tenant::sample();
        tenant.add_price_level("Early");
        let client = Client::for_profile(profile, tenant).await;
        let document = "mutation($t: ID!, $l: ID!, $amount: Decimal!) { courseTemplate { addPublicPrices(input: { courseTemplateId: $t, priceLevelId: $l, \
            amount: $amount, financialUnitId: \"Q3VycmVuY3k6MQ==\", regionId: \"UmVnaW9uOjE=\" }) { prices { id amount } errors { label } } } }";
        let level = client
            .query("{ priceLevels(filters: { field: name, operation: eq, value: \"Early\" }) { edges { node { id legacyId } } } }", "/priceLevels")
            .await["edges"][0]["node"]["id"]
            .clone();
        assert_ne!(level, json!(null));
        let variables = json!({ "t": Tenant::template_id(1), "l": level, "amount": "99.50" });
        assert_eq!(client.send(document, variables.clone()).await.data(pointer), "99.50", "{profile}");
        let duplicate = client.send(document, variables).await;
        assert_eq!(duplicate.data("/courseTemplate/addPublicPrices/errors/0/label"), "priceLevelId");
        assert_eq!(client.simulator.tenant().prices.len(), 7);
    }
}

#[tokio::test]
async fn event_price_is_added_and_updated() {
    let mut tenant = Tenant::sample();
    tenant.add_event(Event { title: "E".to_owned(), time_zone: "UTC".to_owned(), ..Event::default() });
    let client = Client::for_profile(Profile::CLASSIC, tenant).await;
    let document = "mutation { event { addPrices(input: { eventId: \"Q291cnNlOjE=\", priceLevelId: \"UHJpY2VMZXZlbDox\", \
        financialUnitId: \"Q3VycmVuY3k6MQ==\", amount: 120 }) { prices { amount region { id } } errors { label } } } }";
    assert_eq!(client.query(document, "/event/addPrices/prices").await, json!([{ "amount": "120", "region": null }]));
    let update = "mutation { courseTemplate { updatePrices(input: { coursePriceId: \"Q291cnNlUHJpY2U6Nw==\", amount: \"125.00\" }) { errors { label } } } }";
    assert_eq!(client.query(update, "/courseTemplate/updatePrices/errors").await, json!([]));
    assert_eq!(client.simulator.tenant().prices.get(7).map(|price| price.amount.as_str()), Some("125.00"));
}

#[tokio::test]
async fn contact_is_created_updated_and_listed() {
    let client = Client::sample().await;
    let document = "mutation($account: ID!, $first: String, $last: String) { contact { create(input: { accountId: $account, \
        personalName: { firstName: $first, lastName: $last }, isInstructor: true }) { contact { id personalName { name } account { name } } errors { label } } } }";
    let account = client.query("{ accounts { edges { node { id } } } }", "/accounts/edges/0/node/id").await;
    let reply = client.send(document, json!({ "account": account, "first": "Vera", "last": "Holt" })).await;
    let expected = json!({ "id": Tenant::contact_id(4), "personalName": { "name": "Vera Holt" }, "account": { "name": "The provider" } });
    assert_eq!(*reply.data("/contact/create/contact"), expected);
    for (variables, label) in
        [(json!({ "account": "x", "first": "Vera" }), "accountId"), (json!({ "account": account }), "personalName")]
    {
        assert_eq!(client.send(document, variables).await.data("/contact/create/errors/0/label"), label);
    }
    let update = format!(
        "mutation {{ contact {{ update(input: {{ contactId: \"{}\", emailAddress: \"vera@example.org\" }}) {{ contact {{ emailAddress firstName }} errors {{ label }} }} }} }}",
        Tenant::contact_id(4)
    );
    assert_eq!(
        client.query(&update, "/contact/update/contact").await,
        json!({ "emailAddress": "vera@example.org", "firstName": "Vera" })
    );
    let list = "{ contacts(filters: [{ field: name, operation: like, value: \"vera%holt\" }, { field: isInstructor, operation: eq, value: \"true\" }]) \
        { edges { node { legacyId } } } }";
    assert_eq!(field_of_nodes(&client.query(list, "/contacts").await, "legacyId"), ["4"]);
    let administrators =
        "{ contacts(filters: { field: isAdmin, operation: eq, value: \"true\" }) { edges { node { lastName } } } }";
    assert_eq!(field_of_nodes(&client.query(administrators, "/contacts").await, "lastName"), ["Lindqvist"]);
}

#[tokio::test]
async fn extended_profile_creates_locations_venues_and_templates() {
    let client = Client::for_profile(Profile::EXTENDED, Tenant::sample()).await;
    let document = "mutation { location { create(input: { name: \"York\", code: \"YRK\" }) { location { id name } errors { label } } } }";
    let york = client.query(document, "/location/create/location").await;
    assert_eq!(york, json!({ "id": Tenant::location_id(3), "name": "York" }));
    let venue = "mutation($l: ID!, $n: String!) { venue { create(input: { name: $n, locationId: $l }) { venue { location { name } } errors { label } } } }";
    let reply = client.send(venue, json!({ "l": york["id"], "n": "The Mill" })).await;
    assert_eq!(reply.data("/venue/create/venue/location/name"), "York");
    assert_eq!(
        client.send(venue, json!({ "l": "x", "n": "" })).await.data("/venue/create/errors").as_array().map(Vec::len),
        Some(2)
    );
    let template = "mutation { courseTemplate { create(input: { code: \"CM2\", title: \"Modelling\" }) { courseTemplate { code lifecycleState } errors { label } } } }";
    assert_eq!(
        client.query(template, "/courseTemplate/create/courseTemplate").await,
        json!({ "code": "CM2", "lifecycleState": "draft" })
    );
}

#[tokio::test]
async fn attendance_payload_is_a_list_or_an_object_by_profile() {
    for (profile, pointer) in [
        (Profile::CLASSIC, "/learner/recordAttendances/0/learner/id"),
        (Profile::CURRENT, "/learner/recordAttendances/learner/id"),
    ] {
        let mut tenant = Tenant::sample();
        let event = tenant.add_event(Event {
            title: "E".to_owned(),
            time_zone: "UTC".to_owned(),
            max_places: Some(1),
            ..Event::default()
        });
        let session = tenant.add_session(administrate_sim::tenant::Session { event, ..Default::default() });
        tenant.add_learner(event, 1);
        let client = Client::for_profile(profile, tenant).await;
        let document = "mutation($l: ID!, $s: ID!) { learner { recordAttendances(input: [{ learnerId: $l, sessionId: $s, attended: true }]) \
            { learner { id attendance { sessionDetail { edges { node { session { id } attended } } } } } errors { label message value } } } }";
        let learner = "TGVhcm5lcjox";
        let reply = client.send(document, json!({ "l": learner, "s": Tenant::course_id(session) })).await;
        assert_eq!(reply.data(pointer), learner, "{profile}");
        let refused = client.send(document, json!({ "l": "x", "s": "x" })).await;
        let errors = pointer.replace("learner/id", "errors");
        assert_eq!(refused.data(&errors).as_array().map(Vec::len), Some(2), "{profile}");
        let events = client
            .query(
                "{ events { edges { node { isSoldOut remainingPlaces learners { edges { node { id } } } } } } }",
                "/events",
            )
            .await;
        assert_eq!(nodes(&events)[0]["isSoldOut"], true);
    }
}

#[tokio::test]
async fn webhook_is_created_and_updated() {
    let client = Client::sample().await;
    let types = client.query("{ webhookTypes(filters: { field: name, operation: like, value: \"Event%\" }) { edges { node { id name } } } }", "/webhookTypes").await;
    let id = nodes(&types)[0]["id"].clone();
    let document = "mutation($t: ID!, $config: String) { webhooks { create(input: { webhookTypeId: $t, name: \"N\", query: \"{ __typename }\", \
        url: \"https://example.org/hook\", config: $config }) { webhook { id lifecycleState webhookType { name } } errors { label } } } }";
    let reply = client.send(document, json!({ "t": id, "config": "{}" })).await;
    assert_eq!(reply.data("/webhooks/create/webhook/webhookType/name"), "Event Created");
    for (variables, label) in [(json!({ "t": "x" }), "webhookTypeId"), (json!({ "t": id, "config": "{" }), "config")] {
        assert_eq!(client.send(document, variables).await.data("/webhooks/create/errors/0/label"), label);
    }
    let update = "mutation { webhooks { update(input: { webhookId: \"T3V0Ym91bmRIb29rOjE=\", name: \"M\" }) { webhook { name url } errors { label } } } }";
    let expected = json!({ "name": "M", "url": "https://example.org/hook" });
    assert_eq!(client.query(update, "/webhooks/update/webhook").await, expected);
}
