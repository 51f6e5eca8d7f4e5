//! A day is complete only if it was asked for after it ended in Korea and settled; before that it is partial.
//!
//! The simulator's clock stands in the header `Date`, and the worker goes by whichever clock says earlier. So the tests
//! move the simulator's clock into the past.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use tests::harness::{Context as _, Result};

use super::{Flow, Setup};

const DAY: &str = "SELECT data_state FROM slices ORDER BY endpoint";

#[tokio::test]
async fn a_day_asked_for_before_it_has_settled_is_partial_until_it_is_asked_for_again() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).set("SCHEDULE__SETTLE", "2h")).await?;
    let today = some_hours_ago();
    let day = (today - Days::new(1)).to_string();
    let wish = ["--mall", "hanbit", "--from", &day, "--to", &day];
    for (clock, state, jobs) in [("00:30", "partial", 4), ("01:59", "partial", 8), ("02:01", "complete", 12)]
    {
        flow.world.sim.clock().set_now(kst(today, clock));
        flow.enqueue(&wish).await?;
        flow.settled().await?;
        assert_eq!(flow.rows_of(DAY).await?, [state; 4], "asked for at {clock}");
        assert_eq!(flow.jobs().await?.len(), jobs, "asked for at {clock}");
    }
    // Now it is complete: nobody asks again.
    flow.enqueue(&wish).await?;
    assert_eq!(flow.jobs().await?.len(), 12);
    Ok(())
}

#[tokio::test]
async fn weeks_and_months_settle_as_days_do() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).set("SCHEDULE__SETTLE", "2h")).await?;
    let today = some_hours_ago();
    let monday = today.week(chrono::Weekday::Mon).first_day();
    let first = today.with_day(1).context("a first day")?;
    let last_month = (first - Days::new(1)).with_day(1).context("a first day")?;
    for (granularity, from, after) in [("week", monday - Days::new(7), monday), ("month", last_month, first)]
    {
        let (from, to) = (from.to_string(), (after - Days::new(1)).to_string());
        let wish = ["--mall", "hanbit", "--granularity", granularity, "--from", &from, "--to", &to];
        for (clock, state) in [("01:59", "partial"), ("02:01", "complete")] {
            flow.world.sim.clock().set_now(kst(after, clock));
            flow.enqueue(&wish).await?;
            flow.settled().await?;
            let sql = format!("SELECT DISTINCT data_state FROM slices WHERE granularity = '{granularity}'");
            assert_eq!(flow.rows_of(&sql).await?, [state], "{granularity} asked for at {clock}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_fast_clock_of_one_side_does_not_make_an_unfinished_day_final() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    // The server's clock is two days fast, ours is right.
    flow.world.sim.clock().advance(TimeDelta::days(2));
    let today = common::domain::calendar::kst_day(common::clock::now()).to_string();
    flow.enqueue(&["--mall", "hanbit", "--from", &today, "--to", &today]).await?;
    flow.settled().await?;
    assert_eq!(flow.rows_of(DAY).await?, ["partial"; 4]);
    Ok(())
}

/// A KST day whose first three hours are over, so that our own clock is the later one.
fn some_hours_ago() -> NaiveDate {
    common::domain::calendar::kst_day(common::clock::now() - TimeDelta::hours(3))
}

fn kst(day: NaiveDate, clock: &str) -> DateTime<Utc> {
    let time: NaiveTime = clock.parse().expect("a time of the day");
    day.and_time(time)
        .and_local_timezone(common::domain::calendar::kst())
        .single()
        .expect("KST has every hour")
        .to_utc()
}
