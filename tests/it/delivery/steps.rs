//! Steps of delivery: staff removal, cancellation, publication, deletion, and late or ambiguous creations.

use administrate_sim::tenant::{EventState, SessionState};
use administrate_sim::{Action, Fault, Tenant, When};
use lectern::bridges;
use lectern::delivery::duplicates;
use lectern::delivery::resolve::{OutboxResolution, resolve};
use lectern::outbox::DeliveryStep;
use lectern::outbox::{self, DeliveryState};
use lectern::tutorials::{Staff, StaffRole, remove_events, request_steps};

use crate::fixtures::delivery::DeliveryFixture;

/// Returns the operations of the mutations after the first `since`.
fn operations(fixture: &DeliveryFixture, since: usize) -> Vec<String> {
    let mutations = fixture.administrate.simulator.mutations();
    mutations[since..].iter().map(|mutation| mutation.operation.clone()).collect()
}

fn administrator(fixture: &DeliveryFixture) -> Staff {
    Staff {
        role: StaffRole::Administrator,
        name: "Opal Finch".into(),
        tutorial_instructor_id: None,
        external_id: Some(Tenant::contact_id(fixture.administrate.administrator)),
    }
}

#[tokio::test]
async fn staff_removed_locally_is_removed_remotely() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    let mut event = fixture.provider.event("CM2-01");
    event.staff.push(administrator(&fixture));
    let id = fixture.create_events(&[event.clone()]).await[0];
    fixture.deliver().await;
    let before = fixture.administrate.simulator.mutations().len();
    event.staff.pop();
    event.sessions[0].instructor_ids.clear();
    fixture.update_event(id, &event).await;
    let report = fixture.deliver().await;
    assert_eq!(operations(&fixture, before), ["event.removeStaff"]);
    let reason = report.outcomes[0].reason.clone().expect("the API cannot remove session staff");
    assert!(reason.contains("1 instructor named for \"CM2-01-1\" who no longer teaches it"), "{reason}");
    assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Failed));
    let tenant = fixture.administrate.simulator.tenant();
    let (number, _) = tenant.events_titled("CM2-01").next().expect("the event");
    assert_eq!(tenant.staff_of(number).map(|(_, staff)| staff.is_administrator).collect::<Vec<_>>(), [false]);
}

#[tokio::test]
async fn reverted_change_with_lost_responses_is_reverted_remotely() {
    let fixture = DeliveryFixture::new(2).await;
    let event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    let mut changed = event.clone();
    changed.sessions[0].title = "Another title".into();
    changed.staff.push(administrator(&fixture));
    fixture.update_event(id, &changed).await;
    fixture.administrate.simulator.add_fault(Fault::first("event.addStaff", Action::Reset { when: When::After }));
    for operation in ["session.update", "event.addStaff"] {
        // Each attempt ends at one of the two operations; Administrate executes it and its response is lost.
        fixture.administrate.simulator.add_fault(Fault::first(operation, Action::Reset { when: When::After }));
    }
    fixture.deliver_next_item().await;
    fixture.update_event(id, &event).await;
    fixture.administrate.simulator.clear_faults();
    fixture.deliver().await;
    let tenant = fixture.administrate.simulator.tenant();
    let (number, _) = tenant.events_titled("CM2-01").next().expect("the event");
    let titles: Vec<&str> = tenant.sessions_of(number).map(|(_, session)| session.title.as_str()).collect();
    assert_eq!(titles, ["CM2-01-1", "CM2-01-2"]);
    assert_eq!(tenant.staff_of(number).count(), 1);
}

#[tokio::test]
async fn cancelled_event_cannot_be_reinstated_by_the_classic_api() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(&[event.clone()]).await[0];
    fixture.deliver().await;
    let before = fixture.administrate.simulator.mutations().len();
    event.cancelled = true;
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    assert_eq!(operations(&fixture, before), ["event.update"]);
    let state = |fixture: &DeliveryFixture| {
        let tenant = fixture.administrate.simulator.tenant();
        tenant.events_titled("CM2-01").next().map(|(_, event)| event.state)
    };
    assert_eq!(state(&fixture), Some(EventState::Cancelled));

    event.cancelled = false;
    fixture.update_event(id, &event).await;
    let report = fixture.deliver().await;
    let reason = report.outcomes[0].reason.clone().expect("why");
    assert!(reason.contains("cannot be taken back"), "{reason}");
    assert_eq!(
        (state(&fixture), fixture.states().await.last()),
        (Some(EventState::Cancelled), Some(&DeliveryState::Failed))
    );

    // A cancelled event that was never delivered is not created remotely.
    let mut event = fixture.provider.event("CM2-02");
    event.cancelled = true;
    fixture.create_events(&[event]).await;
    fixture.deliver().await;
    assert_eq!(fixture.administrate.simulator.tenant().events.len(), 1);
}

