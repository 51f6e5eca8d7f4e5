//! Other software spends from the same bucket, and headers say odd things.

use std::collections::BTreeMap;

use tests::harness::{Context as _, Result, Span, wait_until};
use tests::simulator::{Endpoint, FaultKind};

use super::{Flow, LIMIT, Setup, day};

const FROM: &str = "2025-03-01";

#[tokio::test]
async fn a02_foreign_bursts_cost_one_refusal_each_at_most_and_other_malls_nothing() -> Result<()> {
    let flow = Flow::start(Setup::specified(&["shared", "other"]).workers(2)).await?;
    flow.enqueue(&[
        "--all",
        "--endpoint",
        "visitors",
        "--from",
        FROM,
        "--to",
        "2025-04-14",
        "--chunk-days",
        "1",
    ])
    .await?;
    for wanted in [6, 40] {
        let reached = || async { Ok(flow.requests("shared")? >= wanted) };
        wait_until("the shared mall at work", LIMIT, reached).await?;
        flow.world.sim.drain("shared", 40).context("drain")?;
    }
    flow.settled().await?;
    let report = flow.world.sim.report();
    let (shared, other) = (&report.malls["shared"], &report.malls["other"]);
    // Two workers may have one request of it under way each, beside the one that is refused first.
    assert!(shared.throttled <= 2 * 2, "{shared:?}");
    assert_eq!((other.throttled, other.requests), (0, 45), "{other:?}");
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    let visitors = vec![Endpoint::VisitorsView];
    let span = |mall| Span { endpoints: visitors.clone(), ..Span::days(mall, day(FROM), day("2025-04-14")) };
    flow.world.exact(&["shared", "other"].map(span)).await.map(drop)
}

#[tokio::test]
async fn a02_odd_limit_headers_neither_stop_a_mall_nor_let_it_run() -> Result<()> {
    let odd = [
        ("negative", Some("-7")),
        ("huge", Some("99999999999999999999")),
        ("words", Some("plenty")),
        ("fraction", Some("3.9")),
        ("empty", Some("")),
        ("absent", None),
    ];
    let malls = odd.map(|(mall, _)| mall);
    let flow = Flow::start(Setup::specified(&malls)).await?;
    for (mall, value) in odd {
        let names = ["X-RateLimit-Remaining", "X-RateLimit-Burst-Capacity", "X-RateLimit-Replenish-Rate"];
        let set: BTreeMap<_, _> = names.map(|name| (name.to_owned(), value.map(ToOwned::to_owned))).into();
        flow.order(mall, None, FaultKind::Headers { set })?;
    }
    flow.enqueue(&[
        "--all",
        "--endpoint",
        "visitors",
        "--from",
        FROM,
        "--to",
        "2025-03-08",
        "--chunk-days",
        "1",
    ])
    .await?;
    flow.settled().await?;
    for mall in malls {
        assert_eq!(flow.requests(mall)?, 8, "{mall}");
    }
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    flow.requests_were_good();
    Ok(())
}
