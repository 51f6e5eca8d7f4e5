//! Who may do what in Postgres: three roles with the least that their work takes, and the rules of row-level security that
//! name them (`docs/adr/0018`).
//!
//! Roles belong to the cluster, not to the database, and who migrates may not be allowed to make them. So they are no part of
//! a migration: [`Control::missing_rights_sql`] compares one list with the catalogue, and what is missing is granted
//! ([`Control::grant_rights`], after each migration) or handed to somebody who may, as SQL.

mod list;

use std::fmt;

use sqlx::{PgConnection, Row};

use self::list::{COLUMNS, GUARDED, SEQUENCES, TABLES, VIEWS};
use super::error::StoreError;
use super::pool::Control;
use super::readers::settings;

/// Grants of one database are made by one program at a time; any number that nobody else uses.
const RIGHTS_LOCK: i64 = 0x0024_C4F2;

/// What programs and people log in as members of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The command line and the daemon.
    Producer,
    /// The workers.
    Worker,
    /// People who read the views.
    Analyst,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Producer, Self::Worker, Self::Analyst];

    /// Its name in the cluster.
    pub fn name(self) -> &'static str {
        match self {
            Self::Producer => "cafe24_producer",
            Self::Worker => "cafe24_worker",
            Self::Analyst => "cafe24_analyst",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One privilege of one role on one object, or on one column of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `schema`, `table` or `sequence`.
    pub kind: &'static str,
    /// The object's name; with its schema, unless that is `public`.
    pub object: String,
    /// Empty: the whole object.
    pub column: String,
    /// Whose.
    pub role: Role,
    /// `SELECT`.
    pub privilege: String,
}

/// Every right that the three roles have: no more, no less.
pub fn wanted_rights() -> Vec<Right> {
    let right = |kind, object: &str, column: &str, role, privilege: &str| Right {
        kind,
        object: object.to_owned(),
        column: column.to_owned(),
        role,
        privilege: privilege.to_owned(),
    };
    let mut rights = Vec::new();
    for role in Role::ALL {
        rights.push(right("schema", "public", "", role, "USAGE"));
    }
    for (kind, tables) in [("table", TABLES), ("sequence", SEQUENCES)] {
        for table in tables {
            for (role, privileges) in [(Role::Producer, table.producer), (Role::Worker, table.worker)] {
                rights.extend(
                    privileges.split_whitespace().map(|word| right(kind, table.name, "", role, word)),
                );
            }
        }
    }
    for of in COLUMNS {
        rights.extend(of.names.iter().map(|column| right("table", of.table, column, of.role, of.privilege)));
    }
    for role in [Role::Producer, Role::Analyst] {
        rights.push(right("schema", "analytics", "", role, "USAGE"));
        rights.extend(VIEWS.iter().map(|view| right("table", view, "", role, "SELECT")));
    }
    rights
}

/// The tables that row-level security guards.
pub fn guarded_tables() -> impl Iterator<Item = &'static str> {
    GUARDED.iter().map(|guarded| guarded.table)
}

/// What came of granting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RightsGranted {
    /// So many statements were missing, and were run.
    Done(usize),
    /// The session's role may not: somebody else has to run these, which are missing still.
    NotAllowed(Vec<String>),
}

impl Control {
    /// The statements that are missing until the three roles have what they need, and each reader a setting of each kind, in
    /// an order in which they can be run. Each ends with a semicolon. The schema must be current.
    pub async fn missing_rights_sql(&self) -> Result<Vec<String>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut statements = Part::Rights.missing(&mut connection).await?;
        statements.extend(Part::Settings.missing(&mut connection).await?);
        Ok(statements)
    }

    /// Grants what is missing, and then sets what readers lack; each of the two all or nothing. Who may grant may not alter
    /// roles: the programs have their rights all the same.
    pub async fn grant_rights(&self) -> Result<RightsGranted, StoreError> {
        let mut run = 0;
        for part in [Part::Rights, Part::Settings] {
            let mut tx = self.pool.begin().await?;
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(RIGHTS_LOCK).execute(&mut *tx).await?;
            let statements = part.missing(&mut tx).await?;
            for statement in &statements {
                match sqlx::raw_sql(sqlx::AssertSqlSafe(patient(statement))).execute(&mut *tx).await {
                    Ok(_) => {}
                    Err(error) if is_not_allowed(&error) => {
                        drop(tx);
                        return Ok(RightsGranted::NotAllowed(self.missing_rights_sql().await?));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            tx.commit().await?;
            run += statements.len();
        }
        Ok(RightsGranted::Done(run))
    }
}

/// What is granted together.
#[derive(Clone, Copy)]
enum Part {
    /// The three roles and what they may.
    Rights,
    /// What readers' sessions are set to.
    Settings,
}

impl Part {
    async fn missing(self, connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Rights => missing(connection).await,
            Self::Settings => settings::missing(connection, None).await,
        }
    }
}

/// Another database of the cluster may make the same role at the same time.
fn patient(statement: &str) -> String {
    if statement.starts_with("CREATE ROLE ") {
        format!(
            "DO $role$ BEGIN {statement} EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $role$"
        )
    } else {
        statement.to_owned()
    }
}

/// The role lacks a right itself (42501).
pub(super) fn is_not_allowed(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "42501")
}

