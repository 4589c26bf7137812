//! Delivery after changes in Administrate, and of values that its API cannot write.

use administrate_sim::tenant::{EventState, Number, Session};
use administrate_sim::{Action, Fault, Options, Profile, Tenant, When};
use lectern::delivery::resolve::{OutboxResolution, resolve};
use lectern::outbox::{self, DeliveryState};
use lectern::tutorials::create_events;

use crate::fixtures::delivery::DeliveryFixture;

/// Returns the number of the only event of a title in Administrate.
fn number(fixture: &DeliveryFixture, title: &str) -> Number {
    let tenant = fixture.administrate.simulator.tenant();
    let found: Vec<Number> = tenant.events_titled(title).map(|(number, _)| number).collect();
    assert_eq!(found.len(), 1, "{title}");
    found[0]
}

fn titles(fixture: &DeliveryFixture, event: Number) -> Vec<String> {
    let tenant = fixture.administrate.simulator.tenant();
    tenant.sessions_of(event).map(|(_, session)| session.title.clone()).collect()
}

/// Returns id and last error of the only undelivered item.
async fn undelivered(fixture: &DeliveryFixture) -> (i64, String) {
    let items = outbox::list(&fixture.db.pool, false).await.expect("listed");
    assert_eq!(items.len(), 1, "{items:?}");
    (items[0].id, items[0].last_error.clone().unwrap_or_default())
}

async fn retry(fixture: &DeliveryFixture) {
    outbox::retry_now(&fixture.db.pool, None, None).await.expect("made due");
    fixture.deliver().await;
}

#[tokio::test]
async fn remotely_deleted_event_is_recreated_or_linked_on_resolution() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    for link_another in [false, true] {
        let deleted = number(&fixture, "CM2-01");
        fixture.administrate.simulator.edit(|tenant| {
            tenant.sessions.retain(|_, session| session.event != deleted);
            tenant.events.remove(&deleted);
        });
        event.max_places = event.max_places.map(|places| places + 1);
        fixture.update_event(id, &event).await;
        fixture.deliver().await;
        assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Unknown));
        let (item, reason) = undelivered(&fixture).await;
        assert!(
            reason.contains("no longer in Administrate") && reason.contains(&Tenant::course_id(deleted)),
            "{reason}"
        );
        let resolution = match link_another {
            false => OutboxResolution::Recreate,
            true => {
                let template = fixture.administrate.template;
                let other = administrate_sim::tenant::Event {
                    title: "Another title".into(),
                    template: Some(template),
                    time_zone: "Europe/London".into(),
                    ..Default::default()
                };
                let other = fixture.administrate.simulator.edit(|tenant| {
                    let number = tenant.add_event(other);
                    for _ in 0..2 {
                        let session = administrate_sim::tenant::Session { event: number, ..Default::default() };
                        tenant.add_session(administrate_sim::tenant::Session {
                            time_zone: "Europe/London".into(),
                            ..session
                        });
                    }
                    number
                });
                OutboxResolution::Delivered(administrate::Id::new(Tenant::course_id(other)))
            }
        };
        resolve(&fixture.db.pool, &fixture.client, item, &resolution).await.expect("resolved");
        fixture.deliver().await;
        assert_eq!(fixture.states().await.last(), Some(&DeliveryState::Delivered), "{resolution:?}");
        let remote = number(&fixture, "CM2-01");
        assert_ne!(remote, deleted);
        assert_eq!(titles(&fixture, remote), ["CM2-01-1", "CM2-01-2"]);
        let tenant = fixture.administrate.simulator.tenant();
        assert_eq!(tenant.events[&remote].max_places, event.max_places);
        let links: Vec<String> = sqlx::query_scalar("SELECT external_id FROM adm.events WHERE tutorial_event_id = $1")
            .bind(id)
            .fetch_all(&fixture.db.pool)
            .await
            .expect("links");
        assert_eq!(links, [Tenant::course_id(remote)]);
    }
}

#[tokio::test]
async fn remotely_deleted_event_when_cancelled_is_delivered() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    fixture.administrate.simulator.edit(|tenant| tenant.events.clear());
    event.cancelled = true;
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    assert!(fixture.states().await.iter().all(|state| *state == DeliveryState::Delivered));
}

