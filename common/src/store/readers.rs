//! Who reads the views: a login role for each, and the agency whose malls it sees (`docs/adr/0018`).

pub(super) mod settings;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, Row};

use super::audit::{AuditEntry, record};
use super::error::StoreError;
use super::pool::Control;
use super::rights::{Role, is_not_allowed};
use crate::domain::ids::{Purpose, ReaderName};

/// A reader to make, or to change.
#[derive(Debug, Clone)]
pub struct NewReader<'a> {
    /// The role that logs in.
    pub role: &'a ReaderName,
    /// Whose malls it sees.
    pub agency: &'a str,
    /// Only malls approved for this; `None`: all of the agency.
    pub purpose: Option<&'a Purpose>,
}

/// What a reader may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sight {
    /// Whose malls.
    pub agency: String,
    /// Only malls approved for this; `None`: all of the agency.
    pub purpose: Option<String>,
}

impl Sight {
    /// Whether `now` may show what `self` does not. Which malls an agency or a purpose has changes by the day, so what counts
    /// is the rule, not today's malls.
    fn is_widened_by(&self, now: &Self) -> bool {
        self.agency != now.agency || (self.purpose.is_some() && self.purpose != now.purpose)
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedReader {
    /// It may log in and read. `true`: the role is new, and has no password yet.
    Done {
        /// Whether the role was made.
        new: bool,
        /// What it saw until now; `None`: nothing.
        before: Option<Sight>,
    },
    /// It would see what it does not see now, and nobody has agreed to that: nothing was changed.
    Widens {
        /// What it sees now.
        before: Sight,
    },
    /// The session's role may not make or change roles: nothing was changed, somebody else has to run these first.
    NotAllowed(Vec<String>),
}

/// Why a reader was not made.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// No mall was ever connected for it.
    #[error("there is no agency '{0}'")]
    UnknownAgency(String),
    /// The role is there, and is more than a reader.
    #[error("role {role} {what}: row-level security would not hold it")]
    TooMighty {
        /// The role.
        role: String,
        /// What it is or may.
        what: &'static str,
    },
    /// Postgres.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ReaderError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A reader as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reader {
    /// The role that logs in.
    pub role: String,
    /// Whose malls it sees.
    pub agency: String,
    /// Only malls approved for this.
    pub purpose: Option<String>,
    /// Malls that it sees now.
    pub malls: i64,
    /// Who granted it.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
    /// Why it cannot work, or may do more than it should.
    pub trouble: Option<String>,
}

/// A role of ours and who logs in as a member of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleMembers {
    /// The role.
    pub role: String,
    /// Whether it is there.
    pub exists: bool,
    /// Its members, by name.
    pub members: Vec<String>,
}

/// What a role is that a reader must not be; `None`: nothing.
fn too_mighty(row: &sqlx::postgres::PgRow) -> Result<Option<&'static str>, sqlx::Error> {
    Ok(if row.try_get("is_superuser")? {
        Some("is a superuser")
    } else if row.try_get("bypasses")? {
        Some("has BYPASSRLS")
    } else if row.try_get("is_program")? {
        Some("is a member of a role of the programs, or may read their tables")
    } else {
        None
    })
}

impl Control {
    /// Makes a login role that reads the views of one agency, or gives a reader another agency or purpose. `agreed`: what it
    /// saw when somebody agreed that it sees more; if it sees anything else by now, nothing is changed.
    pub async fn grant_reader(
        &self,
        reader: &NewReader<'_>,
        agreed: Option<&Sight>,
        actor: &str,
    ) -> Result<GrantedReader, ReaderError> {
        let mut tx = self.pool.begin().await?;
        // One grant at a time, so that what it sees before is what the grant replaces. Readers are not held up.
        sqlx::query("LOCK TABLE readers IN SHARE ROW EXCLUSIVE MODE").execute(&mut *tx).await?;
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM agencies WHERE agency_id = $1)")
            .bind(reader.agency)
            .fetch_one(&mut *tx)
            .await?;
        if !known {
            return Err(ReaderError::UnknownAgency(reader.agency.to_owned()));
        }
        let facts = sqlx::query(include_str!("sql/reader_role.sql"))
            .bind(reader.role.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(what) = facts.as_ref().map(too_mighty).transpose()?.flatten() {
            return Err(ReaderError::TooMighty { role: reader.role.to_string(), what });
        }
        let before = sight(&mut tx, reader.role).await?;
        let now = Sight {
            agency: reader.agency.to_owned(),
            purpose: reader.purpose.map(|purpose| purpose.as_str().to_owned()),
        };
        if let Some(before) = before.as_ref().filter(|before| before.is_widened_by(&now))
            && agreed != Some(before)
        {
            return Ok(GrantedReader::Widens { before: before.clone() });
        }
        let reads = facts.as_ref().map(|row| row.try_get("reads")).transpose()?;
        let statements = statements(&mut tx, reader.role, reads).await?;
        for statement in &statements {
            match sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut *tx).await {
                Ok(_) => {}
                Err(error) if is_not_allowed(&error) => return Ok(GrantedReader::NotAllowed(statements)),
                Err(error) => return Err(error.into()),
            }
        }
        sqlx::query(include_str!("sql/grant_reader.sql"))
            .bind(reader.role.as_str())
            .bind(reader.agency)
            .bind(reader.purpose.map(Purpose::as_str))
            .bind(actor)
            .execute(&mut *tx)
            .await?;
        let entry = AuditEntry {
            actor,
            action: "db.grants.analyst",
            mall: None,
            target: reader.role.as_str(),
            plan: None,
            details: serde_json::json!({
                "agency": reader.agency,
                "purpose": reader.purpose.map(Purpose::as_str),
                "before": before,
                "new_role": facts.is_none(),
            }),
        };
        record(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(GrantedReader::Done { new: facts.is_none(), before })
    }