async fn missing(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let mut statements = Vec::new();
    let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
    let there: Vec<String> =
        sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE rolname = ANY ($1)")
            .bind(&names)
            .fetch_all(&mut *connection)
            .await?;
    for role in Role::ALL.into_iter().filter(|role| !there.iter().any(|name| name == role.name())) {
        statements.push(format!("CREATE ROLE {role} NOLOGIN;"));
    }
    let rights = missing_rights(connection, &wanted_rights(), None).await?;
    statements.extend(grants(&rights));
    statements.extend(missing_policies(connection).await?);
    Ok(statements)
}

/// Those of `rights` that their roles lack, or that `role` lacks, whoever they are meant for. A role that is not there lacks
/// all.
pub(super) async fn missing_rights(
    connection: &mut PgConnection,
    rights: &[Right],
    role: Option<&str>,
) -> Result<Vec<Right>, StoreError> {
    let column = |part: fn(&Right) -> &str| rights.iter().map(part).collect::<Vec<_>>();
    let roles: Vec<&str> = rights.iter().map(|right| role.unwrap_or(right.role.name())).collect();
    let places: Vec<i64> = sqlx::query_scalar(include_str!("sql/missing_rights.sql"))
        .bind(column(|right| right.kind))
        .bind(column(|right| &right.object))
        .bind(column(|right| &right.column))
        .bind(&roles)
        .bind(column(|right| &right.privilege))
        .fetch_all(connection)
        .await?;
    let at = |place: i64| usize::try_from(place - 1).ok().and_then(|place| rights.get(place)).cloned();
    Ok(places.into_iter().filter_map(at).collect())
}

/// One statement for what one role is granted on one object.
fn grants(rights: &[Right]) -> Vec<String> {
    let mut statements = Vec::new();
    let same = |a: &Right, b: &Right| (a.kind, &a.object, a.role) == (b.kind, &b.object, b.role);
    for group in rights.chunk_by(same) {
        let Some(Right { kind, object, role, .. }) = group.first() else { continue };
        let (whole, parts): (Vec<_>, Vec<_>) = group.iter().partition(|right| right.column.is_empty());
        let mut privileges: Vec<String> = whole.iter().map(|right| right.privilege.clone()).collect();
        for part in parts.chunk_by(|a, b| a.privilege == b.privilege) {
            let columns: Vec<&str> = part.iter().map(|right| right.column.as_str()).collect();
            let privilege = part.first().map(|right| right.privilege.as_str()).unwrap_or_default();
            privileges.push(format!("{privilege} ({})", columns.join(", ")));
        }
        let kind = kind.to_uppercase();
        statements.push(format!("GRANT {} ON {kind} {object} TO {role};", privileges.join(", ")));
    }
    statements
}

/// Rules of row-level security: everything for the programs; for a reader his malls, and of a mall that came from another
/// agency the days since then (`202611250206_readers.sql`).
///
/// The array is made once a statement and reaches the indexes; the second rule costs a comparison with NULL as long as no
/// mall has moved.
async fn missing_policies(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let tables: Vec<&str> = guarded_tables().collect();
    let rows = sqlx::query(
        "SELECT tablename::text, policyname::text FROM pg_policies \
         WHERE schemaname = 'public' AND tablename = ANY ($1)",
    )
    .bind(&tables)
    .fetch_all(connection)
    .await?;
    let mut there = Vec::new();
    for row in &rows {
        there.push((row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?));
    }
    let lacks = |table: &str, policy: &str| !there.iter().any(|(t, p)| t == table && p == policy);
    let mut statements = Vec::new();
    for guarded in GUARDED {
        let (table, day) = (guarded.table, guarded.day);
        if lacks(table, "programs") {
            statements.push(format!(
                "CREATE POLICY programs ON {table} TO {}, {} USING (true) WITH CHECK (true);",
                Role::Producer,
                Role::Worker
            ));
        }
        if lacks(table, "readers") {
            statements.push(format!(
                "CREATE POLICY readers ON {table} FOR SELECT TO {} USING (mall_id = ANY ((SELECT visible_malls())::text[]) \
                 AND ((SELECT first_days_shown()) IS NULL OR {day} >= coalesce(((SELECT first_days_shown()) ->> mall_id)::date, '-infinity')));",
                Role::Analyst
            ));
        }
    }
    Ok(statements)
}
