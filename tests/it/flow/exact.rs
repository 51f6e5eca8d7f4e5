//! What was asked for stands in the tables, figure for figure.

use chrono::{Days, TimeDelta};
use tests::harness::{Result, Span};
use tests::simulator::{Endpoint, Granularity, MallSpec, Size};

use super::{Flow, Setup, day, spec};

#[tokio::test]
async fn each_endpoint_and_granularity_is_exact_for_small_and_large_malls() -> Result<()> {
    let mut setup = Setup::new(&["medium"]).workers(2);
    setup.malls.push(MallSpec { size: Size::Small, ..spec("small") });
    setup.malls.push(MallSpec { size: Size::Large, ..spec("large") });
    let flow = Flow::start(setup).await?;
    // 35 days are two chunks; the weeks cross a year's end.
    let asked = [
        (Granularity::Day, "2025-03-01", "2025-04-04"),
        (Granularity::Week, "2024-12-16", "2025-01-26"),
        (Granularity::Month, "2024-12-01", "2025-02-28"),
    ];
    let malls = ["medium", "small", "large"];
    let mut spans = Vec::new();
    for (granularity, from, to) in asked {
        let kind = granularity.as_str();
        flow.enqueue(&["--all", "--from", from, "--to", to, "--granularity", kind]).await?;
        let (from, to) = (day(from), day(to));
        spans.extend(malls.map(|mall| Span { granularity, ..Span::days(mall, from, to) }));
    }
    flow.settled().await?;
    let summary = flow.world.exact(&spans).await?;
    assert!(summary.equal > 50_000, "{summary}");
    let days = flow.world.db.number("SELECT count(*) FROM slices WHERE granularity = 'day'").await?;
    // A slice also for a day without rows.
    assert_eq!(days, 4 * 3 * 35);
    let others = flow.world.db.number("SELECT count(*) FROM slices WHERE data_state <> 'complete'").await?;
    assert_eq!(others, 0);
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn unique_visitors_of_a_week_and_a_month_are_never_sums_of_days() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let month = ["--mall", "hanbit", "--from", "2025-02-01", "--to", "2025-02-28"];
    for kind in ["day", "week", "month"] {
        flow.enqueue(&[&month[..], &["--granularity", kind]].concat()).await?;
    }
    flow.settled().await?;
    let mut spans = vec![Span::days("hanbit", day("2025-02-01"), day("2025-02-28"))];
    // Of weeks only those that lie in the range as a whole.
    let weeks = Span::days("hanbit", day("2025-02-03"), day("2025-02-23"));
    spans.push(Span { granularity: Granularity::Week, ..weeks });
    spans.push(Span { granularity: Granularity::Month, ..spans[0].clone() });
    flow.world.exact(&spans).await?;
    let days = "SELECT sum(impressions)::bigint FROM metrics_daily WHERE entity_type = 'store'";
    let months = "SELECT sum(impressions)::bigint FROM metrics_monthly WHERE entity_type = 'store'";
    let (days, months) = (flow.world.db.number(days).await?, flow.world.db.number(months).await?);
    assert!(months < days, "{months} is the sum of days, {days}");
    let sum =
        |table: &str| format!("SELECT sum(conversions)::bigint FROM {table} WHERE entity_type = 'product'");
    let orders = flow.world.db.number(&sum("metrics_daily")).await?;
    assert_eq!(orders, flow.world.db.number(&sum("metrics_monthly")).await?, "orders do add up");
    Ok(())
}

#[tokio::test]
async fn c02_today_is_a_chunk_of_its_own_stored_as_partial_and_planned_again() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let today = (flow.world.sim.clock().now() + TimeDelta::hours(9)).date_naive();
    let from = today - Days::new(3);
    let wish = ["--mall", "hanbit", "--from", &from.to_string(), "--to", &today.to_string()];
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    flow.world.exact(&[Span::days("hanbit", from, today)]).await?;
    let of = |state: &str, day: chrono::NaiveDate, than: &str| {
        format!("SELECT count(*) FROM slices WHERE data_state = '{state}' AND date {than} '{day}'")
    };
    assert_eq!(flow.world.db.number(&of("partial", today, "=")).await?, 4);
    assert_eq!(flow.world.db.number(&of("complete", today, "<")).await?, 12);
    assert!(flow.jobs().await?.iter().all(|job| job.start == job.end || job.end < today));

    // The same wish again: the finished days are there, today is not.
    for endpoint in Endpoint::ALL {
        flow.world.sim.restate("hanbit", endpoint, today).expect("known");
    }
    let again = flow.enqueue(&wish).await?;
    assert_eq!((&again["slices"]["complete"], &again["jobs"]), (&12.into(), &4.into()), "{again}");
    flow.settled().await?;
    flow.world.exact(&[Span::days("hanbit", from, today)]).await?;
    assert_eq!(flow.world.db.number(&of("partial", today, "=")).await?, 4);
    Ok(())
}

#[tokio::test]
async fn a01_at_the_specified_rate_no_request_is_refused_and_each_bears_token_and_version() -> Result<()> {
    let malls = ["one", "two", "three"];
    let flow = Flow::start(Setup::specified(&malls).workers(2)).await?;
    flow.enqueue(&["--all", "--from", "2025-03-01", "--to", "2025-03-10", "--chunk-days", "1"]).await?;
    flow.settled().await?;
    let spans = malls.map(|mall| Span::days(mall, day("2025-03-01"), day("2025-03-10")));
    flow.world.exact(&spans).await?;
    let report = flow.world.sim.report();
    for (mall, report) in &report.malls {
        assert_eq!(report.requests, 40, "{mall}");
        assert!(report.min_level >= Some(0.0), "{mall}: {report:?}");
        assert_eq!((report.without_version, report.without_token, report.refused_token), (0, 0, 0), "{mall}");
    }
    assert_eq!((report.total.throttled, report.unknown_mall), (0, 0));
    assert_eq!(report.total.by_status.get(&200), Some(&120));
    Ok(())
}
