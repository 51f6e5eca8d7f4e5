//! A5: rows move between the pages, a page fails, repeats, or is exactly full. A slice is of one moment or it is none.

use tests::harness::{Context as _, Program, Result, Span};
use tests::simulator::{Endpoint, FaultKind, FaultRule, Granularity, MallSpec, Size};

use super::super::{Flow, Setup, day, status};
use super::{least, live, pages};

const DAY: &str = "2025-03-01";

fn large(mall: &str) -> MallSpec {
    MallSpec { size: Size::Large, ..live(mall) }
}

async fn start(malls: Vec<MallSpec>) -> Result<Flow> {
    let mut setup = Setup::new(&[]);
    setup.malls = malls;
    Flow::start(setup).await
}

/// A fault of the product pages of one mall, from this row on.
fn aimed(mall: &str, from_offset: u64, times: Option<u32>, fault: FaultKind) -> FaultRule {
    FaultRule {
        mall: Some(mall.to_owned()),
        endpoint: Some(Endpoint::ProductsSales.into()),
        from_offset: Some(from_offset),
        times,
        ..FaultRule::always(fault)
    }
}

fn span(mall: &str) -> Span {
    Span { endpoints: vec![Endpoint::ProductsSales], ..Span::days(mall, day(DAY), day(DAY)) }
}

/// The fewest requests for the products of the day, as it stands now.
fn least_now(flow: &Flow, mall: &str) -> Result<u64> {
    let least = least(flow, &large(mall), Endpoint::ProductsSales, DAY, DAY)?;
    assert!(least >= 3, "{least} pages are too few to show anything");
    Ok(least)
}

/// How often the workers said that rows moved.
fn begun_again(flow: &Flow) -> usize {
    let events = flow.workers.iter().flat_map(Program::events);
    events.filter(|event| event["event"] == "job.begun_again").count()
}

