//! Living databases: recognised, moved, proved, undone.

use crate::fixtures::django::{Spelling, run_django};
use crate::fixtures::legacy::{Contents, Legacy, Naming, Placement, State, fingerprint};

const STATES: [State; 5] =
    [State::February4, State::February6, State::February10, State::February12, State::February13];
const PLACEMENTS: [Placement; 4] = [Placement::Public, Placement::Dotted, Placement::Adm, Placement::Mixed];
const NAMINGS: [Naming; 3] = [Naming::Django, Naming::Living, Naming::Plain];

#[tokio::test(flavor = "multi_thread")]
async fn every_living_database_can_be_built() {
    for state in STATES {
        for placement in PLACEMENTS {
            for naming in NAMINGS {
                let legacy =
                    Legacy { customfields: placement == Placement::Public, ..Legacy::new(state, placement, naming) };
                let living = legacy.build().await;
                let lines = fingerprint(&living.db.pool).await;
                if std::env::var_os("SHOW")
                    .is_some_and(|s| s.to_string_lossy() == format!("{state:?}{placement:?}{naming:?}"))
                {
                    println!("{}", lines.join("\n"));
                }
                let contents = Contents::read(&living.db.pool).await;
                assert_eq!(contents.differences(&contents.read_again(&living.db.pool).await), [""; 0]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn django_works_before_the_adoption() {
    for state in STATES {
        let living = Legacy::new(state, Placement::Dotted, Naming::Django).build().await;
        let before = Contents::read(&living.db.pool).await;
        let found = run_django(&living, state, Spelling::Dotted, &[]);
        assert_eq!(found["adm.locations"], 3);
        let changed = before.read_again(&living.db.pool).await;
        assert_eq!(before.differences(&changed), ["public.auth_user", "public.django_session"], "{state:?}");
    }
}
