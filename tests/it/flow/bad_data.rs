//! Answers with odd or monstrous contents: kept as well as can be, or refused, and the worker lives.

use serde_json::{Value, json};
use tests::harness::Result;
use tests::simulator::{Dialect, FaultKind, MallSpec};

use super::{Flow, Setup, body, rows};

const DAY: &str = "2025-03-01";
/// `docs/reliability.md` I8.
const RSS_KIB: u64 = 256 << 10;

#[tokio::test]
async fn d03_odd_names_are_kept_as_well_as_postgres_can_and_poison_no_neighbour() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit", "neighbour"])).await?;
    let long = "한".repeat(10 << 10);
    let names = [
        ("1", json!("a\u{0}b"), "a\u{fffd}b".to_owned()),
        ("2", json!(long), "한".repeat(1_000)),
        ("3", json!("\u{202e}desrever\u{7}\u{1b}[31m"), "\u{202e}desrever\u{7}\u{1b}[31m".to_owned()),
        ("4", json!("😀 <script>alert(1)</script> '; --"), "😀 <script>alert(1)</script> '; --".to_owned()),
        // The same letters, composed and decomposed, are two names.
        ("5", json!("\u{d55c}"), "\u{d55c}".to_owned()),
        ("6", json!("\u{1112}\u{1161}\u{11ab}"), "\u{1112}\u{1161}\u{11ab}".to_owned()),
    ];
    let all: Vec<_> = names.iter().map(|(no, name, _)| product(&json!(no), name)).collect();
    let mut text = json!({ "data": all }).to_string();
    // Half of an emoji, as a server cuts names; no JSON library of ours would write it.
    let half =
        r#"{"date":"2025-03-01","productNo":7,"productName":"cut \ud83d","orderCount":1,"salesAmount":10}"#;
    text = text.replacen('[', &format!("[{half},"), 1);
    flow.order("hanbit", Some(1), body(text))?;
    flow.enqueue(&["--all", "--endpoint", "products", "--from", DAY, "--to", DAY]).await?;
    flow.settled().await?;
    assert!(flow.jobs().await?.iter().all(|job| job.state == "done" && job.attempts == 0));
    for (number, _, kept) in names {
        let sql = format!("SELECT name FROM products WHERE mall_id = 'hanbit' AND product_no = '{number}'");
        assert_eq!(flow.rows_of(&sql).await?, [kept], "product {number}");
    }
    let cut = flow.rows_of("SELECT name FROM products WHERE mall_id = 'hanbit' AND product_no = '7'").await?;
    assert_eq!(cut, ["cut \u{fffd}"]);
    assert!(
        flow.world.db.number("SELECT count(*) FROM metrics_daily WHERE mall_id = 'neighbour'").await? > 20
    );
    Ok(())
}