#[tokio::test]
async fn event_is_published_only_on_request() {
    let fixture = DeliveryFixture::new(3).await;
    let event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(&[event]).await[0];
    fixture.deliver().await;
    let states = |fixture: &DeliveryFixture| {
        let tenant = fixture.administrate.simulator.tenant();
        let (number, event) = tenant.events_titled("CM2-01").next().expect("the event");
        let sessions: Vec<SessionState> = tenant.sessions_of(number).map(|(_, session)| session.state).collect();
        (event.state, sessions)
    };
    let (draft, published) = (EventState::Draft, EventState::Published);
    assert_eq!(states(&fixture), (draft, vec![draft, draft, draft]));
    let request = async |steps| {
        let mut connection = fixture.db.pool.acquire().await.expect("a connection");
        request_steps(&mut connection, None, &[(id, "CM2-01".into())], steps).await.expect("requested");
        fixture.deliver().await
    };
    // The first attempt ends after one session; the next attempt continues there.
    fixture.administrate.simulator.add_fault(Fault::nth("session.update", 2, Action::Reset { when: When::Before }));
    request(&[DeliveryStep::Publish]).await;
    assert_eq!(states(&fixture), (published, vec![published, published, draft]), "the extra session stays a draft");
    let mut connection = fixture.db.pool.acquire().await.expect("a connection");
    assert_eq!(bridges::events::published(&mut connection, &[id]).await.expect("read"), [id]);
    assert_eq!(bridges::events::with_extra_sessions(&mut connection, &[id]).await.expect("read"), [id]);

    let report = request(&[DeliveryStep::DeleteDrafts]).await;
    assert_eq!((states(&fixture), report.outcomes[0].notices.len()), ((published, vec![published, published]), 0));
    assert!(bridges::events::with_extra_sessions(&mut connection, &[id]).await.expect("read").is_empty());
}

#[tokio::test]
async fn withdrawn_event_is_deleted_unless_places_are_sold() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    let codes = ["DRAFT", "PUBLISHED", "SOLD"];
    let ids = fixture.create_events(&codes.map(|code| fixture.provider.event(code))).await;
    fixture.deliver().await;
    fixture.administrate.simulator.edit(|tenant| {
        for event in tenant.events.values_mut() {
            event.state = if event.title == "DRAFT" { EventState::Draft } else { EventState::Published };
            event.booked_places = i32::from(event.title == "SOLD");
        }
    });
    fixture.administrate.simulator.add_fault(Fault::first("event.delete", Action::Reset { when: When::After }));
    let events: Vec<(i64, String)> = ids.into_iter().zip(codes.map(String::from)).collect();
    let mut connection = fixture.db.pool.acquire().await.expect("a connection");
    remove_events(&mut connection, None, &events).await.expect("requested");
    let report = fixture.deliver().await;
    let tenant = fixture.administrate.simulator.tenant();
    let mut remote: Vec<_> = tenant.events.values().map(|event| (event.title.as_str(), event.state)).collect();
    remote.sort_unstable_by_key(|(title, _)| *title);
    assert_eq!(remote, [("PUBLISHED", EventState::Cancelled), ("SOLD", EventState::Published)]);
    let local: Vec<String> =
        sqlx::query_scalar("SELECT code FROM acted.tutorial_events").fetch_all(&fixture.db.pool).await.expect("events");
    assert_eq!(local, ["SOLD"]);
    let sold = report.outcomes.iter().find(|outcome| outcome.subject == "SOLD").and_then(|o| o.reason.clone());
    assert!(sold.expect("why").contains("1 places are sold"));
    let links: i64 =
        sqlx::query_scalar("SELECT count(*) FROM adm.events").fetch_one(&fixture.db.pool).await.expect("links");
    assert_eq!(links, 1);
}

#[tokio::test]
async fn late_creation_is_unknown_until_resolved() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.administrate.simulator.add_fault(Fault::first("event.createBlended", Action::Late));
    let id = fixture.create_events(&[fixture.provider.event("CM2-01")]).await[0];
    let mut report = fixture.deliver_with_timeout("300").await;
    while fixture.states().await == [DeliveryState::Pending] {
        // On a busy machine other responses time out as well.
        report = fixture.deliver_with_timeout("300").await;
    }
    assert_eq!(fixture.states().await, [DeliveryState::Unknown], "{report:?}");
    let reason = report.outcomes[0].reason.clone().expect("the evidence");
    let ids: Vec<String> =
        fixture.administrate.simulator.tenant().events.keys().map(|n| Tenant::course_id(*n)).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| reason.contains(id)), "{reason}");

    let item = outbox::list(&fixture.db.pool, false).await.expect("listed")[0].id;
    fixture.administrate.simulator.edit(|tenant| tenant.events.pop_last());
    let resolution = OutboxResolution::Delivered(administrate::Id::new(ids[0].clone()));
    resolve(&fixture.db.pool, &fixture.client, item, &resolution).await.expect("resolved");
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Delivered]);
    let linked: String = sqlx::query_scalar("SELECT external_id FROM adm.events WHERE tutorial_event_id = $1")
        .bind(id)
        .fetch_one(&fixture.db.pool)
        .await
        .expect("a link");
    assert_eq!(linked, ids[0]);
}

