//! Finds the one record that a text means. Pure.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::names::fold;

/// Texts that mean that there is no venue yet.
const UNDECIDED: &[&str] = &["to be confirmed", "to be determined", "tbc", "tbd"];

/// Reports whether a text names nothing.
pub fn is_undecided(text: &str) -> bool {
    let folded = fold(text);
    folded.is_empty() || UNDECIDED.contains(&folded.as_str())
}

/// A place with a name: a location, or a venue with its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPlace {
    pub id: i64,
    pub name: String,
    pub location: Option<i64>,
}

/// Why a text was not resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    Unknown,
    Several,
}

impl Unresolved {
    pub fn reason(self, what: &str) -> String {
        match self {
            Unresolved::Unknown => format!("no {what} has this name"),
            Unresolved::Several => format!("several {what}s have this name"),
        }
    }
}

/// Places by their folded names.
pub struct NamedPlaces(HashMap<String, Vec<NamedPlace>>);

impl NamedPlaces {
    pub fn new(places: Vec<NamedPlace>) -> NamedPlaces {
        let mut by_name: HashMap<String, Vec<NamedPlace>> = HashMap::new();
        for place in places {
            by_name.entry(fold(&place.name)).or_default().push(place);
        }
        NamedPlaces(by_name)
    }

    /// Returns the one place of a name. Of several, the one in the given location counts.
    pub fn find(&self, text: &str, location: Option<i64>) -> Result<i64, Unresolved> {
        let found = self.0.get(&fold(text)).map(Vec::as_slice).unwrap_or_default();
        match found {
            [] => Err(Unresolved::Unknown),
            [one] => Ok(one.id),
            several => {
                let mut here = several.iter().filter(|place| location.is_some() && place.location == location);
                match (here.next(), here.next()) {
                    (Some(one), None) => Ok(one.id),
                    _ => Err(Unresolved::Several),
                }
            }
        }
    }
}

/// A person as the links know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPerson {
    pub id: i64,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    /// Whether an instructor of Administrate's side is linked with this user already.
    pub is_linked: bool,
}

impl KnownPerson {
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// What becomes of a record of Administrate's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Link(i64),
    Create,
    /// Several records could be meant.
    Undecided,
}

/// Decides for each record by its key. `own` are the free local records with their keys.
pub fn decide<K: Eq + Hash>(records: &[K], own: &[(i64, K)]) -> Vec<Decision> {
    let mut counts: HashMap<&K, usize> = HashMap::new();
    records.iter().for_each(|key| *counts.entry(key).or_default() += 1);
    let mut found: HashMap<&K, Vec<i64>> = HashMap::new();
    own.iter().for_each(|(id, key)| found.entry(key).or_default().push(*id));
    let decision = |key| match (found.get(key).map(Vec::as_slice).unwrap_or_default(), counts[key]) {
        ([], _) => Decision::Create,
        ([one], 1) => Decision::Link(*one),
        _ => Decision::Undecided,
    };
    records.iter().map(decision).collect()
}

/// Finds the user that each person is: by e-mail, then by full name. A user that several persons could be is none of them.
pub fn users_of(people: &[KnownPerson], users: &[KnownPerson]) -> Vec<Result<Option<i64>, Unresolved>> {
    let by_email = found_by(people, users, |person| fold(&person.email));
    let by_name = found_by(people, users, |person| fold(&person.full_name()));
    let mut found: Vec<Result<Option<i64>, Unresolved>> = by_email
        .into_iter()
        .zip(by_name)
        .map(|(email, name)| match email {
            Ok(None) => name,
            found => found,
        })
        .collect();
    // One was found by e-mail, another one by name.
    let mut counts: HashMap<i64, usize> = HashMap::new();
    found.iter().flatten().flatten().for_each(|user| *counts.entry(*user).or_default() += 1);
    for one in &mut found {
        if matches!(one, Ok(Some(user)) if counts[user] > 1) {
            *one = Err(Unresolved::Several);
        }
    }
    found
}

fn found_by(
    people: &[KnownPerson],
    users: &[KnownPerson],
    key: impl Fn(&KnownPerson) -> String,
) -> Vec<Result<Option<i64>, Unresolved>> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    people.iter().for_each(|person| *counts.entry(key(person)).or_default() += 1);
    let mut by_key: HashMap<String, Vec<i64>> = HashMap::new();
    for user in users.iter().filter(|user| !user.is_linked) {
        by_key.entry(key(user)).or_default().push(user.id);
    }
    let find = |person: &KnownPerson| {
        let key = key(person);
        match by_key.get(&key).map(Vec::as_slice).unwrap_or_default() {
            _ if key.is_empty() => Ok(None),
            [] => Ok(None),
            [one] if counts[&key] == 1 => Ok(Some(*one)),
            _ => Err(Unresolved::Several),
        }
    };
    people.iter().map(find).collect()
}

