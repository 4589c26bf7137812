//! A strict simulator of Administrate's Core GraphQL API, as far as that API is known.
//!
//! For tests and for `lectern demo` in-process ([`Simulator::start`]), and alone as `administrate-sim --port N` for rehearsals.
//!
//! It promises: documents are validated and variables coerced by the GraphQL specification to the letter, against the text of
//! `schema.graphql`; pages, filters, ids and payload errors are those of the facts; faults happen exactly where asked for; what
//! was acknowledged survives a SIGKILL when a state file is named. Where the facts are silent, its choices stand in the README.
//!
//! It does not: guard anything (tokens are numbered), send webhooks, limit rates unless a fault says so, or know more of
//! Administrate than Lectern needs. With [`Options::replay`] it answers from a recording instead of a tenant.

mod execute;
mod faults;
mod ids;
mod journal;
mod log;
mod mutations;
mod options;
mod reads;
mod replay;
mod schema;
mod server;
pub mod tenant;
mod view;

pub use faults::{Action, Fault, When};
pub use journal::StateError;
pub use log::{Mutation, Requests};
pub use options::{Clock, Options};
pub use schema::profile::{PayloadShape, Profile, TaxName};
pub use server::oauth::Credentials;
pub use server::simulator::{RunningSimulator, Simulator, StartError};
pub use tenant::Tenant;
