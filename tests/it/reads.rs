//! What the database reads for reports and alerts: what they are about, not all there is. Counted in blocks and rows, which no load
//! of the machine changes.

mod large;

use std::collections::BTreeMap;

use common::domain::ids::LimiterKey;
use common::store::{Control, Demand, DemandOf};
use serde_json::Value;
use tests::harness::{Context as _, Result, World, WorldConfig};
use uuid::Uuid;

const DEMAND: &str = include_str!("../../common/src/store/sql/demand.sql");
const BACKFILLS: &str = include_str!("../../common/src/store/sql/backfills.sql");
const FINDINGS: &str = include_str!("../../common/src/store/sql/alert_findings.sql");

const MALLS: &str = "
    INSERT INTO agencies VALUES ('acme');
    INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key, endpoints, config_json, wanted_from, created_at)
    SELECT 'mall' || lpad(n::text, 3, '0'), 'acme', 'seed', CASE WHEN n <= 5 THEN 'shared' ELSE 'mall' || lpad(n::text, 3, '0') END,
           '{visitors,products}', '{\"mode\": \"api\"}', (now() AT TIME ZONE 'Asia/Seoul')::date - 9, now() - interval '30 days'
      FROM generate_series(1, 300) AS n;";

/// Four runs of the backfill lane, two of which come in turn, and a fresh one. Day by day, as a daemon plans: a mall's jobs lie
/// all over the table. Some failed once, some are out.
const JOBS: &str = "
    INSERT INTO runs (run_id, kind, wish, jobs_planned, created_at)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'onboarding',
           jsonb_build_object('lane', CASE WHEN n = 5 THEN 'fresh' ELSE 'backfill' END), 12000, now() - n * interval '1 hour'
      FROM generate_series(1, 5) AS n;
    INSERT INTO jobs (job_id, run_id, limiter_key, mall_id, shop_no, endpoint, granularity, start_date, end_date, generation, lane, turn,
                      attempts, not_before)
    SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || 1 + day / 20)::uuid, limiter_key, mall_id, 1, endpoint, 'day',
           current_date - day, current_date - day, 0, 'backfill', day + CASE WHEN day BETWEEN 20 AND 39 THEN 20 ELSE 0 END,
           (day % 19 = 7)::int, CASE WHEN day % 19 = 7 THEN now() + interval '1 hour' ELSE now() END
      FROM generate_series(0, 79) AS day, connectors, unnest(endpoints) AS endpoint
     ORDER BY day, mall_id;
    INSERT INTO jobs (job_id, run_id, limiter_key, mall_id, shop_no, endpoint, granularity, start_date, end_date, generation, lane, turn)
    SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000005', limiter_key, mall_id, 1, endpoint, 'day', current_date, current_date, 1,
           'fresh', 1 + n
      FROM connectors, unnest(endpoints) WITH ORDINALITY AS e (endpoint, n);
    UPDATE jobs SET work_state = 'queued', queued_at = now() WHERE lane = 'backfill' AND turn < 2;";

/// Requests of a run, and what goes before and with them, job by job: all answers of this dialect are one page.
const JOB_BY_JOB: &str = "
    SELECT last.limiter_key, count(*) FILTER (WHERE j.run_id = last.run_id)::float8 AS own,
           count(*) FILTER (WHERE j.lane = 'fresh')::float8 AS fresh, count(*) FILTER (WHERE j.lane = 'backfill')::float8 AS backfill,
           count(*) FILTER (WHERE j.lane = 'backfill' AND j.work_state = 'queued')::float8 AS backfill_out,
           count(*) FILTER (WHERE j.run_id = last.run_id AND j.not_before > now())::float8 AS later
      FROM (SELECT run_id, limiter_key, max(turn) FILTER (WHERE lane = 'fresh') AS fresh, max(turn) FILTER (WHERE lane = 'backfill') AS backfill
              FROM jobs WHERE run_id = $1 GROUP BY run_id, limiter_key) AS last
      JOIN jobs j ON j.limiter_key = last.limiter_key
     WHERE j.work_state = 'queued'
        OR (j.lane = 'fresh' AND (last.backfill IS NOT NULL OR j.turn <= last.fresh))
        OR (j.lane = 'backfill' AND j.turn <= last.backfill)
     GROUP BY last.limiter_key, last.run_id
     ORDER BY last.limiter_key";

