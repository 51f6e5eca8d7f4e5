//! Planners wait for one another, and plan in halves what the database does not manage at once.

use std::time::{Duration, Instant};

use common::domain::calendar::{DayRange, Granularity};
use common::domain::ids::{LimiterKey, MallId, ShopNo};
use common::domain::job::Lane;
use common::store::{Control, PlanCounts, PlannedChunk, ShopToPlan, StoreError, Wish};
use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tokio::task::JoinHandle;

use super::{SOON, day, spec};

const PLANNER: &str = "hashtext('cafe24-sync'), hashtext('plan')";

async fn world() -> Result<(World, Control)> {
    let world = World::start_with(WorldConfig::wide([spec("hanbit")])).await?;
    let control = Control::new(world.db.url(), 2).context("a pool")?;
    Ok((world, control))
}

fn hanbit() -> [ShopToPlan; 1] {
    let mall_id: MallId = "hanbit".parse().expect("valid");
    [ShopToPlan { limiter_key: LimiterKey::from(&mall_id), mall_id, shop_no: ShopNo::FIRST }]
}

/// A quarter of an endpoint, in chunks of 31 days.
fn quarter(endpoint: &str) -> [PlannedChunk; 3] {
    let ends = [("2025-03-01", "2025-03-31"), ("2025-04-01", "2025-05-01"), ("2025-05-02", "2025-06-01")];
    ends.map(|(first, last)| PlannedChunk {
        endpoint: endpoint.parse().expect("an endpoint"),
        granularity: Granularity::Day,
        range: DayRange::new(day(first), day(last)).expect("in order"),
    })
}

/// A dry run, begun now; and how long it took with the wait for its turn.
fn begun(control: &Control) -> JoinHandle<(Result<PlanCounts, StoreError>, Duration)> {
    let control = control.clone();
    tokio::spawn(async move {
        let began = Instant::now();
        let planned = control.plan(None, Wish::Missing, Lane::Fresh, &hanbit(), &quarter("visitors")).await;
        (planned, began.elapsed())
    })
}

#[tokio::test]
async fn a_wait_for_another_planner_is_neither_work_nor_too_much_of_it() -> Result<()> {
    let (world, control) = world().await?;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    let it_waits = || async { Ok(world.db.number(waiting).await? == 1) };
    let run = async |sql: String| world.db.client().batch_execute(&sql).await.context(sql);

    run(format!("SELECT pg_advisory_lock({PLANNER})")).await?;
    let planned = begun(&control);
    wait_until("it waits", SOON, it_waits).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    run(format!("SELECT pg_advisory_unlock({PLANNER})")).await?;
    let (counts, took) = planned.await.context("a panic")?;
    let worked = counts.context("a plan")?.worked;
    assert!(worked > Duration::ZERO && worked + Duration::from_secs(1) <= took, "{worked:?} of {took:?}");

    // As the time limit of a statement ends it: half of the work would have waited as long.
    run(format!("SELECT pg_advisory_lock({PLANNER})")).await?;
    let planned = begun(&control);
    wait_until("it waits", SOON, it_waits).await?;
    let end = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event = 'advisory'";
    assert_eq!(world.db.number(end).await?, 1);
    let error = planned.await.context("a panic")?.0.expect_err("cancelled");
    assert!(error.is_locked_out() && !error.is_too_long(), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn halves_of_the_gaps_of_a_mall_count_together_what_the_whole_counts() -> Result<()> {
    let (world, control) = world().await?;
    let wanted = "UPDATE connectors SET wanted_from = '2025-02-01'";
    world.db.client().batch_execute(wanted).await.context(wanted)?;
    let chunks = [quarter("visitors"), quarter("pageviews")].concat();
    let dry = async |chunks: &[PlannedChunk]| {
        let wish = Wish::Gaps { failed: false };
        let counts = control.plan(None, wish, Lane::Backfill, &hanbit(), chunks).await.context("a plan")?;
        Ok([counts.wanted, counts.to_fetch(), counts.jobs])
    };
    let whole = dry(&chunks).await?;
    assert_eq!(whole, [186, 186, 6]);
    for middle in 1..chunks.len() {
        let (first, rest) = chunks.split_at(middle);
        let (first, rest) = (dry(first).await?, dry(rest).await?);
        let sum: Vec<i64> = first.iter().zip(rest).map(|(first, rest)| first + rest).collect();
        assert_eq!(sum, whole, "halves at {middle}");
    }
    Ok(())
}
