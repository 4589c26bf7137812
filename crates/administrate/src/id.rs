//! Administrate's global ids.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A global id, opaque: base64 of `<Type>:<n>`, where an event's type is `Course`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// Takes an id as Administrate spells it.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The number in it, for bringing records of one kind into the order in which they were made; none where it has none.
    pub fn number(&self) -> Option<u64> {
        number_in(&self.0)
    }

    /// The id as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The number in a global id: base64 of `<Type>:<n>`; none where it is something else. Only for bringing records of one
/// kind into order.
pub(crate) fn number_in(id: &str) -> Option<u64> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    for byte in id.trim_end_matches('=').bytes() {
        bits = (bits << 6 | u32::from(digit(byte)?)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            text.push(char::from((bits >> held & 0xFF) as u8));
        }
    }
    text.rsplit_once(':')?.1.parse().ok()
}

/// Brings records into the order of the numbers in their ids, in which they were made; where one has none, all stay as
/// they came.
pub(crate) fn by_number<T>(records: &mut [T], id: impl Fn(&T) -> &Id) {
    if records.iter().all(|record| number_in(id(record).as_str()).is_some()) {
        records.sort_by_cached_key(|record| number_in(id(record).as_str()));
    }
}

impl From<String> for Id {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    /// Takes a string or a number, never an empty id.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = crate::lenient::text(deserializer)?;
        if text.is_empty() {
            return Err(serde::de::Error::custom("an id is empty"));
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_in_the_order_of_their_numbers() {
        let [two, ten] = ["Q291cnNlOjI=", "Q291cnNlOjEw"].map(Id::from);
        assert_eq!((number_in(two.as_str()), number_in(ten.as_str())), (Some(2), Some(10)));
        for (came, expected) in [
            (vec![ten.clone(), two.clone()], vec![two.clone(), ten.clone()]),
            (vec![ten.clone(), Id::from("opaque!"), two.clone()], vec![ten.clone(), Id::from("opaque!"), two.clone()]),
        ] {
            let mut ordered = came;
            by_number(&mut ordered, |id| id);
            assert_eq!(ordered, expected);
        }
    }
}
