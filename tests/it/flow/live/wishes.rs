//! What cannot be asked of a live mall is not planned, and not sent if it was planned all the same.

use serde_json::json;
use tests::harness::{Result, Span};
use tests::simulator::Granularity;

use super::super::{Flow, Setup, day, spec};
use super::live;

async fn start(workers: usize) -> Result<Flow> {
    let mut setup = Setup::new(&[]).workers(workers);
    setup.malls = vec![live("moonlit"), spec("hanbit")];
    Flow::start(setup).await
}

#[tokio::test]
async fn weeks_are_planned_for_seed_malls_and_the_live_ones_are_named() -> Result<()> {
    let flow = start(1).await?;
    let weeks = ["--from", "2025-03-03", "--to", "2025-03-16", "--granularity", "week"];
    let planned = flow.enqueue(&[&["--all"][..], &weeks].concat()).await?;
    assert_eq!(planned["left_out"][0]["malls"], json!(["moonlit"]), "{planned}");
    flow.settled().await?;
    let span = Span::days("hanbit", day("2025-03-03"), day("2025-03-16"));
    flow.world.exact(&[Span { granularity: Granularity::Week, ..span }]).await?;
    assert_eq!(flow.requests("moonlit")?, 0);

    let refused = flow.cli(&[&["enqueue", "--mall", "moonlit"][..], &weeks].concat()).await?;
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("not the sum of its days"), "{}", refused.stderr);
    Ok(())
}

#[tokio::test]
async fn a_job_for_several_days_of_a_total_is_refused_without_a_request() -> Result<()> {
    let mut flow = start(0).await?;
    flow.wish("moonlit", "products", "2025-03-03", "2025-03-03", &[]).await?;
    flow.wish("hanbit", "products", "2025-03-03", "2025-03-03", &[]).await?;
    flow.run_sql("UPDATE jobs SET start_date = '2025-03-01'").await?;
    flow.start_workers(1).await?;
    let letters = flow.archived(1).await?;
    assert_eq!((letters[0].mall.as_deref(), letters[0].class.as_str()), (Some("moonlit"), "invalid_request"));
    assert!(letters[0].reason.contains("must be asked day by day"), "{}", letters[0].reason);
    flow.settled().await?;
    assert_eq!((flow.requests("moonlit")?, flow.requests("hanbit")?), (0, 1), "seed rows have days");
    assert_eq!(flow.world.db.number("SELECT count(*) FROM slices WHERE mall_id = 'moonlit'").await?, 0);
    Ok(())
}
