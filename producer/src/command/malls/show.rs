//! `malls show`: one mall, all that one asks about it on one screen.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use common::clock::now;
use common::domain::ids::MallId;
use common::store::{Approval, Audited, Connector, ConnectorState, DemandOf, EndpointPause, MallDetails};
use serde_json::{Value, json};

use super::super::context::Context;
use super::super::endpoints::item as pause;
use super::super::enqueue::unknown_mall;
use super::super::health::{Health, Status, health};
use super::purposes;
use crate::fault::{Exit, Fault};
use crate::output::json::{Document, with_times};
use crate::output::paint::{bad, bold, command, dim, good, remedy, warn};
use crate::output::text::{clean, counted, duration, json_time, number, short_time};
use crate::plan::eta::{Eta, eta};
use crate::remedy::{Remedy, why_paused};

/// Entries of the audit log.
const AUDITED: i64 = 10;

/// Everything about one mall.
struct Shown {
    mall: Connector,
    /// What `malls list` and `status` say of it.
    health: Health,
    details: MallDetails,
    pauses: Vec<EndpointPause>,
    approvals: Vec<Approval>,
    audit: Vec<Audited>,
    /// When all of its jobs are over that wait for nobody; none: it has none.
    eta: Option<Eta>,
    key_is_mall: bool,
}

pub(super) async fn run(context: &Context, mall: &MallId) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let store = |error| context.store(error);
    let found = control.connectors(std::slice::from_ref(mall)).await.map_err(store)?;
    let Some(connector) = found.into_iter().next() else {
        return Err(unknown_mall(context, &control, mall).await);
    };
    let Some(report) = control.report_of(mall).await.map_err(store)? else {
        return Err(unknown_mall(context, &control, mall).await);
    };
    let demands = control.demand(DemandOf::Mall(mall)).await.map_err(store)?;
    let terms = context.terms_at_work(&control, &demands).await?;
    let shown = Shown {
        mall: connector,
        health: health(&report),
        details: control.mall_details(mall).await.map_err(store)?,
        pauses: control.endpoint_pauses(Some(mall)).await.map_err(store)?,
        approvals: control
            .approvals(std::slice::from_ref(mall))
            .await
            .map_err(store)?
            .remove(mall.as_str())
            .unwrap_or_default(),
        audit: control.audit_log(Some(mall), AUDITED).await.map_err(store)?,
        eta: eta(&demands, &terms),
        key_is_mall: context.key_is_mall(),
    };
    let now = now();
    if context.output.is_for_programs() {
        context.output.document(&Document::new(shown.document(now)?, now))?;
    } else {
        context.output.answer(&shown.text(now))?;
    }
    Ok(Exit::Done)
}

impl Shown {
    fn remedy(&self) -> Option<Remedy> {
        Remedy::of_mall(self.mall.mall_id.as_str(), self.mall.state, &self.mall.mode)
    }

    fn document(&self, now: DateTime<Utc>) -> Result<Value, Fault> {
        let mall = &self.mall;
        let tokens = mall.tokens.as_ref().map(|tokens| {
            json!({
                "issued_at": json_time(tokens.issued_at),
                "access_expires_at": json_time(tokens.access_expires_at),
                "refresh_expires_at": json_time(tokens.refresh_expires_at),
                "scopes": tokens.scopes,
                "key_id": tokens.key_id,
            })
        });
        Ok(json!({
            "mall_id": mall.mall_id,
            "agency": mall.agency_id,
            "dialect": mall.dialect,
            "endpoints": mall.endpoints,
            "shops": mall.shops.iter().map(|shop| shop.get()).collect::<Vec<_>>(),
            "limiter_key": mall.limiter_key.as_str(),
            "mode": String::from(mall.mode.clone()),
            "app": mall.app_id.as_ref().map(ToString::to_string),
            "status": self.health.status,
            "why": self.health.reason,
            "state": mall.state,
            "reason": mall.state_reason,
            "since": json_time(mall.state_since),
            "until": self.details.paused_until.map(json_time),
            "do": Some(&self.health.action).filter(|action| !action.is_empty()),
            "purposes": purposes::document(&self.approvals)?,
            "has_tokens": mall.has_tokens,
            "tokens": tokens,
            "paused": self.pauses.iter().map(pause).collect::<Result<Vec<_>, _>>()?,
            "coverage": self.details.coverage,
            "jobs": self.details.jobs,
            "eta": self.eta.as_ref().map(|eta| eta.json(now)),
            "dead": self.details.dead,
            "audit": self.audit.iter().map(|entry| with_times(entry, &[("at", Some(entry.at))])).collect::<Result<Vec<_>, _>>()?,
        }))
    }

    fn text(&self, now: DateTime<Utc>) -> String {
        let mut out = String::new();
        self.head(&mut out);
        row(&mut out, "tokens", &self.tokens(now));
        for pause in &self.pauses {
            let since = short_time(pause.since);
            row(
                &mut out,
                "paused",
                &format!("{} since {since}: {}", pause.endpoint, remedy(clean(&why_paused(pause)))),
            );
        }
        self.coverage(&mut out);
        row(&mut out, "jobs", &self.jobs());
        if let Some(eta) = &self.eta {
            row(&mut out, "ETA", &eta.end_words(now, self.key_is_mall));
        }
        row(&mut out, "dead", &self.dead());
        for (place, entry) in self.audit.iter().enumerate() {
            let label = if place == 0 { "audit" } else { "" };
            let who = clean(&entry.actor);
            let line = format!("{}  {who}  {} {}", short_time(entry.at), entry.action, clean(&entry.target));
            row(&mut out, label, &line);
        }
        out
    }

