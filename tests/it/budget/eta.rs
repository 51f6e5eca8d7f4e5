//! The foretold end against the real one, at the real rate, for runs of minutes.

use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;
use tests::harness::{Context as _, Result, World, WorldConfig, wait_until};
use tests::simulator::{LimiterScope, SimConfig};

/// How far the foretold time may be from the real one.
const TOLERANCE: f64 = 0.05;
/// What is over sooner, in seconds, is not what this is about: there the first answers and the last commit weigh more.
const MINUTES: f64 = 60.0;
/// The programs are at work by then.
const SOON: Duration = Duration::from_secs(30);
/// Longer than any of the runs.
const LIMIT: Duration = Duration::from_secs(230);

/// Of what an end was foretold, and which jobs must be over then.
struct Told {
    what: String,
    jobs: String,
    /// The moment from which the end was foretold, in seconds since 1970; the answer is read later, on a loaded machine much.
    as_of: f64,
    seconds: f64,
}

/// A world with its daemon, a worker, and what it was told.
struct Run {
    world: World,
    told: Vec<Told>,
    _programs: [tests::harness::Program; 2],
}

impl Run {
    async fn start(sim: SimConfig, env: &[(&str, &str)]) -> Result<Self> {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let sim = SimConfig { large_malls: Some(0), ..sim };
        let world = World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await?;
        let programs = [world.programs.serve()?, world.programs.worker()?];
        // Nothing is foretold while nobody is at work.
        wait_until("both at work", SOON, || async {
            let status = world.json(&["status"]).await?;
            Ok(status["daemon"].is_object() && status["workers"]["alive"] == 1)
        })
        .await?;
        Ok(Self { world, told: Vec::new(), _programs: programs })
    }

    fn malls(&self) -> Vec<String> {
        self.world.sim.malls().into_iter().map(|mall| mall.mall_id).collect()
    }

    /// Plans `days` jobs of `mall`, one a day.
    async fn plan(&mut self, mall: &str, days: u32) -> Result<()> {
        let last = format!("{days}d");
        let wish = ["--endpoint", "visitors", "--last", &last, "--chunk-days", "1", "--lane", "backfill"];
        let planned = self.world.enqueue(&[&["--mall", mall], wish.as_slice()].concat()).await?;
        assert_eq!(planned["jobs"], days, "{planned}");
        let run = planned["run_id"].as_str().unwrap_or_default().to_owned();
        self.tell(&format!("the plan for {mall}"), &planned, &format!("run_id = '{run}'"))?;
        self.ask(&format!("run of {mall}"), &["backfill", "show", &run], &format!("run_id = '{run}'")).await
    }

    async fn ask(&mut self, what: &str, command: &[&str], jobs: &str) -> Result<()> {
        let document = self.world.json(command).await?;
        self.tell(what, &document, jobs)
    }

    fn tell(&mut self, what: &str, document: &Value, jobs: &str) -> Result<()> {
        let seconds = document["eta"]["seconds"].as_f64();
        let seconds = seconds.with_context(|| format!("{what}: no end is foretold: {document}"))?;
        let end =
            document["eta"]["done_at"].as_str().with_context(|| format!("{what}: no end: {document}"))?;
        let end = DateTime::parse_from_rfc3339(end).context(end.to_owned())?.timestamp();
        #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
        let as_of = end as f64 - seconds;
        self.told.push(Told { what: what.to_owned(), jobs: jobs.to_owned(), as_of, seconds });
        Ok(())
    }

    /// Asks for the ends of each mall, of the agency, and of everything.
    async fn ask_all(&mut self, when: &str) -> Result<()> {
        for mall in self.malls() {
            let jobs = format!("mall_id = '{mall}'");
            self.ask(&format!("mall {mall} {when}"), &["limits", &mall], &jobs).await?;
        }
        self.ask(&format!("the agency {when}"), &["limits", "--agency", "agency-1"], "true").await?;
        self.ask(&format!("everything {when}"), &["status"], "true").await
    }

