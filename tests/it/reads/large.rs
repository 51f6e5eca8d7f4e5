//! Reports over all malls: each job that waits is looked at once, whatever is paused.

use common::store::{Backlog, ComesBack, DemandOf};
use serde_json::Value;
use tests::harness::{Context as _, Result};

use super::{FINDINGS, JOBS, MALLS, SLICES, Scene, figures, looks, run_id, summed};

const REPORT: &str = include_str!("../../../common/src/store/sql/mall_report.sql");
const COMES_BACK: &str = include_str!("../../../common/src/store/sql/comes_back.sql");

const JOBS_OF_ALL: i64 = 300 * 162;
const SERIES: u64 = 600;

/// Some wait for their mall, and some for their time.
const HELD_UP: &str = "
    UPDATE jobs SET work_state = 'parked' WHERE mall_id IN ('mall011', 'mall012') AND work_state IN ('planned', 'queued');
    UPDATE jobs SET not_before = now() + interval '2 hours' WHERE mall_id = 'mall013' AND lane = 'fresh';
    UPDATE jobs SET requested_at = now() - interval '1 day' WHERE mall_id = 'mall014';
    UPDATE jobs SET work_state = 'running', fence = 1, claimed_at = now() WHERE mall_id = 'mall015' AND turn = 1;";

const PAUSES: &str = "
    INSERT INTO scoped_lane_pauses (lane, mall_id, reason, paused_by) SELECT lane, mall_id, '', ''
      FROM connectors, unnest('{fresh,backfill}'::text[]) AS lane;";

/// The days of a run's waiting jobs, one by one.
const DAY_BY_DAY: &str = "
    SELECT j.mall_id, max(of.last) + 1
      FROM jobs j
      JOIN connectors c ON c.mall_id = j.mall_id AND j.shop_no = ANY (c.shops) AND j.endpoint = ANY (c.endpoints)
     CROSS JOIN LATERAL (SELECT least(j.end_date, (now() AT TIME ZONE 'Asia/Seoul')::date - 1) AS last) AS of
     WHERE j.run_id = $1 AND j.work_state IN ('planned', 'queued', 'parked') AND j.granularity = 'day'
       AND c.wanted_from IS NOT NULL AND c.state = 'active' AND c.config_json ->> 'mode' = 'api'
       AND EXISTS (
            SELECT FROM generate_series(greatest(j.start_date, c.wanted_from)::timestamp, of.last::timestamp, interval '1 day') AS day
             WHERE NOT EXISTS (SELECT FROM slices s
                                WHERE s.mall_id = j.mall_id AND s.shop_no = j.shop_no AND s.endpoint = j.endpoint AND s.granularity = 'day'
                                  AND s.date = day::date AND s.data_state <> 'partial'))
     GROUP BY j.mall_id ORDER BY j.mall_id";

/// Rows of `table` that a plan looked at.
fn rows(plan: &Value, table: &str) -> u64 {
    let figure = |node: &Value, name: &str| node[name].as_u64().unwrap_or(0);
    summed(plan, &|node| {
        if node["Relation Name"] == table {
            (figure(node, "Actual Rows") + figure(node, "Rows Removed by Filter"))
                * figure(node, "Actual Loops")
        } else {
            0
        }
    })
}

fn counts(backlog: &[Backlog]) -> Vec<String> {
    backlog.iter().map(|jobs| format!("{jobs:?}")).collect()
}

#[tokio::test]
async fn what_waits_is_counted_with_the_end_of_everything() -> Result<()> {
    let scene = Scene::start(&[MALLS, JOBS, HELD_UP]).await?;
    let (demands, backlog) = scene.control.open_work().await.context("open work")?;
    assert_eq!(figures(&demands), figures(&scene.control.demand(DemandOf::All).await.context("all")?));
    assert_eq!(counts(&backlog), counts(&scene.control.backlog().await.context("a backlog")?));
    assert_eq!(backlog.iter().map(|jobs| jobs.jobs).sum::<i64>(), JOBS_OF_ALL);
    let states: Vec<_> = backlog.iter().map(|jobs| (jobs.lane.as_str(), jobs.state.as_str())).collect();
    let fresh = ["parked", "planned", "waiting"].map(|state| ("fresh", state));
    let backfill = ["parked", "planned", "queued", "running", "waiting"].map(|state| ("backfill", state));
    assert_eq!(states, [&fresh[..], &backfill[..]].concat());
    // Of each key a look more, for the first job of the next one.
    let read = rows(&scene.demand_plan("NULL, NULL, NULL, NULL").await?, "jobs");
    assert!(read < JOBS_OF_ALL.unsigned_abs() * 11 / 10, "{read} rows for {JOBS_OF_ALL} jobs");
    Ok(())
}

#[tokio::test]
async fn a_job_that_is_parked_while_it_is_counted_counts_once() -> Result<()> {
    let scene = Scene::start(&[MALLS, JOBS]).await?;
    let turns = async {
        for turn in 0.. {
            let (from, to) = if turn % 2 == 0 { ("planned", "parked") } else { ("parked", "planned") };
            let of = "mall_id IN ('mall011', 'mall012')";
            let deed = format!("UPDATE jobs SET work_state = '{to}' WHERE {of} AND work_state = '{from}'");
            scene.run(&deed).await?;
        }
        Ok(())
    };
    let looks = async {
        for _ in 0..20 {
            let (_, backlog) = scene.control.open_work().await.context("open work")?;
            assert_eq!(backlog.iter().map(|jobs| jobs.jobs).sum::<i64>(), JOBS_OF_ALL);
        }
        Ok(())
    };
    tokio::select! { ended = turns => ended, ended = looks => ended }
}

