//! What readers' sessions are set to, and which readers lack a setting or have another one.
//!
//! A setting that a reader lacks, since it was made before there was one, is set with the rights of the roles (`db migrate`,
//! `db grants --apply`). One that somebody set otherwise stays: an analyst whose tool needs ten minutes has them; the doctor
//! tells of it.

use sqlx::{PgConnection, Row};

use super::Quoted;
use crate::domain::ids::ReaderName;
use crate::store::error::StoreError;
use crate::store::pool::Control;

/// For his comfort and ours, no protection: he may set them otherwise. What he may not do is decided by what is granted.
const SETTINGS: [(&str, &str); 8] = [
    ("default_transaction_read_only", "on"),
    ("statement_timeout", "60s"),
    ("idle_in_transaction_session_timeout", "5min"),
    ("search_path", "analytics"),
    // Aggregates over a year of an agency stay in memory, and start at once.
    ("work_mem", "64MB"),
    ("jit", "off"),
    // Row-level security hands each probe of an index the array of all visible malls, which it sorts anew: over a hundred
    // thousand rows 7 s, where a hash join takes 0.6 s.
    ("enable_nestloop", "off"),
    // Postgres takes that array for ten malls, so that sorting their rows for a merge looks cheap; of two hundred it is not.
    ("enable_mergejoin", "off"),
];

/// A setting of a reader that is not as it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddSetting {
    /// The reader's role.
    pub role: String,
    /// The setting.
    pub key: String,
    /// What a new reader gets.
    pub usual: String,
    /// What this one has; `None`: nothing.
    pub found: Option<String>,
    /// The statement that makes it the usual.
    pub sql: String,
}

impl Control {
    /// Settings of readers that are not as they are made, by role.
    pub async fn odd_reader_settings(&self) -> Result<Vec<OddSetting>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        odd(&mut connection, None).await
    }
}

/// What sets all of a role that is to be made.
pub(super) fn of_new(role: &ReaderName, database: &str) -> Vec<String> {
    SETTINGS.map(|(key, value)| statement(&Quoted(role).to_string(), database, key, value)).to_vec()
}

/// What sets those that readers lack, or that `role` lacks, reader or not.
pub(in crate::store) async fn missing(
    connection: &mut PgConnection,
    role: Option<&ReaderName>,
) -> Result<Vec<String>, StoreError> {
    let odd = odd(connection, role).await?;
    Ok(odd.into_iter().filter(|one| one.found.is_none()).map(|one| one.sql).collect())
}

async fn odd(
    connection: &mut PgConnection,
    role: Option<&ReaderName>,
) -> Result<Vec<OddSetting>, StoreError> {
    let (keys, values): (Vec<_>, Vec<_>) = SETTINGS.into_iter().unzip();
    let rows = sqlx::query(include_str!("../sql/odd_settings.sql"))
        .bind(keys)
        .bind(values)
        .bind(role.map(ReaderName::as_str))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let (key, usual): (String, String) = (row.try_get("key")?, row.try_get("usual")?);
            let sql = statement(row.try_get("quoted")?, row.try_get("database")?, &key, &usual);
            Ok(OddSetting { role: row.try_get("role")?, found: row.try_get("found")?, key, usual, sql })
        })
        .collect()
}

fn statement(role: &str, database: &str, key: &str, value: &str) -> String {
    format!("ALTER ROLE {role} IN DATABASE {database} SET {key} = '{value}';")
}
