//! `malls import`: a file of malls, all of them or none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use common::config::Secret;
use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::ids::{AppId, MallId, ShopNo};
use common::oauth::Sealer;
use common::store::{
    AppChoice, Connector, ConnectorState, Control, NewApprovals, NewConnector, StoreError, TokensAtRest,
};
use serde::Serialize;

use super::file::{BadFile, FileMall, read};
use crate::command::context::{Context, NO_TOKENS};
use crate::fault::{Exit, Fault};
use crate::output::json::Document;
use crate::output::paint::{good, warn};
use crate::output::text::{counted, number};

/// Largest file: some ten thousand malls are 10 MB.
const FILE_MAX: u64 = 64 << 20;
/// Malls named in a warning.
const NAMED: usize = 5;

#[derive(Debug, Default, Serialize)]
struct Report {
    malls: usize,
    new: usize,
    with_tokens: usize,
    /// Imported, but nothing is sent for them: no tokens yet.
    needs_consent: Vec<MallId>,
    /// Imported, but their consent lacks the scope.
    needs_scope: Vec<MallId>,
    /// Their mode sends nothing.
    silent: Vec<MallId>,
    dry_run: bool,
}

pub(super) async fn run(context: &Context, path: &Path, dry_run: bool) -> Result<Exit, Fault> {
    let name = if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() };
    let text = load(path, &name)?;
    let refused = |bad: BadFile| Fault::Import { file: name.clone(), lines: bad.lines, count: bad.count };
    let malls = read(text.expose().as_bytes()).map_err(refused)?;
    let sealer = sealer(context, &malls)?;
    let control = context.database().await?;
    let known = known(&control, &malls).await.map_err(|error| context.store(error))?;
    let apps = control.apps().await.map_err(|error| context.store(error))?;
    let apps: BTreeSet<AppId> = apps.into_iter().map(|app| app.app_id).collect();
    let stored = Stored { known, apps, dialect: context.config.cafe24.dialect };
    stored.check(&malls).map_err(refused)?;
    let mut report = Report { malls: malls.len(), dry_run, ..Report::default() };
    let mut connectors = Vec::with_capacity(malls.len());
    for mall in &malls {
        let dialect = stored.dialect_of(mall);
        report.note(mall, dialect, stored.known.get(&mall.mall_id));
        connectors.push(connector(context, mall, dialect, sealer.as_deref()));
    }
    if !dry_run {
        let approvals: Vec<NewApprovals> = malls.iter().filter_map(approvals).collect();
        store(&control, &connectors, &approvals, &report).await.map_err(|error| context.store(error))?;
    }
    if context.output.is_for_programs() {
        context.output.document(&Document::new(&report, common::clock::now()))?;
    } else {
        context.output.answer(&report.text())?;
    }
    Ok(Exit::Done)
}

fn load(path: &Path, name: &str) -> Result<Secret, Fault> {
    let fault = |problem: String| Fault::File { path: name.to_owned(), problem };
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(FILE_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_MAX + 1).read_to_string(&mut text))
    };
    // The text holds tokens: as a secret its memory is overwritten at the end.
    let text = Secret::new(text);
    match read {
        Ok(size) if size as u64 > FILE_MAX => Err(fault("larger than 64 MiB; split it".to_owned())),
        Ok(_) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(fault("not UTF-8; save it as UTF-8".to_owned()))
        }
        Err(error) => Err(fault(format!("cannot be read: {error}"))),
    }
}

/// What seals the tokens, if there are any.
fn sealer(context: &Context, malls: &[FileMall]) -> Result<Option<Arc<Sealer>>, Fault> {
    malls.iter().any(|mall| mall.tokens.is_some()).then(|| context.sealer()).transpose()
}

