//! A short selection of what `make torture` runs a thousand times: each kind of fault once in each scenario.

use crate::torture::faults::{self, Fault};
use crate::torture::{reference, run_seed};

async fn run_each_kind(round: u64) {
    let reference = reference().await;
    for seed in round * faults::KINDS..(round + 1) * faults::KINDS {
        let (scenario, fault) = Fault::of(seed);
        let result = run_seed(seed, (scenario, fault), &reference).await;
        assert_eq!(
            result.errors,
            Vec::<String>::new(),
            "seed {seed}, {} {}: {fault:?}, {result:?}",
            scenario.name(),
            fault.name()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_import_with_each_fault_ends_like_the_reference() {
    run_each_kind(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_import_with_each_fault_ends_like_the_reference() {
    run_each_kind(1).await;
}