    fn head(&self, out: &mut String) {
        let mall = &self.mall;
        let status = self.health.status.word();
        let word = match (mall.state, self.remedy().map(|remedy| remedy.what)) {
            // It sends; how its data stands is another question.
            (_, None) => match self.health.status {
                Status::NeedsYou => format!("{} · active", bad(status)),
                Status::Late => format!("{} · active", warn(status)),
                _ => format!("{} · active", good(status)),
            },
            (ConnectorState::Active | ConnectorState::Paused, Some(what)) => warn(what).to_string(),
            (_, Some(what)) => format!("{} · {what}", bad(status)),
        };
        let until = self.details.paused_until.map(|time| format!(" until {}", short_time(time)));
        // When its mode was set is not known; its state says since when it is active.
        let is_off = mall.state == ConnectorState::Active && !mall.sends();
        let since = if is_off { String::new() } else { format!(" since {}", short_time(mall.state_since)) };
        let _ = writeln!(out, "{}  {word}{since}{}", bold(&mall.mall_id), until.unwrap_or_default());
        // What the data lacks, where nothing keeps the mall from sending.
        let why = if self.remedy().is_some() {
            mall.state_reason.as_deref()
        } else {
            Some(self.health.reason.as_str())
        };
        if let Some(why) = why.filter(|why| !why.is_empty()) {
            row(out, "why", &clean(why));
        }
        if !self.health.action.is_empty() {
            row(out, "do", &command(clean(&self.health.action)).to_string());
        }
        let shops: Vec<_> = mall.shops.iter().map(|shop| shop.get().to_string()).collect();
        let app = mall.app_id.as_ref().map_or_else(|| "configured".to_owned(), ToString::to_string);
        let facts = format!(
            "agency {} · {} dialect · shops {} · mode {} · app {app}",
            clean(&mall.agency_id),
            mall.dialect.as_str(),
            shops.join(","),
            clean(&String::from(mall.mode.clone())),
        );
        row(out, "connection", &facts);
        let endpoints: Vec<_> = mall.endpoints.iter().map(|endpoint| endpoint.as_str()).collect();
        row(out, "endpoints", &endpoints.join(" · "));
        row(out, "approved", &approved(&self.approvals));
    }

    fn tokens(&self, now: DateTime<Utc>) -> String {
        match &self.mall.tokens {
            Some(tokens) => {
                let left = u64::try_from((tokens.refresh_expires_at - now).num_seconds()).unwrap_or(0);
                let left = if left == 0 { "over".to_owned() } else { duration(left) };
                format!(
                    "refresh token until {} ({left}) · access token until {} · scopes {}",
                    short_time(tokens.refresh_expires_at),
                    short_time(tokens.access_expires_at),
                    clean(&tokens.scopes.join(","))
                )
            }
            None if self.mall.has_tokens => {
                "stored by an older version: known after the next refresh".to_owned()
            }
            None => "none".to_owned(),
        }
    }

    fn coverage(&self, out: &mut String) {
        if self.details.coverage.iter().all(|edges| edges.wanted_from.is_none()) {
            row(out, "coverage", "no day was ever asked for");
            return;
        }
        for (place, edges) in self.details.coverage.iter().enumerate() {
            let label = if place == 0 { "coverage" } else { "" };
            let gaps = match edges.gaps {
                0 => "complete".to_owned(),
                gaps => format!("{} missing", counted(gaps, "day", "days")),
            };
            let today = match edges.today_state.as_deref() {
                Some("today_partial") => " · today partial",
                Some("not_yet") => " · today not yet",
                _ => "",
            };
            let day = |day: Option<NaiveDate>| day.map_or_else(|| "–".to_owned(), |day| day.to_string());
            let (first, last) = (day(edges.wanted_from), day(edges.complete_through));
            let shop = format!("shop {}", edges.shop_no);
            row(out, label, &format!("{shop}  {:<9}  {first} … {last}  {gaps}{today}", edges.endpoint));
        }
    }

    fn jobs(&self) -> String {
        let of = |state: &str| self.details.jobs.get(state).copied().unwrap_or(0);
        format!(
            "queued {} · waiting to retry {} · running {} · paused {}",
            number(of("planned") + of("queued")),
            number(of("waiting")),
            number(of("running")),
            number(of("parked"))
        )
    }

    fn dead(&self) -> String {
        if self.details.dead.is_empty() {
            return "none".to_owned();
        }
        let each: Vec<_> = self
            .details
            .dead
            .iter()
            .map(|(class, letters)| format!("{} {}", number(*letters), clean(&class.replace('_', " "))))
            .collect();
        let see = format!("cafe24-sync dead list --mall {}", self.mall.mall_id);
        format!("{} → {}", each.join(" · "), command(see))
    }
}

fn approved(approvals: &[Approval]) -> String {
    match purposes::lines(approvals).as_slice() {
        [] => "for no purpose".to_owned(),
        lines => format!("for {}", lines.join(" · ")),
    }
}

fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "  {}{text}", dim(format_args!("{label:<11}")));
}

#[cfg(test)]
mod tests;
