//! A dead letter replayed is a new wish: it brings what is missing, and never what was.

use futures::future::join_all;
use tests::harness::{Result, Span};
use tests::simulator::{Endpoint, FaultKind};

use super::{Flow, Letter, Setup, day, status};

const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-05";

#[tokio::test]
async fn s04_a_letter_older_than_newer_data_changes_nothing() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let letter = dead(&flow, FaultKind::MissingWrapper).await?;
    // The same days are asked for again, and come.
    flow.fetch("hanbit", "products", FROM, TO, &[]).await?;
    flow.restate("hanbit", Endpoint::ProductsSales, FROM, TO)?;
    let rows = flow.rows_of("SELECT m::text || xmin::text FROM metrics_daily m ORDER BY 1").await?;
    let requests = flow.requests("hanbit")?;
    let answer = flow.world.json(&["dead", "replay", &letter.id, "--yes"]).await?;
    assert_eq!((&answer["jobs"], &answer["superseded"]), (&0.into(), &5.into()), "{answer}");
    flow.settled().await?;
    assert_eq!(flow.requests("hanbit")?, requests);
    assert_eq!(flow.rows_of("SELECT m::text || xmin::text FROM metrics_daily m ORDER BY 1").await?, rows);
    Ok(())
}

#[tokio::test]
async fn s04_a_replay_fetches_only_the_days_that_nobody_fetched_since() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let letter = dead(&flow, FaultKind::ErrorKey).await?;
    flow.fetch("hanbit", "products", FROM, "2025-03-03", &[]).await?;
    let answer = flow.world.json(&["dead", "replay", &letter.id, "--yes"]).await?;
    assert_eq!((&answer["jobs"], &answer["superseded"]), (&1.into(), &3.into()), "{answer}");
    flow.settled().await?;
    flow.world.exact(&span()).await?;
    let replayed = flow.jobs().await?.pop().expect("jobs");
    assert_eq!((replayed.start, replayed.end, replayed.lane.as_str()), (day("2025-03-04"), day(TO), "fresh"));
    Ok(())
}

#[tokio::test]
async fn s04_a_letter_is_replayed_once_however_often_and_by_however_many() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let letter = dead(&flow, FaultKind::ErrorKey).await?;
    let command = ["dead", "replay", &letter.id, "--yes"];
    let ended = join_all((0..4).map(|_| flow.cli(&command))).await.into_iter().collect::<Result<Vec<_>>>()?;
    assert!(ended.iter().any(|output| output.code == Some(0)), "{ended:?}");
    flow.settled().await?;
    let late = flow.cli(&command).await?;
    assert!(late.code.is_some_and(|code| code != 0) && late.stderr.contains("replayed"), "{late:?}");
    flow.settled().await?;
    assert_eq!(flow.requests("hanbit")?, 2);
    flow.world.exact(&span()).await?;
    let letters = flow.letters().await?;
    assert_eq!((letters.len(), letters[0].replayed), (1, true));
    Ok(())
}

#[tokio::test]
async fn s04_a_replay_while_the_cause_holds_is_archived_again() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    flow.order("hanbit", None, status(422))?;
    flow.fetch("hanbit", "products", FROM, TO, &[]).await?;
    for round in 1..=3 {
        let letters = flow.archived(round).await?;
        assert_eq!(letters.len(), round);
        let open: Vec<_> = letters.iter().filter(|letter| !letter.replayed).collect();
        assert_eq!(open.len(), 1, "one letter is open at any time");
        assert_eq!(flow.requests("hanbit")?, round as u64);
        flow.cli(&["dead", "replay", &open[0].id, "--yes"]).await?.success()?;
        flow.settled().await?;
    }
    flow.archived(4).await?;
    flow.world.sim.clear_faults();
    let letters = flow.letters().await?;
    let open = letters.iter().find(|letter| !letter.replayed).expect("one is open");
    flow.cli(&["dead", "replay", &open.id, "--yes"]).await?.success()?;
    flow.settled().await?;
    flow.world.exact(&span()).await?;
    let list = flow.world.json(&["dead", "list"]).await?;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(0), "{list}");
    Ok(())
}

#[tokio::test]
async fn a_replay_asks_first_and_shows_what_it_would_do() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"])).await?;
    let letter = dead(&flow, FaultKind::ErrorKey).await?;
    let shown = flow.cli(&["dead", "show", &letter.id]).await?;
    shown.success()?;
    assert!(
        shown.stdout.contains("contract violation") && shown.stdout.contains("products/sales"),
        "{}",
        shown.stdout
    );
    let preview = flow.world.json(&["dead", "replay", &letter.id, "--dry-run"]).await?;
    assert_eq!(preview["jobs"], 1, "{preview}");
    let unasked = flow.cli(&["dead", "replay", &letter.id]).await?;
    assert!(unasked.code.is_some_and(|code| code != 0), "{unasked:?}");
    assert_eq!((flow.requests("hanbit")?, flow.jobs().await?.len()), (1, 1));
    Ok(())
}

/// One job that failed for good, with its letter.
async fn dead(flow: &Flow, fault: FaultKind) -> Result<Letter> {
    flow.order("hanbit", Some(1), fault)?;
    flow.fetch("hanbit", "products", FROM, TO, &[]).await?;
    Ok(flow.archived(1).await?.remove(0))
}

fn span() -> [Span; 1] {
    [Span { endpoints: vec![Endpoint::ProductsSales], ..Span::days("hanbit", day(FROM), day(TO)) }]
}