const SLICES: &str = "
    INSERT INTO slices (mall_id, shop_no, endpoint, granularity, date, data_state, job_id, fence, rows, checksum)
    SELECT mall_id, 1, endpoint, 'day', (now() AT TIME ZONE 'Asia/Seoul')::date - day, 'complete', gen_random_uuid(), 1, 1, 1
      FROM connectors, unnest(endpoints) AS endpoint, generate_series(1, 9) AS day;
    UPDATE deployment SET fresh_by = '00:00';";

struct Scene {
    world: World,
    control: Control,
}

impl Scene {
    async fn start(sql: &[&str]) -> Result<Self> {
        let world = World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await?;
        let control = Control::new(world.db.url(), 2).context("a pool")?;
        let scene = Self { world, control };
        for statement in [&["SET jit = off"], sql, &["VACUUM ANALYZE"]].concat() {
            scene.run(statement).await?;
        }
        Ok(scene)
    }

    async fn run(&self, sql: &str) -> Result<()> {
        self.world.db.client().batch_execute(sql).await.with_context(|| sql.to_owned())
    }

    /// How a statement of the programs is gone about, with what it read.
    async fn plan(&self, sql: &str, types: &str, values: &str) -> Result<Value> {
        self.run(&format!("PREPARE asked ({types}) AS {sql}")).await?;
        let explain = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE asked ({values})");
        let row = self.world.db.client().query_one(&explain, &[]).await.with_context(|| explain.clone())?;
        self.run("DEALLOCATE asked").await?;
        Ok(row.get(0))
    }

    async fn demand_plan(&self, scope: &str) -> Result<Value> {
        let types = "uuid[], text, text, text[], text[], text[], int[]";
        self.plan(DEMAND, types, &format!("{scope}, '{{}}', '{{}}', '{{}}'")).await
    }

    /// Blocks that `demand.sql` reads for a scope.
    async fn demand_reads(&self, scope: &str) -> Result<i64> {
        Ok(blocks(&self.demand_plan(scope).await?))
    }

    async fn job_by_job(&self, run: Uuid) -> Result<Vec<(String, [f64; 5])>> {
        let rows = self.world.db.client().query(JOB_BY_JOB, &[&run]).await.context(JOB_BY_JOB)?;
        Ok(rows.iter().map(|row| (row.get(0), [1, 2, 3, 4, 5].map(|at| row.get(at)))).collect())
    }

    /// Malls that are late as the daemon's alerts have it, and the looks that it took at slices.
    async fn late(&self) -> Result<(i64, u64)> {
        let found = self.control.alert_findings(5, 0.01).await.context("findings")?;
        let late = found.iter().filter(|finding| finding.kind == "late").map(|finding| finding.malls).sum();
        Ok((late, looks(&self.plan(FINDINGS, "bigint, float8", "5, 0.01").await?, "slices")))
    }

    async fn fold(&self) -> Result<()> {
        while self.control.fold_series(500).await.context("fold")? > 0 {}
        self.run("VACUUM ANALYZE series_changed").await
    }
}

/// Blocks that a plan touched, wherever they were.
fn blocks(plan: &Value) -> i64 {
    let top = &plan[0]["Plan"];
    ["Shared Hit Blocks", "Shared Read Blocks"].iter().filter_map(|kind| top[kind].as_i64()).sum()
}

/// How often a plan went into `table`.
fn looks(plan: &Value, table: &str) -> u64 {
    summed(plan, &|node| {
        if node["Relation Name"] == table { node["Actual Loops"].as_u64().unwrap_or(0) } else { 0 }
    })
}

/// A figure of all nodes of a plan.
fn summed(plan: &Value, of: &dyn Fn(&Value) -> u64) -> u64 {
    let below: u64 = match plan {
        Value::Array(nodes) => nodes.iter().map(|node| summed(node, of)).sum(),
        Value::Object(node) => node.values().map(|node| summed(node, of)).sum(),
        _ => 0,
    };
    of(plan) + below
}

