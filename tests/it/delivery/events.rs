//! Delivery: an event comes to be in Administrate once, whatever fails, with its sessions and staff.

use std::sync::Arc;

use administrate_sim::{Action, Fault, Options, When};
use lectern::delivery::{DeliveryWorker, DrainReport, Notice, drain};
use lectern::outbox::{self, DeliveryState};
use lectern::tutorials::{Event, LearningMode, Staff, StaffRole, create_events, update_events};
use tokio_util::sync::CancellationToken;

use crate::fixtures::administrate::Administrate;
use crate::fixtures::provider::Provider;
use crate::fixtures::test_db::World;

/// A provider and its Administrate, with nothing between them yet.
pub struct Story {
    pub world: World,
    pub provider: Provider,
    pub administrate: Administrate,
    pub client: administrate::Client,
}

impl Story {
    /// Course templates make so many sessions.
    pub async fn begin(days: usize) -> Story {
        Self::begin_with(Options::default(), days).await
    }

    /// With another variant of the API.
    pub async fn begin_with(options: Options, days: usize) -> Story {
        let world = World::new().await;
        let provider = Provider::settle(&world).await;
        let administrate = Administrate::start(options, days).await;
        administrate.link(&world, &provider).await;
        let client = administrate.client(&world).await;
        Story { world, provider, administrate, client }
    }

    pub async fn revise(&self, id: i64, event: &Event) {
        let mut db = self.world.pool.acquire().await.expect("a connection");
        update_events(&mut db, None, &[(id, event.clone())]).await.expect("revised");
    }

    pub async fn announce(&self, events: &[Event]) -> Vec<i64> {
        let mut tx = self.world.pool.begin().await.expect("begin");
        let ids = create_events(&mut tx, None, events, false).await.expect("announced");
        tx.commit().await.expect("commit");
        ids
    }

    pub async fn deliver(&self) -> DrainReport {
        self.deliver_taking("2000").await
    }

    /// Delivers, where so many milliseconds without an answer count as late.
    pub async fn deliver_taking(&self, timeout_ms: &str) -> DrainReport {
        let worker = Arc::new(self.worker(&self.client, timeout_ms).await);
        drain(worker, None, &CancellationToken::new(), |_| ()).await.expect("drained")
    }

    /// Delivers; an answer that takes longer than so many milliseconds is given up.
    pub async fn deliver_within(&self, timeout_ms: &str) -> DrainReport {
        let mut config = self.administrate.config(&self.world);
        config.http_timeout_ms = timeout_ms.parse().expect("milliseconds");
        let client = lectern::gateway::connect(&config, &self.world.pool, "test", lectern::gateway::AuditMode::On);
        let worker = Arc::new(self.worker(&client.await.expect("connected"), timeout_ms).await);
        drain(worker, None, &CancellationToken::new(), |_| ()).await.expect("drained")
    }

    /// One attempt of one event.
    pub async fn deliver_once(&self) {
        let worker = self.worker(&self.client, "2000").await;
        worker.deliver_next(None, &CancellationToken::new()).await.expect("tried");
        worker.close().await.expect("closed");
    }

    async fn worker(&self, client: &administrate::Client, timeout_ms: &str) -> DeliveryWorker {
        let mut config = self.administrate.config(&self.world);
        config.http_timeout_ms = timeout_ms.parse().expect("milliseconds");
        DeliveryWorker::new(&self.world.pool, client.clone(), &config).await.expect("a worker")
    }

    pub async fn states(&self) -> Vec<DeliveryState> {
        outbox::list(&self.world.pool, true).await.expect("listed").into_iter().map(|item| item.state).collect()
    }
}