#[tokio::test]
async fn a_list_of_malls_looks_at_jobs_once_and_once_more_where_lanes_are_paused() -> Result<()> {
    let scene = Scene::start(&[MALLS, SLICES, JOBS]).await?;
    scene.fold().await?;
    let jobs = JOBS_OF_ALL.unsigned_abs();
    let list = || scene.plan(REPORT, "text, bigint, text", "'', 1000, NULL");
    let read = rows(&list().await?, "jobs");
    assert!(read <= jobs + SERIES, "{read} rows for {jobs} jobs");
    scene.run("DELETE FROM slices WHERE date < (now() AT TIME ZONE 'Asia/Seoul')::date - 2").await?;
    scene.run(PAUSES).await?;
    scene.fold().await?;
    let paused = list().await?;
    let read = rows(&paused, "jobs");
    assert!(read <= 2 * jobs + SERIES, "{read} rows for {jobs} jobs");
    let held = scene.control.mall_report("", 1000).await.context("malls")?;
    let reason = "lane fresh and backfill is paused: nothing of it is sent";
    assert!(held.iter().all(|mall| mall.freshness_reason.as_deref() == Some(reason)), "{held:?}");
    Ok(())
}

#[tokio::test]
async fn alerts_ask_for_the_jobs_of_late_malls_alone_also_where_lanes_are_paused() -> Result<()> {
    let scene = Scene::start(&[MALLS, SLICES, JOBS, PAUSES]).await?;
    scene.fold().await?;
    let findings = || scene.plan(FINDINGS, "bigint, float8", "5, 0.01");
    assert_eq!(rows(&findings().await?, "jobs"), 0, "none is late");
    let due = "date = (now() AT TIME ZONE 'Asia/Seoul')::date - 1";
    scene.run(&format!("DELETE FROM slices WHERE mall_id IN ('mall007', 'mall008') AND {due}")).await?;
    scene.run("UPDATE jobs SET work_state = 'planned', queued_at = NULL WHERE mall_id = 'mall007'").await?;
    scene.run("DELETE FROM jobs WHERE mall_id = 'mall008'").await?;
    let plan = findings().await?;
    assert!(rows(&plan, "jobs") <= 2 * 170, "{} rows for two malls", rows(&plan, "jobs"));
    assert_eq!(scene.late().await?.0, 1, "the days of the other one wait for a person");
    Ok(())
}

#[tokio::test]
async fn what_comes_back_of_a_dropped_run_is_told_by_letters() -> Result<()> {
    let scene = Scene::start(&[MALLS, SLICES, JOBS]).await?;
    let yesterday = "(now() AT TIME ZONE 'Asia/Seoul')::date - 1";
    for deed in [
        // Nothing comes back of the first two.
        "UPDATE connectors SET wanted_from = NULL WHERE mall_id = 'mall002'".to_owned(),
        "UPDATE connectors SET config_json = '{\"mode\": \"off\"}' WHERE mall_id = 'mall003'".to_owned(),
        "UPDATE connectors SET endpoints = '{products}' WHERE mall_id = 'mall004'".to_owned(),
        format!(
            "DELETE FROM slices WHERE mall_id IN ('mall002', 'mall003', 'mall005') AND date > {yesterday} - 3"
        ),
        format!("DELETE FROM slices WHERE mall_id IN ('mall004', 'mall006') AND date = {yesterday} - 4"),
        format!(
            "UPDATE slices SET data_state = 'partial' WHERE mall_id = 'mall007' AND date = {yesterday} - 5"
        ),
        // A job that ends later than the one which begins at the gap.
        format!(
            "UPDATE jobs SET end_date = {yesterday} - 1 WHERE mall_id = 'mall006' AND start_date = {yesterday} - 5"
        ),
        "UPDATE connectors SET wanted_from = wanted_from - 5 WHERE mall_id = 'mall008'".to_owned(),
    ] {
        scene.run(&deed).await?;
    }
    scene.fold().await?;
    scene.run("VACUUM ANALYZE").await?;
    for run in (1..=5).map(run_id) {
        let rows = scene.world.db.client().query(DAY_BY_DAY, &[&run]).await.context(DAY_BY_DAY)?;
        let truth: Vec<_> =
            rows.iter().map(|row| ComesBack { mall_id: row.get(0), wanted_from: row.get(1) }).collect();
        assert_eq!(scene.control.comes_back(run).await.context("comes back")?, truth, "{run}");
        assert!(run != run_id(1) || truth.len() == 5, "{truth:?}");
    }
    let plan = scene.plan(COMES_BACK, "uuid", &format!("'{}'", run_id(1))).await?;
    assert_eq!(looks(&plan, "slices"), 0);
    let read = rows(&plan, "jobs");
    assert!(read < 2 * JOBS_OF_ALL.unsigned_abs(), "{read} rows for {JOBS_OF_ALL} jobs");
    Ok(())
}
