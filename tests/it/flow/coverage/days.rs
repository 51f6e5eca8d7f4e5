//! One mall with everything in it: the two facts of each day, the gaps, and what fills them.

use chrono::Days;
use serde_json::Value;
use tests::harness::{Context as _, Result};
use tests::simulator::{Endpoint, FaultRule, MallSpec};

use super::ago;
use crate::flow::{Flow, Setup, status};

/// Nine finished days are wanted, the first four are there. The first is restated, one of products failed for good,
/// domains are paused, and today's visitors are partial.
async fn mixed() -> Result<Flow> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.wanted_since(9).await?;
    let day = |back| ago(back).to_string();
    flow.enqueue(&["--all", "--from", &day(9), "--to", &day(6)]).await?;
    flow.settled().await?;
    flow.world.sim.restate("hanbit", Endpoint::VisitorsView, ago(9)).context("restate")?;
    flow.fetch("hanbit", "visitors", &day(9), &day(9), &["--force"]).await?;
    flow.fetch("hanbit", "visitors", &day(0), &day(0), &[]).await?;
    let rule = FaultRule { endpoint: Some(Endpoint::ProductsSales.into()), ..FaultRule::once(status(400)) };
    flow.world.sim.order(rule).context("order")?;
    flow.fetch("hanbit", "products", &day(5), &day(5), &[]).await?;
    flow.archived(1).await?;
    flow.cli(&["malls", "pause", "hanbit", "--endpoint", "domains"]).await?.success()?;
    Ok(flow)
}

/// `days data work` of each stretch of an endpoint.
fn stretches(document: &Value, endpoint: &str) -> Vec<String> {
    let items = document["items"].as_array().expect("items");
    let item = items.iter().find(|item| item["endpoint"] == endpoint).expect("the endpoint");
    let text = |value: &Value| value.as_str().expect("a word").to_owned();
    let ranges = item["ranges"].as_array().expect("ranges");
    ranges
        .iter()
        .map(|range| {
            format!("{} {} {}", range["days"], text(&range["data_state"]), text(&range["work_state"]))
        })
        .collect()
}

#[tokio::test]
async fn every_wanted_day_has_its_two_facts_and_the_gaps_are_filled_exactly() -> Result<()> {
    let flow = mixed().await?;
    let shown = flow.world.json(&["coverage", "--mall", "hanbit"]).await?;
    let visitors = ["1 restated idle", "3 complete idle", "5 missing idle", "1 today_partial idle"];
    assert_eq!(stretches(&shown, "visitors"), visitors, "{shown}");
    assert_eq!(stretches(&shown, "pageviews"), ["4 complete idle", "5 missing idle", "1 not_yet idle"]);
    assert_eq!(
        stretches(&shown, "products"),
        ["4 complete idle", "1 missing failed", "4 missing idle", "1 not_yet idle"]
    );
    assert_eq!(stretches(&shown, "domains"), ["4 complete idle", "5 missing paused", "1 not_yet paused"]);
    // A refresh of a complete day that is under way shows beside its data, and changes nothing of it.
    let lines = flow.cli(&["coverage", "--mall", "hanbit", "--plain"]).await?.stdout;
    assert_eq!(lines.lines().count(), 1 + 4 + 3 + 4 + 3, "{lines}");

    // 36 wanted up to yesterday: 16 complete, 1 left to its replay, and 19 to fetch in one request a series.
    let plan = flow.enqueue(&["--all", "--missing", "--dry-run"]).await?;
    let slices = &plan["slices"];
    assert_eq!(
        (&slices["wanted"], &slices["complete"], &slices["failed"], &slices["to_fetch"], &plan["jobs"]),
        (&36.into(), &16.into(), &1.into(), &19.into(), &4.into()),
        "{plan}"
    );
    assert_eq!(plan["parked"], 1, "{plan}");
    let requests = flow.requests("hanbit")?;
    flow.enqueue(&["--all", "--missing"]).await?;
    flow.settled().await?;
    assert_eq!(flow.requests("hanbit")? - requests, 3);
    // Asked again: what is there, in work or failed is not asked for.
    let again = flow.enqueue(&["--all", "--missing", "--dry-run"]).await?;
    assert_eq!((&again["jobs"], &again["slices"]["in_work"]), (&0.into(), &5.into()), "{again}");
    let shown = flow.world.json(&["coverage", "--mall", "hanbit"]).await?;
    assert_eq!(
        stretches(&shown, "products"),
        ["4 complete idle", "1 missing failed", "4 complete idle", "1 not_yet idle"]
    );

    // What failed is fetched when asked for, and what is paused when it is resumed.
    let failed = flow.enqueue(&["--all", "--missing", "--failed"]).await?;
    assert_eq!((&failed["jobs"], &failed["slices"]["failed"]), (&1.into(), &0.into()), "{failed}");
    flow.cli(&["malls", "resume", "hanbit", "--endpoint", "domains"]).await?.success()?;
    flow.settled().await?;
    assert_eq!(flow.cli(&["coverage", "--last", "10d", "--check"]).await?.code, Some(0));
    let gaps = flow.cli(&["coverage", "--gaps"]).await?;
    assert_eq!(gaps.stdout, "");
    assert!(gaps.stderr.contains("no gaps"), "{}", gaps.stderr);
    Ok(())
}