#[tokio::test]
async fn d02_numbers_beyond_the_contract_and_ids_without_end_are_violations_that_name_the_place() -> Result<()>
{
    let with = |field: &str, value: Value| {
        let mut row = product(&json!(7), &json!("shirt"));
        row[field] = value;
        rows(&json!([product(&json!(6), &json!("good")), row]))
    };
    let text = |field: &str, raw: &str| {
        let row = product(&json!(7), &json!("shirt")).to_string();
        let row = row.replace(&format!("\"{field}\":1"), &format!("\"{field}\":{raw}"));
        body(format!(r#"{{"data":[{row}]}}"#))
    };
    let faults = [
        ("negative", with("orderCount", json!(-5)), "orderCount"),
        ("fraction", with("orderCount", json!(1.5)), "orderCount"),
        ("overflow", text("orderCount", "9223372036854775808"), "orderCount"),
        ("exponent", text("salesAmount", "1e400"), "salesAmount"),
        ("thousands", with("salesAmount", json!("1,908,000")), "salesAmount"),
        ("nan", with("salesAmount", json!("NaN")), "salesAmount"),
        ("empty", with("orderCount", json!("")), "orderCount"),
        ("null", with("orderCount", Value::Null), "orderCount"),
        ("longid", with("productNo", json!("9".repeat(10 << 10))), "productNo"),
        ("nested", with("productName", json!(["a"])), "productName"),
    ];
    let malls = faults.each_ref().map(|(mall, ..)| *mall);
    let flow = Flow::start(Setup::new(&malls)).await?;
    for (mall, fault, _) in &faults {
        flow.order(mall, None, fault.clone())?;
    }
    flow.enqueue(&["--all", "--endpoint", "products", "--from", DAY, "--to", DAY]).await?;
    flow.settled().await?;
    let letters = flow.archived(faults.len()).await?;
    for (mall, _, field) in faults {
        let letter = letters.iter().find(|letter| letter.mall.as_deref() == Some(mall)).expect("a letter");
        assert_eq!(letter.class, "contract_violation", "{mall}");
        assert!(letter.reason.contains(field), "{mall}: {}", letter.reason);
        assert_eq!(flow.requests(mall)?, 1, "{mall}");
    }
    assert_eq!(flow.world.db.number("SELECT count(*) FROM metrics_daily").await?, 0);
    Ok(())
}

#[tokio::test]
async fn d01_monstrous_bodies_are_violations_and_the_worker_stays_small() -> Result<()> {
    let row = product(&json!(7), &json!("shirt")).to_string();
    let many = |count: usize| format!(r#"{{"data":[{}]}}"#, vec![row.as_str(); count].join(","));
    let deep = format!(r#"{{"data":[],"more":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let faults = [
        ("padded", FaultKind::HugeBody { bytes: 64 << 20 }, "body limit"),
        ("padded2", FaultKind::HugeBody { bytes: 64 << 20 }, "body limit"),
        ("manyrows", body(many(210_000)), "row limit"),
        ("manyrows2", body(many(210_000)), "row limit"),
        ("deep", body(deep), "deeper"),
        ("endless", body(format!("{{\"data\":{}", "[".repeat(1 << 20))), "expected a row"),
    ];
    let malls = faults.each_ref().map(|(mall, ..)| *mall);
    let flow = Flow::start(Setup::new(&[&malls[..], &["calm"]].concat())).await?;
    for (mall, fault, _) in &faults {
        flow.order(mall, None, fault.clone())?;
    }
    flow.enqueue(&["--all", "--endpoint", "products", "--from", DAY, "--to", DAY]).await?;
    flow.settled().await?;
    let letters = flow.archived(faults.len()).await?;
    for (mall, _, named) in faults {
        let of_mall: Vec<_> = letters.iter().filter(|letter| letter.mall.as_deref() == Some(mall)).collect();
        assert_eq!((of_mall.len(), flow.requests(mall)?), (1, 1), "{mall}");
        for letter in of_mall {
            assert_eq!(letter.class, "contract_violation", "{mall}: {}", letter.reason);
            assert!(letter.reason.contains(named), "{mall}: {}", letter.reason);
            assert!(letter.evidence["body_head"].as_str().unwrap_or_default().len() <= 4_096);
        }
    }
    let calm = "SELECT count(*) FROM jobs WHERE mall_id = 'calm' AND work_state = 'done'";
    assert_eq!(flow.world.db.number(calm).await?, 1);
    let usage = flow.workers[0].usage()?;
    assert!(usage.peak_kib < RSS_KIB, "{usage:?}");
    assert!(flow.workers[0].is_running());
    Ok(())
}

#[tokio::test]
async fn what_is_odd_about_an_answer_is_kept_and_said() -> Result<()> {
    let mut setup = Setup::new(&["calm"]);
    let visits = json!({ "date": DAY, "visit_count": 3, "first_visit_count": 1, "re_visit_count": 1 });
    setup.malls.extend([
        MallSpec { dialect: Dialect::Live, ..MallSpec::new("sums") },
        // As many rows as servers like to cut after, where no page can be asked for.
        MallSpec { products_a_day: Some(100), ..MallSpec::new("round") },
    ]);
    let flow = Flow::start(setup).await?;
    flow.order("sums", Some(1), body(json!({ "view": [visits] }).to_string()))?;
    for (mall, endpoint) in [("sums", "visitors"), ("round", "products"), ("calm", "products")] {
        flow.fetch(mall, endpoint, DAY, DAY, &[]).await?;
    }
    assert_eq!(flow.world.jobs_in(&["done"]).await?, 3);
    let stored = "SELECT impressions || ' ' || (extra #>> '{visitors,re_visit_count}') FROM metrics_daily WHERE mall_id = 'sums'";
    assert_eq!(flow.rows_of(stored).await?, ["3 1"]);
    let events = flow.workers[0].events();
    let odd = events.iter().filter(|event| event["event"] == "answer.odd");
    let odd: Vec<_> =
        odd.map(|event| (event["mall"].as_str().unwrap_or_default(), event["level"].clone())).collect();
    assert_eq!(odd, [("sums", json!("warn")), ("round", json!("warn"))], "{events:#?}");
    let off =
        flow.workers[0].metrics().await?.sum_where("cafe24_sync_sums_off_total", "endpoint=\"visitors\"");
    assert!((off - 1.0).abs() < f64::EPSILON, "{off}");
    Ok(())
}

fn product(number: &Value, name: &Value) -> Value {
    json!({ "date": DAY, "productNo": number, "productName": name, "orderCount": 1, "salesAmount": 1 })
}

#[tokio::test]
async fn a_row_of_the_ledger_that_is_no_job_becomes_a_letter_and_stops_nobody() -> Result<()> {
    let setup = Setup::new(&["hanbit"]).workers(0);
    let setup = setup.set("RECONCILE__EVERY", "1s").set("RECONCILE__QUEUED_DEADLINE", "5s");
    let mut flow = Flow::start(setup).await?;
    // Parked, so that nothing is published before the row is broken.
    flow.run_sql("UPDATE connectors SET state = 'paused'").await?;
    flow.wish("hanbit", "products", "2025-03-01", "2025-03-05", &["--chunk-days", "1"]).await?;
    flow.run_sql("UPDATE jobs SET endpoint = 'visitor' WHERE start_date = '2025-03-03'").await?;
    flow.run_sql("UPDATE connectors SET state = 'active'").await?;
    flow.start_workers(1).await?;
    flow.settled().await?;
    let letter = &flow.archived(1).await?[0];
    assert_eq!(letter.class, "bug");
    assert!(letter.reason.contains("visitor"), "{}", letter.reason);
    assert_eq!(flow.world.jobs_in(&["done"]).await?, 4);
    Ok(())
}