#[tokio::test]
async fn remotely_deleted_session_is_reported_and_relinked_when_restored() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    let remote = number(&fixture, "CM2-01");
    let deleted = fixture.administrate.simulator.edit(|tenant| {
        let first = tenant.sessions_of(remote).next().map(|(number, _)| number).expect("a session");
        tenant.sessions.remove(&first)
    });
    for session in &mut event.sessions {
        session.title = format!("{}, moved", session.title);
    }
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    let (_, reason) = undelivered(&fixture).await;
    assert!(reason.contains("only 1 of them") && reason.contains("CM2-01-1, moved"), "{reason}");
    assert_eq!(titles(&fixture, remote), ["CM2-01-2, moved"], "the remaining session is delivered");
    let deleted = deleted.expect("the deleted session");
    let later = |at: jiff::civil::DateTime| at + jiff::SignedDuration::from_hours(24 * 30);
    let unrelated = Session {
        title: "Strange".into(),
        start: deleted.start.map(later),
        end: deleted.end.map(later),
        ..deleted.clone()
    };
    let unrelated = fixture.administrate.simulator.edit(|tenant| tenant.add_session(unrelated));
    retry(&fixture).await;
    assert_eq!(titles(&fixture, remote), ["CM2-01-2, moved", "Strange"], "an unrelated session is not linked");
    fixture.administrate.simulator.edit(|tenant| {
        tenant.sessions.remove(&unrelated);
        tenant.add_session(deleted);
    });
    retry(&fixture).await;
    let mut now = titles(&fixture, remote);
    now.sort();
    assert_eq!(now, ["CM2-01-1, moved", "CM2-01-2, moved"]);
    assert!(fixture.states().await.iter().all(|state| *state == DeliveryState::Delivered));
}

#[tokio::test]
async fn in_doubt_creation_is_found_by_its_creation_key() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    fixture.administrate.simulator.add_fault(Fault::first("event.createBlended", Action::Reset { when: When::After }));
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver_next_item().await;
    assert_eq!(fixture.states().await, [DeliveryState::Pending]);
    // Before the next attempt the event is renamed locally and starts a week later.
    let later = |at: jiff::Timestamp| at + jiff::SignedDuration::from_hours(24 * 7);
    for session in &mut event.sessions {
        (session.start, session.end) = (later(session.start), later(session.end));
    }
    event.lms_start = event.lms_start.map(later);
    fixture.update_event(id, &event).await;
    let renamed = "UPDATE acted.tutorial_events SET code = 'CM2-99' WHERE id = $1";
    sqlx::query(renamed).bind(id).execute(&fixture.db.pool).await.expect("renamed");
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Delivered]);
    let tenant = fixture.administrate.simulator.tenant();
    assert_eq!(tenant.events.len(), 1, "it existed already");
    let remote = &tenant.events[&number(&fixture, "CM2-99")];
    let first = event.sessions[0].start.to_zoned(jiff::tz::TimeZone::get("Europe/London").expect("a zone"));
    assert_eq!(remote.classroom_start, Some(first.datetime()));
}

#[tokio::test]
async fn remote_event_without_start_or_cancelled_is_not_adopted() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.expect_undelivered();
    let (template, simulator) = (fixture.administrate.template, &fixture.administrate.simulator);
    for (title, state) in [("CM2-01", EventState::Draft), ("CM2-02", EventState::Cancelled)] {
        let other = administrate_sim::tenant::Event {
            title: title.into(),
            template: Some(template),
            time_zone: "Europe/London".into(),
            state,
            ..Default::default()
        };
        simulator.edit(|tenant| tenant.add_event(other));
        let mut connection = fixture.db.pool.acquire().await.expect("a connection");
        create_events(&mut connection, None, &[fixture.provider.event(title)], true).await.expect("created");
    }
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Unknown, DeliveryState::Unknown]);
    assert_eq!(simulator.tenant().events.len(), 2);
}

#[tokio::test]
async fn session_without_venue_has_no_remote_venue() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    event.sessions[1].location_id = event.location_id;
    fixture.create_events(&[event]).await;
    fixture.deliver().await;
    let tenant = fixture.administrate.simulator.tenant();
    let venues: Vec<Option<Number>> =
        tenant.sessions_of(number(&fixture, "CM2-01")).map(|(_, session)| session.venue).collect();
    assert_eq!(venues, [Some(fixture.administrate.venue), None]);
}

