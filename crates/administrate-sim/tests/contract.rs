//! The client of `crates/administrate` against this simulator: each of its operations, in every profile, with and
//! without introspection. `tests/sim/documents.rs` tests what the simulator must reject.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use administrate::{
    CallLog, CallRecord, Client, ContactRole, CustomFieldValue, Environment, Error, EventChanges, EventMode, EventType,
    Id, Lifecycle, NewContact, NewCourseTemplate, NewEvent, NewLocation, NewStaff, NewVenue, NewWebhook, OPERATIONS,
    Secret, SessionChanges, Settings, StaffType, SupportsCustomField, WebhookType, Window,
};
use administrate_sim::tenant::Event;
use administrate_sim::{Options, Profile, RunningSimulator, Simulator, Tenant};
use jiff::civil::date;

/// A call log that records which operations succeeded.
#[derive(Default)]
struct SucceededOperations(Mutex<BTreeSet<&'static str>>);

impl CallLog for SucceededOperations {
    fn record(&self, call: CallRecord) -> administrate::BoxFuture<'_, ()> {
        if call.succeeded {
            self.0.lock().expect("no test thread panicked").insert(call.operation);
        }
        Box::pin(std::future::ready(()))
    }
}

/// Returns a tenant with lists longer than a page: sessions of template 4, staff of event 1.
fn tenant() -> Tenant {
    let mut tenant = Tenant::sample();
    tenant.add_template("LONG", "A hundred and twenty days", 120);
    let event = tenant.add_event(Event {
        title: "Crowded".to_owned(),
        time_zone: "Europe/London".to_owned(),
        ..Event::default()
    });
    for n in 0..120 {
        let contact = tenant.add_instructor("Instructor", &n.to_string());
        tenant.add_staff(event, contact, false);
    }
    tenant
}

async fn start(profile: Profile) -> (RunningSimulator, Client, Arc<SucceededOperations>) {
    let simulator = Simulator::start(Options { profile, ..Options::default() }, tenant()).await.expect("started");
    let succeeded = Arc::new(SucceededOperations::default());
    let environment = Environment { call_log: succeeded.clone(), ..Environment::standard(6000).expect("set up") };
    let secret = Secret::new(simulator.client_secret());
    let settings = Settings::new(simulator.graphql_url(), simulator.auth_url(), simulator.client_id(), secret);
    let client = Client::new(settings.with_retry_base(Duration::from_millis(1)), environment);
    (simulator, client, succeeded)
}

async fn read_everything(client: &Client) {
    let fields = client.custom_fields(SupportsCustomField::Event).await.expect("custom fields").expect("reported");
    assert_eq!(fields.len(), 5);
    assert_eq!(client.price_levels().await.expect("price levels").len(), 2);
    assert_eq!(client.locations().await.expect("locations").len(), 2);
    assert_eq!(client.venues().await.expect("venues").len(), 2);
    assert_eq!(client.instructors().await.expect("instructors").len(), 122);
    let grace = client.contacts_by_name("Grace Lindqvist", Some(ContactRole::Administrator)).await.expect("contacts");
    assert_eq!(grace.len(), 1);
    assert_eq!(client.course_templates().await.expect("templates").len(), 4);
    assert_eq!(client.template_prices().await.expect("prices").len(), 6);
    let template = Id::new(Tenant::template_id(1));
    let approved = client.approved_instructors(std::slice::from_ref(&template)).await.expect("approved");
    assert_eq!(approved[&template].len(), 2);
    let crowded = client.events_by_titles(&["Crowded"]).await.expect("events");
    assert_eq!((crowded.len(), crowded[0].staff.len()), (1, 120));
}

fn new_event(mode: EventMode, title: &str, template: u64) -> NewEvent {
    let window = |days| Window { start: date(2026, 7, 1).at(9, 0, 0, 0), end: date(2026, 8, days).at(17, 0, 0, 0) };
    NewEvent {
        mode,
        course_template_id: Id::new(Tenant::template_id(template)),
        title: title.to_owned(),
        event_type: EventType::Public,
        location_id: Id::new(Tenant::location_id(1)),
        venue_id: Some(Id::new("VmVudWU6MQ==")),
        tax_type_id: Id::new("VGF4VHlwZTox"),
        time_zone: "Europe/London".to_owned(),
        classroom: Some(window(1)),
        lms: Some(window(31)),
        max_places: Some(20),
        custom_fields: vec![CustomFieldValue {
            key: Id::new("Q3VzdG9tRmllbGREZWZpbml0aW9uOjE="),
            value: "2026A".to_owned(),
        }],
    }
}

