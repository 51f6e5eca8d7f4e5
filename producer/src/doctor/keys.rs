//! The master keys open everything that is sealed.

use std::collections::BTreeMap;

use common::oauth::{Place, SealError, Sealed, Sealer};
use common::store::{SealedPair, StoredApp};

use super::finding::Finding;
use super::{Doctor, without_postgres};
use crate::output::text::{clean, counted};

pub(super) const NAME: &str = "keys";
/// Malls named in one line.
const NAMED: usize = 5;

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let Some(keys) = &doctor.config.oauth.master_key else {
        let what = "no master key: tokens can be neither sealed nor opened";
        return vec![Finding::problem(NAME, what, "cafe24-sync init, then set oauth.master_key_file")];
    };
    let sealer = match Sealer::from_keys(keys) {
        Ok(sealer) => sealer,
        Err(error) => {
            return vec![Finding::problem(
                NAME,
                error.to_string(),
                "correct the file of oauth.master_key_file",
            )];
        }
    };
    let (pairs, apps) = match tokio::try_join!(doctor.control.sealed_pairs(), doctor.control.apps()) {
        Ok(found) => found,
        Err(error) => return vec![without_postgres(NAME, &error)],
    };
    judge(&sealer, &pairs, &apps)
}

fn judge(sealer: &Sealer, pairs: &[SealedPair], apps: &[StoredApp]) -> Vec<Finding> {
    let mut closed: BTreeMap<String, (SealError, Vec<String>)> = BTreeMap::new();
    let mut note = |error: SealError, whose: String| {
        closed.entry(error.to_string()).or_insert_with(|| (error, Vec::new())).1.push(whose);
    };
    let mut older = 0;
    for pair in pairs {
        let place = Place::Tokens { agency: &pair.agency_id, mall: &pair.mall_id };
        match opened(sealer, &pair.sealed, place) {
            Ok(current) => older += i64::from(!current),
            Err(error) => note(error, pair.mall_id.to_string()),
        }
    }
    for app in apps {
        match opened(sealer, &app.sealed_secret, Place::App(&app.app_id)) {
            Ok(current) => older += i64::from(!current),
            Err(error) => note(error, format!("app {}", app.app_id)),
        }
    }
    let mut findings: Vec<Finding> =
        closed.into_values().map(|(error, whose)| shut(&error, &whose)).collect();
    if older > 0 {
        let what = format!("{} sealed with an older key", counted(older, "secret is", "secrets are"));
        findings.push(Finding::warning(NAME, what, "cafe24-sync tokens rotate-key"));
    }
    if findings.is_empty() {
        let keys = i64::try_from(sealer.key_ids().len()).unwrap_or(i64::MAX);
        let pairs = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
        let (keys, pairs) =
            (counted(keys, "master key, opens", "master keys, open"), counted(pairs, "mall", "malls"));
        findings.push(Finding::good(NAME, format!("{keys} the tokens of {pairs}")));
    }
    findings
}

/// Whether the newest key sealed it; nothing of the content stays.
fn opened(sealer: &Sealer, sealed: &serde_json::Value, place: Place<'_>) -> Result<bool, SealError> {
    let sealed: Sealed = serde_json::from_value(sealed.clone()).map_err(|_| SealError::Broken)?;
    sealer.open_text(&sealed, place)?;
    Ok(sealer.is_current(&sealed))
}

fn shut(error: &SealError, whose: &[String]) -> Finding {
    let mut named: Vec<&str> = whose.iter().take(NAMED).map(String::as_str).collect();
    let more = format!("{} more", whose.len().saturating_sub(NAMED));
    if whose.len() > NAMED {
        named.push(&more);
    }
    let named = clean(&named.join(", ")).into_owned();
    let count = counted(i64::try_from(whose.len()).unwrap_or(i64::MAX), "secret does", "secrets do");
    let remedy = match error {
        SealError::UnknownKey(key) => {
            format!("add the key {} to the file of oauth.master_key_file", clean(key))
        }
        SealError::UnknownFormat(_) => "upgrade this program".to_owned(),
        SealError::Broken => "cafe24-sync connect MALL for each of them".to_owned(),
    };
    Finding::problem(NAME, format!("{count} not open: {error} ({named})"), remedy)
}
