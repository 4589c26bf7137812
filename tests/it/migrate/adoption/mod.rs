//! Living databases: recognised, moved, proved, undone.

use crate::fixtures::django::{Spelling, run_django};
use crate::fixtures::legacy::refused::REFUSALS;
use crate::fixtures::legacy::{Contents, Legacy, Naming, Placement, State, fingerprint};

const STATES: [State; 5] =
    [State::February4, State::February6, State::February10, State::February12, State::February13];
const PLACEMENTS: [Placement; 4] = [Placement::Public, Placement::Dotted, Placement::Adm, Placement::Mixed];
const NAMINGS: [Naming; 3] = [Naming::Django, Naming::Living, Naming::Plain];

/// Returns living databases in which every state, placement and naming occurs.
fn samples() -> Vec<Legacy> {
    let mixed = PLACEMENTS.into_iter().cycle().zip(NAMINGS.into_iter().cycle()).zip(STATES.into_iter().cycle());
    let mut samples: Vec<Legacy> = mixed
        .take(12)
        .map(|((placement, naming), state)| Legacy {
            customfields: placement == Placement::Mixed || naming == Naming::Plain,
            ..Legacy::new(state, placement, naming)
        })
        .collect();
    let living = |state, placement| Legacy::new(state, placement, Naming::Living);
    samples.push(Legacy { without: &["acted.tutorial_sessions"], ..living(State::February4, Placement::Dotted) });
    samples.push(Legacy {
        without: &["adm.course_template_price_levels"],
        ..living(State::February6, Placement::Public).with_later_columns()
    });
    samples.push(Legacy { skipped: &[State::February12], ..living(State::February13, Placement::Dotted) });
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn every_living_database_can_be_built() {
    for legacy in samples() {
        let living = legacy.build().await;
        assert!(fingerprint(&living.db.pool).await.len() > 500, "{legacy:?}");
        let contents = Contents::read(&living.db.pool).await;
        let (schema, name) = legacy.place("venues");
        let name = if schema == "adm" {
            "adm.venues".to_owned()
        } else {
            format!("public.\"{name}\"").replace("\"venues\"", "venues")
        };
        assert_eq!(contents.rows(&name), Some(3), "{legacy:?}");
        assert_eq!(contents.differences(&contents.read_again(&living.db.pool).await), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_database_that_is_refused_can_be_built() {
    for refusal in REFUSALS {
        let living = Legacy::new(State::February13, Placement::Adm, Naming::Django).build().await;
        living.execute(refusal.sql).await;
        assert!(!refusal.names.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn django_works_before_the_adoption() {
    for (state, placement, spelling) in [
        (State::February4, Placement::Dotted, Spelling::Dotted),
        (State::February6, Placement::Adm, Spelling::Quoted),
        (State::February13, Placement::Public, Spelling::BySearchPath),
    ] {
        let living = Legacy::new(state, placement, Naming::Django).build().await;
        let before = Contents::read(&living.db.pool).await;
        let found = run_django(&living, state, spelling, &[]);
        assert_eq!(found["adm.locations"], 3);
        let changed = before.read_again(&living.db.pool).await;
        assert_eq!(before.differences(&changed), ["public.auth_user", "public.django_session"], "{state:?}");
    }
}
