//! Documents and variables that must be rejected, and similar ones that must be accepted.

use administrate_sim::{Profile, Tenant};
use serde_json::{Value, json};

use crate::client::Client;

const TITLE: &str = "mutation($t: String!) { event { update(eventId: \"Q291cnNlOjE=\", input: { title: $t }) { errors { message } } } }";
const PLACES: &str = "mutation($n: Int) { event { update(eventId: \"Q291cnNlOjE=\", input: { maxPlaces: $n }) { errors { message } } } }";
const START: &str = "mutation($s: LocalDateTime) { session { update(sessionId: \"Q291cnNlOjE=\", input: { start: $s }) { errors { message } } } }";
const FIELD: &str = "mutation($v: String) { session { update(sessionId: \"Q291cnNlOjE=\", input: { customFieldValues: \
                     [{ definitionKey: \"x\", value: $v }] }) { errors { message } } } }";
const PAGE: &str =
    "query($n: Int, $f: [LocationFieldGraphFilter]) { locations(first: $n, filters: $f) { edges { node { id } } } }";

/// Invalid documents, each with one error.
const INVALID_DOCUMENTS: &[&str] = &[
    "",
    "{ locations { edges { node { id } }",
    "{ locations }",
    "{ place { id } }",
    "{ event(id: \"Q291cnNlOjE=\") { id } }",
    "{ locations { nodes { id } } }",
    "{ locations { edges { node { id { x } } } } }",
    "{ locations { edges { node { title } } } }",
    "{ events { edges { node { soldOut } } } }",
    "{ events { edges { node { cancelled } } } }",
    "{ events { edges { node { timezone } } } }",
    "{ events { edges { node { lmsStartDate } } } }",
    "{ events { edges { node { webSale } } } }",
    "{ courseTemplates { edges { node { learningCategories { name } } } } }",
    "{ locations(limit: 5) { edges { node { id } } } }",
    "{ locations(first: \"5\") { edges { node { id } } } }",
    "{ locations(first: 5.0) { edges { node { id } } } }",
    "{ locations(filters: [{ field: name, operation: EQ, value: \"x\" }]) { edges { node { id } } } }",
    "{ locations(filters: [{ field: \"name\", operation: eq, value: \"x\" }]) { edges { node { id } } } }",
    "{ locations(filters: [{ field: city, operation: eq, value: \"x\" }]) { edges { node { id } } } }",
    "{ locations(filters: [{ field: name, operation: eq, value: 5 }]) { edges { node { id } } } }",
    "{ locations(filters: [{ field: name, operation: eq, value: true }]) { edges { node { id } } } }",
    "{ locations(filters: [{ field: name, value: \"x\" }]) { edges { node { id } } } }",
    "{ locations(filters: [{ field: name, field: id, operation: isnull }]) { edges { node { id } } } }",
    "{ locations(order: { field: name, direction: ASC }) { edges { node { id } } } }",
    "{ customFieldTemplate(type: \"Event\") { customFieldDefinitions { key } } }",
    "{ customFieldTemplate(type: Venue) { customFieldDefinitions { key } } }",
    "{ customFieldTemplate(type: Event) { edges { node { key } } } }",
    "query($n: Int) { locations(first: 1) { edges { node { id } } } }",
    "query { locations(first: $n) { edges { node { id } } } }",
    "query($n: Int, $n: Int) { locations(first: $n) { edges { node { id } } } }",
    "query($n: String) { locations(first: $n) { edges { node { id } } } }",
    "query($f: LocationFilter) { locations(filters: $f) { edges { node { id } } } }",
    "query($v: Int) { locations(filters: [{ field: name, operation: eq, value: $v }]) { edges { node { id } } } }",
    "{ node { id } }",
    "{ node(id: true) { id } }",
    "{ node(id: \"x\") { title } }",
    "{ node(id: \"x\") { ... on Money { id } } }",
    "{ locations { ...names } }",
    "fragment names on Location { name } { locations { edges { node { id } } } }",
    "query a { locations { edges { node { id } } } } query b { locations { edges { node { id } } } }",
    "subscription { events { id } }",
    "mutation { createBlended(input: {}) { errors { message } } }",
    "mutation { event { createBlended(input: {}) { errors { message } } } }",
    "mutation { event { delete(input: {}) { errors { message } } } }",
    "mutation { event { delete(eventIds: [\"x\"]) { errors { message } } } }",
    "mutation { event { delete(input: { eventIds: null }) { errors { message } } } }",
    "mutation { event { update(eventId: \"x\", input: { soldOut: true }) { errors { message } } } }",
    "mutation { event { update(eventId: \"x\", input: { isSoldOut: \"true\" }) { errors { message } } } }",
    "mutation { event { update(eventId: \"x\", input: { lifecycleState: PUBLISHED }) { errors { message } } } }",
    "mutation { event { update(eventId: \"x\", input: { lifecycleState: \"published\" }) { errors { message } } } }",
    "mutation { event { update(eventId: \"x\", input: { title: 5 }) { errors { message } } } }",
    "mutation { event { update(eventId: \"x\", input: { title: \"a\", title: \"b\" }) { errors { message } } } }",
    "mutation { event { update(input: { title: \"a\" }) { errors { message } } } }",
    "mutation { event { update(eventId: \"x\", input: { title: \"a\" }) { errors { text } } } }",
    "mutation { session { update(sessionId: \"x\", input: { start: \"15/04/2026 09:00\" }) { errors { message } } } }",
    "mutation { session { update(sessionId: \"x\", input: { start: 5 }) { errors { message } } } }",
    "mutation { session { update(sessionId: \"x\", input: { start: soon }) { errors { message } } } }",
    "mutation { webhooks { update(input: { webhookId: \"x\", webhookTypeId: \"y\" }) { errors { message } } } }",
    "mutation { location { create(input: { name: \"x\" }) { errors { message } } } }",
    "mutation { courseTemplate { create(input: { code: \"x\", title: \"x\" }) { errors { message } } } }",
];

