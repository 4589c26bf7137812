//! Who teaches and who administers: staff of events and of sessions.

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::id::Id;
use crate::mutation::Mutation;
use crate::schema::document::Arg;

/// The part a contact has in an event or session.
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
    #[serde(default, rename(deserialize = "contact"), deserialize_with = "crate::lenient::id_of")]
    pub contact_id: Option<Id>,
    /// `instructor`, `administrator` or another word, lower-case.
    #[serde(default, deserialize_with = "crate::lenient::lower")]
    pub staff_type: Option<String>,
}

/// A contact to be added to an event's staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewStaff {
    /// The event.
    pub event_id: Id,
    /// The contact.
    pub contact_id: Id,
    /// Its part.
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
    /// Adds a contact to an event's staff. Who is there already stays, which is no error; so repeating it is harmless.
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

    /// Adds contacts to the staff of events in one request. Where it says that somebody is there already, it says nothing
    /// of the others: then each is added by itself.
    ///
    /// # Errors
    /// As every mutation; of the first contact that could not be added.
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
        if self.add_staff(&mutation).await? == Added::SomeWereThere {
            for one in staff {
                self.add_event_staff(one).await?;
            }
        }
        Ok(())
    }

    /// Takes a member off an event's staff, telling nobody.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn remove_event_staff(&self, staff: &Id) -> Result<(), Error> {
        let mut mutation = Mutation::new("event.removeStaff", "");
        mutation.input("staffId", Arg::id(staff));
        mutation.input("notifyStaff", Arg::Bool(false));
        self.write(&mutation).await.map(drop)
    }

    /// Adds contacts to a session's staff in one request; as [`Client::add_event_staff_bulk`] where somebody is there.
    ///
    /// # Errors
    /// As every mutation.
    pub async fn add_session_staff(&self, session: &Id, contacts: &[Id], staff_type: StaffType) -> Result<(), Error> {
        if contacts.is_empty() {
            return Ok(());
        }
        let all = session_staff(session, contacts, staff_type);
        if self.add_staff(&all).await? == Added::SomeWereThere && contacts.len() > 1 {
            for contact in contacts.chunks(1) {
                self.add_staff(&session_staff(session, contact, staff_type)).await?;
            }
        }
        Ok(())
    }

    /// Takes a member off a session's staff, telling nobody: by the membership's id, or by session and contact, whichever
    /// the tenant takes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the tenant offers nothing of the kind, as far as is known none does; else as every
    /// mutation.
    pub async fn remove_session_staff(&self, session: &Id, staff: &Id, contact: &Id) -> Result<(), Error> {
        const OPERATION: &str = "session.removeStaff";
        let dialect = self.dialect().await?;
        let mut mutation = Mutation::new(OPERATION, "");
        if dialect.input_field(OPERATION, "staffId").is_some() {
            mutation.input("staffId", Arg::id(staff));
        } else {
            mutation.input_quietly("sessionId", Arg::id(session));
            mutation.input_quietly("contactIds", Arg::Ids(vec![contact.to_string()]));
            mutation.input_quietly("contactId", Arg::id(contact));
        }
        mutation.input_quietly("notifyStaff", Arg::Bool(false));
        self.write(&mutation).await.map(drop)
    }

    async fn add_staff(&self, mutation: &Mutation) -> Result<Added, Error> {
        match self.write(mutation).await {
            Ok(_) => Ok(Added::All),
            Err(Error::Refused { errors, .. }) if errors.iter().all(|error| is_there_already(&error.message)) => {
                Ok(Added::SomeWereThere)
            }
            Err(Error::Graphql { errors, .. }) if errors.iter().all(|error| is_there_already(&error.message)) => {
                Ok(Added::SomeWereThere)
            }
            Err(error) => Err(error),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Added {
    All,
    SomeWereThere,
}

fn session_staff(session: &Id, contacts: &[Id], staff_type: StaffType) -> Mutation {
    let mut mutation = Mutation::new("session.addStaff", "session");
    mutation.input("sessionId", Arg::id(session));
    mutation.input("contactIds", Arg::Ids(contacts.iter().map(Id::to_string).collect()));
    mutation.input("staffType", Arg::name(staff_type.name()));
    mutation
}

/// "The input Contact already exists as staff on the Event", as seen on a live tenant.
fn is_there_already(message: &str) -> bool {
    message.to_lowercase().contains("already exists as staff")
}
