//! Living databases: recognised, moved, proved, undone.

use serde_json::{Value, json};

use crate::fixtures::django::{Spelling, run_django};
use crate::fixtures::legacy::refused::REFUSALS;
use crate::fixtures::legacy::{Contents, Legacy, LivingDb, Naming, Placement, State, fingerprint};

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

/// Runs the program as the owner of the tables; returns exit code, document and messages.
fn migrate(living: &LivingDb, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let mut command = living.db.program(&[&["migrate"], arguments, &["--json"]].concat());
    let output = command.env("DATABASE_URL", living.owner_url()).output().expect("runs");
    let messages = String::from_utf8(output.stderr).expect("text");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), messages)
}

#[tokio::test(flavor = "multi_thread")]
async fn living_database_is_adopted_and_given_back() {
    for legacy in samples() {
        let living = legacy.build().await;
        let (contents, before) = (Contents::read(&living.db.pool).await, fingerprint(&living.db.pool).await);
        let (exit, plan, messages) = migrate(&living, &["plan"]);
        assert_eq!(exit, Some(0), "{legacy:?}\n{messages}\n{plan:#}");
        assert_eq!(fingerprint(&living.db.pool).await, before, "a plan changes nothing");
        let (exit, applied, messages) = migrate(&living, &[]);
        assert_eq!((exit, &applied["pending"]), (Some(0), &json!(0)), "{legacy:?}\n{messages}\n{applied:#}");
        assert_eq!(applied["receipt"]["ok"], true, "{applied:#}");
        let (exit, verified, messages) = migrate(&living, &["verify"]);
        assert_eq!(exit, Some(0), "{legacy:?}\n{messages}\n{verified:#}");
        // The roles of custom fields, an array on 4 February, are JSON now.
        let mut changed = contents.differences(&contents.read_again(&living.db.pool).await);
        changed.retain(|table| legacy.state > State::February4 || !table.contains("custom"));
        assert_eq!(changed, [""; 0], "{legacy:?}");
        let adopted = fingerprint(&living.db.pool).await;
        let (exit, again, messages) = migrate(&living, &[]);
        assert_eq!((exit, &again["receipt"]), (Some(0), &Value::Null), "{legacy:?}\n{messages}\n{again:#}");
        assert_eq!(fingerprint(&living.db.pool).await, adopted, "{legacy:?}: nothing to do");
        for name in ["adm-schema", "adopt"] {
            let (exit, undone, messages) = migrate(&living, &["undo", name]);
            assert_eq!(exit, Some(0), "{legacy:?}\n{messages}\n{undone:#}");
        }
        let restored = fingerprint(&living.db.pool).await;
        let lost: Vec<&String> = before.iter().filter(|line| !restored.contains(line)).collect();
        assert_eq!(lost, [""; 0], "{legacy:?}");
        assert_eq!(contents.differences(&contents.read_again(&living.db.pool).await), [""; 0], "{legacy:?}");
        let (exit, applied, messages) = migrate(&living, &[]);
        assert_eq!((exit, &applied["pending"]), (Some(0), &json!(0)), "{legacy:?}\n{messages}\n{applied:#}");
        assert_eq!(fingerprint(&living.db.pool).await, adopted, "{legacy:?}: applied again");
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
