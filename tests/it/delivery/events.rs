//! Delivery of new and changed events: sessions, staff, request counts and faults.

use administrate_sim::{Action, Fault, When};
use lectern::delivery::Notice;
use lectern::outbox::{self, DeliveryState};
use lectern::tutorials::{LearningMode, Staff, StaffRole};

use crate::fixtures::delivery::DeliveryFixture;

#[tokio::test]
async fn new_event_is_delivered_with_sessions_and_staff() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    event.staff.push(Staff {
        role: StaffRole::Administrator,
        name: "Opal Finch".into(),
        tutorial_instructor_id: None,
        external_id: Some(administrate_sim::Tenant::contact_id(fixture.administrate.administrator)),
    });
    let ids = fixture.create_events(&[event.clone()]).await;
    let report = fixture.deliver().await;
    assert_eq!(report.outcomes[0].notices, []);
    assert_eq!(fixture.states().await, [DeliveryState::Delivered]);

    let tenant = fixture.administrate.simulator.tenant();
    let (number, remote) = tenant.events_titled("CM2-01").next().expect("the event");
    assert_eq!(remote.template, Some(fixture.administrate.template));
    let titles: Vec<&str> = tenant.sessions_of(number).map(|(_, session)| session.title.as_str()).collect();
    assert_eq!(titles, ["CM2-01-1", "CM2-01-2"]);
    assert_eq!(tenant.staff_of(number).count(), 2);
    assert!(tenant.sessions_of(number).all(|(session, _)| tenant.staff_of(session).count() == 1));
    let linked: (i64, i64) = sqlx::query_as(
        "SELECT e.tutorial_event_id, count(s.tutorial_session_id)
         FROM adm.events e JOIN adm.sessions s ON s.event_id = e.id GROUP BY e.tutorial_event_id",
    )
    .fetch_one(&fixture.db.pool)
    .await
    .expect("the bridge");
    assert_eq!(linked, (ids[0], 2));

    // Delivery sends the current values, and only what changed.
    let before = fixture.administrate.simulator.mutations().len();
    event.sessions[1].title = "The last day".into();
    let mut connection = fixture.db.pool.acquire().await.expect("a connection");
    lectern::tutorials::update_events(&mut connection, None, &[(ids[0], event)]).await.expect("revised");
    fixture.deliver().await;
    let mutations = fixture.administrate.simulator.mutations();
    let operations: Vec<&str> = mutations[before..].iter().map(|mutation| mutation.operation.as_str()).collect();
    assert_eq!(operations, ["session.update"]);
}

#[tokio::test]
async fn delivery_of_events_sends_the_fewest_requests() {
    let fixture = DeliveryFixture::new(2).await;
    let simulator = &fixture.administrate.simulator;
    let named = |role, contact| Staff {
        role,
        name: "Somebody".into(),
        tutorial_instructor_id: None,
        external_id: Some(administrate_sim::Tenant::contact_id(contact)),
    };
    let others =
        simulator.edit(|tenant| [tenant.add_instructor("Tom", "Okafor"), tenant.add_administrator("Kit", "Ash")]);
    let blended = fixture.provider.event("CM2-01");
    let mut crowded = fixture.provider.event("CM2-02");
    crowded.staff.extend([
        named(StaffRole::Instructor, others[0]),
        named(StaffRole::Administrator, others[1]),
        named(StaffRole::Administrator, fixture.administrate.administrator),
    ]);
    let mut lms = fixture.provider.event("CM2-03");
    (lms.learning_mode, lms.sessions) = (Some(LearningMode::Lms), Vec::new());
    let mut classroom = fixture.provider.event("CM2-04");
    classroom.learning_mode = Some(LearningMode::Classroom);
    let before = simulator.requests();
    fixture.create_events(&[blended, crowded, lms, classroom]).await;
    fixture.deliver().await;
    assert!(fixture.states().await.iter().all(|state| *state == DeliveryState::Delivered));
    let after = simulator.requests();
    let sent = |operation: &str| after.of(operation) - before.of(operation);
    // Expected: one create; one update and one addStaff for each session; one addStaffBulk for each event and role;
    // login and introspection once.
    for (operation, expected) in [
        ("event.createBlended", 2),
        ("event.createLMS", 1),
        ("event.createClassroom", 1),
        ("session.update", 6),
        ("session.addStaff", 6),
        ("event.update", 0),
        ("events", 0),
    ] {
        assert_eq!(sent(operation), expected, "{operation}: {:?}", after.by_operation);
    }
    // A single contact is added with addStaff.
    assert_eq!((sent("event.addStaff"), sent("event.addStaffBulk")), (3, 2));
    assert_eq!(after.total - before.total, 2 + 21, "{:?}", after.by_operation);
}

#[tokio::test]
async fn change_of_one_end_of_a_window_writes_only_that_end() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    let before = fixture.administrate.simulator.mutations().len();
    event.lms_end = event.lms_end.map(|end| end + jiff::SignedDuration::from_hours(24));
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    let mutations = fixture.administrate.simulator.mutations();
    let [written] = &mutations[before..] else { panic!("one write: {mutations:?}") };
    let input: Vec<&String> = written.arguments["input"].as_object().expect("an input").keys().collect();
    assert_eq!(input, ["lmsEndDateTime", "timeZoneName"]);
    assert!(written.changed);
}

