//! What may work next time is tried again, with an attempt counted, and gives up after eight.

use std::collections::BTreeMap;

use tests::harness::{Result, Span, wait_until};
use tests::simulator::{Endpoint, FaultKind, FaultRule, Granularity};

use super::{Flow, SOON, Setup, day, status};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-03";

#[tokio::test]
async fn a03_each_transient_failure_costs_one_attempt_and_the_next_one_brings_the_rows() -> Result<()> {
    let faults = [
        ("internal", status(500)),
        ("gateway", status(502)),
        ("unavailable", status(503)),
        ("late", status(504)),
        ("requesttimeout", status(408)),
        ("reset", FaultKind::Reset { after_body_bytes: None }),
        ("resetinbody", FaultKind::Reset { after_body_bytes: Some(40) }),
        ("short", FaultKind::Truncated { chunked: false }),
        ("cutchunks", FaultKind::Truncated { chunked: true }),
        ("maintenance", FaultKind::NotJson),
        ("silent", FaultKind::Delay { ms: 4_000 }),
        ("trickle", FaultKind::Stall { bytes_per_second: 1 }),
    ];
    let malls = faults.each_ref().map(|(mall, _)| *mall);
    let setup = Setup::new(&malls).set("WORKER__FIRST_BYTE_TIMEOUT", "1s").set("WORKER__TOTAL_TIMEOUT", "2s");
    let flow = Flow::start(setup).await?;
    for (mall, fault) in faults {
        flow.order(mall, Some(1), fault)?;
    }
    flow.enqueue(&["--all", "--endpoint", "products", "--from", FROM, "--to", TO]).await?;
    flow.settled().await?;
    let jobs = flow.job_of_each().await?;
    for mall in malls {
        let job = &jobs[mall];
        assert_eq!(
            (job.state.as_str(), job.attempts, flow.requests(mall)?),
            ("done", 1, 2),
            "{mall}: {job:?}"
        );
    }
    let products = vec![Endpoint::ProductsSales];
    let spans =
        malls.map(|mall| Span { endpoints: products.clone(), ..Span::days(mall, day(FROM), day(TO)) });
    flow.world.exact(&spans).await?;
    assert!(flow.letters().await?.is_empty());
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn a03_the_eighth_failure_is_the_last_and_other_jobs_of_the_mall_go_on() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.fetch("hanbit", "visitors", FROM, FROM, &[]).await?;
    let rule = FaultRule { endpoint: Some(Endpoint::ProductsSales.into()), ..FaultRule::always(status(503)) };
    flow.world.sim.order(rule).expect("few faults");
    flow.enqueue(&["--all", "--from", FROM, "--to", FROM]).await?;
    flow.settled().await?;
    let asked = flow.world.sim.chunk_requests(
        "hanbit",
        Endpoint::ProductsSales,
        Granularity::Day,
        day(FROM),
        day(FROM),
    );
    assert_eq!(asked.expect("known"), 8);
    let letters = flow.archived(1).await?;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].class.as_str(), letters[0].attempts), ("transient", 8));
    assert_eq!(letters[0].evidence["status"], 503);
    let others = flow.jobs().await?.iter().filter(|job| job.state == "done").count();
    assert_eq!(others, 3, "the other endpoints");
    let slices = flow.world.db.number("SELECT count(*) FROM slices WHERE endpoint = 'products'").await?;
    assert_eq!(slices, 0, "a failed slice is missing, not empty");
    Ok(())
}

/// Seconds from now until the mall's only job may run again.
const WAIT: &str = "SELECT coalesce(max(extract(epoch FROM not_before - now()))::bigint, -1) FROM jobs \
                    WHERE work_state = 'planned' AND error_class IS NOT NULL AND mall_id = ";

#[tokio::test]
async fn a01_a_5xx_waits_as_long_as_it_says_and_a_quarter_of_an_hour_at_most() -> Result<()> {
    let flow = Flow::start(Setup::new(&["seconds", "decade", "date", "garbage"])).await?;
    let away = |retry_after: String| FaultKind::Status {
        code: 503,
        headers: BTreeMap::new(),
        body: None,
        retry_after: Some(retry_after),
    };
    let in_ten_minutes = (chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now())
        + chrono::TimeDelta::minutes(10))
    .format("%a, %d %b %Y %H:%M:%S GMT");
    flow.order("seconds", Some(1), away("300".to_owned()))?;
    flow.order("decade", Some(1), away("315360000".to_owned()))?;
    flow.order("date", Some(1), away(in_ten_minutes.to_string()))?;
    flow.order("garbage", Some(1), away("soon".to_owned()))?;
    flow.enqueue(&["--all", "--endpoint", "products", "--from", FROM, "--to", TO]).await?;
    for (mall, range) in [("seconds", 280..=300), ("decade", 880..=900), ("date", 570..=600)] {
        let sql = format!("{WAIT}'{mall}'");
        wait_until("the wait that was asked for", SOON, || async {
            Ok(range.contains(&flow.world.db.number(&sql).await?))
        })
        .await?;
    }
    // Each was an attempt; who said nothing sensible came back after the usual wait.
    let done = "SELECT count(*) FROM jobs WHERE mall_id = 'garbage' AND work_state = 'done' AND attempts = 1";
    wait_until("the last one done", SOON, || async { Ok(flow.world.db.number(done).await? == 1) }).await?;
    assert_eq!(flow.world.db.number("SELECT count(*) FROM jobs WHERE attempts = 1").await?, 4);
    Ok(())
}

#[tokio::test]
async fn attempts_and_rests_are_what_the_settings_say() -> Result<()> {
    let setup =
        Setup::new(&["failing", "busy"]).set("RETRY__MAX_ATTEMPTS", "3").set("RETRY__THROTTLED_REST", "4m");
    let flow = Flow::start(setup).await?;
    flow.order("failing", None, status(503))?;
    flow.order("busy", Some(1), status(429))?;
    flow.enqueue(&["--all", "--endpoint", "products", "--from", FROM, "--to", TO]).await?;
    let letters = flow.archived(1).await?;
    assert_eq!((letters[0].mall.as_deref(), letters[0].attempts), (Some("failing"), 3));
    assert_eq!(flow.requests("failing")?, 3);
    let sql = format!("{WAIT}'busy'");
    wait_until("the rest", SOON, || async { Ok((220..=240).contains(&flow.world.db.number(&sql).await?)) })
        .await
}
