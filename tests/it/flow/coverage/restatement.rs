//! How far figures moved is what the simulator's books say, neither more nor less.

use std::collections::BTreeMap;

use common::domain::endpoint::Endpoint as Ours;
use tests::harness::{Context as _, Result};
use tests::simulator::{Endpoint, Granularity, MallSpec};

use crate::flow::{Flow, Setup, day};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-05";
const DAYS: [&str; 5] = ["2025-03-01", "2025-03-02", "2025-03-03", "2025-03-04", "2025-03-05"];
const ENDPOINTS: [(&str, Endpoint); 4] = [
    ("visitors", Endpoint::VisitorsView),
    ("pageviews", Endpoint::VisitorsPageview),
    ("products", Endpoint::ProductsSales),
    ("domains", Endpoint::VisitpathsDomains),
];

/// Field of a slice → its sum, as whole numbers (the simulator's amounts are).
type Sums = BTreeMap<String, i64>;

/// What the simulator's books have for one slice at a serial.
fn truth(flow: &Flow, name: &str, endpoint: Endpoint, on: &str, serial: u64) -> Result<Sums> {
    let rows = flow
        .world
        .sim
        .truth_at("hanbit", 1, endpoint, Granularity::Day, day(on), serial)
        .context("the books")?;
    let mut sums = Sums::from([("rows".to_owned(), i64::try_from(rows.len()).context("rows")?)]);
    let own: Ours = name.parse().context("an endpoint")?;
    for column in own.owns() {
        let sum = rows
            .iter()
            .map(|row| match column.as_str() {
                "impressions" => row.impressions,
                "clicks" => row.clicks,
                "conversions" => row.conversions,
                // Whole amounts, written as decimals.
                _ => row.conversion_value.as_ref().and_then(|value| value.split('.').next()?.parse().ok()),
            })
            .map(Option::unwrap_or_default)
            .sum::<u64>();
        sums.insert(column.as_str().to_owned(), i64::try_from(sum).context("a sum")?);
    }
    Ok(sums)
}

/// The changes that the view has of one slice, oldest first: before and after.
async fn changes(flow: &Flow, name: &str, on: &str) -> Result<Vec<(Sums, Sums)>> {
    let sql = "SELECT seen_at::text, field, before::bigint, after::bigint FROM restatements \
               WHERE endpoint = $1 AND date = $2 AND granularity = 'day' ORDER BY seen_at";
    let rows = flow.world.db.client().query(sql, &[&name, &day(on)]).await.context(sql)?;
    let mut changes: BTreeMap<String, (Sums, Sums)> = BTreeMap::new();
    for row in rows {
        let (before, after) = changes.entry(row.get(0)).or_default();
        before.insert(row.get(1), row.get(2));
        after.insert(row.get(1), row.get(3));
    }
    Ok(changes.into_values().collect())
}

#[tokio::test]
async fn restatements_are_those_of_the_books_and_an_equal_answer_is_none() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let wish = ["--mall", "hanbit", "--from", FROM, "--to", TO];
    let fetch = |force: bool| {
        let flow = &flow;
        async move {
            flow.enqueue(&[&wish[..], if force { &["--force"] } else { &[] }].concat()).await?;
            flow.settled().await
        }
    };
    fetch(false).await?;
    fetch(true).await?;
    // First figures, and the same again: nothing was replaced, and no row was spent on it.
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slice_versions").await?, 0);

    // Two days change once, one changes twice, two stay.
    for (_, endpoint) in ENDPOINTS {
        flow.restate("hanbit", endpoint, DAYS[0], DAYS[2])?;
    }
    fetch(true).await?;
    for (_, endpoint) in ENDPOINTS {
        flow.restate("hanbit", endpoint, DAYS[2], DAYS[2])?;
    }
    fetch(true).await?;
    for (name, endpoint) in ENDPOINTS {
        for (on, serials) in DAYS.into_iter().zip([1, 1, 2, 0, 0]) {
            let expected: Vec<_> = (0..serials)
                .map(|serial| {
                    Ok((
                        truth(&flow, name, endpoint, on, serial)?,
                        truth(&flow, name, endpoint, on, serial + 1)?,
                    ))
                })
                .collect::<Result<_>>()?;
            assert_eq!(changes(&flow, name, on).await?, expected, "{name} {on}");
        }
    }
    let slices = "SELECT count(*) FROM slices s WHERE (s.data_state = 'restated') <> EXISTS (SELECT FROM slice_versions v \
                  WHERE (v.mall_id, v.shop_no, v.endpoint, v.date) = (s.mall_id, s.shop_no, s.endpoint, s.date))";
    assert_eq!(flow.world.db.number(slices).await?, 0);
    Ok(())
}