#[tokio::test]
async fn creation_with_each_fault_creates_the_event_once() {
    let reset = |when| Action::Reset { when };
    let status = |status| Action::Status { status, retry_after: None };
    let operations =
        ["event.createBlended", "session.update", "session.addStaff", "event.addStaffBulk", "events", "token"];
    let fixture = DeliveryFixture::new(2).await;
    let mut number = 0;
    for operation in operations {
        for action in [reset(When::Before), reset(When::After), status(429), status(500), status(503)] {
            number += 1;
            let code = format!("CM2-{number:03}");
            fixture.administrate.simulator.clear_faults();
            fixture.administrate.simulator.expire_tokens();
            fixture.administrate.simulator.add_fault(Fault::first(operation, action.clone()));
            if operation == "events" {
                // Administrate is read only when the outcome of a request is unknown.
                fixture.administrate.simulator.add_fault(Fault::first("event.createBlended", reset(When::After)));
            }
            fixture.create_events(&[fixture.provider.event(&code)]).await;
            fixture.deliver().await;
            let tenant = fixture.administrate.simulator.tenant();
            let what = format!("{operation} {action:?}");
            assert_eq!(tenant.events_titled(&code).count(), 1, "{what}");
            let (number, _) = tenant.events_titled(&code).next().expect("the event");
            let titles: Vec<String> = tenant.sessions_of(number).map(|(_, session)| session.title.clone()).collect();
            assert_eq!(titles, [format!("{code}-1"), format!("{code}-2")], "{what}");
            assert!(tenant.sessions_of(number).all(|(session, _)| tenant.staff_of(session).count() == 1), "{what}");
            assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Delivered), "{what}");
        }
    }
}

#[tokio::test]
async fn delivery_during_an_outage_leaves_items_pending() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.create_events(&[fixture.provider.event("CM2-01"), fixture.provider.event("CM2-02")]).await;
    fixture.administrate.simulator.add_fault(Fault::always("*", Action::Status { status: 503, retry_after: None }));
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Pending, DeliveryState::Pending]);
    fixture.administrate.simulator.clear_faults();
    outbox::retry_now(&fixture.db.pool, None, None).await.expect("made due");
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Delivered, DeliveryState::Delivered]);
    assert_eq!(fixture.administrate.simulator.tenant().events.len(), 2);
}

#[tokio::test]
async fn ambiguous_creation_is_unknown() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    let simulator = &fixture.administrate.simulator;
    // Administrate already has two events of this title, and the outcome of the creation is unknown.
    for _ in 0..2 {
        let event = administrate_sim::tenant::Event { title: "CM2-01".into(), ..Default::default() };
        simulator.edit(|tenant| tenant.add_event(event));
    }
    simulator.add_fault(Fault::first("event.createBlended", Action::Reset { when: When::Before }));
    fixture.create_events(&[fixture.provider.event("CM2-01")]).await;
    let report = fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Unknown], "{report:?}");
    let why = report.outcomes[0].reason.clone().expect("the evidence");
    assert!(why.contains("several events titled \"CM2-01\""), "{why}");
}

#[tokio::test]
async fn template_with_fewer_sessions_is_an_error_and_with_more_is_not() {
    let fixture = DeliveryFixture::new(3).await;
    fixture.create_events(&[fixture.provider.event("CM2-01")]).await;
    let report = fixture.deliver().await;
    assert_eq!(report.outcomes[0].notices, [Notice::ExtraSessions { count: 1 }]);
    assert_eq!(fixture.states().await, [DeliveryState::Delivered]);

    let fixture = DeliveryFixture::new(1).await;
    fixture.expect_undelivered();
    fixture.create_events(&[fixture.provider.event("CM2-01")]).await;
    let report = fixture.deliver().await;
    let why = report.outcomes[0].reason.clone().expect("why");
    assert!(why.contains("has 2 sessions") && why.contains("only 1 of them") && why.contains("CM2-01-2"), "{why}");
    assert_eq!(fixture.states().await, [DeliveryState::Failed]);
    let tenant = fixture.administrate.simulator.tenant();
    let (number, _) = tenant.events_titled("CM2-01").next().expect("the event exists");
    let titles: Vec<&str> = tenant.sessions_of(number).map(|(_, session)| session.title.as_str()).collect();
    assert_eq!(titles, ["CM2-01-1"], "what fits is delivered");
}

#[tokio::test]
async fn event_without_a_required_link_fails_and_names_it() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    sqlx::query("DELETE FROM adm.instructors").execute(&fixture.db.pool).await.expect("unlinked");
    fixture.create_events(&[fixture.provider.event("CM2-01")]).await;
    let report = fixture.deliver().await;
    let why = report.outcomes[0].reason.clone().expect("why");
    assert!(why.contains("instructor") && why.contains("lectern sync instructors"), "{why}");
    assert!(fixture.administrate.simulator.tenant().events.is_empty(), "nothing is half done");
}