/// Returns a free name for a user, and takes it. `taken` are names in lower case.
pub fn user_name(person: &KnownPerson, taken: &mut HashSet<String>) -> String {
    let plain =
        |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).take(60).collect() };
    let name = format!("{}_{}", plain(&person.first_name), plain(&person.last_name));
    let base = match name.as_str() {
        "_" => format!("adm_{}", plain(person.email.split('@').next().unwrap_or_default())),
        name => format!("adm_{name}"),
    };
    let numbered = (2..).map(|number| format!("{base}_{number}"));
    let mut free = std::iter::once(base.clone()).chain(numbered).filter(|name| !taken.contains(name));
    let name = free.next().unwrap_or_default();
    taken.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: i64, name: &str, location: Option<i64>) -> NamedPlace {
        NamedPlace { id, name: name.into(), location }
    }

    #[test]
    fn venue_of_several_is_the_one_in_the_location() {
        let places = NamedPlaces::new(vec![
            place(1, "Room 1", Some(10)),
            place(2, "room  1", Some(20)),
            place(3, "King's Cross", Some(10)),
            place(4, "Hall", Some(10)),
            place(5, "Hall", Some(10)),
        ]);
        for (text, location, expected) in [
            ("ROOM 1", Some(20), Ok(2)),
            ("Room 1", Some(30), Err(Unresolved::Several)),
            ("Room 1", None, Err(Unresolved::Several)),
            (" king's cross ", None, Ok(3)),
            ("Hall", Some(10), Err(Unresolved::Several)),
            ("Nowhere", None, Err(Unresolved::Unknown)),
        ] {
            assert_eq!(places.find(text, location), expected, "{text} {location:?}");
        }
    }

    #[test]
    fn record_is_linked_only_where_nothing_else_can_be_meant() {
        let own = [(1, "london"), (2, "leeds"), (3, "leeds"), (4, "york")];
        let records = ["london", "leeds", "york", "york", "bath", "bath"];
        let expected = [
            Decision::Link(1),
            Decision::Undecided,
            Decision::Undecided,
            Decision::Undecided,
            Decision::Create,
            Decision::Create,
        ];
        assert_eq!(decide(&records, &own), expected);
    }

    fn person(id: i64, first: &str, last: &str, email: &str) -> KnownPerson {
        KnownPerson { id, first_name: first.into(), last_name: last.into(), email: email.into(), is_linked: false }
    }

    #[test]
    fn person_is_found_by_email_then_by_name_and_never_guessed() {
        let mut users = [
            person(1, "Ann", "Lee", "ann@example.org"),
            person(2, "Bob", "Ray", ""),
            person(3, "Tom", "Fox", ""),
            person(4, "tom", "FOX", ""),
            person(5, "Eve", "Hill", "eve@example.org"),
            person(6, "Kim", "Moor", "office@example.org"),
            person(7, "Joe", "Dale", ""),
            person(8, "Sue", "Park", ""),
        ];
        users[7].is_linked = true;
        let (found, several) = (|user| Ok(Some(user)), || Err(Unresolved::Several));
        for (people, expected) in [
            (vec![person(0, "Anne", "Lee-Smith", "ANN@example.org")], vec![found(1)]),
            (vec![person(0, "bob", "ray", "bob@example.org")], vec![found(2)]),
            (vec![person(0, "Tom", "Fox", "")], vec![several()]),
            (vec![person(0, "Eve", "Hill", "other@example.org")], vec![found(5)]),
            (vec![person(0, "", "", "")], vec![Ok(None)]),
            // Two people of one name, or with the e-mail of one office, are not both the one user.
            (vec![person(0, "Bob", "Ray", ""), person(0, "bob", "ray", "")], vec![several(), several()]),
            (
                vec![person(0, "Max", "Hay", "office@example.org"), person(0, "Ida", "Fry", "office@example.org")],
                vec![several(), several()],
            ),
            (
                vec![person(0, "Eve", "Hill", ""), person(0, "E.", "Hill", "eve@example.org")],
                vec![several(), several()],
            ),
            // The user of an instructor who is linked already is another person.
            (vec![person(0, "Joe", "Dale", ""), person(0, "Sue", "Park", "")], vec![found(7), Ok(None)]),
        ] {
            assert_eq!(users_of(&people, &users), expected, "{people:?}");
        }
        let mut taken = HashSet::from(["adm_ann_lee".to_owned(), "adm_ann_lee_2".to_owned()]);
        assert_eq!(user_name(&users[0], &mut taken), "adm_ann_lee_3");
        assert_eq!(user_name(&users[0], &mut taken), "adm_ann_lee_4");
        assert_eq!(user_name(&person(0, " ", "", "info@example.org"), &mut taken), "adm_info");
    }
}
