//! Tests of which price is stored.

use rust_decimal::Decimal;

use super::counts;
use crate::bridges::overrides::MatchOverrides;
use crate::bridges::reference as bridges;
use crate::sync::entities::prices;
use crate::sync::entities::prices::{PriceNames, PricePreference};
use crate::sync::plan::SyncPlan;
use crate::sync::remote;

fn price(id: &str, amount: &str, currency: &str, region: Option<&str>) -> remote::RemotePrice {
    remote::RemotePrice {
        external_id: id.into(),
        template: "T1".into(),
        template_code: Some("cm2".into()),
        level: Some("L1".into()),
        amount: amount.parse().ok(),
        unreadable: None,
        currency: vec![currency.into()],
        region: region.map(str::to_owned),
    }
}

fn planned(remote: Vec<remote::RemotePrice>, rows: &[bridges::PriceRow], region: &str) -> SyncPlan<bridges::PriceRow> {
    let names = PriceNames {
        templates: [("T1".to_owned(), "CM2".to_owned())].into(),
        levels: [("L1".to_owned(), "Standard".to_owned())].into(),
    };
    let preference = PricePreference { currency: "GBP".into(), region: region.into() };
    prices::plan(remote, &names, rows, &preference, &MatchOverrides::default())
}

#[test]
fn price_in_the_configured_currency_and_region_is_stored() {
    let three = || {
        vec![
            price("A", "250.00", "gbp", Some("UK")),
            price("B", "300.00", "EUR", Some("IE")),
            price("C", "260.00", "GBP", Some("XI")),
        ]
    };
    for (remote, region, expected, ambiguous) in [
        (three(), "UK", [1, 0, 0, 0, 2, 0], 0),
        (three(), "", [0, 0, 0, 0, 3, 0], 1),
        (three(), "US", [0, 0, 0, 0, 3, 0], 0),
        (vec![price("A", "1", "GBP", None), price("B", "2", "EUR", None)], "UK", [1, 0, 0, 0, 1, 0], 0),
        (vec![price("B", "300.00", "EUR", None)], "", [1, 0, 0, 0, 0, 0], 0),
        (vec![price("B", "300.00", "EUR", None), price("D", "1", "USD", None)], "", [0, 0, 0, 0, 2, 0], 0),
    ] {
        let fetched = remote.len();
        let plan = planned(remote, &[], region);
        assert_eq!((counts(&plan), plan.findings.ambiguous.len()), (expected, ambiguous), "{region:?}");
        assert_eq!(counts(&plan).iter().sum::<usize>(), fetched, "each is counted once");
    }
}

#[test]
fn ambiguous_price_leaves_the_stored_one_unchanged() {
    let rows = planned(vec![price("A", "250", "GBP", None)], &[], "").applied_to(&[]);
    let plan = planned(vec![price("A", "251", "GBP", None), price("C", "260", "GBP", None)], &rows, "");
    assert!(plan.is_empty());
    assert_eq!(plan.findings.ambiguous[0].key, "cm2 - standard");
    assert_eq!(plan.findings.ambiguous[0].remote[1].name, "CM2 - Standard: GBP 260");
    assert_eq!((counts(&plan), plan.missing_remote.len()), ([0, 0, 1, 0, 1, 0], 0));
    let other_currencies = planned(vec![price("A", "1", "EUR", None), price("C", "2", "USD", None)], &rows, "");
    assert_eq!((counts(&other_currencies), other_currencies.findings.ambiguous.len()), ([0, 0, 1, 0, 1, 0], 0));
    assert_eq!(other_currencies.findings.skipped[0].reason, "none of the template's prices for this level is in GBP");
}

#[test]
fn price_is_identified_by_template_and_level() {
    let rows = planned(vec![price("A", "250.004", "GBP", None)], &[], "").applied_to(&[]);
    assert_eq!(rows[0].amount, Decimal::new(25000, 2), "as numeric(10, 2) stores it");
    assert!(planned(vec![price("A", "250", "GBP", None)], &rows, "").is_empty());
    let renewed = planned(vec![price("Z", "250.00", "GBP", None)], &rows, "");
    assert_eq!(counts(&renewed), [0, 1, 0, 0, 0, 0], "a new id on the same level is an update");
    assert_eq!(renewed.applied_to(&rows).len(), 1);
}

#[test]
fn price_without_template_level_or_amount_is_skipped_with_a_reason() {
    let cases = [
        remote::RemotePrice { template: "T9".into(), ..price("A", "1", "GBP", None) },
        remote::RemotePrice { level: Some("L9".into()), ..price("B", "1", "GBP", None) },
        remote::RemotePrice { level: None, ..price("C", "1", "GBP", None) },
        remote::RemotePrice { amount: None, ..price("D", "1", "GBP", None) },
        price("E", "123456789", "GBP", None),
    ];
    let plan = planned(cases.to_vec(), &[], "");
    assert_eq!(counts(&plan), [0, 0, 0, 0, 4, 1]);
    let rubbish = remote::RemotePrice { unreadable: Some("1e2".into()), ..price("F", "", "GBP", None) };
    let fine = price("G", "2", "EUR", None);
    let plan = planned(vec![rubbish, fine], &[], "");
    assert_eq!(counts(&plan), [1, 0, 0, 0, 0, 1], "an error of that price alone");
    assert!(
        plan.findings.errors[0].message.contains("CM2 - Standard: the amount \"1e2\" is no number"),
        "{:?}",
        plan.findings
    );
    assert!(plan.findings.skipped.iter().all(|skipped| !skipped.reason.is_empty()));
}

#[test]
fn price_that_lost_its_amount_or_level_is_not_missing() {
    let rows = planned(vec![price("A", "1", "GBP", None)], &[], "").applied_to(&[]);
    for changed in [
        remote::RemotePrice { amount: None, ..price("A", "1", "GBP", None) },
        remote::RemotePrice { level: None, ..price("A", "1", "GBP", None) },
    ] {
        let plan = planned(vec![changed], &rows, "");
        assert_eq!((plan.findings.skipped.len(), &plan.missing_remote, plan.is_empty()), (1, &Vec::new(), true));
    }
    assert_eq!(planned(Vec::new(), &rows, "").missing_remote.len(), 1);
}

#[test]
fn price_is_named_by_the_code_of_its_template() {
    let named = |known: &str| {
        let names = PriceNames {
            templates: [("T1".to_owned(), known.to_owned())].into(),
            levels: [("L1".to_owned(), "Standard".to_owned())].into(),
        };
        let preference = PricePreference { currency: "GBP".into(), region: String::new() };
        let remote = vec![price("A", "250", "GBP", None)];
        prices::plan(remote, &names, &[], &preference, &MatchOverrides::default()).changes[0].name.clone()
    };
    assert!(named("CM2").starts_with("CM2 - Standard"), "the local code: {}", named("CM2"));
    assert!(named("T1").starts_with("cm2 - Standard"), "Administrate's code without a link: {}", named("T1"));
}
