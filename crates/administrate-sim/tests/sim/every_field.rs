//! Every field of the schema can be read: the documents are generated from introspection.

use std::collections::BTreeMap;

use administrate_sim::tenant::{Event, Session, Webhook};
use administrate_sim::{Profile, Tenant};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::client::Client;

/// Fields by object type: name and type, without list and non-null.
type Types = BTreeMap<String, Vec<(String, String)>>;

const SCHEMA: &str = "{ __schema { types { kind name fields { name args { name type { kind } } \
                      type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

async fn types(client: &Client) -> Types {
    let all = client.query(SCHEMA, "/__schema/types").await;
    let objects = all.as_array().into_iter().flatten().filter(|ty| ty["kind"] == "OBJECT" || ty["kind"] == "INTERFACE");
    objects.map(|ty| (name_of(&ty["name"]), fields_of(ty))).collect()
}

fn fields_of(ty: &Value) -> Vec<(String, String)> {
    let has_no_required_argument =
        |field: &&Value| field["args"].as_array().into_iter().flatten().all(|arg| arg["type"]["kind"] != "NON_NULL");
    let fields = ty["fields"].as_array().into_iter().flatten().filter(has_no_required_argument);
    fields.map(|field| (name_of(&field["name"]), inner(&field["type"]))).collect()
}

fn inner(ty: &Value) -> String {
    if ty["ofType"].is_null() { name_of(&ty["name"]) } else { inner(&ty["ofType"]) }
}

fn name_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Selects all fields of a type, with nested objects to a depth.
fn selection(types: &Types, ty: &str, depth: usize) -> Option<String> {
    let Some(fields) = types.get(ty) else { return Some(String::new()) };
    if depth == 0 {
        return None;
    }
    let field = |(name, ty): &(String, String)| Some(format!("{name} {}", selection(types, ty, depth - 1)?));
    let selected: Vec<String> = fields.iter().filter_map(field).collect();
    if selected.is_empty() { None } else { Some(format!("{{ {} }}", selected.join(" "))) }
}

/// Returns a tenant with at least one row in every table.
fn full_tenant() -> Tenant {
    let mut tenant = Tenant::sample();
    let at = date(2026, 7, 1).at(9, 0, 0, 0);
    let event = tenant.add_event(Event {
        template: Some(1),
        location: Some(1),
        venue: Some(1),
        tax_type: Some(1),
        time_zone: "Europe/London".to_owned(),
        classroom_start: Some(at),
        remote_meeting_url: Some("https://example.org/meet".to_owned()),
        custom_fields: [(1, "2026A".to_owned())].into(),
        ..Event::default()
    });
    let session = tenant.add_session(Session { event, location: Some(1), start: Some(at), ..Session::default() });
    tenant.add_staff(event, 1, false);
    tenant.add_staff(session, 1, false);
    let learner = tenant.add_learner(event, 2);
    if let Some(learner) = tenant.learners.get_mut(learner) {
        learner.attended.insert(session, true);
    }
    let category = tenant.categories.add(administrate_sim::tenant::NamedRecord { name: "Business".to_owned() });
    if let Some(template) = tenant.templates.get_mut(1) {
        template.categories.push(category);
    }
    tenant.webhooks.add(Webhook { webhook_type: "event_created".to_owned(), ..Webhook::default() });
    tenant
}

#[tokio::test]
async fn every_field_of_every_list_is_readable() {
    for profile in Profile::ALL {
        let client = Client::for_profile(profile, full_tenant()).await;
        let types = types(&client).await;
        for (list, ty) in &types["Query"] {
            // Depth 7 covers the node and its related objects, including connections.
            let Some(selection) = selection(&types, ty, 7) else { continue };
            let reply = client.send(&format!("{{ {list} {selection} }}"), json!({})).await;
            assert_eq!(reply.body.get("errors"), None, "{profile} {list}");
            assert!(reply.data(&format!("/{list}/edges/0/node")).is_object(), "{profile} {list} has a row");
        }
    }
}

#[tokio::test]
async fn every_field_of_custom_field_definitions_is_readable() {
    let client = Client::for_profile(Profile::CLASSIC, full_tenant()).await;
    let types = types(&client).await;
    let selection = selection(&types, "CustomFieldTemplate", 4).unwrap_or_default();
    let fields =
        client.query(&format!("{{ customFieldTemplate(type: Event) {selection} }}"), "/customFieldTemplate").await;
    assert_eq!(fields["customFieldDefinitions"].as_array().map(Vec::len), Some(5));
}

/// An unsupported filter field returns an error instead of passing every row.
#[tokio::test]
async fn every_filter_field_filters_or_reports_an_error() {
    let client = Client::for_profile(Profile::CLASSIC, full_tenant()).await;
    for (list, ty) in [
        ("accounts", "AccountField"),
        ("contacts", "ContactField"),
        ("courseTemplates", "CourseTemplateField"),
        ("currencies", "CurrencyField"),
        ("events", "EventField"),
        ("locations", "LocationField"),
        ("priceLevels", "PriceLevelField"),
        ("venues", "VenueField"),
        ("webhookTypes", "WebhookTypeField"),
    ] {
        let enum_values = client
            .query(&format!("{{ __type(name: \"{ty}\") {{ enumValues {{ name }} }} }}"), "/__type/enumValues")
            .await;
        for field in enum_values.as_array().into_iter().flatten().map(|value| name_of(&value["name"])) {
            let document = format!(
                "{{ {list}(filters: {{ field: {field}, operation: notnull }}) {{ pageInfo {{ totalRecords }} }} }}"
            );
            let reply = client.send(&document, json!({})).await;
            let is_reported = reply.error().contains("cannot filter or order");
            assert!(is_reported || reply.body["errors"].is_null(), "{list} {field}: {}", reply.body);
        }
    }
}
