//! The sample queries of the handbook, run as a reader, against figures that the test works out from the simulator's books.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{Datelike as _, Days, NaiveDate};
use tests::harness::{Context as _, Result};
use tests::simulator::{Endpoint, Granularity, TruthRow};
use tokio_postgres::Row;

use super::{Agencies, Session};

fn query(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/queries").join(format!("{name}.sql"));
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

async fn run(session: &Session, name: &str) -> Result<Vec<Row>> {
    session.client.query(&query(name)?, &[]).await.with_context(|| name.to_owned())
}

/// A month and more of two malls, all of it final but for the first three days of the second one's last fortnight.
struct Month {
    agencies: Agencies,
    session: Session,
    today: NaiveDate,
}

impl Month {
    async fn start() -> Result<Self> {
        let agencies = Agencies::bare().await?;
        let sql = "SELECT (now() AT TIME ZONE 'Asia/Seoul')::date";
        let today: NaiveDate = agencies.world.db.client().query_one(sql, &[]).await.context(sql)?.get(0);
        let session = agencies.reader("hanok", None).await?;
        let month = Self { agencies, session, today };
        month.agencies.fetch(&["--mall", "hanbit"], &month.day(70), &month.day(2)).await?;
        month.agencies.fetch(&["--mall", "narae"], &month.day(11), &month.day(2)).await?;
        // Others' figures are there, and must be in no answer.
        month.agencies.fetch(&["--mall", "moonlit"], &month.day(30), &month.day(2)).await?;
        // Yesterday is fetched last, and made final whatever the clock says: it may be an hour after midnight in Korea.
        for mall in ["hanbit", "narae", "moonlit"] {
            month.agencies.fetch(&["--mall", mall], &month.day(1), &month.day(1)).await?;
        }
        month.agencies.sql("UPDATE slices SET data_state = 'complete' WHERE data_state = 'partial'").await?;
        Ok(month)
    }

    fn ago(&self, days: u64) -> NaiveDate {
        self.today - Days::new(days)
    }

    fn day(&self, days: u64) -> String {
        self.ago(days).to_string()
    }

    /// What the books say of the days from `from` to `to` days ago.
    fn truth(&self, mall: &str, endpoint: Endpoint, from: u64, to: u64) -> Result<Vec<TruthRow>> {
        let (from, to) = (self.ago(from), self.ago(to));
        self.agencies.world.sim.truth(mall, 1, endpoint, Granularity::Day, from, to).context("the books")
    }

    fn visits(&self, mall: &str, from: u64, to: u64) -> Result<i64> {
        let rows = self.truth(mall, Endpoint::VisitorsView, from, to)?;
        Ok(rows.iter().filter_map(|row| row.impressions).sum::<u64>().try_into().unwrap_or(i64::MAX))
    }
}

#[tokio::test]
async fn the_last_week_against_the_one_before_leaves_malls_with_gaps_out_and_lists_them() -> Result<()> {
    let month = Month::start().await?;
    let rows = run(&month.session, "week-against-week").await?;
    let (now, before) = (month.visits("hanbit", 7, 1)?, month.visits("hanbit", 14, 8)?);
    assert!(now > 0 && before > 0);
    let text = |row: &Row, at: usize| row.get::<_, String>(at);
    assert_eq!(rows.len(), 2);
    assert_eq!(text(&rows[0], 0), "hanbit");
    assert_eq!(sum(&month, "week-against-week", "visits").await?, (now, 1));
    assert_eq!(sum(&month, "week-against-week", "visits_before").await?, (before, 1));
    assert_eq!(
        (rows[0].get::<_, i64>(5), text(&rows[1], 0), rows[1].get::<_, i64>(5)),
        (0, "narae".to_owned(), 3)
    );
    let gaps = format!(
        "SELECT count(*) FROM analytics.calendar_gaps('narae', '{}', '{}') WHERE endpoint = 'visitors' AND state = 'missing'",
        month.day(14),
        month.day(1)
    );
    assert_eq!(month.session.number(&gaps).await?, 3);
    Ok(())
}

/// The sum of a column of a query's answer, and of how many rows.
async fn sum(month: &Month, name: &str, column: &str) -> Result<(i64, i64)> {
    let inner = query(name)?;
    let inner = inner.trim_end().trim_end_matches(';');
    let sql = format!("SELECT sum({column})::bigint, count({column}) FROM ({inner}\n) AS answer");
    let row = month.session.client.query_one(&sql, &[]).await.with_context(|| sql.clone())?;
    Ok((row.get(0), row.get(1)))
}

#[tokio::test]
async fn the_best_products_are_those_of_the_books_and_their_shares_are_of_all_sales() -> Result<()> {
    let month = Month::start().await?;
    let mut sold: BTreeMap<(String, String), (i64, f64)> = BTreeMap::new();
    for mall in ["hanbit", "narae"] {
        let from = if mall == "narae" { 11 } else { 28 };
        for row in month.truth(mall, Endpoint::ProductsSales, from, 1)? {
            let product = sold.entry((row.mall, row.entity_id)).or_default();
            product.0 += row.conversions.and_then(|orders| i64::try_from(orders).ok()).unwrap_or(0);
            product.1 += row.conversion_value.and_then(|value| value.parse::<f64>().ok()).unwrap_or(0.0);
        }
    }
    let all: f64 = sold.values().map(|(_, amount)| amount).sum();
    let mut best: Vec<_> = sold.into_iter().collect();
    best.sort_by(|a, b| b.1.1.total_cmp(&a.1.1).then_with(|| a.0.cmp(&b.0)));
    let inner = query("top-products")?;
    let sql = format!(
        "SELECT mall_id, product_no, orders::bigint, sales_amount::float8, share_percent::float8, product_name FROM ({}) AS answer",
        inner.trim_end().trim_end_matches(';')
    );
    let rows = month.session.client.query(&sql, &[]).await.context("top-products")?;
    assert_eq!(rows.len(), best.len().min(20));
    assert!(rows.len() > 5, "too few products to say anything");
    for (row, ((mall, product), (orders, amount))) in rows.iter().zip(&best) {
        let is = (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i64>(2));
        assert_eq!(is, (mall.clone(), product.clone(), *orders));
        assert!((row.get::<_, f64>(3) - amount).abs() < 0.01, "{amount}");
        assert!((row.get::<_, f64>(4) - 100.0 * amount / all).abs() < 0.01, "{amount} of {all}");
        assert!(!row.get::<_, String>(5).is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn search_against_social_by_week_adds_up_to_the_books() -> Result<()> {
    let month = Month::start().await?;
    let monday = month.ago(u64::from(month.today.weekday().num_days_from_monday()));
    let mut weeks: BTreeMap<NaiveDate, [u64; 4]> = BTreeMap::new();
    for (mall, from) in [("hanbit", 70), ("narae", 11)] {
        for row in month.truth(mall, Endpoint::VisitpathsDomains, from, 1)? {
            let week = row.date - Days::new(u64::from(row.date.weekday().num_days_from_monday()));
            if week >= monday || week < monday - Days::new(56) {
                continue;
            }
            let visits = row.clicks.unwrap_or(0);
            let place = match row.entity_id.as_str() {
                "search.naver.com"
                | "m.search.naver.com"
                | "google.com"
                | "search.daum.net"
                | "m.search.daum.net"
                | "bing.com"
                | "search.zum.com"
                | "search.yahoo.co.jp"
                | "shopping.naver.com"
                | "m.shopping.naver.com" => Some(0),
                "instagram.com" | "l.instagram.com" | "facebook.com" | "m.facebook.com" | "youtube.com"
                | "m.youtube.com" | "t.co" | "pinterest.co.kr" | "link.kakao.com" | "story.kakao.com"
                | "blog.naver.com" | "m.blog.naver.com" | "cafe.naver.com" | "post.naver.com"
                | "in.naver.com" | "brunch.co.kr" | "tistory.com" | "threads.net" | "band.us" => Some(1),
                "(none)" | "참조 도메인 없음" => Some(2),
                _ => None,
            };
            let sums = weeks.entry(week).or_default();
            sums[3] += visits;
            if let Some(place) = place {
                sums[place] += visits;
            }
        }
    }
    let inner = query("search-against-social")?;
    let sql = format!(
        "SELECT week, ARRAY[search, social, direct, all_visits]::bigint[] FROM ({}) AS answer",
        inner.trim_end().trim_end_matches(';')
    );
    let rows = month.session.client.query(&sql, &[]).await.context("search-against-social")?;
    let is: BTreeMap<NaiveDate, [u64; 4]> = rows
        .iter()
        .map(|row| {
            let sums: Vec<i64> = row.get(1);
            let mut out = [0; 4];
            for (to, from) in out.iter_mut().zip(sums) {
                *to = from.unsigned_abs();
            }
            (row.get(0), out)
        })
        .collect();
    assert_eq!(is, weeks);
    assert!(
        weeks.len() == 8 && weeks.values().any(|sums| sums[0] > 0 && sums[1] > 0 && sums[2] > 0),
        "{weeks:?}"
    );
    Ok(())
}

#[tokio::test]
async fn what_was_restated_lately_is_told_with_how_far_it_moved() -> Result<()> {
    let month = Month::start().await?;
    assert_eq!(run(&month.session, "restated").await?.len(), 0);
    // A small shop is closed now and then; nothing moves on such a day.
    let open: Vec<_> =
        (4..=14).filter(|day| month.visits("hanbit", *day, *day).is_ok_and(|n| n > 0)).collect();
    let [near, far, ..] = open[..] else { panic!("open on {open:?} only") };
    let before = month.visits("hanbit", far, near)?;
    for days in [near, far] {
        month
            .agencies
            .world
            .sim
            .restate("hanbit", Endpoint::VisitorsView, month.ago(days))
            .context("restate")?;
    }
    month
        .agencies
        .fetch(&["--mall", "hanbit", "--endpoint", "visitors"], &month.day(far), &month.day(near))
        .await?;
    let after = month.visits("hanbit", far, near)?;
    assert_ne!(before, after, "the books moved");
    let rows = run(&month.session, "restated").await?;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].get::<_, String>(0), rows[0].get::<_, String>(2)),
        ("hanbit".to_owned(), "visits".to_owned())
    );
    assert_eq!(rows[0].get::<_, i64>(3), 2);
    assert_eq!(sum(&month, "restated", "moved").await?, (after - before, 1));
    Ok(())
}

#[tokio::test]
async fn malls_that_are_not_complete_through_yesterday_are_named_with_the_reason() -> Result<()> {
    let month = Month::start().await?;
    assert_eq!(run(&month.session, "not-complete").await?.len(), 0);
    let yesterday = month.day(1);
    month
        .agencies
        .sql(&format!(
            "DELETE FROM slices WHERE mall_id = 'narae' AND endpoint = 'domains' AND date = '{yesterday}'"
        ))
        .await?;
    let rows = run(&month.session, "not-complete").await?;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!(
        (row.get::<_, String>(0), row.get::<_, String>(2)),
        ("narae".to_owned(), "domains".to_owned())
    );
    assert_eq!((row.get::<_, NaiveDate>(4), row.get::<_, i32>(5)), (month.ago(2), 1));
    assert!(row.get::<_, Option<String>>(6).is_some(), "it says why");
    Ok(())
}