#[tokio::test]
async fn the_lines_of_gaps_are_commands_that_leave_none() -> Result<()> {
    let flow = mixed().await?;
    flow.cli(&["malls", "resume", "hanbit", "--endpoint", "domains"]).await?.success()?;
    flow.world.sim.clear_faults();
    let gaps = flow.cli(&["coverage", "--mall", "hanbit", "--gaps"]).await?;
    assert!(gaps.stderr.contains("19 slices to fetch, and 1 failed for good"), "{}", gaps.stderr);
    let commands: Vec<&str> = gaps.stdout.lines().collect();
    assert_eq!(commands.len(), 3, "{commands:?}");
    for line in commands {
        let (line, _note) = line.split_once('#').context("a note")?;
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "cafe24-sync");
        flow.cli(&[&words[1..], &["--yes"]].concat()).await?.success()?;
    }
    flow.settled().await?;
    let check = flow.cli(&["coverage", "--mall", "hanbit", "--check", "--json"]).await?;
    assert_eq!(check.code, Some(0), "{}", check.stdout);
    Ok(())
}

#[tokio::test]
async fn only_the_days_the_malls_and_the_endpoints_that_were_named_are_looked_at() -> Result<()> {
    let mut setup = Setup::new(&["hanbit"]);
    setup.malls.push(MallSpec { agency: "moon".to_owned(), ..MallSpec::new("moonlit") });
    let flow = Flow::start(setup).await?;
    flow.wanted_since(9).await?;
    // One day for all of the test, also if the next one begins meanwhile.
    let today = ago(0);
    let day = |back| (today - Days::new(back)).to_string();
    flow.enqueue(&["--mall", "hanbit", "--from", &day(9), "--to", &day(6)]).await?;
    flow.settled().await?;
    let coverage = async |of: &[&str]| flow.cli(&[&["coverage"], of].concat()).await;
    let (first, last) = (day(7), day(4));
    let range = ["--from", &first, "--to", &last];

    let shown = flow.world.json(&[&["coverage", "--mall", "hanbit"], &range[..]].concat()).await?;
    assert_eq!(stretches(&shown, "visitors"), ["2 complete idle", "2 missing idle"], "{shown}");
    assert_eq!(shown["items"].as_array().map(Vec::len), Some(4), "{shown}");
    let one = flow.world.json(&[&["coverage", "--endpoint", "domains"], &range[..]].concat()).await?;
    let names = |shown: &Value| -> Vec<String> {
        let items = shown["items"].as_array().into_iter().flatten();
        items.map(|item| format!("{} {}", item["mall_id"], item["endpoint"]).replace('"', "")).collect()
    };
    assert_eq!(names(&one), ["hanbit domains", "moonlit domains"]);
    let theirs = flow.world.json(&["coverage", "--agency", "moon", "--endpoint", "domains"]).await?;
    assert_eq!(names(&theirs), ["moonlit domains"]);
    let nobodys = coverage(&["--agency", "nobody"]).await?;
    assert!(nobodys.code == Some(1) && nobodys.stderr.contains("E-AGENCY-01"), "{nobodys:?}");

    // Each check is of its own days alone: those that are there, those that lack, and both.
    for (from, to, code) in [(9, 6, 0), (5, 4, 3), (7, 4, 3)] {
        let (from, to) = (day(from), day(to));
        let check = coverage(&["--mall", "hanbit", "--from", &from, "--to", &to, "--check"]).await?;
        assert_eq!(check.code, Some(code), "{from} to {to}: {}", check.stdout);
    }
    let gaps = coverage(&[&["--mall", "hanbit", "--gaps"], &range[..]].concat()).await?;
    let commands: Vec<&str> = gaps.stdout.lines().collect();
    assert!(
        !commands.is_empty() && commands.iter().all(|line| line.contains("--mall hanbit")),
        "{commands:?}"
    );
    let named = format!("--from {} --to {last}", day(5));
    assert!(commands.iter().all(|line| line.contains(&named)), "{named}: {commands:?}");
    // What cannot be is refused with what can.
    let ahead = (today + Days::new(2)).to_string();
    for (from, to) in [(last.as_str(), first.as_str()), (last.as_str(), ahead.as_str())] {
        let refused = coverage(&["--from", from, "--to", to]).await?;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{}", refused.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_running_refresh_shows_beside_the_data_that_is_there() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.wanted_since(3).await?;
    let (from, to) = (ago(3).to_string(), ago(1).to_string());
    flow.fetch("hanbit", "visitors", &from, &to, &[]).await?;
    flow.order("hanbit", Some(1), tests::simulator::FaultKind::Hold)?;
    flow.wish("hanbit", "visitors", &from, &from, &["--force"]).await?;
    flow.held(1).await?;
    let shown = flow.world.json(&["coverage", "--mall", "hanbit", "--endpoint", "visitors"]).await?;
    assert_eq!(stretches(&shown, "visitors"), ["1 complete running", "2 complete idle", "1 not_yet idle"]);
    let text = flow.cli(&["coverage", "--mall", "hanbit"]).await?.stdout;
    assert!(text.contains("visitors   3/3  ✓✓✓◌\n                 ▸\n"), "{text}");
    flow.world.sim.release();
    flow.settled().await
}
