//! Every mall's consent: who needs a person now, and whose refresh token ends soon.

use chrono::{DateTime, TimeDelta, Utc};
use common::clock::now;
use common::store::{Connector, ConnectorState};

use super::finding::Finding;
use super::{Doctor, without_postgres};
use crate::output::text::counted;

pub(super) const NAME: &str = "malls";
/// A refresh token that ends sooner should have been renewed by the keep-alive long ago.
const SOON: TimeDelta = TimeDelta::days(3);
/// Malls named in one line.
const NAMED: usize = 5;

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let wanted: Vec<_> = doctor.mall.clone().into_iter().collect();
    match doctor.control.connectors(&wanted).await {
        Ok(connectors) => match (&doctor.mall, connectors.as_slice()) {
            (Some(mall), []) => {
                vec![Finding::problem(NAME, format!("there is no mall '{mall}'"), "cafe24-sync malls list")]
            }
            (None, []) => {
                vec![Finding::warning(NAME, "no mall is connected", "cafe24-sync connect MALL")]
            }
            (_, connectors) => judge(connectors, now()),
        },
        Err(error) => vec![without_postgres(NAME, &error)],
    }
}

fn judge(malls: &[Connector], now: DateTime<Utc>) -> Vec<Finding> {
    let of = |wanted: &dyn Fn(&Connector) -> bool| -> Vec<&Connector> {
        malls.iter().filter(|mall| wanted(mall)).collect()
    };
    let ends = |mall: &Connector| mall.tokens.as_ref().map(|tokens| tokens.refresh_expires_at);
    let alive =
        |mall: &Connector| mall.state == ConnectorState::Active || mall.state == ConnectorState::Paused;
    let dead = of(&|mall| {
        mall.state == ConnectorState::NeedsConsent || alive(mall) && ends(mall).is_some_and(|end| end <= now)
    });
    let ending = of(&|mall| alive(mall) && ends(mall).is_some_and(|end| end > now && end - now < SOON));
    let scope = of(&|mall| mall.state == ConnectorState::NeedsScope);
    let forbidden = of(&|mall| mall.state == ConnectorState::Forbidden);
    let groups = [
        (dead, "without a living consent", "cafe24-sync connect MALL"),
        (scope, "without the scope for analytics", "cafe24-sync connect MALL, and grant it"),
        (
            forbidden,
            "refused by Cafe24 (403)",
            "check approval and installation with Cafe24, then cafe24-sync malls resume MALL",
        ),
    ];
    let mut findings: Vec<Finding> = groups
        .iter()
        .filter(|(malls, ..)| !malls.is_empty())
        .map(|(malls, what, remedy)| Finding::problem(NAME, said(malls, what), one(malls, remedy)))
        .collect();
    if !ending.is_empty() {
        let what = said(&ending, "whose refresh token ends within 3 days");
        findings.push(Finding::warning(NAME, what, "cafe24-sync serve keeps them alive; is it running?"));
    }
    if findings.is_empty() {
        let malls = counted(i64::try_from(malls.len()).unwrap_or(i64::MAX), "mall", "malls");
        findings.push(Finding::good(NAME, format!("{malls}, every consent lives for more than 3 days")));
    }
    findings
}

fn said(malls: &[&Connector], what: &str) -> String {
    let count = i64::try_from(malls.len()).unwrap_or(i64::MAX);
    let mut named: Vec<String> = malls.iter().take(NAMED).map(|mall| mall.mall_id.to_string()).collect();
    if malls.len() > NAMED {
        named.push(format!("{} more", malls.len() - NAMED));
    }
    format!("{} {what}: {}", counted(count, "mall", "malls"), named.join(", "))
}

/// The command, with the mall in it if there is only one.
fn one(malls: &[&Connector], remedy: &str) -> String {
    match malls {
        [only] => remedy.replace("MALL", only.mall_id.as_str()),
        _ => remedy.to_owned(),
    }
}