#[tokio::test]
async fn an_event_arrives_with_its_sessions_and_staff() {
    let story = Story::begin(2).await;
    let mut event = story.provider.event("CM2-01");
    event.staff.push(Staff {
        role: StaffRole::Administrator,
        name: "Opal Finch".into(),
        tutorial_instructor_id: None,
        external_id: Some(administrate_sim::Tenant::contact_id(story.administrate.administrator)),
    });
    let ids = story.announce(&[event.clone()]).await;
    let drained = story.deliver().await;
    assert_eq!(drained.outcomes[0].remarks, []);
    assert_eq!(story.states().await, [DeliveryState::Delivered]);

    let tenant = story.administrate.simulator.tenant();
    let (number, theirs) = tenant.events_titled("CM2-01").next().expect("the event");
    assert_eq!(theirs.template, Some(story.administrate.template));
    let titles: Vec<&str> = tenant.sessions_of(number).map(|(_, session)| session.title.as_str()).collect();
    assert_eq!(titles, ["CM2-01-1", "CM2-01-2"]);
    assert_eq!(tenant.staff_of(number).count(), 2);
    assert!(tenant.sessions_of(number).all(|(session, _)| tenant.staff_of(session).count() == 1));
    let bridged: (i64, i64) = sqlx::query_as(
        "SELECT e.tutorial_event_id, count(s.tutorial_session_id)
         FROM adm.events e JOIN adm.sessions s ON s.event_id = e.id GROUP BY e.tutorial_event_id",
    )
    .fetch_one(&story.world.pool)
    .await
    .expect("the bridge");
    assert_eq!(bridged, (ids[0], 2));

    // What is delivered is what is true now, and only the difference.
    let before = story.administrate.simulator.mutations().len();
    event.sessions[1].title = "The last day".into();
    let mut db = story.world.pool.acquire().await.expect("a connection");
    update_events(&mut db, None, &[(ids[0], event)]).await.expect("revised");
    story.deliver().await;
    let mutations = story.administrate.simulator.mutations();
    let operations: Vec<&str> = mutations[before..].iter().map(|mutation| mutation.operation.as_str()).collect();
    assert_eq!(operations, ["session.update"]);
}

#[tokio::test]
async fn the_requests_are_as_few_as_can_be() {
    let story = Story::begin(2).await;
    let simulator = &story.administrate.simulator;
    let named = |role, contact| Staff {
        role,
        name: "Somebody".into(),
        tutorial_instructor_id: None,
        external_id: Some(administrate_sim::Tenant::contact_id(contact)),
    };
    let others =
        simulator.edit(|tenant| [tenant.add_instructor("Tom", "Okafor"), tenant.add_administrator("Kit", "Ash")]);
    let blended = story.provider.event("CM2-01");
    let mut crowded = story.provider.event("CM2-02");
    crowded.staff.extend([
        named(StaffRole::Instructor, others[0]),
        named(StaffRole::Administrator, others[1]),
        named(StaffRole::Administrator, story.administrate.administrator),
    ]);
    let mut lms = story.provider.event("CM2-03");
    (lms.learning_mode, lms.sessions) = (Some(LearningMode::Lms), Vec::new());
    let mut classroom = story.provider.event("CM2-04");
    classroom.learning_mode = Some(LearningMode::Classroom);
    let before = simulator.requests();
    story.announce(&[blended, crowded, lms, classroom]).await;
    story.deliver().await;
    assert!(story.states().await.iter().all(|state| *state == DeliveryState::Delivered));
    let after = simulator.requests();
    let sent = |operation: &str| after.of(operation) - before.of(operation);
    // One create, one update and one addStaff a session, one addStaffBulk an event and role; login and introspection once.
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
    // Of one contact it is addStaff.
    assert_eq!((sent("event.addStaff"), sent("event.addStaffBulk")), (3, 2));
    assert_eq!(after.total - before.total, 2 + 21, "{:?}", after.by_operation);
}

#[tokio::test]
async fn of_a_window_only_the_end_that_changed_is_written() {
    let story = Story::begin(2).await;
    let mut event = story.provider.event("CM2-01");
    let id = story.announce(std::slice::from_ref(&event)).await[0];
    story.deliver().await;
    let before = story.administrate.simulator.mutations().len();
    event.lms_end = event.lms_end.map(|end| end + jiff::SignedDuration::from_hours(24));
    story.revise(id, &event).await;
    story.deliver().await;
    let mutations = story.administrate.simulator.mutations();
    let [written] = &mutations[before..] else { panic!("one write: {mutations:?}") };
    let input: Vec<&String> = written.arguments["input"].as_object().expect("an input").keys().collect();
    assert_eq!(input, ["lmsEndDateTime", "timeZoneName"]);
    assert!(written.changed);
}