#[tokio::test]
async fn creation_after_the_last_check_is_reported_as_duplicate() {
    let fixture = DeliveryFixture::new(2).await;
    let simulator = &fixture.administrate.simulator;
    simulator.add_fault(Fault::first("event.createBlended", Action::Hang { when: When::Before }));
    let id = fixture.create_events(&[fixture.provider.event("CM2-01")]).await[0];
    while fixture.states().await != [DeliveryState::Delivered] {
        fixture.deliver_with_timeout("200").await;
    }
    let pool = &fixture.db.pool;
    duplicates::report_duplicates(pool, &fixture.client, None).await.expect("looked");
    assert_eq!(fixture.states().await, [DeliveryState::Delivered], "there is one");

    let late = simulator.edit(|tenant| {
        let (_, first) = tenant.events.first_key_value().expect("ours");
        let other = first.clone();
        tenant.add_event(other)
    });
    duplicates::report_duplicates(pool, &fixture.client, None).await.expect("looked");
    assert_eq!(fixture.states().await, [DeliveryState::Delivered, DeliveryState::Unknown]);
    let item = outbox::list(pool, false).await.expect("listed").remove(0);
    let reason = item.last_error.expect("the evidence");
    let ids: Vec<String> = simulator.tenant().events.keys().map(|number| Tenant::course_id(*number)).collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| reason.contains(id)), "{reason}");
    duplicates::report_duplicates(pool, &fixture.client, None).await.expect("looked");
    assert_eq!(outbox::list(pool, false).await.expect("listed").len(), 1, "reported once");

    simulator.edit(|tenant| tenant.events.remove(&late));
    let resolution = OutboxResolution::Delivered(administrate::Id::new(ids[0].clone()));
    resolve(pool, &fixture.client, item.id, &resolution).await.expect("resolved");
    fixture.deliver().await;
    assert_eq!(outbox::list(pool, false).await.expect("listed").len(), 0);
    assert!(duplicates::possible_duplicates(pool).await.expect("read").is_empty(), "decided about {id}");
}

#[tokio::test]
async fn unknown_item_resolved_as_recreate_is_created() {
    let fixture = DeliveryFixture::new(2).await;
    let simulator = &fixture.administrate.simulator;
    let other = administrate_sim::tenant::Event { title: "CM2-01".into(), ..Default::default() };
    for _ in 0..2 {
        simulator.edit(|tenant| tenant.add_event(other.clone()));
    }
    simulator.add_fault(Fault::first("event.createBlended", Action::Reset { when: When::Before }));
    fixture.create_events(&[fixture.provider.event("CM2-01")]).await;
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Unknown]);
    let item = outbox::list(&fixture.db.pool, false).await.expect("listed")[0].id;
    let unknown = OutboxResolution::Delivered(administrate::Id::new("Q291cnNlOjk5OTk="));
    assert!(resolve(&fixture.db.pool, &fixture.client, item, &unknown).await.is_err(), "there is no such event");
    let template = fixture.provider.event("CM2-02");
    fixture.create_events(std::slice::from_ref(&template)).await;
    fixture.deliver().await;
    let linked = simulator.tenant().events_titled("CM2-02").next().map(|(number, _)| Tenant::course_id(number));
    let linked = OutboxResolution::Delivered(administrate::Id::new(linked.expect("it was delivered")));
    let error = resolve(&fixture.db.pool, &fixture.client, item, &linked).await.expect_err("it is another's");
    assert!(error.to_string().contains("is CM2-02 already"), "{error}");
    resolve(&fixture.db.pool, &fixture.client, item, &OutboxResolution::Recreate).await.expect("resolved");
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Delivered; 2]);
    assert_eq!(simulator.tenant().events.len(), 4);
    assert!(
        resolve(&fixture.db.pool, &fixture.client, item, &OutboxResolution::Recreate).await.is_err(),
        "nothing is unknown"
    );
}

#[tokio::test]
async fn cancelled_and_already_linked_remote_events_are_not_adopted() {
    let fixture = DeliveryFixture::new(2).await;
    let simulator = &fixture.administrate.simulator;
    // Two local events differ in case only; the first is delivered when the outcome of the second is unknown.
    fixture.create_events(&[fixture.provider.event("cm2-01")]).await;
    fixture.deliver().await;
    fixture.create_events(&[fixture.provider.event("CM2-02")]).await;
    fixture.deliver().await;
    simulator.edit(|tenant| {
        let cancelled = tenant.events.values_mut().find(|event| event.title == "CM2-02");
        let cancelled = cancelled.expect("it was just delivered");
        (cancelled.state, cancelled.title) = (EventState::Cancelled, "CM2-03".into());
    });
    for code in ["CM2-01", "CM2-03"] {
        simulator.add_fault(Fault::first("event.createBlended", Action::Reset { when: When::Before }));
        fixture.create_events(&[fixture.provider.event(code)]).await;
        fixture.deliver().await;
    }
    assert!(fixture.states().await.iter().all(|state| *state == DeliveryState::Delivered));
    let tenant = simulator.tenant();
    let drafts: Vec<&str> = tenant
        .events
        .values()
        .filter(|event| event.state == EventState::Draft)
        .map(|event| event.title.as_str())
        .collect();
    assert_eq!(drafts, ["cm2-01", "CM2-01", "CM2-03"]);
}
