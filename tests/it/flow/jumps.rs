//! The wall clock of daemon and workers jumps while they work; that of the database and of Cafe24 does not.

use std::time::Duration;

use chrono::TimeDelta;
use tests::harness::{Context as _, MovedClock, Result, wait_until};

use super::{Flow, LIMIT, Setup};

/// Longest silence at the API that a jump may cost (`docs/reliability.md` C4).
const STALL: Duration = Duration::from_secs(5);

#[tokio::test]
async fn c04_a_day_forward_costs_no_burst_no_stall_and_one_refresh_a_mall() -> Result<()> {
    jump(TimeDelta::days(1)).await
}

#[tokio::test]
async fn c04_a_day_back_costs_no_burst_no_stall_and_no_refresh() -> Result<()> {
    jump(TimeDelta::days(-1)).await
}

/// Jumps in the middle of two malls' work at the specified limit.
async fn jump(by: TimeDelta) -> Result<()> {
    let malls = ["hanbit", "moonlit"];
    let mut clock = MovedClock::right()?;
    let mut setup = Setup::specified(&malls);
    setup.env.extend(clock.environment());
    let flow = Flow::start(setup).await?;
    let wish = ["--all", "--from", "2026-01-01", "--to", "2026-01-16", "--chunk-days", "1"];
    flow.enqueue(&wish).await?;
    let done = "SELECT count(*) FROM jobs WHERE work_state = 'done'";
    wait_until("the bursts are over", LIMIT, || async { Ok(flow.world.db.number(done).await? >= 76) })
        .await?;
    clock.set(clock.now() + by)?;
    flow.settled().await?;

    assert_eq!(flow.world.db.number(done).await?, 128);
    let refreshes = u64::from(by > TimeDelta::zero());
    for mall in malls {
        let report = flow.world.sim.mall_report(mall).context("report")?;
        assert_eq!((report.requests, report.throttled), (64, 0), "{mall}: {report:?}");
        assert_eq!((report.tokens.refreshes, report.tokens.overlapping_refreshes), (refreshes, 0), "{mall}");
        let arrivals = flow.world.sim.arrivals(mall).context("arrivals")?;
        let silence =
            arrivals.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default();
        assert!(silence <= STALL, "{mall}: {silence:?} of silence");
    }
    flow.requests_were_good();
    Ok(())
}
