//! A5, while the day runs: its rows move between the pages, and what came is kept as partial until the day is final. And a
//! server that gives shorter pages than it is asked for.

use chrono::Days;
use tests::harness::{Context as _, Result, Span};
use tests::simulator::{Endpoint, FaultKind, FaultRule, MallSpec, Size};

use super::super::{Flow, Setup, day};
use super::{least, live};

/// A day whose rows move after each request.
fn restless(mall: &str) -> FaultRule {
    FaultRule {
        mall: Some(mall.to_owned()),
        endpoint: Some(Endpoint::ProductsSales.into()),
        ..FaultRule::always(FaultKind::Restate)
    }
}

async fn counted(flow: &Flow, metric: &str) -> Result<f64> {
    Ok(flow.workers[0].metrics().await?.sum(metric))
}

#[tokio::test]
async fn a05_the_running_day_of_a_large_mall_is_kept_as_partial_however_its_rows_move() -> Result<()> {
    let mut setup = Setup::new(&[]);
    setup.malls = vec![MallSpec { size: Size::Large, ..live("moonlit") }];
    let flow = Flow::start(setup).await?;
    // A day that is final by our clock, whatever the time of day; that it runs is said by the server's clock alone.
    let today = common::domain::calendar::kst_day(common::clock::now()) - Days::new(2);
    let noon = today.and_hms_opt(3, 0, 0).context("a time")?.and_utc();
    flow.world.sim.clock().set_now(noon);
    let moves = flow.world.sim.order(restless("moonlit")).context("order")?;
    let date = today.to_string();
    flow.fetch("moonlit", "products", &date, &date, &[]).await?;

    let jobs = flow.jobs().await?;
    assert_eq!((jobs[0].state.as_str(), jobs[0].attempts), ("done", 0), "{jobs:?}");
    assert_eq!(flow.rows_of("SELECT data_state FROM slices").await?, ["partial"]);
    let rows = flow.world.db.number("SELECT count(*) FROM metrics_daily").await?;
    assert!(rows > 1_000, "more than a page: {rows}");
    let of_the_answer = flow.world.db.number("SELECT pages::bigint FROM jobs").await?;
    // Two pages or more showed that the first answer moved (a move may leave the row that two pages share where it was),
    // then all pages of the next one.
    let requests = i64::try_from(flow.requests("moonlit")?).context("a count")?;
    assert!(
        (2 + of_the_answer..=2 * of_the_answer).contains(&requests),
        "{requests} for {of_the_answer} pages"
    );
    assert!(flow.letters().await?.is_empty());
    assert!((counted(&flow, "cafe24_sync_answers_moved_total").await? - 1.0).abs() < f64::EPSILON);
    let said = flow.workers[0].events().iter().filter(|event| event["event"] == "answer.moved").count();
    assert_eq!(said, 1, "it is said in the log");

    // The next day it is final: all or nothing, and no row of what was kept stays that is not there.
    flow.world.sim.cancel_fault(moves);
    flow.world.sim.clock().set_now(noon + Days::new(1));
    flow.fetch("moonlit", "products", &date, &date, &[]).await?;
    assert_eq!(flow.rows_of("SELECT data_state FROM slices").await?, ["complete"]);
    let span = Span { endpoints: vec![Endpoint::ProductsSales], ..Span::days("moonlit", today, today) };
    flow.world.exact(&[span]).await?;
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn a05_pages_shorter_than_asked_for_lose_no_row() -> Result<()> {
    let (from, to) = ("2025-03-01", "2025-05-28");
    let mut setup = Setup::new(&[]);
    setup.malls = vec![
        MallSpec { products_a_day: Some(450), ..live("moonlit") },
        MallSpec { products_a_day: Some(99), ..live("tiny") },
    ];
    setup.sim.page_max = Some(50);
    let flow = Flow::start(setup).await?;
    flow.fetch("moonlit", "products", from, from, &[]).await?;
    flow.fetch("tiny", "products", from, from, &[]).await?;
    // 89 days in one chunk, fifty in the first page.
    flow.fetch("moonlit", "visitors", from, to, &[]).await?;
    let span =
        |mall, endpoint, to| Span { endpoints: vec![endpoint], ..Span::days(mall, day(from), day(to)) };
    flow.world
        .exact(&[
            span("moonlit", Endpoint::ProductsSales, from),
            span("tiny", Endpoint::ProductsSales, from),
            span("moonlit", Endpoint::VisitorsView, to),
        ])
        .await?;
    // 450 rows: pages of fifty with one in common, 49 new ones each but the first.
    assert_eq!(flow.requests("moonlit")?, 10 + 2);
    assert_eq!(flow.requests("tiny")?, 3, "99 rows end exactly with the second page, the third shows it");
    assert!((counted(&flow, "cafe24_sync_answers_cut_total").await? - 3.0).abs() < f64::EPSILON);
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn an_ordinary_mall_pays_nothing_for_the_fear_of_short_pages() -> Result<()> {
    let mut setup = Setup::new(&[]);
    setup.malls = vec![MallSpec { products_a_day: Some(101), ..live("moonlit") }];
    let flow = Flow::start(setup).await?;
    flow.fetch("moonlit", "products", "2025-03-01", "2025-03-20", &[]).await?;
    let mall = MallSpec { products_a_day: Some(101), ..live("moonlit") };
    let least = least(&flow, &mall, Endpoint::ProductsSales, "2025-03-01", "2025-03-20")?;
    assert_eq!((flow.requests("moonlit")?, least), (20, 20));
    Ok(())
}