async fn assert_rejected(client: &Client, document: &str, variables: Value) {
    let reply = client.send(document, variables.clone()).await;
    assert_eq!(reply.status, 200, "{document} {variables}");
    assert_ne!(reply.error(), "", "must be rejected: {document} {variables} {}", reply.body);
    assert_eq!(reply.body.get("data"), None, "nothing is executed: {document} {variables}");
}

#[tokio::test]
async fn invalid_document_is_rejected() {
    let client = Client::sample().await;
    for document in INVALID_DOCUMENTS {
        assert_rejected(&client, document, json!({})).await;
    }
    assert_eq!(client.simulator.mutations(), [], "nothing reached a mutation");
}

/// Variables inside input objects, which apollo-compiler does not check.
#[tokio::test]
async fn variable_of_another_type_inside_an_input_object_is_rejected() {
    let client = Client::sample().await;
    for (declared, input) in [
        ("$v: String", "{ contacts(filters: [{ field: name, operation: eq, value: $v }]) { edges { node { id } } } }"),
        (
            "$v: [String]",
            "{ contacts(filters: [{ field: name, operation: in, values: $v }]) { edges { node { id } } } }",
        ),
        (
            "$v: String!",
            "{ contacts(filters: [{ field: name, operation: in, values: [$v] }]) { edges { node { id } } } }",
        ),
    ] {
        let reply = client.send(&format!("query({declared}) {input}"), json!({ "v": "Ada" })).await;
        assert_eq!(reply.body.get("errors"), None, "{declared} {input} {}", reply.body);
    }
    for (declared, document) in [
        (
            "$v: [String]",
            "query(DECLARED) { contacts(filters: [{ field: name, operation: eq, value: $v }]) { edges { node { id } } } }",
        ),
        (
            "$v: ContactField",
            "query(DECLARED) { contacts(filters: [{ field: $v, operation: isnull }]) { edges { node { id } } } }",
        ),
        ("$v: ID", "mutation(DECLARED) { event { delete(input: { eventIds: $v }) { errors { message } } } }"),
        (
            "$v: String",
            "mutation(DECLARED) { contact { create(input: { accountId: $v, personalName: {} }) { errors { message } } } }",
        ),
        (
            "$v: ID",
            "mutation(DECLARED) { contact { create(input: { accountId: $v, personalName: {} }) { errors { message } } } }",
        ),
        ("$v: Boolean", "query(DECLARED) { contacts { edges { node { id @skip(if: $v) } } } }"),
    ] {
        assert_rejected(&client, &document.replace("DECLARED", declared), json!({ "v": null })).await;
    }
}

