//! `lectern migrate plan --grants`: the owner can migrate, the service can do its work, and nothing else.

use std::process::Command;

use administrate_sim::Options;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};

use crate::fixtures::import::ImportFixture;
use crate::fixtures::test_db::TestDb;
use crate::fixtures::timetable::{event, write};

/// Two roles that exist as long as the test runs. Names of roles are shared by all databases of the cluster.
struct Roles {
    owner: String,
    service: String,
}

impl Roles {
    /// Creates roles whose names need quotes.
    async fn create(db: &TestDb, test: &str) -> Roles {
        let process = std::process::id();
        let roles =
            Roles { owner: format!("{test} owner {process}"), service: format!("{test} \"service\" {process}") };
        for role in [&roles.owner, &roles.service] {
            admin(db, &format!("CREATE ROLE {} LOGIN PASSWORD 'made up'", quote(role))).await;
        }
        roles
    }

    fn argument(&self) -> String {
        format!("{},{}", self.owner, self.service)
    }

    /// Removes the roles and what they own in the database.
    async fn drop(self, db: &TestDb) {
        for role in [&self.service, &self.owner] {
            admin(db, &format!("DROP OWNED BY {0} CASCADE; DROP ROLE {0}", quote(role))).await;
        }
    }
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Executes SQL as the superuser of the cluster.
async fn admin(db: &TestDb, sql: &str) {
    let mut connection = db.admin().await;
    let mut transaction = connection.begin().await.expect("begun");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *transaction).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    transaction.commit().await.expect("committed");
}
