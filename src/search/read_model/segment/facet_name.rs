//! The values of facets as responses contain them.

use super::super::rendered::to_json;
use super::super::rows::Text;

/// One value of a facet.
#[derive(Clone, Debug)]
pub struct FacetName {
    /// The key in a response.
    pub key: Text,
    /// Name of the value.
    pub name: Text,
    /// Whether a response contains the name to display, too.
    pub is_displayed: bool,
    before: Box<[u8]>,
    after: Box<[u8]>,
}

impl FacetName {
    /// Returns a value.
    pub fn new(key: Text, name: Text, is_displayed: bool) -> Self {
        let (sent_key, sent_name) = (to_json(&&*key), to_json(&&*name));
        let before = [&sent_key[..], b":{\"count\":"].concat();
        let mut after = [&b",\"name\":"[..], &sent_name].concat();
        if is_displayed {
            after.extend_from_slice(b",\"display_name\":");
            after.extend_from_slice(&sent_name);
        }
        after.push(b'}');
        Self { key, name, is_displayed, before: before.into(), after: after.into() }
    }

    /// Writes the value with its count.
    pub fn write(&self, out: &mut Vec<u8>, count: u32) {
        out.extend_from_slice(&self.before);
        out.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
        out.extend_from_slice(&self.after);
    }
}
