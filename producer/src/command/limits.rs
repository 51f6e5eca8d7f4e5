//! `limits`: the buckets, what they have, who shares them, what waits for them and until when.

mod screen;

use std::collections::BTreeMap;

use common::domain::ids::LimiterKey;
use common::limiter::Gauge;
use common::store::{Demand, DemandOf, SharedBucket};
use serde_json::json;

use self::screen::{below, json, table};
use super::context::Context;
use super::enqueue::{known_agency, unknown_mall};
use crate::cli::{LimitsArgs, LimitsCommand, Share};
use crate::crew::Crew;
use crate::fault::{Exit, Fault};
use crate::output::json::Document;
use crate::plan::eta::{Eta, Terms, eta};

/// Buckets shown where none said how many.
const SCREEN: u32 = 50;

/// One bucket as it is now.
#[derive(Debug, Clone)]
struct Line {
    bucket: SharedBucket,
    /// `None`: Redis did not say.
    gauge: Option<Gauge>,
    demand: Option<Demand>,
    /// When everything of it is done.
    eta: Option<Eta>,
}

/// What `limits` shows.
struct Shown {
    lines: Vec<Line>,
    /// Whose buckets, if somebody asked for those of one: they may serve others, too.
    whose: Option<String>,
    /// Of all of them together, also of those that are not shown.
    eta: Option<Eta>,
    more: usize,
    terms: Terms,
    key_is_mall: bool,
}

pub(super) async fn run(context: &Context, args: &LimitsArgs) -> Result<Exit, Fault> {
    if let Some(LimitsCommand::Set { key, reserve }) = &args.change {
        return set(context, key, *reserve).await;
    }
    let control = context.database().await?;
    let store = |error| context.store(error);
    if let Some(agency) = &args.agency {
        known_agency(context, &control, agency).await?;
    }
    let buckets = control.buckets(args.mall.as_ref(), args.agency.as_deref()).await.map_err(store)?;
    if let (Some(mall), true) = (&args.mall, buckets.is_empty()) {
        return Err(unknown_mall(context, &control, mall).await);
    }
    let keys: Vec<LimiterKey> = buckets.iter().map(|bucket| bucket.key.clone()).collect();
    let crew = Crew::read(&context.config, &control).await.map_err(store)?;
    let terms = Terms::read(&context.config, &control, &keys).await.map_err(store)?.at_work(&crew);
    let mut demands: BTreeMap<LimiterKey, Demand> = control
        .demand(DemandOf::Keys(&keys))
        .await
        .map_err(store)?
        .into_iter()
        .map(|demand| (demand.key.clone(), demand))
        .collect();
    let scope = match (&args.mall, &args.agency) {
        (Some(mall), _) => DemandOf::Mall(mall),
        (None, Some(agency)) => DemandOf::Agency(agency),
        (None, None) => DemandOf::All,
    };
    let whole = eta(&control.demand(scope).await.map_err(store)?, &terms);
    let mut lines: Vec<Line> = buckets
        .into_iter()
        .map(|bucket| {
            let demand = demands.remove(&bucket.key);
            Line {
                gauge: terms.gauges.get(&bucket.key).copied(),
                eta: demand.as_ref().and_then(|demand| eta(std::slice::from_ref(demand), &terms)),
                demand,
                bucket,
            }
        })
        .collect();
    // What ends last stands first; of equal ones the first by name.
    let end = |line: &Line| line.eta.as_ref().map(|eta| eta.seconds.unwrap_or(u64::MAX));
    lines.sort_by_key(|line| std::cmp::Reverse(end(line)));
    let output = context.output;
    let wanted = args.limit.unwrap_or(if output.is_for_programs() { u32::MAX } else { SCREEN });
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let more = lines.len().saturating_sub(wanted);
    lines.truncate(wanted);
    let mall = args.mall.as_ref().map(ToString::to_string);
    let whose = mall.or_else(|| args.agency.as_ref().map(|agency| format!("agency {agency}")));
    let shown = Shown { lines, whose, eta: whole, more, terms, key_is_mall: context.key_is_mall() };
    if output.json {
        output.document(&Document::new(json(&shown), shown.terms.now))?;
    } else if shown.lines.is_empty() && !output.plain {
        output.answer("no mall is connected yet: there is no bucket")?;
    } else {
        output.list(&table(&shown), &below(&shown))?;
    }
    // The levels are what was asked for; everything else was said.
    if shown.terms.unread {
        output.complain("! Redis does not answer: no bucket's level is known → cafe24-sync doctor");
        return Ok(Exit::Unreachable);
    }
    Ok(Exit::Done)
}

/// `limits set KEY --reserve SHARE`
async fn set(context: &Context, key: &LimiterKey, Share(share): Share) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let store = |error| context.store(error);
    let known = control.buckets(None, None).await.map_err(store)?.iter().any(|bucket| bucket.key == *key);
    // What a bucket was given may be taken from it also after its last mall.
    let given = share.is_none() && control.reserves().await.map_err(store)?.contains_key(key);
    if !known && !given {
        return Err(Fault::UnknownBucket(key.clone()));
    }
    let changed = control.set_reserve(key, share, &Context::actor()).await.map_err(store)?;
    let now = share.unwrap_or(context.config.limits.reserve);
    let what = match share {
        Some(share) => format!("{share} left to other software"),
        None => format!("{now} left to other software, as limits.reserve says"),
    };
    let when = if changed { "within a window of jobs" } else { "as before" };
    let text = format!("{key}: {what}, {when}");
    let content = json!({
        "limiter_key": key.as_str(), "reserve_percent": now.percent(), "own": share.is_some(), "changed": changed,
    });
    context.say(content, &text)?;
    Ok(Exit::Done)
}
