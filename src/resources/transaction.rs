//! Several writes of a caller in one transaction.

use axum::http::HeaderMap;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};

use super::api::CallerWrite;
use super::body::Mode;
use super::endpoint::Endpoint;
use super::write::{self, WriteRefusal};
use crate::http::problem::HttpProblem;
use crate::identity::Role;

/// Several writes in one transaction. Dropped before [`CallerTransaction::commit`], it writes nothing.
pub struct CallerTransaction<'a> {
    write: CallerWrite<'a>,
    endpoint: Endpoint,
    transaction: Transaction<'static, Postgres>,
}

impl<'a> CallerTransaction<'a> {
    pub(super) async fn begin(write: CallerWrite<'a>, endpoint: Endpoint) -> Result<Self, HttpProblem> {
        let transaction = endpoint.shared.begin(write.caller).await?;
        Ok(CallerTransaction { write, endpoint, transaction })
    }

    /// Returns the connection of the transaction.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Changes a row, and returns its document.
    ///
    /// # Errors
    /// When the body, a precondition or a rule refuses it.
    pub async fn change(&mut self, id: i64, headers: &HeaderMap, body: &Value) -> Result<Value, HttpProblem> {
        let request = self.endpoint.write_request(self.write.caller, self.write.parameters);
        let mut attempted = Vec::new();
        let (resource, mode) = (self.endpoint.resource, (Mode::Change, body));
        let changed = write::change(&mut self.transaction, resource, &request, id, mode, headers, &mut attempted).await;
        match changed {
            Ok(document) => Ok(document),
            Err(refusal) => Err(self.endpoint.explain(refusal, &attempted).await),
        }
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// When a precondition, a rule or another row refuses it.
    pub async fn remove(&mut self, id: i64, headers: &HeaderMap) -> Result<(), HttpProblem> {
        let request = self.endpoint.write_request(self.write.caller, self.write.parameters);
        let may_cascade = request.flag("cascade")? && self.write.caller.role == Role::Admin;
        let (resource, guards) = (self.endpoint.resource, self.endpoint.shared.guards);
        let removed = write::remove(&mut self.transaction, resource, &request, id, headers, may_cascade, guards).await;
        match removed {
            Ok(_) => Ok(()),
            Err(refusal) => Err(self.endpoint.explain(refusal, &[]).await),
        }
    }

    /// Keeps all writes.
    ///
    /// # Errors
    /// When the database refuses them.
    pub async fn commit(self) -> Result<(), HttpProblem> {
        let CallerTransaction { endpoint, transaction, .. } = self;
        endpoint.end(transaction, Ok::<(), WriteRefusal>(()), &[]).await
    }
}
