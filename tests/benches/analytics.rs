//! How fast the analysts' views answer: a year of 200 malls, asked as a reader whose rows are guarded. Run by
//! `./dev bench analytics`.
//!
//! A Postgres of its own with 1 GB of buffers, 2.7 million rows made by SQL, 40 more malls of another agency between them.
//! Medians of seven, after a first one that warms the buffers: the documents' sample queries, and the same over the whole year.
//! Beside the time stands what the server's process was on a processor for, which other programs of the machine change little.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use common::store::Control;
use tests::harness::{Context as _, Kind, OwnServer, Programs, Result, TestDb, TestRole, Trouble};

const MALLS: u32 = 200;
const OTHERS: u32 = 40;
const DAYS: u32 = 365;
const ROUNDS: usize = 7;

const YEAR: [(&str, &str); 5] = [
    (
        "visits of a year by mall",
        "SELECT mall_id, sum(visits), sum(pageviews), bool_and(is_final), count(*) FROM analytics.daily_store GROUP BY mall_id",
    ),
    (
        "visits of a year by week",
        "SELECT date_trunc('week', day::timestamp), sum(visits) FROM analytics.daily_store GROUP BY 1 ORDER BY 1",
    ),
    (
        "a mall's year by day",
        "SELECT day, visits, pageviews, first_visits, is_final FROM analytics.daily_store WHERE mall_id = 'mall7' ORDER BY day",
    ),
    (
        "a year's best 20 products",
        "SELECT mall_id, product_no, product_name, sum(sales_amount) AS amount FROM analytics.daily_products \
         GROUP BY mall_id, product_no, product_name ORDER BY amount DESC LIMIT 20",
    ),
    (
        "a year's search by week",
        "SELECT date_trunc('week', day::timestamp), sum(visits) FILTER (WHERE domain_group = 'search') \
         FROM analytics.daily_domains GROUP BY 1 ORDER BY 1",
    ),
];

#[tokio::main]
async fn main() -> Result<()> {
    let mut out = anstream::stdout();
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-logs/bench.analytics");
    let programs = Programs::beside_me(&logs)?;
    let mut server = OwnServer::start_with(Kind::Postgres, &["-c", "shared_buffers=1GB"]).await?;
    let db = TestDb::create(&server.url(), &programs).await?;
    let load = include_str!("year.sql")
        .replace("{malls}", &MALLS.to_string())
        .replace("{others}", &OTHERS.to_string())
        .replace("{days}", &DAYS.to_string());
    let begun = Instant::now();
    for statement in load.split_inclusive(";\n") {
        db.client().batch_execute(statement).await.with_context(|| statement.to_owned())?;
    }
    // As the daemon does all the time.
    let control = Control::new(db.url(), 1).context("a pool")?;
    while control.fold_series(500).await.context("fold")? == 500 {}
    let rows = db.number("SELECT count(*) FROM metrics_daily").await?;
    writeln!(out, "{rows} rows of {} malls and {DAYS} days in {:.0?}", MALLS + OTHERS, begun.elapsed())
        .context("stdout")?;

    let reader = TestRole::named(&db, "bench");
    let grants = ["db", "grants", "--analyst", reader.name(), "--agency", "big"];
    programs.clone().set("DATABASE_URL", db.url()).cli(&grants, Duration::from_secs(20)).await?.success()?;
    let (client, _connection) = reader.connect().await?;
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.context("pid")?.get(0);
    let mut queries: Vec<(String, String)> = Vec::new();
    for name in ["week-against-week", "top-products", "search-against-social", "restated", "not-complete"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/queries/{name}.sql"));
        let sql = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        if name == "top-products" {
            queries.push(("top-products.sql of a year".to_owned(), of_a_year(&sql)?));
        }
        queries.push((format!("docs/queries/{name}.sql"), sql));
    }
    queries.extend(YEAR.map(|(name, sql)| (name.to_owned(), sql.to_owned())));
    for (name, sql) in queries {
        let (mut times, mut spent) = (Vec::new(), Vec::new());
        let mut answered = 0;
        for _ in 0..=ROUNDS {
            let (begun, before) = (Instant::now(), processor_time(pid)?);
            answered = client.query(&sql, &[]).await.with_context(|| name.clone())?.len();
            times.push(begun.elapsed());
            spent.push(processor_time(pid)?.saturating_sub(before));
        }
        for figures in [&mut times, &mut spent] {
            figures.remove(0);
            figures.sort_unstable();
        }
        writeln!(
            out,
            "{name:<40} median {:>6.0?}   worst {:>6.0?}   processor {:>6.0?}   {answered} rows",
            times[ROUNDS / 2],
            times[ROUNDS - 1],
            spent[ROUNDS / 2]
        )
        .context("stdout")?;
    }
    drop(db);
    server.stop().await
}

/// The same over a year, as `docs/query.md` says: without the condition that costs a look at each row's slices.
fn of_a_year(top_products: &str) -> Result<String> {
    let sql = top_products.replace("- 28 ", "- 365 ").replace("\n       AND is_final", "");
    if sql.contains("- 365 ") && !sql.contains("is_final") {
        Ok(sql)
    } else {
        Err(Trouble::new("docs/queries/top-products.sql is written otherwise than this bench expects"))
    }
}

/// How long a process was on a processor since it began. (Linux.)
fn processor_time(pid: i32) -> Result<Duration> {
    let path = format!("/proc/{pid}/schedstat");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
    Ok(Duration::from_nanos(nanos))
}
