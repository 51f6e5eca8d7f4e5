//! Between two pages: the access token ends, the worker is told to stop. All pages are one answer, or nothing is kept.

use std::time::Duration;

use tests::harness::{Context as _, Result, Span};
use tests::simulator::{Endpoint, FaultKind, FaultRule, MallSpec, Size};
use tokio::time::sleep;

use super::super::{Flow, LIMIT, Setup, day};
use super::{least, live};

const DAY: &str = "2025-03-01";

fn large() -> MallSpec {
    MallSpec { size: Size::Large, ..live("moonlit") }
}

async fn start() -> Result<Flow> {
    let mut setup = Setup::new(&[]);
    setup.malls = vec![large()];
    Flow::start(setup).await
}

/// Wishes for the products of the day, and waits until the answer to the page after this row is held back.
async fn held_at(flow: &Flow, from_offset: u64) -> Result<()> {
    let rule = FaultRule {
        mall: Some("moonlit".to_owned()),
        endpoint: Some(Endpoint::ProductsSales.into()),
        from_offset: Some(from_offset),
        times: Some(1),
        ..FaultRule::always(FaultKind::Hold)
    };
    flow.world.sim.order(rule).context("order")?;
    flow.wish("moonlit", "products", DAY, DAY, &[]).await?;
    flow.held(1).await
}

async fn is_exact(flow: &Flow) -> Result<u64> {
    let span = Span { endpoints: vec![Endpoint::ProductsSales], ..Span::days("moonlit", day(DAY), day(DAY)) };
    flow.world.exact(&[span]).await?;
    least(flow, &large(), Endpoint::ProductsSales, DAY, DAY)
}

#[tokio::test]
async fn o01_a_token_that_ends_between_two_pages_is_renewed_and_no_page_is_fetched_twice() -> Result<()> {
    let flow = start().await?;
    held_at(&flow, 0).await?;
    flow.world.sim.expire_access("moonlit").context("expire")?;
    flow.world.sim.release();
    flow.settled().await?;
    let least = is_exact(&flow).await?;
    assert!(least >= 3, "{least} pages are too few to show anything");
    assert_eq!(flow.requests("moonlit")?, least + 1, "one 401 more");
    let jobs = flow.jobs().await?;
    assert_eq!((jobs[0].state.as_str(), jobs[0].attempts), ("done", 0));
    Ok(())
}

#[tokio::test]
async fn w02_a_worker_that_is_stopped_between_two_pages_writes_nothing_and_the_next_one_all() -> Result<()> {
    let mut flow = start().await?;
    held_at(&flow, 1).await?;
    let worker = flow.workers.remove(0);
    let release = async {
        sleep(Duration::from_millis(500)).await;
        flow.world.sim.release();
    };
    let (ended, ()) = tokio::join!(worker.stop(LIMIT), release);
    assert_eq!(ended?.code(), Some(0));
    assert_eq!(flow.world.db.number("SELECT count(*) FROM metrics_daily").await?, 0);
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slices").await?, 0);
    let before = flow.requests("moonlit")?;
    assert_eq!(before, 2, "the page under way was the last one");
    let jobs = flow.jobs().await?;
    assert_eq!(jobs[0].attempts, 0, "handed back, not failed: {jobs:?}");

    flow.start_workers(1).await?;
    flow.settled().await?;
    let least = is_exact(&flow).await?;
    assert_eq!(flow.requests("moonlit")?, before + least);
    Ok(())
}
