//! A Django program works before the adoption, on the adopted database, and after it was given back.

use super::{NAMINGS, STATES, in_parallel, migrate};
use crate::fixtures::django::{Spelling, run_django};
use crate::fixtures::legacy::{Contents, Legacy, LivingDb, Naming, Placement, State};

const SPELLINGS: [(Spelling, Placement); 3] = [
    (Spelling::Dotted, Placement::Dotted),
    (Spelling::Quoted, Placement::Adm),
    (Spelling::BySearchPath, Placement::Public),
];

/// Lets Django work and checks that it leaves the rows as they were, apart from its logins.
async fn work(living: &LivingDb, state: State, spelling: Spelling) {
    let before = Contents::read(&living.db.pool).await;
    let found = run_django(living, state, spelling, &[]);
    assert_eq!((&found["adm.locations"], &found["acted.tutorial_events"]), (&3.into(), &3.into()), "{state:?}");
    let changed = before.read_again(&living.db.pool).await;
    assert_eq!(before.differences(&changed), ["public.auth_user", "public.django_session"], "{state:?} {spelling:?}");
}

/// `everywhere`: all spellings are tried on the adopted database.
async fn before_and_after(legacy: &Legacy, spelling: Spelling, everywhere: bool) {
    let living = legacy.build().await;
    work(&living, legacy.state, spelling).await;
    let (exit, _, messages) = migrate(&living, &["apply", "--compat-views"]);
    assert_eq!(exit, Some(0), "{legacy:?}\n{messages}");
    work(&living, legacy.state, spelling).await;
    if everywhere {
        for (other, _) in SPELLINGS {
            work(&living, legacy.state, other).await;
        }
    }
    for name in ["adm-schema", "adopt"] {
        let (exit, _, messages) = migrate(&living, &["undo", name]);
        assert_eq!(exit, Some(0), "{legacy:?}\n{messages}");
    }
    work(&living, legacy.state, spelling).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn django_works_before_and_after_the_adoption() {
    let samples = [State::February4, State::February6, State::February13].into_iter().zip(SPELLINGS);
    in_parallel(samples.collect(), async |(state, (spelling, placement))| {
        before_and_after(&Legacy::new(state, placement, Naming::Django), spelling, false).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long"]
async fn long_django_works_in_every_state_and_spelling() {
    let mut samples = Vec::new();
    for state in STATES {
        for (at, (spelling, placement)) in SPELLINGS.into_iter().enumerate() {
            samples.push((Legacy::new(state, placement, NAMINGS[at]), spelling));
        }
    }
    in_parallel(samples, async |(legacy, spelling)| before_and_after(&legacy, spelling, true).await);
}
