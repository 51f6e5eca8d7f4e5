//! `malls import`: a file of malls, all of them or none.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use common::clock::now;
use common::config::Secret;
use common::domain::calendar::kst_day;
use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::ids::{AppId, MallId, ShopNo};
use common::oauth::Sealer;
use common::store::{
    AppChoice, Connector, Control, GivenPair, Import, ImportMall, Mode, NewApprovals, NewConnector,
    StoreError,
};

use self::report::Report;
use super::file::{BadFile, FileMall, read};
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::output::json::Document;
use crate::output::text::clean;
use crate::plan::wish::{has_come, to_be_had};

/// Largest file: some ten thousand malls are 10 MB.
const FILE_MAX: u64 = 64 << 20;

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
    let stored = Stored { known, apps, dialect: context.config.cafe24.dialect, today: kst_day(now()) };
    stored.check(&malls).map_err(refused)?;
    let malls: Vec<ImportMall> =
        malls.into_iter().map(|mall| asked(context, mall, sealer.as_ref())).collect();
    let source = path.file_name().map_or_else(|| name.clone(), |file| file.to_string_lossy().into_owned());
    let source = if path.as_os_str() == "-" { name.clone() } else { clean(&source).into_owned() };
    let import = Import { malls: &malls, source: &source };
    let actor = (!dry_run).then(Context::actor);
    let imported = control.import_malls(&import, actor.as_deref()).await;
    let report = Report::of(&imported.map_err(|error| context.store(error))?, dry_run);
    if context.output.is_for_programs() {
        context.output.document(&Document::new(&report, now()))?;
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
    /// In Korea.
    today: NaiveDate,
}

impl Stored {
    fn dialect_of(&self, mall: &FileMall) -> Dialect {
        let stored = self.known.get(&mall.mall_id).map(|stored| stored.dialect);
        mall.dialect.or(stored).unwrap_or(self.dialect)
    }

    /// What the dialect of a mall cannot do of what is wanted of it.
    fn misspoken(&self, mall: &FileMall) -> Option<String> {
        let dialect = self.dialect_of(mall);
        let stored = self.known.get(&mall.mall_id);
        let shops = mall.shops.as_ref().or(stored.map(|stored| &stored.shops));
        if !dialect.names_shops() && shops.is_some_and(|shops| shops.as_slice() != [ShopNo::FIRST]) {
            return Some(format!("`shops` must be 1: requests of the dialect {dialect} cannot name a shop"));
        }
        let endpoints = mall.endpoints.as_ref().or(stored.map(|stored| &stored.endpoints))?;
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
            if let Some(why) = mall.wanted_from.and_then(|day| to_be_had(day, self.today).err()) {
                bad.add(mall.line, format!("`wanted_from` cannot be that day: {why}"));
            }
            if let Some(why) = mall.approved_on.and_then(|day| has_come(day, self.today).err()) {
                bad.add(mall.line, format!("`approved_on` cannot be that day: {why}"));
            }
            if let AppChoice::Named(app) = &mall.app
                && !self.apps.contains(app)
            {
                bad.add(mall.line, format!("there is no app '{app}'; cafe24-sync apps set {app} makes it"));
            }
            if let Some(stored) = self.known.get(&mall.mall_id)
                && mall.agency.as_ref().is_some_and(|agency| *agency != stored.agency_id)
                && stored.has_tokens
                && !can_move(mall, stored)
            {
                // They are sealed for their agency; moving them would let one tenant's secret turn up in another's row.
                let newer = if mall.tokens.is_some() { ", which are newer than the file's" } else { "" };
                let problem = format!(
                    "mall '{}' belongs to agency '{}', and so do its tokens{newer}: give new tokens to move it",
                    mall.mall_id, stored.agency_id
                );
                bad.add(mall.line, problem);
            }
        }
        if bad.count == 0 { Ok(()) } else { Err(bad) }
    }
}

/// Whether the file's pair is the stored one or a later one, so that it can be sealed for another agency.
fn can_move(mall: &FileMall, stored: &Connector) -> bool {
    let anew = match &mall.app {
        AppChoice::Keep => false,
        AppChoice::Configured => stored.app_id.is_some(),
        AppChoice::Named(app) => stored.app_id.as_ref() != Some(app),
    };
    let Some(pair) = &mall.tokens else { return false };
    anew || stored.tokens.as_ref().is_some_and(|stored| pair.issued_at >= stored.issued_at)
}

/// What the file says of a mall.
fn asked(context: &Context, mall: FileMall, sealer: Option<&Arc<Sealer>>) -> ImportMall {
    let pair = mall.tokens.zip(sealer).map(|(pair, sealer)| GivenPair::new(pair, Arc::clone(sealer)));
    let approvals = mall.purposes.map(|purposes| NewApprovals {
        mall: mall.mall_id.clone(),
        purposes,
        reference: mall.approval,
        approved_on: mall.approved_on,
    });
    let connector = NewConnector {
        agency_id: mall.agency,
        dialect: mall.dialect,
        shops: mall.shops,
        endpoints: mall.endpoints,
        wanted_from: mall.wanted_from,
        mode: mall.mode,
        app: mall.app,
        new: context.new_mall(&mall.mall_id, Mode::Other("off".to_owned())),
        mall_id: mall.mall_id,
    };
    ImportMall { connector, pair, approvals }
}

#[cfg(test)]
mod tests;