#[tokio::test]
async fn whatever_fails_the_event_is_there_once() {
    let reset = |when| Action::Reset { when };
    let status = |status| Action::Status { status, retry_after: None };
    let operations =
        ["event.createBlended", "session.update", "session.addStaff", "event.addStaffBulk", "events", "token"];
    let story = Story::begin(2).await;
    let mut number = 0;
    for operation in operations {
        for action in [reset(When::Before), reset(When::After), status(429), status(500), status(503)] {
            number += 1;
            let code = format!("CM2-{number:03}");
            story.administrate.simulator.clear_faults();
            story.administrate.simulator.expire_tokens();
            story.administrate.simulator.add_fault(Fault::first(operation, action.clone()));
            if operation == "events" {
                // Administrate is only looked at after a doubt.
                story.administrate.simulator.add_fault(Fault::first("event.createBlended", reset(When::After)));
            }
            story.announce(&[story.provider.event(&code)]).await;
            story.deliver().await;
            let tenant = story.administrate.simulator.tenant();
            let what = format!("{operation} {action:?}");
            assert_eq!(tenant.events_titled(&code).count(), 1, "{what}");
            let (number, _) = tenant.events_titled(&code).next().expect("the event");
            let titles: Vec<String> = tenant.sessions_of(number).map(|(_, session)| session.title.clone()).collect();
            assert_eq!(titles, [format!("{code}-1"), format!("{code}-2")], "{what}");
            assert!(tenant.sessions_of(number).all(|(session, _)| tenant.staff_of(session).count() == 1), "{what}");
            assert_eq!(story.states().await.last(), Some(&DeliveryState::Delivered), "{what}");
        }
    }
}

#[tokio::test]
async fn an_outage_leaves_everything_for_later() {
    let story = Story::begin(2).await;
    story.announce(&[story.provider.event("CM2-01"), story.provider.event("CM2-02")]).await;
    story.administrate.simulator.add_fault(Fault::always("*", Action::Status { status: 503, retry_after: None }));
    story.deliver().await;
    assert_eq!(story.states().await, [DeliveryState::Pending, DeliveryState::Pending]);
    story.administrate.simulator.clear_faults();
    outbox::retry_now(&story.world.pool, None, None).await.expect("made due");
    story.deliver().await;
    assert_eq!(story.states().await, [DeliveryState::Delivered, DeliveryState::Delivered]);
    assert_eq!(story.administrate.simulator.tenant().events.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_decided_waits_for_a_person() {
    let story = Story::begin(2).await;
    let simulator = &story.administrate.simulator;
    // Two events of that title stand there already, and the creation's outcome is lost.
    for _ in 0..2 {
        let event = administrate_sim::tenant::Event { title: "CM2-01".into(), ..Default::default() };
        simulator.edit(|tenant| tenant.add_event(event));
    }
    simulator.add_fault(Fault::first("event.createBlended", Action::Reset { when: When::Before }));
    story.announce(&[story.provider.event("CM2-01")]).await;
    let drained = story.deliver().await;
    assert_eq!(story.states().await, [DeliveryState::Unknown], "{drained:?}");
    let why = drained.outcomes[0].reason.clone().expect("the evidence");
    assert!(why.contains("several events titled \"CM2-01\""), "{why}");
}

#[tokio::test]
async fn templates_may_make_more_sessions_than_ours_but_not_fewer() {
    let story = Story::begin(3).await;
    story.announce(&[story.provider.event("CM2-01")]).await;
    let drained = story.deliver().await;
    assert_eq!(drained.outcomes[0].remarks, [Notice::LeftoverSessions { count: 1 }]);
    assert_eq!(story.states().await, [DeliveryState::Delivered]);

    let story = Story::begin(1).await;
    story.announce(&[story.provider.event("CM2-01")]).await;
    let drained = story.deliver().await;
    let why = drained.outcomes[0].reason.clone().expect("why");
    assert!(why.contains("has 2 sessions") && why.contains("only 1 of them") && why.contains("CM2-01-2"), "{why}");
    assert_eq!(story.states().await, [DeliveryState::Failed]);
    let tenant = story.administrate.simulator.tenant();
    let (number, _) = tenant.events_titled("CM2-01").next().expect("the event is kept");
    let titles: Vec<&str> = tenant.sessions_of(number).map(|(_, session)| session.title.as_str()).collect();
    assert_eq!(titles, ["CM2-01-1"], "what fits is delivered");
}

#[tokio::test]
async fn a_missing_link_is_named() {
    let story = Story::begin(2).await;
    sqlx::query("DELETE FROM adm.instructors").execute(&story.world.pool).await.expect("unlinked");
    story.announce(&[story.provider.event("CM2-01")]).await;
    let drained = story.deliver().await;
    let why = drained.outcomes[0].reason.clone().expect("why");
    assert!(why.contains("instructor") && why.contains("lectern sync instructors"), "{why}");
    assert!(story.administrate.simulator.tenant().events.is_empty(), "nothing is half done");
}
