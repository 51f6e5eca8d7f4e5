//! The endpoints that only real malls have.

use tests::harness::{Result, Span};
use tests::simulator::{Endpoint, Granularity, MallSpec, Size};

use super::super::{Flow, Setup, day};
use super::{least, live};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-03";
const EVERY: [&str; 8] =
    ["visitors", "pageviews", "products", "domains", "unique", "keywords", "ads", "carts"];

fn every(mall: &str) -> Span {
    let endpoints = Endpoint::ALL.into_iter().chain(Endpoint::FURTHER).collect();
    Span { endpoints, ..Span::days(mall, day(FROM), day(TO)) }
}

#[tokio::test]
async fn unique_visitors_keywords_ads_and_carts_stand_where_the_table_says() -> Result<()> {
    let malls = [live("moonlit"), MallSpec { size: Size::Large, ..live("greenfarm") }];
    let mut setup = Setup::new(&[]).workers(2);
    setup.malls = malls.to_vec();
    let flow = Flow::start(setup).await?;
    let endpoints = EVERY.map(|endpoint| ["--endpoint", endpoint]).concat();
    flow.enqueue(&[&["--all", "--from", FROM, "--to", TO], &endpoints[..]].concat()).await?;
    flow.settled().await?;
    flow.world.exact(&[every("moonlit"), every("greenfarm")]).await?;
    for mall in &malls {
        let mut wanted = 0;
        for endpoint in Endpoint::ALL.into_iter().chain(Endpoint::FURTHER) {
            wanted += least(&flow, mall, endpoint, FROM, TO)?;
        }
        assert_eq!(flow.requests(&mall.mall_id)?, wanted, "{}", mall.mall_id);
    }
    let kinds = "SELECT DISTINCT entity_type FROM metrics_daily ORDER BY 1";
    assert_eq!(flow.rows_of(kinds).await?, ["ad", "domain", "keyword", "product", "store"]);
    let nobody = "SELECT entity_type || ' ' || (extra #>> '{domains,domain}') FROM metrics_daily \
                  WHERE mall_id = 'moonlit' AND date = '2025-03-01' AND entity_id = '(none)' AND entity_type = 'domain' \
                  UNION ALL SELECT entity_type || ' ' || (extra #>> '{ads,ad}') FROM metrics_daily \
                  WHERE mall_id = 'moonlit' AND date = '2025-03-01' AND entity_id = '(none)' AND entity_type = 'ad'";
    assert_eq!(flow.rows_of(nobody).await?, ["domain 참조 도메인 없음", "ad 채널 없음"]);
    let rates = "SELECT count(*) FROM metrics_daily WHERE extra::text LIKE '%add_cart_rate%'";
    assert_eq!(flow.world.db.number(rates).await?, 0, "a rate is not to be added up");
    flow.requests_were_good();
    Ok(())
}

#[tokio::test]
async fn endpoints_that_share_a_row_change_only_what_is_theirs() -> Result<()> {
    let mut setup = Setup::new(&[]);
    setup.malls = vec![live("moonlit")];
    let flow = Flow::start(setup).await?;
    let endpoints = EVERY.map(|endpoint| ["--endpoint", endpoint]).concat();
    flow.enqueue(&[&["--all", "--from", FROM, "--to", TO], &endpoints[..]].concat()).await?;
    flow.settled().await?;
    let sales = "SELECT (date, entity_id, conversions, conversion_value, extra -> 'products')::text FROM metrics_daily \
                 WHERE entity_type = 'product' AND conversions IS NOT NULL ORDER BY 1";
    let visits = "SELECT (date, impressions, clicks, extra - 'unique')::text FROM metrics_daily WHERE entity_type = 'store' ORDER BY 1";
    let before = [flow.rows_of(sales).await?, flow.rows_of(visits).await?];
    for (name, endpoint) in [("carts", Endpoint::CartsAction), ("unique", Endpoint::VisitorsUnique)] {
        flow.restate("moonlit", endpoint, FROM, TO)?;
        flow.fetch("moonlit", name, FROM, TO, &["--force"]).await?;
        assert_eq!(flow.world.sim.serial("moonlit", endpoint, Granularity::Day, day(FROM)).ok(), Some(1));
    }
    flow.world.exact(&[every("moonlit")]).await?;
    assert_eq!([flow.rows_of(sales).await?, flow.rows_of(visits).await?], before);
    let restated = "SELECT DISTINCT endpoint FROM slices WHERE data_state = 'restated' ORDER BY 1";
    assert_eq!(flow.rows_of(restated).await?, ["carts", "unique"]);
    Ok(())
}
