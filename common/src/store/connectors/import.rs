//! Malls of a file, all or none: connections, tokens, approvals and the audit entry in one transaction.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgTransaction};

use super::said::{NewConnector, store};
use super::{COLUMNS, Connector, ConnectorState, connector};
use crate::domain::ids::MallId;
use crate::store::approvals::{self, NewApprovals};
use crate::store::audit::{self, AuditEntry};
use crate::store::error::StoreError;
use crate::store::pool::Control;
use crate::store::tokens::GivenPair;

/// Why nothing is sent for a mall that was never given a pair.
const NO_TOKENS: &str = "no tokens yet";

/// Who writes what is rolled back.
const NOBODY: &str = "dry run";

/// One mall of an import.
#[derive(Debug)]
pub struct ImportMall {
    /// What is said of its connection.
    pub connector: NewConnector,
    /// Its pair, if one is given.
    pub pair: Option<GivenPair>,
    /// What its data may be used for, if that is said.
    pub approvals: Option<NewApprovals>,
}

/// Malls to store, all or none.
#[derive(Debug)]
pub struct Import<'a> {
    /// Each once.
    pub malls: &'a [ImportMall],
    /// Where they come from, for the audit log: a file's name, without its folder.
    pub source: &'a str,
}

/// What an import came to for one mall.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The connection before; `None`: the mall is new.
    pub before: Option<Connector>,
    /// And after.
    pub after: Connector,
    /// What became of the given pair.
    pub pair: PairOutcome,
    /// Whether its approvals changed.
    pub approvals_changed: bool,
}

impl Imported {
    /// Whether anything is otherwise than before.
    fn is_change(&self) -> bool {
        let state = self.before.as_ref().is_none_or(|before| before.state != self.after.state);
        state || self.pair == PairOutcome::Taken || self.approvals_changed || !self.changed().is_empty()
    }

    /// The settings of a known mall that are otherwise than before.
    fn changed(&self) -> Vec<&'static str> {
        let Some(before) = &self.before else { return Vec::new() };
        let after = &self.after;
        let all = [
            ("agency", before.agency_id != after.agency_id),
            ("dialect", before.dialect != after.dialect),
            ("shops", before.shops != after.shops),
            ("endpoints", before.endpoints != after.endpoints),
            ("wanted_from", before.wanted_from != after.wanted_from),
            ("app", before.app_id != after.app_id),
            ("mode", before.mode != after.mode),
        ];
        all.into_iter().filter(|(_, is_other)| *is_other).map(|(setting, _)| setting).collect()
    }
}

/// Counts, for the audit log.
fn details(imported: &[Imported]) -> serde_json::Value {
    let count = |is: &dyn Fn(&Imported) -> bool| imported.iter().filter(|mall| is(mall)).count();
    let mut set: BTreeMap<&str, usize> = BTreeMap::new();
    for setting in imported.iter().flat_map(Imported::changed) {
        *set.entry(setting).or_default() += 1;
    }
    json!({
        "malls": imported.len(),
        "new": count(&|mall| mall.before.is_none()),
        "tokens": count(&|mall| mall.pair == PairOutcome::Taken),
        "tokens_kept": count(&|mall| mall.pair == PairOutcome::Older),
        "purposes": count(&|mall| mall.approvals_changed),
        "set": set,
    })
}

/// What became of a given pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairOutcome {
    /// None was given.
    NotGiven,
    /// It is stored now.
    Taken,
    /// It is the one that is stored, and stays so.
    Known,
    /// It is not newer than the one that is stored, which stays. Each refresh ends the pair before, so it is dead.
    Older,
}

impl Control {
    /// Stores all of `import` or none, as `actor`; without an actor it is a dry run: the same statements, rolled back.
    /// Returns what became of each mall, by mall id.
    ///
    /// A mall that needed a person and gets a pair becomes active; one that a person paused stays paused.
    pub async fn import_malls(
        &self,
        import: &Import<'_>,
        actor: Option<&str>,
    ) -> Result<Vec<Imported>, StoreError> {
        loop {
            let mut tx = self.pool.begin().await?;
            // A mall that somebody else stores between our look and our write is looked at again: it is known then.
            let Some(imported) = write(&mut tx, import, actor).await? else { continue };
            let Some(actor) = actor else {
                tx.rollback().await?;
                return Ok(imported);
            };
            if imported.iter().any(Imported::is_change) {
                let only = if let [only] = imported.as_slice() { Some(&only.after.mall_id) } else { None };
                let entry = AuditEntry {
                    actor,
                    action: "malls.import",
                    mall: only,
                    target: import.source,
                    plan: None,
                    details: details(&imported),
                };
                audit::record(&mut tx, &entry).await?;
            }
            tx.commit().await?;
            return Ok(imported);
        }
    }
}

