//! Whatever the dialect, the same figures end in the same rows.

use tests::harness::{Context as _, Result, Span};
use tests::simulator::{Endpoint, MallSpec, Size};

use super::super::{Flow, Setup, day, spec};
use super::{least, twin};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-05";
const CORE: [&str; 8] =
    ["--endpoint", "visitors", "--endpoint", "pageviews", "--endpoint", "products", "--endpoint", "domains"];

/// A mall's figures and names, told without its own.
async fn figures(flow: &Flow, mall: &str) -> Result<Vec<String>> {
    let rows = format!(
        "SELECT (date, entity_type, replace(entity_id, '{mall}', 'the mall'), impressions, clicks, conversions, \
         conversion_value, spend)::text FROM metrics_daily WHERE mall_id = '{mall}' AND shop_no = 1 \
         UNION ALL SELECT (product_no, name)::text FROM products WHERE mall_id = '{mall}' AND shop_no = 1 ORDER BY 1"
    );
    flow.rows_of(&rows).await
}

#[tokio::test]
async fn both_dialects_end_in_the_same_rows_with_the_fewest_requests() -> Result<()> {
    let medium = spec("medium");
    let large = MallSpec { size: Size::Large, ..spec("large") };
    let twins = [twin("livemedium", &medium), twin("livelarge", &large)];
    let mut setup = Setup::new(&[]).workers(2);
    setup.malls = [&[medium, large][..], &twins].concat();
    let flow = Flow::start(setup).await?;
    flow.enqueue(&[&["--all", "--from", FROM, "--to", TO], &CORE[..]].concat()).await?;
    flow.settled().await?;

    let malls = ["medium", "large", "livemedium", "livelarge"];
    let summary = flow.world.exact(&malls.map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
    assert!(summary.equal > 20_000, "{summary}");
    for (seed, live) in [("medium", "livemedium"), ("large", "livelarge")] {
        assert_eq!(figures(&flow, seed).await?, figures(&flow, live).await?, "{seed} and {live}");
        assert_eq!(flow.requests(seed)?, 4);
    }
    for mall in &twins {
        let mut wanted = 0;
        for endpoint in Endpoint::ALL {
            wanted += least(&flow, mall, endpoint, FROM, TO)?;
        }
        assert_eq!(flow.requests(&mall.mall_id)?, wanted, "{}", mall.mall_id);
        let pages = format!("SELECT sum(pages)::bigint FROM jobs WHERE mall_id = '{}'", mall.mall_id);
        assert_eq!(flow.world.db.number(&pages).await?, i64::try_from(wanted).expect("few"));
    }
    assert!(flow.requests("livelarge")? >= 2 + 5 + 5 * 3, "pages were turned");
    let told = "SELECT count(*) FROM metrics_daily WHERE mall_id IN ('medium', 'large') \
                AND extra - 'domains' <> '{}'";
    assert_eq!(flow.world.db.number(told).await?, 0, "the seed dialect tells no more than the columns");
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn each_shop_of_a_live_mall_is_fetched_for_itself() -> Result<()> {
    let two = MallSpec { shops: vec![1, 4], ..twin("twoshops", &spec("hanbit")) };
    let mut setup = Setup::new(&["hanbit"]);
    setup.malls.push(two.clone());
    let flow = Flow::start(setup).await?;
    flow.enqueue(&[&["--all", "--from", FROM, "--to", TO], &CORE[..]].concat()).await?;
    flow.settled().await?;
    flow.world.exact(&["hanbit", "twoshops"].map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
    assert_eq!(figures(&flow, "hanbit").await?, figures(&flow, "twoshops").await?);
    assert_eq!(flow.requests("twoshops")?, 2 * (1 + 1 + 5 + 5));
    let shops = "SELECT shop_no::text || ' ' || count(*) FROM slices WHERE mall_id = 'twoshops' GROUP BY shop_no ORDER BY 1";
    assert_eq!(flow.rows_of(shops).await?, ["1 20", "4 20"]);
    // A restatement of one mall shows in both of its shops, and in nobody else's.
    flow.restate("twoshops", Endpoint::ProductsSales, FROM, FROM)?;
    flow.fetch("twoshops", "products", FROM, FROM, &["--force"]).await?;
    flow.world.exact(&["hanbit", "twoshops"].map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
    let restated = "SELECT count(*) FROM slices WHERE data_state = 'restated' AND mall_id = 'twoshops'";
    assert_eq!(flow.world.db.number(restated).await?, 2);
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn a_quarter_of_a_year_is_one_request_where_rows_have_days() -> Result<()> {
    let mut setup = Setup::new(&[]);
    setup.malls = vec![twin("moonlit", &spec("hanbit"))];
    let flow = Flow::start(setup).await?;
    for endpoint in ["visitors", "pageviews"] {
        flow.fetch("moonlit", endpoint, "2025-01-01", "2025-03-31", &[]).await?;
    }
    let endpoints = vec![Endpoint::VisitorsView, Endpoint::VisitorsPageview];
    let span = Span { endpoints, ..Span::days("moonlit", day("2025-01-01"), day("2025-03-31")) };
    flow.world.exact(&[span]).await?;
    assert_eq!(flow.requests("moonlit")?, 2);
    let slices = "SELECT count(*) FROM slices WHERE data_state = 'complete'";
    assert_eq!(flow.world.db.number(slices).await?, 180);
    let none = "SELECT count(*) FROM metrics_daily \
                WHERE (extra #>> '{visitors,first_visit_count}')::bigint + (extra #>> '{visitors,re_visit_count}')::bigint <> impressions";
    assert_eq!(flow.world.db.number(none).await?, 0, "first and returning visits make all visits");
    flow.requests_were_good();
    flow.letters().await.map(|letters| assert!(letters.is_empty())).context("letters")
}