#[tokio::test]
async fn invalid_variable_is_rejected() {
    let client = Client::sample().await;
    for (document, variables) in [
        (TITLE, json!({})),
        (TITLE, json!({ "t": null })),
        (TITLE, json!({ "t": 5 })),
        (TITLE, json!({ "t": true })),
        (TITLE, json!({ "t": ["a"] })),
        (PLACES, json!({ "n": "20" })),
        (PLACES, json!({ "n": 20.5 })),
        (PLACES, json!({ "n": 3_000_000_000_u32 })),
        (FIELD, json!({ "v": 1 })),
        (FIELD, json!({ "v": false })),
        (START, json!({ "s": "2026-04-15" })),
        (START, json!({ "s": "2026-04-15T09:00:00Z" })),
        (START, json!({ "s": "2026-02-30T09:00:00" })),
        (START, json!({ "s": 1_776_243_600 })),
        (PAGE, json!({ "n": "5" })),
        (PAGE, json!({ "f": [{ "field": "name", "operation": "eq", "value": 5 }] })),
        (PAGE, json!({ "f": [{ "field": "city", "operation": "eq", "value": "x" }] })),
        (PAGE, json!({ "f": [{ "field": "name", "operation": "equals", "value": "x" }] })),
        (PAGE, json!({ "f": [{ "field": "name", "value": "x" }] })),
        (PAGE, json!({ "f": [{ "field": "name", "operation": "eq", "value": "x", "also": 1 }] })),
    ] {
        assert_rejected(&client, document, variables).await;
    }
}

#[tokio::test]
async fn coercions_of_the_specification_are_accepted() {
    let client = Client::sample().await;
    for (document, variables) in [
        (PAGE, json!({})),
        (PAGE, json!({ "n": null, "unknown": 1 })),
        (PAGE, json!({ "f": { "field": "name", "operation": "eq", "value": "London" } })),
        (FIELD, json!({ "v": "1" })),
        (START, json!({ "s": "2026-04-15T09:00" })),
        ("query($id: ID!) { node(id: $id) { id } }", json!({ "id": 7 })),
        ("{ node(id: 7) { __typename } }", json!({})),
        ("{ locations(order: { field: id, direction: asc }) { edges { node { id } } } }", json!({})),
        ("{ locations(orderBy: [{ field: id, direction: desc }]) { edges { node { id } } } }", json!({})),
    ] {
        let reply = client.send(document, variables.clone()).await;
        assert_eq!(reply.body.get("errors"), None, "{document} {variables} {}", reply.body);
    }
}

#[tokio::test]
async fn introspection_of_each_profile_reports_its_variants() {
    let document = "{ blended: __type(name: \"BlendedEventCreateInput\") { inputFields { name } } \
                    mutation: __type(name: \"Mutation\") { fields { name } } \
                    attendance: __type(name: \"LearnerMutations\") { fields { type { kind } } } }";
    for (profile, tax, creates, kind) in [
        (Profile::CLASSIC, "taxType", false, "LIST"),
        (Profile::CURRENT, "taxTypeId", false, "OBJECT"),
        (Profile::EXTENDED, "taxTypeId", true, "LIST"),
    ] {
        let client = Client::for_profile(profile, Tenant::sample()).await;
        let reply = client.send(document, json!({})).await;
        let has = |pointer: &str, name: &str| {
            let fields = reply.data(pointer).as_array().into_iter().flatten();
            fields.into_iter().any(|field| field["name"] == name)
        };
        assert_eq!(has("/blended/inputFields", "taxType"), tax == "taxType", "{profile}");
        assert_eq!(has("/blended/inputFields", "taxTypeId"), tax == "taxTypeId", "{profile}");
        assert_eq!(has("/mutation/fields", "location"), creates, "{profile}");
        assert_eq!(reply.data("/attendance/fields/0/type/kind"), kind, "{profile}");
    }
}

#[tokio::test]
async fn introspection_in_a_profile_without_it_is_refused() {
    let client = Client::for_profile(Profile::CLASSIC.without_introspection(), Tenant::sample()).await;
    let reply = client.send("{ __schema { types { name } } }", json!({})).await;
    assert!(reply.error().contains("introspection is disabled"), "{}", reply.body);
    assert_eq!(
        client.query("{ locations(first: 1) { __typename } }", "/locations/__typename").await,
        "LocationConnection"
    );
}

#[tokio::test]
async fn malformed_http_request_gets_a_client_error() {
    let client = Client::sample().await;
    let post = |body: &'static str, kind: &'static str| {
        let request = client.http.post(client.simulator.graphql_url()).bearer_auth(&client.token);
        async move { request.header("Content-Type", kind).body(body).send().await.expect("a response").status().as_u16() }
    };
    assert_eq!(post("{", "application/json").await, 400);
    assert_eq!(post("{}", "application/json").await, 400);
    assert_eq!(post("{\"query\": \"{ locations { __typename } }\", \"variables\": []}", "application/json").await, 400);
    assert_eq!(post("query={ locations }", "application/x-www-form-urlencoded").await, 415);
    let response = client.http.get(client.simulator.graphql_url()).send().await.expect("a response");
    assert_eq!(response.status().as_u16(), 405);
}