    /// Takes a reader's agency away: it sees nothing from its next statement on. `false`: there is no such reader.
    pub async fn revoke_reader(&self, role: &ReaderName, actor: &str) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query("DELETE FROM readers WHERE role_name = $1")
            .bind(role.as_str())
            .execute(&mut *tx)
            .await?;
        let entry = AuditEntry {
            actor,
            action: "db.grants.revoke",
            mall: None,
            target: role.as_str(),
            plan: None,
            details: serde_json::json!({}),
        };
        super::audit::commit_if_changed(tx, &done, &entry).await
    }

    /// All readers, by name.
    pub async fn readers(&self) -> Result<Vec<Reader>, StoreError> {
        let rows = sqlx::query(include_str!("sql/list_readers.sql")).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let trouble = match row.try_get::<Option<&str>, _>("trouble")? {
                    Some(trouble) => Some(trouble.to_owned()),
                    None => too_mighty(row)?.map(str::to_owned),
                };
                Ok(Reader {
                    role: row.try_get("role_name")?,
                    agency: row.try_get("agency_id")?,
                    purpose: row.try_get("purpose")?,
                    malls: row.try_get("malls")?,
                    granted_by: row.try_get("granted_by")?,
                    granted_at: row.try_get("granted_at")?,
                    trouble,
                })
            })
            .collect()
    }

    /// Our three roles and their members.
    pub async fn role_members(&self) -> Result<Vec<RoleMembers>, StoreError> {
        let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
        let rows =
            sqlx::query(include_str!("sql/role_members.sql")).bind(&names).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(RoleMembers {
                    role: row.try_get("role")?,
                    exists: row.try_get("is_there")?,
                    members: row.try_get("members")?,
                })
            })
            .collect()
    }
}

/// What a role sees now. A row of another role of that name shows it nothing.
async fn sight(connection: &mut PgConnection, role: &ReaderName) -> Result<Option<Sight>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT agency_id, purpose FROM readers JOIN pg_roles ON rolname = role_name AND oid = role_id WHERE role_name = $1",
    )
    .bind(role.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(Sight { agency: row.try_get("agency_id")?, purpose: row.try_get("purpose")? }))
        .transpose()
}

/// What makes a role a reader, in an order in which it can be run; nothing if it is one. `reads`: whether it logs in and is
/// a member of `cafe24_analyst`; `None`: it is not there.
async fn statements(
    connection: &mut PgConnection,
    role: &ReaderName,
    reads: Option<bool>,
) -> Result<Vec<String>, StoreError> {
    let name = Quoted(role);
    let mut statements = Vec::new();
    if reads.is_none() {
        statements.push(format!("CREATE ROLE {name} LOGIN CONNECTION LIMIT 20;"));
    }
    if reads != Some(true) {
        statements.push(format!("GRANT {} TO {name};", Role::Analyst));
    }
    statements.extend(if reads.is_none() {
        let database: String =
            sqlx::query_scalar("SELECT quote_ident(current_database())").fetch_one(connection).await?;
        settings::of_new(role, &database)
    } else {
        settings::missing(connection, Some(role)).await?
    });
    Ok(statements)
}

/// A role's name in a statement. [`ReaderName`] allows nothing that would need more than quotes.
struct Quoted<'a>(&'a ReaderName);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}
