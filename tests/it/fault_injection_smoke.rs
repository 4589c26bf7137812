//! A short selection of what `make torture` plays a thousand times: each kind once in each act.

use crate::torture::faults::{self, Blow};
use crate::torture::{play, reference};

async fn play_each_kind(act: u64) {
    let undisturbed = reference().await;
    for seed in act * faults::KINDS..(act + 1) * faults::KINDS {
        let (act, blow) = Blow::of(seed);
        let ended = play(seed, (act, blow), &undisturbed).await;
        assert_eq!(
            ended.wrong,
            Vec::<String>::new(),
            "seed {seed}, {} {}: {blow:?}, {ended:?}",
            act.name(),
            blow.name()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_both_sides_end_as_if_nothing_had() {
    play_each_kind(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_in_a_change_neither() {
    play_each_kind(1).await;
}
