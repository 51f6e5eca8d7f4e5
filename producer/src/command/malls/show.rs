//! `malls show`: one mall, all that one asks about it on one screen.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use common::clock::now;
use common::domain::ids::MallId;
use common::store::{Approval, Audited, Connector, ConnectorState, DemandOf, EndpointPause, MallDetails};
use serde_json::{Value, json};

use super::super::context::Context;
use super::super::endpoints::item as pause;
use super::super::enqueue::unknown_mall;
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
    let demands = control.demand(DemandOf::Mall(mall)).await.map_err(store)?;
    let terms = context.terms(&control, &demands).await?;
    let shown = Shown {
        mall: connector,
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
            "state": mall.state,
            "reason": mall.state_reason,
            "since": json_time(mall.state_since),
            "until": self.details.paused_until.map(json_time),
            "do": self.remedy().map(|remedy| remedy.action),
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
        let word = match (mall.state, self.remedy().map(|remedy| remedy.what)) {
            (_, None) => good("active").to_string(),
            (ConnectorState::Active | ConnectorState::Paused, Some(what)) => warn(what).to_string(),
            (_, Some(what)) => bad(what).to_string(),
        };
        let until = self.details.paused_until.map(|time| format!(" until {}", short_time(time)));
        let since = short_time(mall.state_since);
        let _ = writeln!(out, "{}  {word} since {since}{}", bold(&mall.mall_id), until.unwrap_or_default());
        if let Some(reason) = mall.state_reason.as_deref().filter(|reason| !reason.is_empty()) {
            row(out, "why", &clean(reason));
        }
        if let Some(remedy) = self.remedy() {
            row(out, "do", &command(clean(&remedy.action)).to_string());
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
        if self.details.coverage.is_empty() {
            row(out, "coverage", "no day was ever fetched");
        }
        for (place, edges) in self.details.coverage.iter().enumerate() {
            let label = if place == 0 { "coverage" } else { "" };
            let gaps = match edges.gaps {
                0 => "complete".to_owned(),
                gaps => format!("{} missing", counted(gaps, "day", "days")),
            };
            let last = edges.complete_through.map_or_else(|| "…".to_owned(), |day| day.to_string());
            let shop = format!("shop {}", edges.shop_no);
            row(out, label, &format!("{shop}  {:<9}  {} … {last}  {gaps}", edges.endpoint, edges.first));
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
mod tests {
    use std::collections::BTreeMap;

    use chrono::TimeDelta;
    use common::store::{Edges, PauseCause, TokenFacts};

    use super::*;
    use crate::command::health::tests::at;
    use crate::output::golden::golden;
    use crate::output::paint::bare;
    use crate::plan::eta::Bound;
    use crate::plan::selection::tests::mall;

    fn shown() -> Shown {
        let mut connector = mall("ainong", "api");
        connector.state = ConnectorState::Paused;
        connector.state_reason = Some("shop is moving".to_owned());
        connector.state_since = at() - TimeDelta::hours(25);
        connector.has_tokens = true;
        connector.tokens = Some(TokenFacts {
            issued_at: at() - TimeDelta::hours(1),
            access_expires_at: at() + TimeDelta::hours(1),
            refresh_expires_at: at() + TimeDelta::days(13),
            scopes: vec!["mall.analytics".to_owned()],
            key_id: "k1".to_owned(),
        });
        let edges = |endpoint: &str, gaps| Edges {
            shop_no: 1,
            endpoint: endpoint.to_owned(),
            first: "2025-12-19".parse().expect("a day"),
            complete_through: "2026-02-15".parse().ok(),
            gaps,
        };
        let counts = |pairs: &[(&str, i64)]| {
            pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<BTreeMap<_, _>>()
        };
        Shown {
            mall: connector,
            details: MallDetails {
                paused_until: Some(at() + TimeDelta::days(4)),
                coverage: vec![edges("products", 3), edges("visitors", 0)],
                jobs: counts(&[("parked", 1_204), ("running", 2)]),
                dead: counts(&[("contract_violation", 3), ("transient", 1)]),
            },
            pauses: vec![EndpointPause {
                pause_id: 1,
                endpoint: "products".parse().expect("valid"),
                mall_id: None,
                dialect: None,
                cause: PauseCause::NotFound,
                reason: "HTTP 404 on its path, seen with mall hanbit".to_owned(),
                paused_by: "worker:breaker".to_owned(),
                since: at() - TimeDelta::hours(2),
                until: None,
                probed_at: None,
                probes: 0,
                parked: 4,
            }],
            approvals: vec![Approval {
                purpose: "reporting".to_owned(),
                reference: Some("contract 2026-14".to_owned()),
                approved_on: "2026-02-01".parse().ok(),
                recorded_by: "kim@desk".to_owned(),
                recorded_at: at(),
            }],
            audit: vec![Audited {
                entry_id: 7,
                at: at() - TimeDelta::hours(25),
                actor: "kim@desk".to_owned(),
                action: "malls.pause".to_owned(),
                mall_id: Some("ainong".to_owned()),
                target: "ainong".to_owned(),
                plan_id: None,
                details: json!({}),
            }],
            eta: Some(Eta {
                seconds: Some(539),
                key: "ainong".to_owned().try_into().expect("a key"),
                requests: 2,
                before: 0,
                tokens: Some(2),
                per_second: 2.0,
                bound: Bound::Budget,
            }),
            key_is_mall: true,
        }
    }

    #[test]
    fn one_screen_says_all_that_one_asks_about_a_mall() {
        golden("malls_show", |_| shown().text(at()));
    }

    #[test]
    fn the_document_has_the_same_with_times_of_korea() {
        let document = shown().document(at()).expect("a document");
        assert_eq!(document["since"], "2026-02-15T09:42:00+09:00");
        assert_eq!(document["tokens"]["refresh_expires_at"], "2026-03-01T10:42:00+09:00");
        assert_eq!(
            document["paused"][0]["do"].as_str().map(|text| text.contains("endpoints resume products")),
            Some(true)
        );
        assert_eq!((&document["dead"]["transient"], &document["jobs"]["parked"]), (&1.into(), &1_204.into()));
        assert_eq!(document["audit"][0]["at"], "2026-02-15T09:42:00+09:00");
    }

    #[test]
    fn an_active_mall_without_anything_says_so() {
        let mut new = mall("new", "api");
        new.has_tokens = false;
        let shown = Shown {
            mall: new,
            details: MallDetails::default(),
            pauses: Vec::new(),
            approvals: Vec::new(),
            audit: Vec::new(),
            eta: None,
            key_is_mall: true,
        };
        let text = bare(&shown.text(at()));
        assert!(text.contains("no day was ever fetched") && text.contains("tokens     none"), "{text}");
    }
}
