//! Shops of one mall are separate stores, everywhere.

use std::time::Duration;

use tests::harness::{Context as _, Result, Span, TestRole, World, WorldConfig};
use tests::simulator::{Dialect, Endpoint, MallSpec, Size};

use super::{FROM, SOON, TO};

const LIMIT: Duration = Duration::from_mins(1);

async fn two_shops() -> Result<World> {
    let mall = MallSpec {
        dialect: Dialect::Live,
        shops: vec![1, 4],
        size: Size::Small,
        agency: "hanok".to_owned(),
        ..MallSpec::new("hanbit")
    };
    let other = MallSpec { mall_id: "moonlit".to_owned(), shops: vec![1], ..mall.clone() };
    World::start_with(WorldConfig::wide([mall, other])).await
}

#[tokio::test]
async fn two_shops_of_a_mall_are_fetched_kept_and_read_apart() -> Result<()> {
    let world = two_shops().await?;
    let worker = world.programs.worker()?;
    worker.listen(SOON).await?;
    let endpoints = ["visitors", "pageviews", "products", "domains", "unique", "carts"];
    let named = endpoints.map(|endpoint| ["--endpoint", endpoint]).concat();
    let range = ["--from", FROM, "--to", TO, "--wait=50s", "--yes"];
    // One shop first: nothing of the other is asked for.
    let one = [&["enqueue", "--mall", "hanbit", "--shop", "4"], &named[..], &range[..]].concat();
    world.programs.cli(&one, LIMIT).await?.success()?;
    assert_eq!(world.db.number("SELECT count(*) FROM jobs WHERE shop_no <> 4").await?, 0);
    assert_eq!(
        world.db.number("SELECT count(DISTINCT shop_no) FROM metrics_daily WHERE shop_no = 4").await?,
        1
    );
    let all = [&["enqueue", "--mall", "hanbit"], &named[..], &range[..]].concat();
    world.programs.cli(&all, LIMIT).await?.success()?;
    // Every row of both shops is the one of the books, which differ.
    let day = |text: &str| text.parse::<chrono::NaiveDate>().context("a day");
    let mut span = Span::days("hanbit", day(FROM)?, day(TO)?);
    span.endpoints.extend([Endpoint::VisitorsUnique, Endpoint::CartsAction]);
    world.exact(&[span]).await?;

    let reader = TestRole::named(&world.db, "shops");
    let owner = world.programs.clone().set("DATABASE_URL", world.db.url());
    owner.cli(&["db", "grants", "--analyst", reader.name(), "--agency", "hanok"], LIMIT).await?.success()?;
    let (client, _connection) = reader.connect().await?;
    for (view, keys) in [
        ("daily_store", "mall_id, shop_no, day"),
        ("daily_products", "mall_id, shop_no, day, product_no"),
        ("daily_domains", "mall_id, shop_no, day, domain"),
        ("freshness", "mall_id, shop_no, endpoint"),
        ("coverage", "mall_id, shop_no, endpoint, day"),
    ] {
        let shops = format!(
            "SELECT array_agg(DISTINCT shop_no ORDER BY shop_no) FROM analytics.{view} WHERE mall_id = 'hanbit'"
        );
        let row = client.query_one(&shops, &[]).await.with_context(|| shops.clone())?;
        assert_eq!(row.get::<_, Vec<i32>>(0), [1, 4], "{view}");
        let twice = format!(
            "SELECT count(*) FROM (SELECT FROM analytics.{view} GROUP BY {keys} HAVING count(*) > 1) AS twice"
        );
        assert_eq!(
            client.query_one(&twice, &[]).await.with_context(|| twice.clone())?.get::<_, i64>(0),
            0,
            "{view}"
        );
    }
    // What the live dialect tells beyond the columns stands in the views, too.
    let odd = "SELECT count(*) FROM analytics.daily_store WHERE mall_id = 'hanbit' \
               AND (first_visits + return_visits IS DISTINCT FROM visits OR unique_visitors IS NULL)";
    assert_eq!(client.query_one(odd, &[]).await.context(odd)?.get::<_, i64>(0), 0);
    let sold = "SELECT count(*) FILTER (WHERE units >= orders), count(*) FILTER (WHERE orders IS NOT NULL), \
                       count(*) FILTER (WHERE product_views >= cart_adds) \
                  FROM analytics.daily_products WHERE mall_id = 'hanbit'";
    let row = client.query_one(sold, &[]).await.context(sold)?;
    let [units, orders, seen] = [0, 1, 2].map(|at| row.get::<_, i64>(at));
    assert!(units == orders && units > 0 && seen > 0, "{units} of {orders}, {seen}");
    Ok(())
}

#[tokio::test]
async fn a_shop_that_a_mall_does_not_have_is_refused_by_name_and_passed_over_among_all() -> Result<()> {
    let world = two_shops().await?;
    let range = ["--from", FROM, "--to", TO, "--yes"];
    let wish = |who: &[&'static str]| [&["enqueue"], who, &["--shop", "4"], &range[..]].concat();
    let refused = world.cli(&wish(&["--mall", "moonlit"])).await?;
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("mall 'moonlit' has no shop 4"), "{}", refused.stderr);
    assert_eq!(world.db.number("SELECT count(*) FROM jobs").await?, 0);
    world.cli(&wish(&["--all"])).await?.success()?;
    let others = "SELECT count(*) FROM jobs WHERE (mall_id, shop_no) <> ('hanbit', 4)";
    assert_eq!(world.db.number(others).await?, 0);
    let jobs = world.db.number("SELECT count(*) FROM jobs").await?;
    assert!(jobs > 0);
    // Neither are its gaps those of the mall's other shops.
    let wanted = "UPDATE connectors SET wanted_from = (now() AT TIME ZONE 'Asia/Seoul')::date - 5";
    world.db.client().batch_execute(wanted).await.context(wanted)?;
    world.cli(&["enqueue", "--all", "--shop", "4", "--missing", "--yes"]).await?.success()?;
    assert_eq!(world.db.number(others).await?, 0);
    assert!(world.db.number("SELECT count(*) FROM jobs").await? > jobs);
    Ok(())
}

/// Tables and views of which a row is of one shop have it in what tells their rows apart.
#[tokio::test]
async fn whatever_is_kept_by_mall_and_shop_has_the_shop_in_its_key() -> Result<()> {
    let world = World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await?;
    let keyless = "SELECT c.relname::text \
                     FROM pg_class c \
                     JOIN pg_attribute s ON s.attrelid = c.oid AND s.attname = 'shop_no' AND NOT s.attisdropped \
                     JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
                    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' \
                      AND NOT s.attnum = ANY (i.indkey) \
                      AND EXISTS (SELECT FROM pg_attribute m WHERE m.attrelid = c.oid AND m.attname = 'mall_id' AND m.attnum = ANY (i.indkey)) \
                    UNION \
                   SELECT c.relname::text \
                     FROM pg_class c \
                    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') \
                      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'mall_id') \
                      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('date', 'start_date', 'product_no')) \
                      AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'shop_no')";
    let rows = world.db.client().query(keyless, &[]).await.context(keyless)?;
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(names.is_empty(), "{names:?}");
    Ok(())
}
