//! A 429 costs no attempt, silences its mall, and nobody else.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use tests::harness::{Context as _, Result, Span, wait_until};
use tests::simulator::{Endpoint, FaultKind};

use super::{Flow, LIMIT, Setup, day, status};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-16";
/// A 429 silences a mall for a second at least (`docs/reliability.md` A1). Here it is seen from the outside, between arrivals, one of
/// which may have been on its way for a while; without a silence they are 5 ms apart.
const SILENCE: Duration = Duration::from_millis(700);
/// Requests that may arrive before the silence, of 17: two under way in each of two workers, and on a busy machine once more as
/// many whose tokens were taken while the refusal was read and told to Redis.
const UNDER_WAY: usize = 8;

#[tokio::test]
async fn a01_each_form_of_a_429_is_no_attempt_and_its_mall_is_silent_for_as_long_as_it_says() -> Result<()> {
    let malls = ["bare", "full", "body", "seconds", "date", "past", "garbage", "calm"];
    let flow = Flow::start(Setup::new(&malls).workers(2)).await?;
    let limits = [
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Burst-Capacity", "400"),
        ("X-RateLimit-Requested-Tokens", "0"),
        ("X-RateLimit-Replenish-Rate", "200"),
    ];
    let limits: BTreeMap<String, String> =
        limits.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let with =
        |headers: &BTreeMap<_, _>, body: Option<&str>, retry_after: Option<String>| FaultKind::Status {
            code: 429,
            headers: headers.clone(),
            body: body.map(ToOwned::to_owned),
            retry_after,
        };
    let at = |seconds| {
        let time = flow.world.sim.clock().now() + TimeDelta::seconds(seconds);
        Some(time.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
    };
    let none = BTreeMap::new();
    flow.order("bare", Some(1), with(&none, None, None))?;
    flow.order("full", Some(1), with(&limits, Some("{}"), None))?;
    flow.order("body", Some(1), with(&none, Some("<html>slow down</html>"), None))?;
    flow.order("seconds", Some(1), with(&none, None, Some("3".to_owned())))?;
    flow.order("past", Some(1), with(&none, None, at(-3_600)))?;
    flow.order("garbage", Some(1), with(&limits, None, Some("soon; -5".to_owned())))?;
    flow.order("date", Some(1), with(&none, None, at(6)))?;

    let wish = ["--all", "--endpoint", "products", "--from", FROM, "--to", TO, "--chunk-days", "1"];
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    for mall in malls {
        let (before, gap) = longest_pause(&flow, mall)?;
        let least = match mall {
            "seconds" => Duration::from_millis(2_700),
            // Six seconds when it was written; the malls were made to wait for their jobs since.
            "date" => Duration::from_secs(2),
            "calm" => Duration::ZERO,
            _ => SILENCE,
        };
        assert!(gap >= least, "{mall}: silent for {gap:?} only");
        assert!(mall == "calm" || before <= UNDER_WAY, "{mall}: {before} requests before the silence");
        assert_eq!(flow.requests(mall)?, if mall == "calm" { 16 } else { 17 }, "{mall}");
    }
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    let products = vec![Endpoint::ProductsSales];
    let spans =
        malls.map(|mall| Span { endpoints: products.clone(), ..Span::days(mall, day(FROM), day(TO)) });
    flow.world.exact(&spans).await?;
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn a01_a_hint_of_ten_years_is_taken_for_a_quarter_of_an_hour() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit", "calm"])).await?;
    let decade = Some("315360000".to_owned());
    let fault = FaultKind::Status { code: 429, headers: BTreeMap::new(), body: None, retry_after: decade };
    flow.order("hanbit", Some(1), fault)?;
    flow.wish("hanbit", "products", FROM, FROM, &[]).await?;
    let planned = "SELECT count(*) FROM jobs WHERE work_state = 'planned' AND attempts = 0 AND error_class = 'throttled' \
                   AND not_before BETWEEN now() + interval '14 minutes' AND now() + interval '15 minutes'";
    wait_until("the job put back", LIMIT, || async { Ok(flow.world.db.number(planned).await? == 1) }).await?;
    // Another mall goes on, and the silent one stays silent for a new job, too.
    flow.wish("hanbit", "visitors", FROM, FROM, &[]).await?;
    flow.wish("calm", "visitors", FROM, FROM, &[]).await?;
    let done = "SELECT count(*) FROM jobs WHERE work_state = 'done' AND mall_id = 'calm'";
    wait_until("the other mall done", LIMIT, || async { Ok(flow.world.db.number(done).await? == 1) }).await?;
    assert_eq!(flow.requests("hanbit")?, 1);
    assert!(flow.letters().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a01_refusals_one_after_another_are_no_attempt_either() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.order("hanbit", Some(3), status(429))?;
    flow.fetch("hanbit", "products", FROM, FROM, &[]).await?;
    let job = flow.jobs().await?.remove(0);
    assert_eq!((job.state.as_str(), job.attempts, job.class, job.evidence), ("done", 0, None, Value::Null));
    assert_eq!(flow.requests("hanbit")?, 4);
    Ok(())
}

/// How many requests of a mall came before the longest pause between two of them, and how long that was.
fn longest_pause(flow: &Flow, mall: &str) -> Result<(usize, Duration)> {
    let arrivals = flow.world.sim.arrivals(mall).context("arrivals")?;
    let pauses = arrivals.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    pauses
        .enumerate()
        .map(|(at, pause)| (at + 1, pause))
        .max_by_key(|(_, pause)| *pause)
        .context("one request")
}
