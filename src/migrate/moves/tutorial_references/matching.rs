//! Finds the one record that a text means. Pure.

use std::collections::HashMap;

use crate::names::fold;

/// Texts that mean that there is no venue yet.
const UNDECIDED: &[&str] = &["to be confirmed", "tbc", "tbd"];

/// Reports whether a text names nothing.
pub fn is_undecided(text: &str) -> bool {
    let folded = fold(text);
    folded.is_empty() || UNDECIDED.contains(&folded.as_str())
}

/// A place with a name: a location, or a venue with its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
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
pub struct Places(HashMap<String, Vec<Named>>);

impl Places {
    pub fn new(places: Vec<Named>) -> Places {
        let mut by_name: HashMap<String, Vec<Named>> = HashMap::new();
        for place in places {
            by_name.entry(fold(&place.name)).or_default().push(place);
        }
        Places(by_name)
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
pub struct Person {
    pub id: i64,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
}

impl Person {
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// Finds the user that a person is: by e-mail, then by full name.
pub fn user_of(person: &Person, users: &[Person]) -> Result<Option<i64>, Unresolved> {
    let email = fold(&person.email);
    if !email.is_empty() {
        let found: Vec<i64> = users.iter().filter(|user| fold(&user.email) == email).map(|user| user.id).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(Some(*one)),
            _ => return Err(Unresolved::Several),
        }
    }
    let name = fold(&person.full_name());
    if name.is_empty() {
        return Ok(None);
    }
    let is_same = |user: &&Person| fold(&user.full_name()) == name;
    let found: Vec<i64> = users.iter().filter(is_same).map(|user| user.id).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(Unresolved::Several),
    }
}

/// Returns a free name for a user.
pub fn user_name(person: &Person, taken: &[String]) -> String {
    let plain =
        |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).take(60).collect() };
    let base = format!("adm_{}_{}", plain(&person.first_name), plain(&person.last_name));
    let is_taken = |name: &str| taken.iter().any(|taken| taken.eq_ignore_ascii_case(name));
    if !is_taken(&base) {
        return base;
    }
    (2..).map(|number| format!("{base}_{number}")).find(|name| !is_taken(name)).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: i64, name: &str, location: Option<i64>) -> Named {
        Named { id, name: name.into(), location }
    }

    #[test]
    fn venue_of_several_is_the_one_in_the_location() {
        let places = Places::new(vec![
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
    fn person_is_found_by_email_then_by_name_and_never_guessed() {
        let person = |id, first: &str, last: &str, email: &str| Person {
            id,
            first_name: first.into(),
            last_name: last.into(),
            email: email.into(),
        };
        let users = [
            person(1, "Ann", "Lee", "ann@example.org"),
            person(2, "Bob", "Ray", ""),
            person(3, "Tom", "Fox", ""),
            person(4, "tom", "FOX", ""),
            person(5, "Eve", "Hill", "eve@example.org"),
        ];
        for (wanted, expected) in [
            (person(0, "Anne", "Lee-Smith", "ANN@example.org"), Ok(Some(1))),
            (person(0, "bob", "ray", "bob@example.org"), Ok(Some(2))),
            (person(0, "Tom", "Fox", ""), Err(Unresolved::Several)),
            (person(0, "Eve", "Hill", "other@example.org"), Ok(Some(5))),
            (person(0, "Eve", "Hill", ""), Ok(Some(5))),
            (person(0, "", "", ""), Ok(None)),
        ] {
            assert_eq!(user_of(&wanted, &users), expected, "{wanted:?}");
        }
        assert_eq!(user_name(&users[0], &["adm_ann_lee".into(), "ADM_ann_lee_2".into()]), "adm_ann_lee_3");
    }
}