    async fn epoch(&self, sql: &str) -> Result<f64> {
        Ok(self.world.db.client().query_one(sql, &[]).await.context("a time")?.get(0))
    }

    /// Waits for the end, and compares.
    async fn compare(&self) -> Result<()> {
        self.world.settled(LIMIT).await?;
        let mut off_by_more = Vec::new();
        for told in &self.told {
            let end = format!(
                "SELECT extract(epoch FROM max(finished_at))::float8 FROM jobs WHERE work_state = 'done' AND {}",
                told.jobs
            );
            let took = self.epoch(&end).await? - told.as_of;
            let off = (told.seconds - took) / took;
            let figure = format!(
                "{}: {} s foretold, {took:.1} s taken, {:+.1} %",
                told.what,
                told.seconds,
                off * 100.0
            );
            say(&figure);
            if took >= MINUTES && off.abs() > TOLERANCE {
                off_by_more.push(figure);
            }
        }
        assert!(off_by_more.is_empty(), "{off_by_more:#?}");
        assert_eq!(self.world.sim.report().total.throttled, 0);
        Ok(())
    }
}

/// Prints a figure; shown with `--no-capture`.
pub(super) fn say(figure: &str) {
    #[expect(clippy::print_stderr, reason = "only this macro is captured by the test runner")]
    {
        eprintln!("figure: {figure}");
    }
}

/// Several malls, each with a bucket of its own.
async fn malls_side_by_side() -> Result<()> {
    let mut run = Run::start(SimConfig { malls: 3, ..SimConfig::default() }, &[]).await?;
    for (mall, days) in run.malls().into_iter().zip([330, 200, 150]) {
        run.plan(&mall, days).await?;
    }
    run.ask_all("at the start").await?;
    tokio::time::sleep(Duration::from_secs(40)).await;
    run.ask_all("in the middle").await?;
    tokio::time::sleep(Duration::from_mins(1)).await;
    run.ask("everything near the end", &["status"], "true").await?;
    run.compare().await
}

/// One bucket for all malls, a quarter of which is left to others: each mall's end comes by its turns.
async fn one_bucket_with_a_share_for_others() -> Result<()> {
    let sim = SimConfig { malls: 2, limiter_scope: LimiterScope::Host, ..SimConfig::default() };
    let env = [("CAFE24_SYNC__LIMITS__KEY", "host"), ("CAFE24_SYNC__LIMITS__RESERVE", "25%")];
    let mut run = Run::start(sim, &env).await?;
    for (mall, days) in run.malls().into_iter().zip([180, 70]) {
        run.plan(&mall, days).await?;
    }
    // What was foretold for the first before the second was wished for could not know of it.
    run.told.clear();
    run.ask_all("of one bucket, at the start").await?;
    tokio::time::sleep(Duration::from_secs(50)).await;
    run.ask_all("of one bucket, in the middle").await?;
    run.compare().await
}

/// Fresh days go before a backfill that is under way, and both ends are known.
async fn fresh_days_before_a_backfill() -> Result<()> {
    let mut run = Run::start(SimConfig { malls: 1, ..SimConfig::default() }, &[]).await?;
    let mall = run.malls().remove(0);
    run.plan(&mall, 60).await?;
    run.told.clear();
    let wish =
        ["--mall", &mall, "--endpoint", "domains", "--last", "180d", "--chunk-days", "1", "--lane", "fresh"];
    let planned = run.world.enqueue(&wish).await?;
    run.tell("fresh days before a backfill", &planned, "lane = 'fresh'")?;
    run.ask_all("with both lanes").await?;
    run.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_foretold_end_of_runs_malls_and_agencies_is_the_end_to_five_percent() -> Result<()> {
    tokio::try_join!(
        malls_side_by_side(),
        one_bucket_with_a_share_for_others(),
        fresh_days_before_a_backfill()
    )?;
    Ok(())
}
