//! Administrate's global ids.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// An opaque global id: base64 of `<Type>:<n>`, where an event's type is `Course`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// Creates an id from Administrate's spelling.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the number in the id, none if there is none. Only for sorting records of one kind by creation.
    pub fn number(&self) -> Option<u64> {
        number_in(&self.0)
    }

    /// Returns the id as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the number in a global id, none if it is not base64 of `<Type>:<n>`.
pub(crate) fn number_in(id: &str) -> Option<u64> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let (mut text, mut bits, mut bit_count) = (String::new(), 0_u32, 0_u32);
    for byte in id.trim_end_matches('=').bytes() {
        bits = (bits << 6 | u32::from(digit(byte)?)) & 0xFFFF;
        bit_count += 6;
        if bit_count >= 8 {
            bit_count -= 8;
            text.push(char::from((bits >> bit_count & 0xFF) as u8));
        }
    }
    text.rsplit_once(':')?.1.parse().ok()
}

/// Sorts records by the numbers in their ids, the order of their creation. If an id has none, nothing is sorted.
pub(crate) fn sort_by_number<T>(records: &mut [T], id: impl Fn(&T) -> &Id) {
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
    /// Accepts a string or a number; an empty id is an error.
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
    fn sort_by_number_with_opaque_id_keeps_the_order() {
        let [two, ten] = ["Q291cnNlOjI=", "Q291cnNlOjEw"].map(Id::from);
        assert_eq!((number_in(two.as_str()), number_in(ten.as_str())), (Some(2), Some(10)));
        for (records, expected) in [
            (vec![ten.clone(), two.clone()], vec![two.clone(), ten.clone()]),
            (vec![ten.clone(), Id::from("opaque!"), two.clone()], vec![ten.clone(), Id::from("opaque!"), two.clone()]),
        ] {
            let mut ordered = records;
            sort_by_number(&mut ordered, |id| id);
            assert_eq!(ordered, expected);
        }
    }
}