#[tokio::test]
async fn what_a_window_of_a_day_would_miss_is_what_moved_after_it() -> Result<()> {
    let mut setup = Setup::new(&["hanbit"]);
    setup.malls.push(MallSpec { agency: "theirs".to_owned(), ..MallSpec::new("other") });
    let flow = Flow::start(setup).await?;
    let wish = ["visitors", FROM, TO];
    flow.fetch("hanbit", wish[0], wish[1], wish[2], &[]).await?;
    aged(&flow, "0.3 days").await?;
    // Three of five days change on the second morning, and are looked at again until the eighth.
    flow.restate("hanbit", Endpoint::VisitorsView, DAYS[0], DAYS[2])?;
    flow.fetch("hanbit", wish[0], wish[1], wish[2], &["--force"]).await?;
    aged(&flow, "1.3 days").await?;
    flow.fetch("hanbit", wish[0], wish[1], wish[2], &["--force"]).await?;
    aged(&flow, "8 days").await?;

    let sql = "SELECT after_days, slices, changed, round(mean_move * 1000000)::bigint, round(max_move * 1000000)::bigint \
               FROM restatement_ages WHERE endpoint = 'visitors' AND field = 'impressions' ORDER BY after_days";
    let rows = flow.world.db.client().query(sql, &[]).await.context(sql)?;
    let found: Vec<(i32, i64, i64, i64, i64)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect();
    let mut moves = Vec::new();
    for on in DAYS {
        let serial = u64::from(DAYS[..3].contains(&on));
        let known = truth(&flow, "visitors", Endpoint::VisitorsView, on, 0)?["impressions"];
        let present = truth(&flow, "visitors", Endpoint::VisitorsView, on, serial)?["impressions"];
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        moves.push((present - known).abs() as f64 / known as f64);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a few per cent in millionths")]
    let millionths = |value: f64| (value * 1e6).round() as i64;
    let (mean, most) = (moves.iter().sum::<f64>() / 5.0, moves.iter().copied().fold(0.0, f64::max));
    assert!(most > 0.0);
    assert_eq!(
        found,
        [
            // Known at one day of age were the first figures; from two days on the present ones.
            (1, 5, 3, millionths(mean), millionths(most)),
            (2, 5, 0, 0, 0),
            (3, 5, 0, 0, 0),
            (7, 5, 0, 0, 0),
        ]
    );
    // The command says the same, of the days, malls and endpoints that it is asked for.
    let told = async |more: &[&str]| -> Result<Vec<(i64, i64, i64)>> {
        let answer = flow.world.json(&[&["coverage", "--restatements"], more].concat()).await?;
        let moves = answer["moves"].as_array().into_iter().flatten();
        let number = |one: &serde_json::Value, name: &str| one[name].as_i64().unwrap_or(-1);
        let of = |one| (number(one, "after_days"), number(one, "slices"), number(one, "changed"));
        Ok(moves.map(of).collect())
    };
    let days = |from, to, mall| ["--from", from, "--to", to, "--mall", mall];
    assert_eq!(told(&days(FROM, TO, "hanbit")).await?, [(1, 5, 3), (2, 5, 0), (3, 5, 0), (7, 5, 0)]);
    assert_eq!(told(&days(DAYS[2], TO, "hanbit")).await?, [(1, 3, 1), (2, 3, 0), (3, 3, 0), (7, 3, 0)]);
    assert_eq!(told(&days(FROM, TO, "other")).await?, []);
    assert_eq!(told(&["--from", FROM, "--to", TO, "--endpoint", "products"]).await?, []);
    assert_eq!(told(&["--from", FROM, "--to", TO, "--agency", "theirs"]).await?, []);
    Ok(())
}

#[tokio::test]
async fn what_was_replaced_is_forgotten_after_its_time_and_partial_figures_sooner() -> Result<()> {
    let setup = Setup::new(&["hanbit"])
        .set("COVERAGE__KEEP_VERSIONS", "40d")
        .set("COVERAGE__KEEP_PARTIAL", "10d")
        .without_daemon();
    let flow = Flow::start(setup).await?;
    let version = |age: u32, state: &str| {
        format!(
            "INSERT INTO slice_versions VALUES ('hanbit', 1, 'visitors', 'day', '2025-01-01', {age}, '{state}', 1, 1, NULL, NULL, \
             NULL, now(), now(), now() - interval '{age} days');"
        )
    };
    let all = [(5, "partial"), (11, "partial"), (39, "complete"), (41, "restated"), (42, "partial")];
    flow.run_sql(&all.iter().map(|(age, state)| version(*age, state)).collect::<String>()).await?;
    flow.cli(&["queue", "reconcile"]).await?.success()?;
    let left = flow.rows_of("SELECT fence::text FROM slice_versions v ORDER BY v.fence").await?;
    assert_eq!(left, ["5", "39"]);
    Ok(())
}

/// Moves what was fetched and changed just now to this long after the end of its day.
async fn aged(flow: &Flow, age: &str) -> Result<()> {
    let then = format!("(date + 1)::timestamp AT TIME ZONE 'Asia/Seoul' + interval '{age}'");
    flow.run_sql(&format!(
        "UPDATE slice_versions SET replaced_at = {then} WHERE replaced_at > now() - interval '1 hour';
         UPDATE slices SET fetched_at = {then},
                first_fetched_at = CASE WHEN first_fetched_at > now() - interval '1 hour' THEN {then} ELSE first_fetched_at END,
                changed_at = CASE WHEN changed_at > now() - interval '1 hour' THEN {then} ELSE changed_at END"
    ))
    .await
}
