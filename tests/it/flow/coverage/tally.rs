//! The kept state of malls says what the slices say, whatever happened, and at every moment.

mod dice;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, NaiveDate, Utc};
use common::domain::calendar::DayRange;
use common::store::{Control, DayCounts, Ledger};
use tests::harness::{
    Context as _, Kind, MovedClock, OwnServer, Result, Servers, Trouble, World, WorldConfig,
};
use tokio_postgres::Client;

use self::dice::{DAYS, MALLS};
use super::ago;
use crate::flow::dice::Dice;

struct Scene {
    world: World,
    control: Control,
    ledger: Ledger,
}

/// Malls that a deed removed come back, as they were imported.
const IMPORT: &str = "
    INSERT INTO agencies VALUES ('acme') ON CONFLICT DO NOTHING;
    INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key, shops, endpoints, config_json, wanted_from, created_at)
    SELECT mall, 'acme', 'seed', mall, '{1}', '{visitors,pageviews}', '{\"mode\": \"api\"}', (now() AT TIME ZONE 'Asia/Seoul')::date - 9, now() - interval '1 year'
      FROM unnest('{hanbit,moonlit,seoulbag}'::text[]) AS mall
    ON CONFLICT DO NOTHING";

impl Scene {
    async fn start() -> Result<Self> {
        Self::on(WorldConfig { no_import: true, ..WorldConfig::default() }).await
    }

    async fn on(config: WorldConfig) -> Result<Self> {
        let world = World::start_with(config).await?;
        world.db.client().batch_execute(IMPORT).await.context("import")?;
        world.db.client().batch_execute("SET jit = off").await.context("jit")?;
        let run = "INSERT INTO runs (run_id, kind, wish) VALUES (gen_random_uuid(), 'enqueue', '{}')";
        world.db.client().batch_execute(run).await.context("a run")?;
        let control = Control::new(world.db.url(), 4).context("a pool")?;
        let ledger = Ledger::new(world.db.url(), 6).context("a pool")?;
        Ok(Self { world, control, ledger })
    }

    /// What the coverage screen counts, and the same counted a row a day.
    async fn counts_agree(&self, first: NaiveDate, last: NaiveDate) -> Result<()> {
        let range = DayRange::new(first, last).context("in order")?;
        let counted = self.control.coverage_counts(&MALLS, &[], range).await.context("counts")?;
        let sql = "SELECT data_state || ' ' || work_state || CASE WHEN date = today THEN ' today' ELSE '' END, count(*), \
                   count(*) FILTER (WHERE date <= due_day AND NOT excused AND data_state IN ('missing', 'partial')) \
                   FROM slice_coverage, freshness_clock WHERE mall_id = $1 AND date BETWEEN $2 AND $3 GROUP BY 1";
        for mall in counted {
            let rows =
                self.world.db.client().query(sql, &[&mall.mall_id, &first, &last]).await.context(sql)?;
            let (mut truth, mut due) = (DayCounts::default(), 0);
            for row in &rows {
                let (words, days): (String, i64) = (row.get(0), row.get(1));
                let words: Vec<&str> = words.split(' ').collect();
                due += row.get::<_, i64>(2);
                match (words[0], words.get(2)) {
                    ("missing", Some(_)) => truth.not_yet += days,
                    ("partial", Some(_)) => truth.today_partial += days,
                    (state, _) => {
                        truth.wanted += days;
                        match state {
                            "missing" => truth.missing += days,
                            "partial" => truth.partial += days,
                            "restated" => {
                                truth.restated += days;
                                truth.complete += days;
                            }
                            _ => truth.complete += days,
                        }
                    }
                }
                match words[1] {
                    "queued" => truth.queued += days,
                    "running" => truth.running += days,
                    "failed" => truth.failed += days,
                    "paused" => truth.paused += days,
                    _ => {}
                }
            }
            assert_eq!((mall.counts, mall.due_gaps), (truth, due), "{} {first}…{last}", mall.mall_id);
            let series = self.control.coverage(&[&mall.mall_id], &[], range).await.context("days")?;
            assert_eq!(series.iter().map(|days| days.due_gaps).sum::<i64>(), due, "{} by day", mall.mall_id);
        }
        // Of a mall that came after the deadline nobody says that it is late, or that a day is due.
        let sql = "SELECT count(*) FROM series_freshness f JOIN connectors c USING (mall_id), freshness_clock \
                   WHERE c.created_at > due_at AND (f.status = 'late' OR c.state = 'active' AND EXISTS ( \
                     SELECT FROM slice_coverage d WHERE d.mall_id = f.mall_id AND NOT d.excused))";
        assert_eq!(self.world.db.number(sql).await?, 0);
        Ok(())
    }

