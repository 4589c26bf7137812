//! Delivery to events that were cancelled locally or in Administrate.

use administrate_sim::tenant::{EventState, SessionState};
use lectern::bridges::events::{Baseline, BaselineKind, LastSeen, save_baseline};
use lectern::delivery::Notice;
use lectern::outbox::DeliveryState;
use lectern::outbox::DeliveryStep;
use lectern::tutorials::request_steps;

use crate::fixtures::delivery::DeliveryFixture;

/// Returns the states of the event and of its sessions in Administrate.
fn states(fixture: &DeliveryFixture) -> (EventState, Vec<SessionState>) {
    let tenant = fixture.administrate.simulator.tenant();
    let (number, event) = tenant.events_titled("CM2-01").next().expect("the event");
    (event.state, tenant.sessions_of(number).map(|(_, session)| session.state).collect())
}

async fn request(fixture: &DeliveryFixture, id: i64, steps: &'static [DeliveryStep]) {
    let mut connection = fixture.db.pool.acquire().await.expect("a connection");
    request_steps(&mut connection, None, &[(id, "CM2-01".into())], steps).await.expect("requested");
}

/// Cancels the event and its sessions in Administrate.
fn cancel_remotely(fixture: &DeliveryFixture) {
    fixture.administrate.simulator.edit(|tenant| {
        tenant.events.values_mut().for_each(|event| event.state = EventState::Cancelled);
        tenant.sessions.values_mut().for_each(|session| session.state = EventState::Cancelled);
    });
}

#[tokio::test]
async fn remotely_cancelled_event_is_not_written() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    cancel_remotely(&fixture);
    let before = fixture.administrate.simulator.mutations().len();
    // Changes values, then staff, then only requests publication.
    for steps in [&[DeliveryStep::Compare][..], &[DeliveryStep::Compare], &[DeliveryStep::Publish]] {
        match steps {
            [DeliveryStep::Compare] if event.max_places != Some(5) => event.max_places = Some(5),
            [DeliveryStep::Compare] => event.staff.clear(),
            _ => {}
        }
        fixture.update_event(id, &event).await;
        request(&fixture, id, steps).await;
        let report = fixture.deliver().await;
        let reason = report.outcomes[0].reason.clone().expect("why");
        assert!(reason.contains("state: not cancelled locally; Administrate has cancelled"), "{reason}");
        assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Failed));
    }
    assert_eq!(fixture.administrate.simulator.mutations().len(), before, "nothing was written");
    // Cancelled on both sides: no conflict.
    event.cancelled = true;
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    assert!(fixture.states().await.iter().all(|state| *state == DeliveryState::Delivered));
}

#[tokio::test]
async fn reported_cancellation_makes_delivery_check_the_remote_state() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    let remote = fixture.administrate.simulator.tenant().events.keys().next().copied().expect("the event");
    let remote = administrate::Id::new(administrate_sim::Tenant::course_id(remote));
    let seen = LastSeen { lifecycle: Some("cancelled".into()), ..LastSeen::default() };
    let mut connection = fixture.db.pool.acquire().await.expect("a connection");
    save_baseline(&mut connection, BaselineKind::EventSeen, &remote, &Baseline { values: seen, uncertain: false })
        .await
        .expect("noted");
    // The event was reinstated in Administrate without a report, so it is written.
    event.max_places = Some(5);
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Delivered));
    cancel_remotely(&fixture);
    event.max_places = Some(6);
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Failed));
    assert_eq!(fixture.administrate.simulator.tenant().events.values().next().and_then(|e| e.max_places), Some(5));
}

#[tokio::test]
async fn remotely_cancelled_session_is_not_written() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    fixture.administrate.simulator.edit(|tenant| {
        tenant.sessions.values_mut().nth(1).expect("day 2").state = EventState::Cancelled;
    });
    for (day, expected) in [(0, DeliveryState::Delivered), (1, DeliveryState::Failed)] {
        event.sessions[day].title = format!("Day {}", day + 1);
        fixture.update_event(id, &event).await;
        request(&fixture, id, &[DeliveryStep::Compare]).await;
        let report = fixture.deliver().await;
        assert_eq!(fixture.states().await.last(), Some(&expected), "{report:?}");
    }
}

#[tokio::test]
async fn remotely_cancelled_event_with_overwrite_is_reinstated_where_the_api_can() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    request(&fixture, id, &[DeliveryStep::Publish]).await;
    fixture.deliver().await;
    cancel_remotely(&fixture);
    event.max_places = Some(5);
    fixture.update_event(id, &event).await;
    request(&fixture, id, &[DeliveryStep::OverwriteRemote, DeliveryStep::CompareLater]).await;
    let report = fixture.deliver().await;
    let reason = report.outcomes[0].reason.clone().expect("why");
    assert!(reason.contains("cannot be taken back"), "{reason}");
    assert_eq!(states(&fixture).0, EventState::Cancelled);

    fixture.administrate.simulator.edit(|tenant| tenant.can_reinstate_cancelled = true);
    lectern::outbox::retry_now(&fixture.db.pool, None, None).await.expect("due");
    let report = fixture.deliver().await;
    assert_eq!(report.outcomes[0].notices, [Notice::Reinstated]);
    assert_eq!(states(&fixture), (EventState::Published, vec![EventState::Published; 2]));
    assert_eq!(fixture.administrate.simulator.tenant().events.values().next().and_then(|e| e.max_places), Some(5));
}

#[tokio::test]
async fn locally_cancelled_event_is_reinstated_where_the_api_can() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.administrate.simulator.edit(|tenant| tenant.can_reinstate_cancelled = true);
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    request(&fixture, id, &[DeliveryStep::Publish]).await;
    fixture.deliver().await;
    for cancelled in [true, false, true] {
        event.cancelled = cancelled;
        fixture.update_event(id, &event).await;
        fixture.deliver().await;
        assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Delivered));
        let expected = if cancelled { EventState::Cancelled } else { EventState::Published };
        assert_eq!(states(&fixture), (expected, vec![EventState::Published; 2]));
    }
}
