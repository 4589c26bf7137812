//! Delivery to an event that was cancelled in Administrate: by us, or by somebody else.

use administrate_sim::tenant::{EventState, SessionState};
use lectern::bridges::events::{Baseline, BaselineKind, LastSeen, save_baseline};
use lectern::delivery::Notice;
use lectern::outbox::{DeliveryState, DeliveryStep};
use lectern::tutorials::request_steps;

use crate::delivery::Story;

/// The event's state there and those of its sessions.
fn states(story: &Story) -> (EventState, Vec<SessionState>) {
    let tenant = story.administrate.simulator.tenant();
    let (number, event) = tenant.events_titled("CM2-01").next().expect("the event");
    (event.state, tenant.sessions_of(number).map(|(_, session)| session.state).collect())
}

async fn ask(story: &Story, id: i64, also: &'static [DeliveryStep]) {
    let mut db = story.world.pool.acquire().await.expect("a connection");
    request_steps(&mut db, None, &[(id, "CM2-01".into())], also).await.expect("asked");
}

/// Somebody cancels the event there, with its sessions.
fn cancel_there(story: &Story) {
    story.administrate.simulator.edit(|tenant| {
        tenant.events.values_mut().for_each(|event| event.state = EventState::Cancelled);
        tenant.sessions.values_mut().for_each(|session| session.state = EventState::Cancelled);
    });
}

#[tokio::test]
async fn nothing_is_written_over_an_event_that_somebody_cancelled() {
    let story = Story::begin(2).await;
    let mut event = story.provider.event("CM2-01");
    let id = story.announce(std::slice::from_ref(&event)).await[0];
    story.deliver().await;
    cancel_there(&story);
    let before = story.administrate.simulator.mutations().len();
    // A change of values, then of people alone, then publishing alone; told to look, or to publish.
    for also in [&[DeliveryStep::Compare][..], &[DeliveryStep::Compare], &[DeliveryStep::Publish]] {
        match also {
            [DeliveryStep::Compare] if event.max_places != Some(5) => event.max_places = Some(5),
            [DeliveryStep::Compare] => event.staff.clear(),
            _ => {}
        }
        story.revise(id, &event).await;
        ask(&story, id, also).await;
        let drained = story.deliver().await;
        let why = drained.outcomes[0].reason.clone().expect("why");
        assert!(why.contains("state: not cancelled locally; Administrate has cancelled"), "{why}");
        assert_eq!(story.states().await.last(), Some(&DeliveryState::Failed));
    }
    assert_eq!(story.administrate.simulator.mutations().len(), before, "nothing was written");
    // As it is cancelled here too, both agree.
    event.cancelled = true;
    story.revise(id, &event).await;
    story.deliver().await;
    assert!(story.states().await.iter().all(|state| *state == DeliveryState::Delivered));
}

#[tokio::test]
async fn what_was_heard_of_a_cancellation_makes_delivery_look() {
    let story = Story::begin(2).await;
    let mut event = story.provider.event("CM2-01");
    let id = story.announce(std::slice::from_ref(&event)).await[0];
    story.deliver().await;
    let there = story.administrate.simulator.tenant().events.keys().next().copied().expect("the event");
    let there = administrate::Id::new(administrate_sim::Tenant::course_id(there));
    let seen = LastSeen { lifecycle: Some("cancelled".into()), ..LastSeen::default() };
    let mut db = story.world.pool.acquire().await.expect("a connection");
    save_baseline(&mut db, BaselineKind::EventSeen, &there, &Baseline { values: seen, unsure: false })
        .await
        .expect("noted");
    // It was taken up again since, of which nobody has told us: then it is written.
    event.max_places = Some(5);
    story.revise(id, &event).await;
    story.deliver().await;
    assert_eq!(story.states().await.last(), Some(&DeliveryState::Delivered));
    cancel_there(&story);
    event.max_places = Some(6);
    story.revise(id, &event).await;
    story.deliver().await;
    assert_eq!(story.states().await.last(), Some(&DeliveryState::Failed));
    assert_eq!(story.administrate.simulator.tenant().events.values().next().and_then(|e| e.max_places), Some(5));
}

#[tokio::test]
async fn a_session_that_somebody_cancelled_is_not_written_over_either() {
    let story = Story::begin(2).await;
    let mut event = story.provider.event("CM2-01");
    let id = story.announce(std::slice::from_ref(&event)).await[0];
    story.deliver().await;
    story.administrate.simulator.edit(|tenant| {
        tenant.sessions.values_mut().nth(1).expect("day 2").state = EventState::Cancelled;
    });
    for (day, expected) in [(0, DeliveryState::Delivered), (1, DeliveryState::Failed)] {
        event.sessions[day].title = format!("Day {}", day + 1);
        story.revise(id, &event).await;
        ask(&story, id, &[DeliveryStep::Compare]).await;
        let drained = story.deliver().await;
        assert_eq!(story.states().await.last(), Some(&expected), "{drained:?}");
    }
}

#[tokio::test]
async fn ours_takes_up_again_what_was_cancelled_as_far_as_administrate_lets_us() {
    let story = Story::begin(2).await;
    let mut event = story.provider.event("CM2-01");
    let id = story.announce(std::slice::from_ref(&event)).await[0];
    ask(&story, id, &[DeliveryStep::Publish]).await;
    story.deliver().await;
    cancel_there(&story);
    event.max_places = Some(5);
    story.revise(id, &event).await;
    ask(&story, id, &[DeliveryStep::OverwriteRemote, DeliveryStep::CompareLater]).await;
    let drained = story.deliver().await;
    let why = drained.outcomes[0].reason.clone().expect("why");
    assert!(why.contains("cannot be taken back (Administrate refused"), "{why}");
    assert_eq!(states(&story).0, EventState::Cancelled);

    story.administrate.simulator.edit(|tenant| tenant.can_reinstate_cancelled = true);
    lectern::outbox::retry_now(&story.world.pool, None, None).await.expect("due");
    let drained = story.deliver().await;
    assert_eq!(drained.outcomes[0].remarks, [Notice::TakenUpAgain]);
    assert_eq!(states(&story), (EventState::Published, vec![EventState::Published; 2]));
    assert_eq!(story.administrate.simulator.tenant().events.values().next().and_then(|e| e.max_places), Some(5));
}

#[tokio::test]
async fn what_we_called_off_takes_place_again_where_administrate_lets_us() {
    let story = Story::begin(2).await;
    story.administrate.simulator.edit(|tenant| tenant.can_reinstate_cancelled = true);
    let mut event = story.provider.event("CM2-01");
    let id = story.announce(std::slice::from_ref(&event)).await[0];
    ask(&story, id, &[DeliveryStep::Publish]).await;
    story.deliver().await;
    for cancelled in [true, false, true] {
        event.cancelled = cancelled;
        story.revise(id, &event).await;
        story.deliver().await;
        assert_eq!(story.states().await.last(), Some(&DeliveryState::Delivered));
        let expected = if cancelled { EventState::Cancelled } else { EventState::Published };
        assert_eq!(states(&story), (expected, vec![EventState::Published; 2]));
    }
}