    /// `malls show` and `malls list` speak of the same gaps.
    async fn gaps_agree(&self) -> Result<()> {
        for report in self.control.mall_report("", 100).await.context("a report")? {
            let mall = report.mall_id.clone().try_into().context("a mall")?;
            let shown = self.control.mall_details(&mall).await.context("details")?;
            assert_eq!(shown.coverage.iter().map(|edges| edges.gaps).sum::<i64>(), report.gaps, "{mall}");
        }
        Ok(())
    }
}

/// Series that differ from the truth, as a session of ours asks.
async fn lies(client: &Client) -> Result<Vec<String>> {
    let rows = client.query(include_str!("truth.sql"), &[]).await.context("the truth")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn after_any_history_the_kept_state_says_what_the_slices_say() -> Result<()> {
    let seed = rand::random();
    let mut dice = Dice(seed);
    let scene = Scene::start().await?;
    let db = &scene.world.db;
    let (mut kept, mut live) = (0, 0);
    for fence in 1..=250 {
        let deed = match dice.roll(3) {
            0 => dice.deed(),
            _ => String::new(),
        };
        if deed.is_empty() {
            let batch = dice.batch(fence)?;
            scene.ledger.commit(&batch).await.with_context(|| format!("seed {seed}"))?;
        } else {
            db.client().batch_execute(&deed).await.with_context(|| deed.clone())?;
            if dice.roll(8) == 0 {
                db.client().batch_execute(IMPORT).await.context("import")?;
            }
        }
        if fence == 200 {
            db.client().batch_execute("TRUNCATE slices").await.context("truncate")?;
        }
        if dice.roll(2) == 0 {
            scene.control.fold_series(1 + dice.roll(5).cast_signed()).await.context("fold")?;
        }
        let found = lies(db.client()).await?;
        assert!(found.is_empty(), "seed {seed}, step {fence}, {deed}: {found:#?}");
        let (first, last) = (ago(dice.roll(DAYS + 3)), ago(0));
        scene.counts_agree(first, last).await?;
        scene.counts_agree(first, first.max(ago(2))).await?;
        let marked = db.number("SELECT count(*) FROM series_changed").await?;
        (kept, live) = (kept + i64::from(marked == 0), live + i64::from(marked > 0));
        if fence % 25 == 0 {
            scene.gaps_agree().await?;
        }
    }
    assert!(kept > 0 && live > 0, "both ways were asked: {kept} and {live}");
    while scene.control.fold_series(100).await.context("fold")? > 0 {}
    let differ = "SELECT count(*) FROM series_days k FULL JOIN series_truth t USING (mall_id, shop_no, endpoint) \
                  WHERE (rtrim(k.days, 'm'), k.first_day, k.last_success_at) IS DISTINCT FROM (t.days, t.first_day, t.last_success_at)";
    assert_eq!(db.number(differ).await?, 0, "seed {seed}");
    Ok(())
}

/// Batches of the same malls from several workers, several that fold, several that read: nobody waits for another in a
/// circle, and no reader ever sees what is not so.
#[tokio::test(flavor = "multi_thread")]
async fn while_workers_commit_and_others_fold_every_reader_sees_the_truth() -> Result<()> {
    const BATCHES: i64 = 120;
    let scene = Arc::new(Scene::start().await?);
    let over = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    let mut others = tokio::task::JoinSet::new();
    for writer in 0..4_i64 {
        let scene = Arc::clone(&scene);
        writers.spawn(async move {
            let mut dice = Dice(rand::random());
            for number in 0..BATCHES {
                // As claims number them: of two workers' fetches of a slice either may be the newer one.
                let batch = dice.batch(number * 4 + writer)?;
                scene.ledger.commit(&batch).await.context("a commit")?;
            }
            Ok::<_, Trouble>(0)
        });
    }
    for reader in [false, false, true, true] {
        let (scene, over) = (Arc::clone(&scene), Arc::clone(&over));
        others.spawn(async move {
            let mut done = 0;
            let (client, _connection) = scene.world.db.connect().await?;
            client.batch_execute("SET jit = off").await.context("jit")?;
            while !over.load(Ordering::Acquire) {
                if reader {
                    let found = lies(&client).await?;
                    assert!(found.is_empty(), "{found:#?}");
                    done += 1;
                } else {
                    done += scene.control.fold_series(2).await.context("a fold")?;
                }
            }
            Ok::<_, Trouble>(done)
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.context("a writer")??;
    }
    over.store(true, Ordering::Release);
    while let Some(ended) = others.join_next().await {
        assert!(ended.context("a reader or a fold")?? > 0, "all of them had their turn");
    }
    while scene.control.fold_series(100).await.context("fold")? > 0 {}
    assert_eq!(lies(scene.world.db.client()).await?, Vec::<String>::new());
    assert!(scene.world.db.number("SELECT count(*) FROM series_days").await? >= 6);
    Ok(())
}

/// A fold that waits in the middle, and what it delays: nothing.
#[tokio::test]
async fn a_fold_that_does_not_end_delays_no_commit_and_makes_no_reader_wrong() -> Result<()> {
    let scene = Scene::start().await?;
    let mut dice = Dice(rand::random());
    while scene.world.db.number("SELECT count(*) FROM series_changed").await? < 6 {
        scene.ledger.commit(&dice.batch(1)?).await.context("a commit")?;
    }
    let (client, _connection) = scene.world.db.connect().await?;
    client
        .batch_execute("BEGIN; SELECT pg_advisory_xact_lock(hashtext('cafe24-sync'), hashtext('fold'))")
        .await
        .context("a lock")?;
    let fold = include_str!("../../../../common/src/store/sql/fold_series.sql");
    assert!(client.query_one(fold, &[&100_i64]).await.context("a fold")?.get::<_, i64>(0) > 0);
    for fence in 2..20 {
        scene.ledger.commit(&dice.batch(fence)?).await.context("a commit beside a fold")?;
        assert_eq!(scene.control.fold_series(100).await.context("a second fold")?, 0, "one at a time");
        assert_eq!(lies(scene.world.db.client()).await?, Vec::<String>::new());
    }
    client.batch_execute("COMMIT").await.context("the end of the fold")?;
    assert_eq!(lies(scene.world.db.client()).await?, Vec::<String>::new());
    Ok(())
}

/// A day ends, a deadline passes, and no slice changes: what is kept need not be read anew.
#[tokio::test]
async fn midnight_and_the_deadline_make_no_kept_row_old() -> Result<()> {
    let at = |text: &str| -> Result<DateTime<Utc>> { format!("{text}+09:00").parse().context("a time") };
    let mut clock = MovedClock::at(at("2036-02-16T23:58:00")?)?;
    let postgres = OwnServer::start_at(Kind::Postgres, &clock).await?;
    let servers = Servers { database: postgres.url(), ..Servers::from_env()? };
    let config = WorldConfig {
        servers: Some(servers),
        env: clock.environment(),
        no_import: true,
        ..WorldConfig::default()
    };
    let scene = Scene::on(config).await?;
    let db = &scene.world.db;
    db.client()
        .batch_execute(
            "UPDATE connectors SET wanted_from = '2036-02-10', created_at = '2036-01-01', endpoints = '{visitors}';
             INSERT INTO slices (mall_id, shop_no, endpoint, granularity, date, data_state, job_id, fence, rows, checksum)
             SELECT mall_id, 1, 'visitors', 'day', day::date, CASE WHEN day < '2036-02-16' THEN 'complete' ELSE 'partial' END, gen_random_uuid(), 1, 1, 0
               FROM connectors, generate_series('2036-02-10'::timestamp, '2036-02-16', '1 day') AS day WHERE mall_id = 'hanbit'",
        )
        .await
        .context("slices")?;
    while scene.control.fold_series(100).await.context("fold")? > 0 {}
    let folded = db.number("SELECT (extract(epoch FROM folded_at) * 1000)::bigint FROM series_days").await?;
    let sql = "SELECT status || ' ' || gap_days || ' ' || complete_through || ' ' || today_state FROM series_freshness WHERE mall_id = 'hanbit'";
    for (moment, expected) in [
        ("2036-02-16T23:59:00", "fresh 0 2036-02-15 today_partial"),
        ("2036-02-17T00:00:30", "catching_up 1 2036-02-15 not_yet"),
        ("2036-02-17T08:59:00", "catching_up 1 2036-02-15 not_yet"),
        ("2036-02-17T09:00:30", "late 1 2036-02-15 not_yet"),
    ] {
        clock.set(at(moment)?)?;
        let row = db.client().query_one(sql, &[]).await.context(sql)?;
        assert_eq!(row.get::<_, String>(0), expected, "{moment}");
        assert_eq!(lies(db.client()).await?, Vec::<String>::new(), "{moment}");
    }
    assert_eq!(db.number("SELECT count(*) FROM series_changed").await?, 0);
    assert_eq!(
        db.number("SELECT (extract(epoch FROM folded_at) * 1000)::bigint FROM series_days").await?,
        folded
    );
    Ok(())
}
