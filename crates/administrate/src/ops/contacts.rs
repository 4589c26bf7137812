//! Contacts: people. Instructors and administrators are contacts with a flag.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::{CreatedRecord, Mutation};
use crate::paging::Connection;
use crate::schema::document::Arg;

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Global id (its decoded type is `Person`).
    pub id: Id,
    /// The numeric part of the id, if the response contains it.
    pub legacy_id: Option<String>,
    /// First name; null is allowed in Administrate.
    pub first_name: Option<String>,
    /// Last name; null is allowed in Administrate.
    pub last_name: Option<String>,
}

impl Contact {
    /// Returns "First Last", trimmed, or the one that is present; none if both are absent.
    pub fn full_name(&self) -> Option<String> {
        let parts = [&self.first_name, &self.last_name];
        let parts: Vec<_> = parts.into_iter().flatten().map(|part| part.trim()).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

/// A role by which contacts are filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactRole {
    /// `isInstructor`.
    Instructor,
    /// `isAdmin`.
    Administrator,
}

impl ContactRole {
    fn filter(self) -> Arg {
        match self {
            Self::Instructor => Arg::filter("isInstructor", "eq", "true"),
            Self::Administrator => Arg::filter("isAdmin", "eq", "true"),
        }
    }
}

/// A contact to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContact {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The account it belongs to.
    pub account_id: Option<Id>,
    /// E-mail address.
    pub email: Option<String>,
    /// Whether it is an instructor.
    pub is_instructor: bool,
}

impl Client {
    /// Returns every contact that may teach, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if the list stays inconsistent.
    pub async fn instructors(&self) -> Result<Vec<Contact>, Error> {
        self.contacts(vec![ContactRole::Instructor.filter()]).await
    }

    /// Returns every contact that may administer events, ordered by id.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if the list stays inconsistent.
    pub async fn administrators(&self) -> Result<Vec<Contact>, Error> {
        self.contacts(vec![ContactRole::Administrator.filter()]).await
    }

    /// Returns the contacts whose name contains the words of `name` in this order.
    ///
    /// The search is broad: the caller has to compare the whole name.
    ///
    /// # Errors
    /// As every call; [`Error::Incomplete`] if the list stays inconsistent.
    pub async fn contacts_by_name(&self, name: &str, role: Option<ContactRole>) -> Result<Vec<Contact>, Error> {
        let mut filters = vec![Arg::filter("name", "wordlike", name.trim())];
        filters.extend(role.map(ContactRole::filter));
        self.contacts(filters).await
    }

    async fn contacts(&self, filters: Vec<Arg>) -> Result<Vec<Contact>, Error> {
        let connection = Connection {
            operation: "contacts",
            root: "contacts",
            filters,
            selection: "id legacyId firstName lastName ?personalName { firstName lastName }".to_owned(),
        };
        let nodes: Vec<ContactNode> = self.list(&connection).await?;
        Ok(nodes.into_iter().map(ContactNode::into_contact).collect())
    }

    /// Creates a contact.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn create_contact(&self, contact: &NewContact) -> Result<CreatedRecord, Error> {
        let mut mutation = Mutation::new("contact.create", "contact");
        let name = vec![
            ("firstName", Arg::Text(contact.first_name.clone())),
            ("lastName", Arg::Text(contact.last_name.clone())),
        ];
        mutation.input_if_some("accountId", contact.account_id.as_ref().map(Arg::id));
        mutation.input("personalName", Arg::Object(name));
        mutation.input_if_some("emailAddress", contact.email.clone().map(Arg::Text));
        if contact.is_instructor {
            mutation.input("isInstructor", Arg::Bool(true));
        }
        self.create(&mutation).await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContactNode {
    id: Id,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    legacy_id: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    last_name: Option<String>,
    #[serde(default)]
    personal_name: Option<PersonalName>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PersonalName {
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "crate::lenient::optional_text")]
    last_name: Option<String>,
}

impl ContactNode {
    fn into_contact(self) -> Contact {
        let personal = self.personal_name.unwrap_or_default();
        Contact {
            id: self.id,
            legacy_id: self.legacy_id,
            first_name: self.first_name.or(personal.first_name),
            last_name: self.last_name.or(personal.last_name),
        }
    }
}
