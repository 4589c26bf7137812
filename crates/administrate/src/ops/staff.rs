//! Staff of events and sessions: instructors and administrators.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::Mutation;
use crate::schema::document::Arg;

/// The role of a contact in an event or session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StaffType {
    /// Teaches.
    Instructor,
    /// Administers.
    Administrator,
}

impl StaffType {
    fn name(self) -> &'static str {
        match self {
            Self::Instructor => "instructor",
            Self::Administrator => "administrator",
        }
    }
}

/// One member of the staff of an event or session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct StaffMember {
    /// Global id of the membership; what [`Client::remove_event_staff`] takes.
    pub id: Id,
    /// The contact.
    #[serde(default, rename(deserialize = "contact"), deserialize_with = "crate::lenient::object_id")]
    pub contact_id: Option<Id>,
    /// `instructor`, `administrator` or another word, in lower case.
    #[serde(default, deserialize_with = "crate::lenient::lowercase")]
    pub staff_type: Option<String>,
}

/// A contact to be added to an event's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewStaff {
    /// The event.
    pub event_id: Id,
    /// The contact.
    pub contact_id: Id,
    /// Its role.
    pub staff_type: StaffType,
}

impl NewStaff {
    fn fields(&self) -> Vec<(&'static str, Arg)> {
        vec![
            ("eventId", Arg::id(&self.event_id)),
            ("contactId", Arg::id(&self.contact_id)),
            ("staffType", Arg::name(self.staff_type.name())),
        ]
    }
}

impl Client {
    /// Adds a contact to an event's staff. An existing member is not an error, so it can be repeated safely.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn add_event_staff(&self, staff: &NewStaff) -> Result<(), Error> {
        let mut mutation = Mutation::new("event.addStaff", "event");
        for (field, arg) in staff.fields() {
            mutation.input(field, arg);
        }
        self.add_staff(&mutation).await.map(drop)
    }

    /// Adds contacts to the staff of events in one request.
    ///
    /// If the response reports existing members, the others may not have been added: then each is added separately.
    ///
    /// # Errors
    /// As every mutation, for the first contact that could not be added.
    pub async fn add_event_staff_bulk(&self, staff: &[NewStaff]) -> Result<(), Error> {
        let [_, _, ..] = staff else {
            return match staff.first() {
                Some(one) => self.add_event_staff(one).await,
                None => Ok(()),
            };
        };
        let mut mutation = Mutation::new("event.addStaffBulk", "events");
        let items = staff.iter().map(|one| Arg::Object(one.fields()));
        mutation.argument("input", Arg::List(items.collect()));
        if self.add_staff(&mutation).await? == StaffAddition::SomeExisted {
            for one in staff {
                self.add_event_staff(one).await?;
            }
        }
        Ok(())
    }

    /// Removes a member from an event's staff. Administrate sends no notification.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn remove_event_staff(&self, staff: &Id) -> Result<(), Error> {
        let mut mutation = Mutation::new("event.removeStaff", "");
        mutation.input("staffId", Arg::id(staff));
        mutation.input("notifyStaff", Arg::Bool(false));
        self.write(&mutation).await.map(drop)
    }

    /// Adds contacts to a session's staff in one request; existing members as in [`Client::add_event_staff_bulk`].
    ///
    /// # Errors
    /// As every mutation.
    pub async fn add_session_staff(&self, session: &Id, contacts: &[Id], staff_type: StaffType) -> Result<(), Error> {
        if contacts.is_empty() {
            return Ok(());
        }
        let all = session_staff(session, contacts, staff_type);
        if self.add_staff(&all).await? == StaffAddition::SomeExisted && contacts.len() > 1 {
            for contact in contacts.chunks(1) {
                self.add_staff(&session_staff(session, contact, staff_type)).await?;
            }
        }
        Ok(())
    }

    /// Removes a member from a session's staff without a notification, by membership id or by session and contact.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the tenant has no such operation (none is known that has); otherwise as every mutation.
    pub async fn remove_session_staff(&self, session: &Id, staff: &Id, contact: &Id) -> Result<(), Error> {
        const OPERATION: &str = "session.removeStaff";
        let dialect = self.dialect().await?;
        let mut mutation = Mutation::new(OPERATION, "");
        if dialect.input_field(OPERATION, "staffId").is_some() {
            mutation.input("staffId", Arg::id(staff));
        } else {
            mutation.input_if_supported("sessionId", Arg::id(session));
            mutation.input_if_supported("contactIds", Arg::Ids(vec![contact.to_string()]));
            mutation.input_if_supported("contactId", Arg::id(contact));
        }
        mutation.input_if_supported("notifyStaff", Arg::Bool(false));
        self.write(&mutation).await.map(drop)
    }

    async fn add_staff(&self, mutation: &Mutation) -> Result<StaffAddition, Error> {
        match self.write(mutation).await {
            Ok(_) => Ok(StaffAddition::All),
            Err(Error::Refused { errors, .. })
                if errors.iter().all(|error| is_existing_member_error(&error.message)) =>
            {
                Ok(StaffAddition::SomeExisted)
            }
            Err(Error::Graphql { errors, .. })
                if errors.iter().all(|error| is_existing_member_error(&error.message)) =>
            {
                Ok(StaffAddition::SomeExisted)
            }
            Err(error) => Err(error),
        }
    }
}

#[derive(PartialEq, Eq)]
enum StaffAddition {
    All,
    SomeExisted,
}

fn session_staff(session: &Id, contacts: &[Id], staff_type: StaffType) -> Mutation {
    let mut mutation = Mutation::new("session.addStaff", "session");
    mutation.input("sessionId", Arg::id(session));
    mutation.input("contactIds", Arg::Ids(contacts.iter().map(Id::to_string).collect()));
    mutation.input("staffType", Arg::name(staff_type.name()));
    mutation
}

/// Matches "The input Contact already exists as staff on the Event", as observed on a live tenant.
fn is_existing_member_error(message: &str) -> bool {
    message.to_lowercase().contains("already exists as staff")
}