async fn write(
    tx: &mut PgTransaction<'_>,
    import: &Import<'_>,
    actor: Option<&str>,
) -> Result<Option<Vec<Imported>>, StoreError> {
    // In one order, so that two imports cannot deadlock.
    let mut malls: Vec<_> = import.malls.iter().collect();
    malls.sort_by(|a, b| a.connector.mall_id.cmp(&b.connector.mall_id));
    let ids: Vec<&str> = malls.iter().map(|mall| mall.connector.mall_id.as_str()).collect();
    let mut known = locked(tx, &ids).await?;
    let mut noted = BTreeMap::new();
    for mall in malls {
        let id = &mall.connector.mall_id;
        let before = known.remove(id);
        let pair = mall.pair.as_ref();
        let outcome = pair_outcome(before.as_ref(), &mall.connector, pair.map(GivenPair::issued_at));
        let taken = pair.filter(|_| outcome == PairOutcome::Taken);
        let agency = agency_after(before.as_ref(), &mall.connector);
        // A pair is sealed for its agency: the same one is written once more for the next.
        let moves = before.as_ref().is_some_and(|before| before.agency_id != agency);
        let written = pair.filter(|_| taken.is_some() || (moves && outcome == PairOutcome::Known));
        let sealed = written.map(|pair| pair.seal(agency, id));
        // Cafe24 refused a scope, not the pair: the file says that it should do now.
        let lacked = before.as_ref().is_some_and(|before| before.state == ConnectorState::NeedsScope);
        let frees = pair.filter(|_| taken.is_some() || (lacked && outcome == PairOutcome::Known));
        let is_new = store(tx, &mall.connector, sealed.as_ref(), frees.is_some()).await?;
        if is_new != before.is_none() {
            return Ok(None);
        }
        if let Some((state, reason)) =
            state_after(before.as_ref(), &mall.connector, frees.map(GivenPair::scopes))
        {
            set_state(tx, id, state, &reason).await?;
        }
        let approvals_changed = match &mall.approvals {
            Some(new) => approvals::replace(tx, new, actor.unwrap_or(NOBODY)).await?,
            None => false,
        };
        noted.insert(id.clone(), (before, outcome, approvals_changed));
    }
    let imported = locked(tx, &ids).await?.into_values().filter_map(|after| {
        let (before, pair, approvals_changed) = noted.remove(&after.mall_id)?;
        Some(Imported { before, after, pair, approvals_changed })
    });
    Ok(Some(imported.collect()))
}

/// These connections, locked; one that is not known is absent.
async fn locked(tx: &mut PgConnection, ids: &[&str]) -> Result<BTreeMap<MallId, Connector>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM connectors WHERE mall_id = ANY ($1) ORDER BY mall_id FOR UPDATE");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(tx).await?;
    rows.iter().map(|row| connector(row).map(|found| (found.mall_id.clone(), found))).collect()
}

fn agency_after<'a>(before: Option<&'a Connector>, said: &'a NewConnector) -> &'a str {
    let stored = before.map_or(&said.new.agency_id, |before| &before.agency_id);
    said.agency_id.as_ref().unwrap_or(stored)
}

/// What becomes of a given pair. Pairs of one app are a chain, of which only the newest lives: one that is not newer than
/// ours is one that we rotated away from. Another app's are another chain.
fn pair_outcome(
    before: Option<&Connector>,
    said: &NewConnector,
    issued_at: Option<DateTime<Utc>>,
) -> PairOutcome {
    let Some(issued_at) = issued_at else { return PairOutcome::NotGiven };
    let Some(before) = before.filter(|before| before.has_tokens) else { return PairOutcome::Taken };
    if said.app.of(before) != before.app_id.as_ref() {
        return PairOutcome::Taken;
    }
    // An older version told no time of its pair: nothing shows that ours is the dead one.
    let Some(stored) = &before.tokens else { return PairOutcome::Older };
    match issued_at.cmp(&stored.issued_at) {
        Ordering::Greater => PairOutcome::Taken,
        Ordering::Equal => PairOutcome::Known,
        Ordering::Less => PairOutcome::Older,
    }
}

/// The state that follows from the scopes of a pair that is taken, or from what is there, and why; `None`: as it is.
fn state_after(
    before: Option<&Connector>,
    said: &NewConnector,
    taken: Option<&[String]>,
) -> Option<(ConnectorState, String)> {
    // A person paused it, and a person ends that.
    if before.is_some_and(|before| before.state == ConnectorState::Paused) {
        return None;
    }
    let dialect = said.dialect.or(before.map(|before| before.dialect)).unwrap_or(said.new.dialect);
    let lacks_scope = match (taken, before) {
        (Some(scopes), _) => !scopes.iter().any(|scope| scope == dialect.scope()),
        (None, Some(before)) => before.must_consent_anew(dialect),
        (None, None) => return Some((ConnectorState::NeedsConsent, NO_TOKENS.to_owned())),
    };
    let reason = || format!("the tokens lack {}, which the dialect {dialect} needs", dialect.scope());
    lacks_scope.then(|| (ConnectorState::NeedsScope, reason()))
}

async fn set_state(
    tx: &mut PgConnection,
    mall: &MallId,
    state: ConnectorState,
    reason: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE connectors SET state = $2, state_reason = $3, state_since = now(), updated_at = now() WHERE mall_id = $1";
    sqlx::query(sql).bind(mall.as_str()).bind(state.as_str()).bind(reason).execute(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