async fn nothing_is_there(flow: &Flow) -> Result<()> {
    assert_eq!(flow.world.db.number("SELECT count(*) FROM metrics_daily").await?, 0);
    let known = "SELECT count(*) FROM slices WHERE data_state IN ('complete', 'restated', 'partial')";
    assert_eq!(flow.world.db.number(known).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a05_a_restatement_between_two_pages_makes_all_pages_be_fetched_again() -> Result<()> {
    let flow = start(vec![large("moonlit")]).await?;
    flow.world.sim.order(aimed("moonlit", 0, Some(1), FaultKind::Restate)).context("order")?;
    flow.fetch("moonlit", "products", DAY, DAY, &[]).await?;
    flow.world.exact(&[span("moonlit")]).await?;
    let states = "SELECT count(DISTINCT conversion_value % 100) FROM metrics_daily";
    assert_eq!(flow.world.db.number(states).await?, 1, "one slice, one state");
    // The first page, the one that showed it, and all of them again.
    let least = least_now(&flow, "moonlit")?;
    assert_eq!(flow.requests("moonlit")?, 2 + least);
    let jobs = flow.jobs().await?;
    assert_eq!((jobs[0].state.as_str(), jobs[0].attempts), ("done", 0));
    assert_eq!(begun_again(&flow), 1, "it is said in the log");
    let of_the_answer = flow.world.db.number("SELECT pages::bigint FROM jobs").await?;
    assert_eq!(of_the_answer, i64::try_from(least).expect("few"));
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn a05_rows_that_move_again_and_again_are_left_for_later_and_never_mixed() -> Result<()> {
    let flow = start(vec![large("moonlit")]).await?;
    flow.world.sim.order(aimed("moonlit", 0, Some(6), FaultKind::Restate)).context("order")?;
    flow.fetch("moonlit", "products", DAY, DAY, &[]).await?;
    flow.world.exact(&[span("moonlit")]).await?;
    let serial = flow.world.sim.serial("moonlit", Endpoint::ProductsSales, Granularity::Day, day(DAY));
    assert_eq!(serial.context("a serial")?, 6);
    assert_eq!(flow.requests("moonlit")?, 3 * 2 + least_now(&flow, "moonlit")?);
    let jobs = flow.jobs().await?;
    assert_eq!((jobs[0].state.as_str(), jobs[0].attempts), ("done", 1), "{jobs:?}");
    assert_eq!(begun_again(&flow), 2, "three times in all");
    assert!(flow.letters().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a05_a_page_that_fails_for_good_leaves_nothing_of_the_others() -> Result<()> {
    let flow = start(vec![large("moonlit"), large("other")]).await?;
    let broken = flow.world.sim.order(aimed("moonlit", 1_500, None, status(500))).context("order")?;
    flow.enqueue(&["--all", "--endpoint", "products", "--from", DAY, "--to", DAY]).await?;
    flow.settled().await?;
    flow.world.exact(&[span("other")]).await?;
    let letters = flow.archived(1).await?;
    assert_eq!((letters[0].class.as_str(), letters[0].mall.as_deref()), ("transient", Some("moonlit")));
    let request = letters[0].evidence["request"].as_str().unwrap_or_default();
    assert!(request.contains("offset=1998"), "the page is named: {request}");
    let moonlit = "SELECT count(*) FROM slices WHERE mall_id = 'moonlit'";
    assert_eq!(flow.world.db.number(moonlit).await?, 0);

    flow.world.sim.cancel_fault(broken);
    flow.cli(&["dead", "replay", "--mall", "moonlit", "--yes"]).await?.success()?;
    flow.settled().await?;
    flow.world.exact(&[span("moonlit"), span("other")]).await.map(drop)
}

#[tokio::test]
async fn a05_a_page_that_repeats_once_costs_requests_and_no_row() -> Result<()> {
    let flow = start(vec![large("moonlit")]).await?;
    let repeat = FaultKind::EarlierPage { rows: 999 };
    flow.world.sim.order(aimed("moonlit", 1, Some(1), repeat)).context("order")?;
    flow.fetch("moonlit", "products", DAY, DAY, &[]).await?;
    flow.world.exact(&[span("moonlit")]).await?;
    assert_eq!(flow.requests("moonlit")?, 2 + least_now(&flow, "moonlit")?);
    Ok(())
}

#[tokio::test]
async fn a05_a_server_that_does_not_turn_pages_is_found_out_and_nothing_is_written() -> Result<()> {
    let flow = start(vec![large("moonlit")]).await?;
    let repeat = FaultKind::EarlierPage { rows: 999 };
    flow.world.sim.order(aimed("moonlit", 1, None, repeat)).context("order")?;
    flow.fetch("moonlit", "products", DAY, DAY, &[]).await?;
    let letters = flow.archived(1).await?;
    assert_eq!((letters[0].class.as_str(), letters[0].attempts), ("contract_violation", 1));
    nothing_is_there(&flow).await
}

#[tokio::test]
async fn a05_an_exactly_full_last_page_is_followed_by_one_that_shows_the_end() -> Result<()> {
    let exactly = |mall: &str, products| MallSpec { products_a_day: Some(products), ..live(mall) };
    let malls = [("m999", 999), ("m1000", 1_000), ("m1998", 1_998), ("m1999", 1_999), ("m2000", 2_000)];
    let flow = start(malls.map(|(mall, products)| exactly(mall, products)).to_vec()).await?;
    flow.enqueue(&["--all", "--endpoint", "products", "--from", DAY, "--to", DAY]).await?;
    flow.settled().await?;
    flow.world.exact(&malls.map(|(mall, _)| span(mall))).await?;
    for (mall, products) in malls {
        let rows = usize::try_from(products).expect("few");
        assert_eq!(flow.requests(mall)?, pages(rows), "{mall}");
        let stored = format!("SELECT count(*) FROM metrics_daily WHERE mall_id = '{mall}'");
        assert_eq!(flow.world.db.number(&stored).await?, i64::try_from(rows).expect("few"));
    }
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn a05_an_offset_that_is_refused_means_incomplete_and_never_done() -> Result<()> {
    let mut setup = Setup::new(&[]);
    setup.malls = vec![large("moonlit")];
    setup.sim.max_offset = 1_500;
    let flow = Flow::start(setup).await?;
    flow.fetch("moonlit", "products", DAY, DAY, &[]).await?;
    let letters = flow.archived(1).await?;
    assert_eq!((letters[0].class.as_str(), letters[0].attempts), ("invalid_request", 1));
    assert_eq!(letters[0].evidence["status"], 422);
    let request = letters[0].evidence["request"].as_str().unwrap_or_default();
    assert!(request.contains("offset=1998"), "{request}");
    assert_eq!(flow.requests("moonlit")?, 3);
    nothing_is_there(&flow).await
}