fn figures(demands: &[Demand]) -> Vec<(String, [f64; 5])> {
    let of = |one: &Demand| [one.own, one.fresh, one.backfill, one.backfill_out, one.later];
    demands.iter().map(|demand| (demand.key.as_str().to_owned(), of(demand))).collect()
}

fn run_id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[tokio::test]
async fn the_ends_of_many_runs_are_counted_with_one_look_at_the_jobs_before_them() -> Result<()> {
    let scene = Scene::start(&[MALLS, JOBS]).await?;
    let runs: Vec<Uuid> = (1..=5).map(run_id).collect();
    let together = scene.control.demand_by_run(runs.clone()).await.context("demands")?;
    assert_eq!(together.keys().copied().collect::<Vec<_>>(), runs);
    for run in runs {
        let alone = scene.control.demand(DemandOf::Run(run)).await.context("a demand")?;
        assert_eq!(figures(&together[&run]), scene.job_by_job(run).await?, "{run}");
        assert_eq!(together[&run], alone, "{run}");
    }
    // Scopes that are no runs come to the same: of a key all jobs, of everything all keys.
    let key = LimiterKey::try_from("shared".to_owned()).context("a key")?;
    let all: BTreeMap<_, _> = scene
        .control
        .demand(DemandOf::All)
        .await
        .context("all")?
        .into_iter()
        .map(|one| (one.key.clone(), one))
        .collect();
    assert_eq!(all.len(), 296);
    assert_eq!((all[&key].jobs, all[&key].own), (5 * 162, 810.0));
    let of_key = scene.control.demand(DemandOf::Keys(std::slice::from_ref(&key))).await.context("a key")?;
    assert_eq!(of_key, [all[&key].clone()]);

    let table = scene.world.db.number("SELECT pg_relation_size('jobs') / 8192").await?;
    let quoted = |runs: &[u128]| {
        let runs: Vec<_> = runs.iter().map(|run| run_id(*run).to_string()).collect();
        format!("'{{{}}}', NULL, NULL, NULL", runs.join(","))
    };
    let (last, four) =
        (scene.demand_reads(&quoted(&[4])).await?, scene.demand_reads(&quoted(&[1, 2, 3, 4])).await?);
    assert!(
        four < 2 * last,
        "{four} blocks for four runs, {last} for the last of them; the table has {table}"
    );
    let mall = scene.demand_reads("NULL, 'mall042', NULL, NULL").await?;
    assert!(mall < table / 4, "{mall} blocks for a mall of 300; the table has {table}");
    let list = blocks(&scene.plan(BACKFILLS, "uuid, bigint, bool", "NULL, 20, false").await?);
    assert!(list < table / 4, "{list} blocks for the runs beside a fresh one; the table has {table}");
    Ok(())
}

#[tokio::test]
async fn alerts_look_at_slices_only_where_something_changed() -> Result<()> {
    let scene = Scene::start(&[MALLS, SLICES]).await?;
    assert_eq!(scene.late().await?, (0, 600), "all is marked: the due day of each series");
    scene.fold().await?;
    assert_eq!(scene.late().await?, (0, 0));

    let due = "date = (now() AT TIME ZONE 'Asia/Seoul')::date - 1";
    scene
        .run(&format!("DELETE FROM slices WHERE mall_id = 'mall007' AND endpoint = 'products' AND {due}"))
        .await?;
    scene
        .run(&format!("UPDATE slices SET data_state = 'partial' WHERE mall_id = 'mall008' AND {due}"))
        .await?;
    assert_eq!(scene.late().await?, (2, 3), "at once, and before it is folded");
    scene.fold().await?;
    assert_eq!(scene.late().await?, (2, 0));
    // A series without a slice has neither a mark nor letters.
    scene.run("DELETE FROM slices WHERE mall_id = 'mall009' AND endpoint = 'visitors'").await?;
    scene.fold().await?;
    assert_eq!(scene.late().await?, (3, 0));
    Ok(())
}
