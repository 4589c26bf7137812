use super::*;

fn said(values: &[(Aspect, &str)]) -> Said {
    values.iter().map(|(aspect, text)| (*aspect, (*text).to_owned())).collect()
}

#[test]
fn only_what_changed_there_and_not_to_ours_differs() {
    for (ours, agreed, theirs, expected) in [
        ("12", "12", Some("12"), None),
        ("14", "12", Some("12"), None),
        ("12", "12", Some("20"), Some(false)),
        ("14", "12", Some("20"), Some(true)),
        ("20", "12", Some("20"), None),
        ("14", "12", None, None),
    ] {
        let theirs = said(&theirs.map(|places| (Aspect::MaxPlaces, places)).into_iter().collect::<Vec<_>>());
        let found =
            differences(None, &said(&[(Aspect::MaxPlaces, ours)]), &said(&[(Aspect::MaxPlaces, agreed)]), &theirs);
        assert_eq!(found.first().map(Difference::is_conflict), expected, "{ours} {agreed} {theirs:?}");
    }
    let nothing_agreed = differences(None, &said(&[]), &said(&[]), &said(&[(Aspect::Url, "x")]));
    assert_eq!(nothing_agreed, []);
}

#[test]
fn fields_are_called_as_an_import_calls_them() {
    for (day, aspect, expected) in [(None, Aspect::MaxPlaces, "max places"), (Some(2), Aspect::Time, "day 2: time")] {
        assert_eq!(Field { day, aspect }.to_string(), expected);
    }
}
