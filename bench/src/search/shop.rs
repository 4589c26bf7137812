//! A generated shop and the searches in it.

use sqlx::{Connection, PgConnection};

use crate::Result;
use crate::stage::Stage;

/// The dimensions of a shop.
#[derive(Clone, Copy)]
pub struct Size {
    pub name: &'static str,
    subjects: usize,
    exams: usize,
    products: usize,
}

/// The sizes that are measured: 2, 20 and 100 thousand groups.
pub const SIZES: [Size; 3] = [
    Size { name: "2k", subjects: 20, exams: 5, products: 20 },
    Size { name: "20k", subjects: 50, exams: 8, products: 50 },
    Size { name: "100k", subjects: 100, exams: 10, products: 100 },
];

impl Size {
    pub fn groups(self) -> usize {
        self.subjects * self.exams * self.products
    }

    pub fn database(self) -> String {
        format!("search_{}", self.name)
    }

    /// Creates the database of the shop.
    pub async fn create(self, stage: &Stage) -> Result<()> {
        let name = self.database();
        stage.create(&name).await?.close().await;
        // The superuser loads the rows without triggers, as a restored dump would.
        let mut connection = PgConnection::connect(&stage.admin_url(&name)).await?;
        let dimensions = [("{subjects}", self.subjects), ("{exams}", self.exams), ("{products}", self.products)];
        let sql = dimensions
            .iter()
            .fold(include_str!("shop.sql").to_owned(), |sql, (word, value)| sql.replace(word, &value.to_string()));
        sqlx::raw_sql("SET session_replication_role = replica").execute(&mut connection).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        sqlx::raw_sql("VACUUM ANALYZE").execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    /// Returns the searches of a kind.
    pub fn searches(self, kind: Kind) -> Vec<String> {
        let subject = |n: usize| format!("S{:03}", 1 + n % self.subjects);
        (0..16)
            .map(|n| match kind {
                Kind::Browse => format!("page={}", 1 + n),
                Kind::Filter => match n % 3 {
                    0 => format!("subjects={}&modes_of_delivery=Printed", subject(n * 3)),
                    1 => format!("subjects={}&subjects={}&categories=Core%20Material", subject(n), subject(n + 7)),
                    _ => format!("categories=Tutorial&subjects={}", subject(n * 5)),
                },
                Kind::Text => match n % 3 {
                    0 => format!("q={}+{}", PLACES[n % PLACES.len()].0, subject(n)),
                    1 => format!("q=guided+{}", subject(n * 3)),
                    _ => format!("q={}", PEOPLE[n % PEOPLE.len()].0),
                },
                Kind::Typo => match n % 2 {
                    0 => format!("q={}+{}", PLACES[n / 2 % PLACES.len()].1, subject(n)),
                    _ => format!("q={}", PEOPLE[n / 2 % PEOPLE.len()].1),
                },
                Kind::Facets => {
                    format!("q=notes&subjects={}&categories=Revision%20Material&page_size=1", subject(n * 3))
                }
            })
            .collect()
    }
}

/// Places that every size has, with a typing error.
const PLACES: [(&str, &str); 5] = [
    ("fenwick", "fenwikc"),
    ("harborough", "harbrough"),
    ("thornbury", "thornbry"),
    ("wexcombe", "wexconbe"),
    ("aldermoor", "aldermor"),
];

/// People, with a typing error. No other name is near: a trigram index would not find all that are.
const PEOPLE: [(&str, &str); 4] = [
    ("gwendolen+montague", "gwendolen+montageu"),
    ("rosamund+ravenscroft", "rosamund+ravenscrft"),
    ("percival+galbraith", "percival+galbriath"),
    ("theodora+treadwell", "theodora+tredwell"),
];

/// Kinds of searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Browse,
    Filter,
    Text,
    Typo,
    Facets,
}

impl Kind {
    /// All kinds with the goals at the largest size: share of the limit, and times the requests of the peer.
    pub const ALL: [(Kind, f64, f64); 5] = [
        (Kind::Browse, 0.8, 3_000.0),
        (Kind::Filter, 0.4, 1_000.0),
        (Kind::Text, 0.3, 500.0),
        (Kind::Typo, 0.3, 500.0),
        (Kind::Facets, 0.15, 700.0),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Filter => "filter",
            Self::Text => "text",
            Self::Typo => "typo",
            Self::Facets => "facets",
        }
    }
}