#[tokio::test]
async fn change_that_the_api_does_not_support_fails_until_corrected_in_administrate() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    event.sessions[0].instructor_ids.clear();
    event.sessions[1].title = "Last".into();
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    let remote = number(&fixture, "CM2-01");
    assert_eq!(titles(&fixture, remote), ["CM2-01-1", "Last"], "all the rest is delivered");
    let before = fixture.administrate.simulator.mutations().len();
    retry(&fixture).await;
    assert_eq!(fixture.states().await, [DeliveryState::Delivered, DeliveryState::Failed], "a retry does not change it");
    fixture.administrate.simulator.edit(|tenant| {
        let first = tenant.sessions_of(remote).next().map(|(number, _)| number).expect("a session");
        tenant.staff.retain(|staff| staff.course != first);
    });
    retry(&fixture).await;
    assert_eq!(fixture.states().await, [DeliveryState::Delivered, DeliveryState::Delivered]);
    assert_eq!(fixture.administrate.simulator.mutations().len(), before, "nothing was written for it");
}

#[tokio::test]
async fn session_instructor_removed_locally_is_removed_remotely_where_the_api_can() {
    let options = Options { profile: Profile::EXTENDED, ..Options::default() };
    let fixture = DeliveryFixture::with_options(options, 2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    event.sessions[0].instructor_ids.clear();
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    assert_eq!(fixture.states().await, [DeliveryState::Delivered, DeliveryState::Delivered]);
    let tenant = fixture.administrate.simulator.tenant();
    let taught: Vec<usize> =
        tenant.sessions_of(number(&fixture, "CM2-01")).map(|(session, _)| tenant.staff_of(session).count()).collect();
    assert_eq!(taught, [0, 1]);
}

#[tokio::test]
async fn unlimited_places_are_delivered() {
    let fixture = DeliveryFixture::new(2).await;
    let mut event = fixture.provider.event("CM2-01");
    let id = fixture.create_events(std::slice::from_ref(&event)).await[0];
    fixture.deliver().await;
    event.max_places = None;
    fixture.update_event(id, &event).await;
    fixture.deliver().await;
    assert_eq!(fixture.administrate.simulator.tenant().events[&number(&fixture, "CM2-01")].max_places, None);
}

#[tokio::test]
async fn creation_without_response_is_searched_for_repeatedly() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.administrate.simulator.add_fault(Fault::first("event.createBlended", Action::Hang { when: When::Before }));
    fixture.create_events(&[fixture.provider.event("CM2-01")]).await;
    fixture.deliver_late_after("100").await;
    let requests = fixture.administrate.simulator.requests();
    assert_eq!((requests.of("event.createBlended"), fixture.states().await), (2, vec![DeliveryState::Delivered]));
    assert!(requests.of("events") >= 3, "it may have been carried out late: {requests:?}");
}

#[tokio::test]
async fn creation_in_flight_is_not_sent_again() {
    let fixture = DeliveryFixture::new(2).await;
    fixture.create_events(&[fixture.provider.event("CM2-01")]).await;
    // A worker stops right after it sent a creation that Administrate is still processing.
    let claims = outbox::Claims::open(&fixture.db.pool).await.expect("claims");
    let item = claims.next(None).await.expect("claimed").expect("a row");
    let minute = std::time::Duration::from_secs(60);
    let key = serde_json::json!({ "title": "CM2-01", "template": "T1", "time_zone": "Europe/London", "classroom": null, "lms": null });
    claims.mark_in_doubt(&item, &key, minute).await.expect("noted");
    claims.release(&item).await.expect("given back");
    fixture.deliver_next_item().await;
    let created = || fixture.administrate.simulator.requests().of("event.createBlended");
    assert_eq!((fixture.states().await, created()), (vec![DeliveryState::Pending], 0));
    let (_, reason) = undelivered(&fixture).await;
    assert!(reason.contains("the outcome of a creation is unknown"), "{reason}");
    let later = "UPDATE lectern.outbox SET late_until = now(), next_attempt_at = now()";
    sqlx::query(later).execute(&fixture.db.pool).await.expect("time passes");
    fixture.deliver().await;
    assert_eq!((fixture.states().await, created()), (vec![DeliveryState::Delivered], 1));
}
