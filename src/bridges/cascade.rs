//! Cascading deletes: prices, approvals and references that are removed with rows of reference data.

use sqlx::PgConnection;

use super::reference::{CascadedDeletes, RowReference, Table};
use super::store::cascade as store;
use super::store::references::change_approvals;
use crate::error::Result;

impl Table {
    fn is_target_of(self, reference: &RowReference) -> bool {
        let suffix = match self {
            Table::Locations => ".location",
            Table::Venues => ".venue",
            Table::Instructors => ".instructor",
            Table::CourseTemplates => ".course_template",
            Table::PriceLevels => return false,
        };
        reference.column.ends_with(suffix)
    }
}

impl CascadedDeletes {
    /// Returns what the deletion of these rows would remove too.
    pub async fn with(db: &mut PgConnection, table: Table, external_ids: &[String]) -> Result<CascadedDeletes> {
        Ok(CascadedDeletes {
            prices: match table {
                Table::CourseTemplates | Table::PriceLevels => store::prices_of(db, external_ids).await?,
                Table::Locations | Table::Venues | Table::Instructors => Vec::new(),
            },
            approvals: match table {
                Table::CourseTemplates => store::approvals_of(db, external_ids).await?,
                _ => Vec::new(),
            },
            references: store::references(db, external_ids)
                .await?
                .into_iter()
                .filter(|reference| table.is_target_of(reference))
                .collect(),
        })
    }

    /// Restores the rows and references, except where a newer value exists.
    pub async fn restore(&self, db: &mut PgConnection) -> Result<()> {
        if !self.prices.is_empty() {
            store::restore_prices(db, &self.prices).await?;
        }
        if !self.approvals.is_empty() {
            change_approvals(db, &[], &self.approvals).await?;
        }
        if !self.references.is_empty() {
            store::restore_references(db, &self.references).await?;
        }
        Ok(())
    }
}