/// The stored connections of the file's malls.
async fn known(control: &Control, malls: &[FileMall]) -> Result<BTreeMap<MallId, Connector>, StoreError> {
    let ids: Vec<MallId> = malls.iter().map(|mall| mall.mall_id.clone()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let stored = control.connectors(&ids).await?;
    Ok(stored.into_iter().map(|connector| (connector.mall_id.clone(), connector)).collect())
}

/// What a file is held against.
struct Stored {
    known: BTreeMap<MallId, Connector>,
    apps: BTreeSet<AppId>,
    /// Of a new mall for which the file says none.
    dialect: Dialect,
}

impl Stored {
    fn dialect_of(&self, mall: &FileMall) -> Dialect {
        let stored = self.known.get(&mall.mall_id).map(|stored| stored.dialect);
        mall.dialect.or(stored).unwrap_or(self.dialect)
    }

    /// What the dialect of a mall cannot do of what is wanted of it.
    fn misspoken(&self, mall: &FileMall) -> Option<String> {
        let dialect = self.dialect_of(mall);
        if !dialect.names_shops() && mall.shops != [ShopNo::FIRST] {
            return Some(format!("`shops` must be 1: requests of the dialect {dialect} cannot name a shop"));
        }
        let stored = self.known.get(&mall.mall_id).map(|stored| &stored.endpoints);
        let endpoints = mall.endpoints.as_ref().or(stored)?;
        let (has, lacks): (Vec<_>, Vec<_>) = endpoints.iter().map(|one| one.as_str()).partition(|name| {
            name.parse::<Endpoint>().is_ok_and(|endpoint| endpoint.wire(dialect).is_some())
        });
        (!lacks.is_empty()).then(|| {
            let what = format!("the dialect {dialect} has no endpoint {}", lacks.join(", "));
            match (dialect, has.is_empty()) {
                (Dialect::Live, _) | (_, true) => what,
                (Dialect::Seed, false) => {
                    format!(
                        "{what}: write `endpoints` {}, or `dialect` live if the mall speaks it",
                        has.join(";")
                    )
                }
            }
        })
    }

    /// What only the database and the settings can tell of a file.
    fn check(&self, malls: &[FileMall]) -> Result<(), BadFile> {
        let mut bad = BadFile::default();
        for mall in malls {
            if let Some(problem) = self.misspoken(mall) {
                bad.add(mall.line, problem);
            }
            if let AppChoice::Named(app) = &mall.app
                && !self.apps.contains(app)
            {
                bad.add(mall.line, format!("there is no app '{app}'; cafe24-sync apps set {app} makes it"));
            }
            if let Some(stored) = self.known.get(&mall.mall_id)
                && stored.agency_id != mall.agency
                && mall.tokens.is_none()
                && stored.has_tokens
            {
                // They are sealed for their agency; moving them would let one tenant's secret turn up in another's row.
                let problem = format!(
                    "mall '{}' belongs to agency '{}', and so do its tokens: give new tokens to move it",
                    mall.mall_id, stored.agency_id
                );
                bad.add(mall.line, problem);
            }
        }
        if bad.count == 0 { Ok(()) } else { Err(bad) }
    }
}

fn connector(context: &Context, mall: &FileMall, dialect: Dialect, sealer: Option<&Sealer>) -> NewConnector {
    NewConnector {
        mall_id: mall.mall_id.clone(),
        agency_id: mall.agency.clone(),
        dialect,
        shops: mall.shops.clone(),
        endpoints: mall.endpoints.clone(),
        wanted_from: mall.wanted_from,
        first_wanted: context.config.schedule.first_wanted(common::clock::now()),
        limiter_key: context.limiter_key(&mall.mall_id),
        mode: mall.mode.clone(),
        app: mall.app.clone(),
        tokens: mall
            .tokens
            .as_ref()
            .zip(sealer)
            .map(|(pair, sealer)| TokensAtRest::seal(sealer, pair, &mall.agency, &mall.mall_id)),
    }
}

/// What the file says of a mall's purposes; `None`: nothing.
fn approvals(mall: &FileMall) -> Option<NewApprovals> {
    Some(NewApprovals {
        mall: mall.mall_id.clone(),
        purposes: mall.purposes.clone()?,
        reference: mall.approval.clone(),
        approved_on: mall.approved_on,
    })
}

async fn store(
    control: &Control,
    connectors: &[NewConnector],
    approvals: &[NewApprovals],
    report: &Report,
) -> Result<(), StoreError> {
    control.import_connectors(connectors).await?;
    control.set_approvals(approvals, &Context::actor()).await?;
    for mall in &report.needs_consent {
        control.set_connector_state(mall, ConnectorState::NeedsConsent, Some(NO_TOKENS)).await?;
    }
    let lacking: BTreeSet<&MallId> = report.needs_scope.iter().collect();
    for connector in connectors.iter().filter(|connector| lacking.contains(&connector.mall_id)) {
        let dialect = connector.dialect;
        let reason = format!("the tokens lack {}, which the dialect {dialect} needs", dialect.scope());
        control.set_connector_state(&connector.mall_id, ConnectorState::NeedsScope, Some(&reason)).await?;
    }
    Ok(())
}

impl Report {
    fn note(&mut self, mall: &FileMall, dialect: Dialect, known: Option<&Connector>) {
        self.new += usize::from(known.is_none());
        match &mall.tokens {
            Some(pair) => {
                self.with_tokens += 1;
                if !pair.scopes.iter().any(|scope| scope == dialect.scope()) {
                    self.needs_scope.push(mall.mall_id.clone());
                }
            }
            // A known mall keeps the tokens it has.
            None => match known {
                None => self.needs_consent.push(mall.mall_id.clone()),
                Some(known) if known.must_consent_anew(dialect) => {
                    self.needs_scope.push(mall.mall_id.clone());
                }
                Some(_) => {}
            },
        }
        if mall.mode != common::store::Mode::Api {
            self.silent.push(mall.mall_id.clone());
        }
    }

    fn text(&self) -> String {
        let of = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let verb = if self.dry_run { "would be imported" } else { "imported" };
        let mut out = format!(
            "{} {} {verb}: {} new, {} known · {} with tokens\n",
            good("✓"),
            counted(of(self.malls), "mall", "malls"),
            number(of(self.new)),
            number(of(self.malls - self.new)),
            number(of(self.with_tokens))
        );
        let lines = [
            (&self.needs_consent, "no tokens yet → cafe24-sync connect MALL"),
            (&self.needs_scope, "the scope is missing → cafe24-sync connect MALL"),
            (&self.silent, "mode is not 'api': nothing is sent"),
        ];
        for (malls, what) in lines.iter().filter(|(malls, _)| !malls.is_empty()) {
            let named: Vec<&str> = malls.iter().take(NAMED).map(MallId::as_str).collect();
            let more = if malls.len() > NAMED {
                format!(" and {} more", number(of(malls.len() - NAMED)))
            } else {
                String::new()
            };
            let _ = writeln!(out, "{} {}{more}: {what}", warn("!"), named.join(", "));
        }
        out
    }
}

#[cfg(test)]
mod tests;
