//! What goes when rows of reference data are deleted: the prices of a template or level, who may teach it, and every
//! mention of them in rows that stay. Kept, so that a deletion can be taken back whole.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::reference::{ApprovalRow, PriceRow};
use crate::error::Result;

/// What went with rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CascadedDeletes {
    /// Prices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<PriceRow>,
    /// Who may teach what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRow>,
    /// Mentions in rows that stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<RowReference>,
}

/// That a row mentions another, both by Administrate's ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct RowReference {
    /// Table and what of it, like `events.location`.
    pub column: String,
    /// Of which row.
    pub external_id: String,
    /// What it mentions.
    pub mentioned: String,
}

/// Tables whose rows may be mentioned or have prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Locations,
    Venues,
    Instructors,
    CourseTemplates,
    PriceLevels,
}

impl Table {
    fn refers_to(self, mention: &RowReference) -> bool {
        let meant = match self {
            Table::Locations => ".location",
            Table::Venues => ".venue",
            Table::Instructors => ".instructor",
            Table::CourseTemplates => ".course_template",
            Table::PriceLevels => return false,
        };
        mention.column.ends_with(meant)
    }
}

impl CascadedDeletes {
    /// What would go with these rows.
    pub async fn with(db: &mut PgConnection, table: Table, external_ids: &[String]) -> Result<CascadedDeletes> {
        Ok(CascadedDeletes {
            prices: match table {
                Table::CourseTemplates | Table::PriceLevels => {
                    super::store::cascade::prices_of(db, external_ids).await?
                }
                Table::Locations | Table::Venues | Table::Instructors => Vec::new(),
            },
            approvals: match table {
                Table::CourseTemplates => super::store::cascade::approvals_of(db, external_ids).await?,
                _ => Vec::new(),
            },
            mentions: super::store::cascade::references(db, external_ids)
                .await?
                .into_iter()
                .filter(|one| table.refers_to(one))
                .collect(),
        })
    }

    /// Whether nothing went.
    pub fn is_empty(&self) -> bool {
        self.prices.is_empty() && self.approvals.is_empty() && self.mentions.is_empty()
    }

    /// Brings it back where nothing has taken its place.
    pub async fn restore(&self, db: &mut PgConnection) -> Result<()> {
        if !self.prices.is_empty() {
            super::store::cascade::restore_prices(db, &self.prices).await?;
        }
        if !self.approvals.is_empty() {
            crate::bridges::store::references::change_approvals(db, &[], &self.approvals).await?;
        }
        if !self.mentions.is_empty() {
            super::store::cascade::restore_references(db, &self.mentions).await?;
        }
        Ok(())
    }
}