async fn write_events(simulator: &RunningSimulator, client: &Client) {
    let long = client.create_event(&new_event(EventMode::Blended, "Long", 4)).await.expect("blended");
    assert_eq!((long.sessions.len(), long.has_all_sessions), (120, true));
    let lms = client.create_event(&new_event(EventMode::Lms, "LMS", 3)).await.expect("LMS");
    let room = client.create_event(&new_event(EventMode::Classroom, "Room", 1)).await.expect("classroom");
    assert_eq!((lms.sessions.len(), room.sessions.len()), (0, 3));
    let changes = EventChanges {
        title: Some("Renamed".to_owned()),
        lifecycle: Some(Lifecycle::Published),
        ..EventChanges::default()
    };
    client.update_event(&room.id, &changes).await.expect("updated");
    let changes = SessionChanges {
        title: Some("Markets".to_owned()),
        start: Some(date(2026, 7, 2).at(10, 0, 0, 0)),
        end: Some(date(2026, 7, 2).at(16, 0, 0, 0)),
        lifecycle: Some(Lifecycle::Published),
        custom_fields: vec![CustomFieldValue {
            key: Id::new("Q3VzdG9tRmllbGREZWZpbml0aW9uOjY="),
            value: "1".to_owned(),
        }],
        ..SessionChanges::default()
    };
    client.update_session(&room.sessions[0].id, &changes).await.expect("session updated");
    client.delete_sessions(&[room.sessions[2].id.clone()]).await.expect("session deleted");
    client.delete_events(&[lms.id, long.id]).await.expect("deleted");
    write_staff(client, &room.id, &room.sessions[0].id).await;
    let event = client.event(&room.id).await.expect("event read").expect("the event exists");
    assert_eq!((event.sessions.len(), event.staff.len()), (2, 2));
    let tenant = simulator.tenant();
    assert_eq!((tenant.events_titled("Renamed").count(), tenant.events.len()), (1, 2));
}

async fn write_staff(client: &Client, event: &Id, session: &Id) {
    let [ada, tom, grace] = [1, 2, 3].map(|number| Id::new(Tenant::contact_id(number)));
    let staff =
        |contact: &Id, staff_type| NewStaff { event_id: event.clone(), contact_id: contact.clone(), staff_type };
    client.add_event_staff(&staff(&ada, StaffType::Instructor)).await.expect("added");
    // Adding the same staff again succeeds.
    let all = [
        staff(&ada, StaffType::Instructor),
        staff(&tom, StaffType::Instructor),
        staff(&grace, StaffType::Administrator),
    ];
    client.add_event_staff_bulk(&all).await.expect("added in bulk");
    let members = client.event(event).await.expect("event read").expect("the event exists").staff;
    client.remove_event_staff(&members[0].id).await.expect("removed");
    client.add_session_staff(session, &[ada.clone(), tom.clone()], StaffType::Instructor).await.expect("added");
    client.add_session_staff(session, &[ada.clone(), tom], StaffType::Instructor).await.expect("added again");
    let reloaded = client.event(event).await.expect("event read").expect("the event exists");
    let session_record = reloaded.sessions.iter().find(|candidate| candidate.id == *session).expect("the session");
    match client.remove_session_staff(session, &session_record.staff[0].id, &ada).await {
        Err(Error::Unsupported { .. }) => {}
        done => done.expect("removed"),
    }
}

/// Creates contacts, webhooks, locations, venues and templates; the last three only where the profile has the
/// mutations.
async fn create_other_records(simulator: &RunningSimulator, client: &Client, creates: bool) {
    let template = Id::new(Tenant::template_id(1));
    client.approve_instructors(&template, &[Id::new(Tenant::contact_id(2))]).await.expect("approved");
    let contact = NewContact {
        first_name: "Vera".to_owned(),
        last_name: "Holt".to_owned(),
        account_id: Some(Id::new("T3JnYW5pc2F0aW9uOjE=")),
        email: None,
        is_instructor: true,
    };
    client.create_contact(&contact).await.expect("a contact");
    for webhook_type in WebhookType::ALL {
        let webhook =
            NewWebhook { webhook_type, name: "Lectern".into(), url: "https://lectern.example.org/hook".into() };
        let webhook = client.create_webhook(&webhook).await.expect("a webhook");
        client.update_webhook(&webhook.id, "https://elsewhere.example.org/hook").await.expect("the webhook moves");
    }
    let location = client.create_location(&NewLocation { name: "York".to_owned(), code: None }).await;
    let location_id = Id::new(Tenant::location_id(1));
    let venue = client.create_venue(&NewVenue { name: "The Mill".to_owned(), location_id, description: None }).await;
    let template =
        client.create_course_template(&NewCourseTemplate { code: "CM9".to_owned(), title: "Nine".to_owned() }).await;
    for created in [location, venue, template] {
        assert_eq!(created.is_ok(), creates, "{created:?}");
        assert!(creates || matches!(created, Err(Error::Unsupported { .. } | Error::Graphql { .. })), "{created:?}");
    }
    assert_eq!(simulator.tenant().locations.len(), if creates { 3 } else { 2 });
}

#[tokio::test]
async fn client_operations_succeed_in_every_profile() {
    for profile in Profile::ALL.into_iter().flat_map(|profile| [profile, profile.without_introspection()]) {
        let (simulator, client, succeeded) = start(profile).await;
        read_everything(&client).await;
        write_events(&simulator, &client).await;
        let capabilities = client.capabilities().await.expect("capabilities");
        assert_eq!(capabilities.introspected, profile.introspection, "{profile}");
        create_other_records(&simulator, &client, profile.creates && profile.introspection).await;
        let succeeded = succeeded.0.lock().expect("no test thread panicked").clone();
        let is_missing = |name: &&str| !succeeded.contains(name);
        let missing: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).filter(is_missing).collect();
        let expected: &[&str] = match (profile.introspection, profile.creates) {
            (true, true) => &[],
            (true, false) => &["session.removeStaff", "location.create", "venue.create", "courseTemplate.create"],
            (false, _) => {
                &["introspection", "session.removeStaff", "location.create", "venue.create", "courseTemplate.create"]
            }
        };
        assert_eq!(missing, expected, "{profile}, introspection {}", profile.introspection);
    }
}
