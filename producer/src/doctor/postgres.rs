//! Postgres: reachable, new enough, writable, our schema, our rights, and numbers of fetches that still rise.

use common::store::{
    Control, FenceFacts, MissingRight, OddSetting, Role, SchemaError, ServerFacts, StoreError,
};

use super::Doctor;
use super::finding::Finding;
use crate::fault::Server;
use crate::fault::in_one_line;
use crate::output::text::clean;

pub(super) const NAME: &str = "postgres";
/// Views that ask as their reader (`security_invoker`) and keys in which NULLs are equal came with 15.
const OLDEST: i32 = 150_000;
/// Tables named in one line.
const NAMED: usize = 4;

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let control = &doctor.control;
    let facts = match control.server_facts().await {
        Ok(facts) => facts,
        Err(error) => return vec![away(doctor, &error)],
    };
    let mut findings: Vec<Finding> = server(&facts).into_iter().collect();
    let schema = control.check_schema().await;
    let known = Control::migrations();
    if schema.is_ok() && findings.is_empty() {
        let ServerFacts { version, connections, max_connections, .. } = &facts;
        let version = version.split(' ').next().unwrap_or_default();
        findings.push(Finding::good(
            NAME,
            format!("{version}, schema {known}/{known}, {connections} of {max_connections} connections"),
        ));
    }
    findings.extend(crowded(&facts));
    if let Err(error) = &schema {
        findings.extend(schema_fault(error, known));
    }
    findings.extend(rights(control, &facts.role).await);
    if schema.is_ok() {
        // Who may not look was told above what it lacks.
        findings.extend(control.odd_reader_settings().await.ok().iter().flat_map(|odd| readers(odd)));
    }
    if schema.is_ok() && !facts.read_only {
        findings.extend(fences(control).await);
    }
    findings
}

/// Whether it answers.
pub(super) async fn reach(doctor: &Doctor) -> Vec<Finding> {
    vec![match doctor.control.ping().await {
        Ok(()) => Finding::good(NAME, format!("answers at {}", doctor.config.postgres.url)),
        Err(error) => away(doctor, &error),
    }]
}

fn away(doctor: &Doctor, error: &StoreError) -> Finding {
    let server = Server::of(&doctor.config, "Postgres", &doctor.config.postgres.url, "postgres.url");
    let why = match in_one_line(error) {
        // The driver's words for a server that never answered.
        text if text.contains("pool timed out") => "no connection came about within 5 s".to_owned(),
        text => text,
    };
    Finding::problem(NAME, format!("no answer at {}: {}", server.url, clean(&why)), server.remedy())
}

fn server(facts: &ServerFacts) -> Option<Finding> {
    if facts.version_num < OLDEST {
        let what = format!("version {} is too old", facts.version);
        return Some(Finding::problem(NAME, what, "upgrade Postgres to 15 or later"));
    }
    facts.read_only.then(|| {
        let remedy = "let postgres.url name the primary, or promote this server";
        Finding::problem(NAME, "takes no writes: a standby, or set read-only", remedy)
    })
}

fn crowded(facts: &ServerFacts) -> Option<Finding> {
    let ServerFacts { connections, max_connections, .. } = facts;
    (*connections * 5 > *max_connections * 4).then(|| {
        let what = format!("{connections} of {max_connections} connections are taken");
        Finding::warning(NAME, what, "raise max_connections of the server, or lower postgres.pool")
    })
}

fn schema_fault(error: &SchemaError, known: usize) -> Option<Finding> {
    let (what, remedy) = match error {
        SchemaError::Older { behind } => {
            (format!("schema {}/{known}", known.saturating_sub(*behind)), "cafe24-sync db migrate")
        }
        SchemaError::Newer { version } => {
            (format!("migration {version} is newer than this program"), "upgrade this program")
        }
        SchemaError::Changed { version } => (
            format!("migration {version} is not the one that this program knows"),
            "restore the released migration, or restore the database",
        ),
        // The rights, which are looked at next, say why the schema cannot be read.
        SchemaError::Store(StoreError::Refused(_)) => return None,
        SchemaError::Failed(_) | SchemaError::Store(_) => {
            (format!("the schema cannot be read: {}", in_one_line(error)), "cafe24-sync db status")
        }
    };
    Some(Finding::problem(NAME, what, remedy))
}

async fn rights(control: &Control, role: &str) -> Vec<Finding> {
    match control.missing_rights().await {
        Ok(missing) if missing.is_empty() => Vec::new(),
        Ok(missing) => vec![lacking(&missing, role)],
        Err(error) => vec![super::without_postgres(NAME, &error)],
    }
}

fn lacking(missing: &[MissingRight], role: &str) -> Finding {
    let mut named: Vec<String> = missing
        .iter()
        .take(NAMED)
        .map(|right| format!("{} on {}", right.rights, clean(&right.object)))
        .collect();
    if missing.len() > NAMED {
        named.push(format!("and {} more", missing.len() - NAMED));
    }
    let what = format!("role {} lacks {}", clean(role), named.join(" · "));
    Finding::problem(
        NAME,
        what,
        format!("cafe24-sync db grants, then GRANT {} TO {}", Role::Producer, clean(role)),
    )
}

/// Readers that were made before there was a setting, and those that somebody set otherwise.
fn readers(odd: &[OddSetting]) -> Vec<Finding> {
    let of_one = odd.chunk_by(|a, b| a.role == b.role);
    let mut findings = Vec::new();
    for settings in of_one {
        let (lacking, others): (Vec<_>, Vec<_>) = settings.iter().partition(|one| one.found.is_none());
        let role = settings.first().map(|one| clean(&one.role)).unwrap_or_default();
        if !lacking.is_empty() {
            let keys: Vec<_> = lacking.iter().map(|one| one.key.as_str()).collect();
            let what = format!("reader {role} has no setting of {}", keys.join(", "));
            findings.push(Finding::warning(NAME, what, "cafe24-sync db grants --apply"));
        }
        findings.extend(others.into_iter().map(|one| {
            let found = clean(one.found.as_deref().unwrap_or_default());
            let what = format!("reader {role} has {} = {found}, a new one gets {}", one.key, one.usual);
            Finding::note(NAME, format!("{what}; to have that: {}", one.sql))
        }));
    }
    findings
}

async fn fences(control: &Control) -> Option<Finding> {
    match control.fence_facts().await {
        Ok(facts) => backwards(facts),
        Err(error) => Some(super::without_postgres(NAME, &error)),
    }
}

fn backwards(facts: FenceFacts) -> Option<Finding> {
    (facts.given < facts.stored).then(|| {
        let what = format!(
            "the numbers of fetches went back ({} after {}): a copy of the data was put back; new figures are refused",
            facts.given, facts.stored
        );
        Finding::problem(NAME, what, "cafe24-sync doctor --after-restore")
    })
}
