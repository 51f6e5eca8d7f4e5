//! All at once, by chance: what people and accidents do to jobs under way, and after it nothing is lost, stuck or doubled.
//!
//! The reconciler is out of the way (its deadlines are hours), so that it cannot hide what was lost. A failure tells its seed:
//! the deeds are the same again, their moments are not.

use std::time::Duration;

use tests::harness::proxy::{Fault, Proxy};
use tests::harness::{Broker, Context as _, Program, Result, Servers, Signal, Span, Trouble, wait_until};
use tests::simulator::FaultKind;

use super::dice::Dice;
use super::redelivery::{emptied, publish};
use super::{Flow, SOON, START, Setup, day, status};

const MALLS: [&str; 3] = ["hanbit", "moonlit", "seoulbag"];
const ENDPOINTS: [&str; 4] = ["visitors", "pageviews", "products", "domains"];
const FROM: &str = "2025-03-01";
const TO: &str = "2025-04-29";
const SLICES: i64 = 60 * 4 * 3;
/// All is over by then, on a loaded machine too.
const OVER: Duration = Duration::from_mins(2);
const DEEDS: usize = 90;
const WORKERS: usize = 3;

/// A worker with a way to the broker of its own, which can be cut.
struct Hand {
    program: Program,
    way: Proxy,
    frozen: bool,
}

impl Hand {
    async fn start(flow: &Flow) -> Result<Self> {
        let way = Proxy::start(&Servers::address(&flow.world.servers.amqp)).await?;
        let through = Servers::through(&flow.world.servers.amqp, way.port());
        let program = flow.world.programs.clone().set("AMQP_URL", through).worker()?;
        Ok(Self { program, way, frozen: false })
    }

    fn freeze(&mut self, frozen: bool) -> Result<()> {
        if self.frozen != frozen {
            self.program.signal(if frozen { Signal::Stop } else { Signal::Cont })?;
            self.frozen = frozen;
        }
        Ok(())
    }
}

/// Connections end; new ones stand.
fn cut(way: &Proxy) {
    way.set(Fault::Reset);
    way.set(Fault::None);
}

struct Storm {
    flow: Flow,
    broker: Broker,
    dice: Dice,
    hands: Vec<Hand>,
    /// The daemon's.
    way: Proxy,
    /// Deliveries that may have gone to two workers: this often a worker lost all that it had in hand.
    lost_hands: i64,
}

impl Storm {
    async fn start(seed: u64) -> Result<Self> {
        let way = Proxy::start(&Servers::address(&Servers::from_env()?.amqp)).await?;
        let mut setup = Setup::new(&MALLS).workers(0).without_daemon().set("LIMITS__CAPACITY", "20");
        setup.sim.rate_multiplier = 12.0;
        let setup = setup
            .set("LIMITS__REFILL_PER_SECOND", "24")
            .set("RECONCILE__EVERY", "1h")
            .set("RECONCILE__QUEUED_DEADLINE", "1h")
            .set("RECONCILE__RUNNING_DEADLINE", "1h");
        let mut flow = Flow::start(setup).await?;
        let through = Servers::through(&flow.world.servers.amqp, way.port());
        flow.daemon = Some(flow.world.programs.clone().set("AMQP_URL", through).serve()?);
        let mut hands = Vec::new();
        for _ in 0..WORKERS {
            hands.push(Hand::start(&flow).await?);
        }
        for hand in &hands {
            hand.program.listen(START).await?;
        }
        let broker = Broker::connect(&flow.world.servers.amqp).await?;
        Ok(Self { flow, broker, dice: Dice(seed), hands, way, lost_hands: 0 })
    }

    /// Something that happens on a bad day.
    async fn deed(&mut self) -> Result<&'static str> {
        let (mall, endpoint) = (self.dice.of(&MALLS), self.dice.of(&ENDPOINTS));
        let of_all = self.dice.roll(3) == 0;
        let whose = if of_all { "NULL".to_owned() } else { format!("'{mall}'") };
        let stop = format!("UPDATE connectors SET state = 'paused' WHERE mall_id = '{mall}'");
        let go = format!("UPDATE connectors SET state = 'active' WHERE mall_id = '{mall}'");
        let pause = format!(
            "INSERT INTO endpoint_pauses (endpoint, mall_id, cause, reason, paused_by) \
             VALUES ('{endpoint}', {whose}, 'operator', 'a storm', 'storm') ON CONFLICT DO NOTHING"
        );
        let resume = format!(
            "UPDATE endpoint_pauses SET ended_at = now(), ended_by = 'storm' \
             WHERE ended_at IS NULL AND endpoint = '{endpoint}' AND mall_id IS NOT DISTINCT FROM {whose}"
        );
        let flicker = Duration::from_millis(self.dice.roll(25));
        let (statements, told): (&[&str], _) = match self.dice.roll(18) {
            0 => (&[&stop], "a mall is paused"),
            1 | 2 => (&[&go], "a mall is resumed"),
            3 | 4 => (&[&stop, &go], "a mall is paused and resumed"),
            5 => (&[&pause], "an endpoint is paused"),
            6 => (&[&resume], "an endpoint is resumed"),
            7 | 8 => (&[&pause, &resume], "an endpoint is paused and resumed"),
            accident => return self.accident(accident, mall, endpoint).await,
        };
        for statement in statements {
            self.flow.run_sql(statement).await?;
            tokio::time::sleep(flicker).await;
        }
        Ok(told)
    }

    async fn accident(&mut self, accident: u64, mall: &str, endpoint: &str) -> Result<&'static str> {
        let hand = self.dice.index(WORKERS);
        Ok(match accident {
            9..=11 => {
                self.publish_again(endpoint).await?;
                "messages come twice"
            }
            12 => {
                cut(&self.hands[hand].way);
                self.lost_hands += 1;
                "a worker's connection ends"
            }
            13 => {
                cut(&self.way);
                "the daemon's connections end"
            }
            14 => {
                self.hands[hand].freeze(false)?;
                self.hands[hand].program.kill().await?;
                self.hands[hand] = Hand::start(&self.flow).await?;
                self.lost_hands += 1;
                "a worker is killed and another one starts"
            }
            15 => {
                let freeze =
                    !self.hands[hand].frozen && self.hands.iter().filter(|hand| !hand.frozen).count() > 1;
                self.hands[hand].freeze(freeze)?;
                // Whoever is away for long loses its connection, and finds its jobs taken when it wakes.
                cut(&self.hands[hand].way);
                self.lost_hands += 1;
                "a worker freezes, or wakes"
            }
            16 => {
                let faults = [
                    FaultKind::Reset { after_body_bytes: None },
                    status(503),
                    FaultKind::Truncated { chunked: false },
                ];
                let fault = faults[self.dice.index(faults.len())].clone();
                self.flow.order(mall, Some(3), fault)?;
                "the API fails"
            }
            _ => {
                let newest = "SELECT run_id::text FROM runs ORDER BY created_at DESC LIMIT 1";
                let run = self.flow.rows_of(newest).await?.remove(0);
                self.flow.cli(&["backfill", "cancel", &run, "--yes"]).await?.success()?;
                self.wish().await?;
                "the newest wish is cancelled, and wished for again"
            }
        })
    }

    async fn wish(&self) -> Result<()> {
        let wish = ["--all", "--from", FROM, "--to", TO, "--chunk-days", "1", "--lane", "backfill", "--yes"];
        self.flow.enqueue(&wish).await.map(drop)
    }

    /// A few jobs, whatever their state, get another message each.
    async fn publish_again(&self, endpoint: &str) -> Result<()> {
        let jobs = self.flow.jobs().await?;
        for state in ["planned", "queued", "running", "parked", "done", "cancelled"] {
            let some = jobs.iter().filter(|job| job.state == state && job.endpoint == endpoint);
            for job in some.take(5) {
                publish(&self.flow, &self.broker, job).await?;
            }
        }
        Ok(())
    }

    /// Nothing bars anything any more, and everybody works.
    async fn calm(&mut self) -> Result<()> {
        self.flow.world.sim.clear_faults();
        for hand in &mut self.hands {
            hand.freeze(false)?;
        }
        let resumed =
            "UPDATE endpoint_pauses SET ended_at = now(), ended_by = 'storm' WHERE ended_at IS NULL";
        self.flow.run_sql(resumed).await?;
        for mall in MALLS {
            self.flow
                .run_sql(&format!("UPDATE connectors SET state = 'active' WHERE mall_id = '{mall}'"))
                .await?;
        }
        Ok(())
    }

    /// Every job comes to its end by itself.
    async fn over(&self) -> Result<()> {
        let over = wait_until("every job over", OVER, || async {
            Ok(self.flow.world.jobs_in(&["planned", "queued", "running", "parked"]).await? == 0)
        });
        let Err(trouble) = over.await else { return Ok(()) };
        let left = "SELECT format('%s %s, %s, fence %s of %s, %s', count(*), work_state, mall_id, max(fence), max(settled_fence), \
                    string_agg(DISTINCT left(worker, 8), ' ')) FROM jobs WHERE work_state NOT IN ('done', 'failed', 'cancelled') GROUP BY work_state, mall_id";
        Err(Trouble::new(format!("{trouble}: {:#?}", self.flow.rows_of(left).await?)))
    }

    async fn verify(mut self) -> Result<()> {
        self.over().await?;
        // What failed has run out of attempts, or was under way in each of three workers that were killed.
        let failed =
            self.flow.rows_of("SELECT job_id::text FROM jobs WHERE work_state = 'failed' ORDER BY 1").await?;
        let unexplained = "SELECT count(*) FROM jobs WHERE work_state = 'failed' AND attempts < 8 AND error NOT LIKE 'poison%'";
        equal("jobs failed for no reason", &self.flow.world.db.number(unexplained).await?, &0)?;
        self.flow.archived(failed.len()).await?;
        let letters = self.flow.rows_of("SELECT letter_id::text FROM dead_letters ORDER BY 1").await?;
        equal("letters", &letters, &failed)?;
        self.requests_are_explained().await?;

        // What was cancelled or has failed is wished for once more, and then everything is there.
        self.wish().await?;
        self.over().await?;
        self.flow.world.exact(&MALLS.map(|mall| Span::days(mall, day(FROM), day(TO)))).await?;
        let twice = "SELECT count(*) FROM (SELECT FROM jobs WHERE work_state = 'done' \
                     GROUP BY mall_id, endpoint, start_date HAVING count(*) > 1) AS twice";
        equal("days fetched by two jobs", &self.flow.world.db.number(twice).await?, &0)?;
        // A cancelled job may have been fetched all the same, by who had it in hand.
        let complete = "SELECT count(*) FROM slices WHERE data_state = 'complete'";
        equal("slices", &self.flow.world.db.number(complete).await?, &SLICES)?;
        emptied(&self.flow, &self.broker).await?;
        // Nor does anybody hold one: it would be in its queue again.
        for hand in self.hands.drain(..) {
            hand.program.stop(SOON).await?;
        }
        for queue in ["fresh", "backfill"] {
            let queue = self.flow.world.prefix.queue(queue);
            wait_until("nobody consumes", SOON, || async {
                Ok(self.broker.depth(&queue).await?.is_none_or(|(_, consumers)| consumers == 0))
            })
            .await?;
            equal(&queue, &self.broker.depth(&queue).await?, &Some((0, 0)))?;
        }
        Ok(())
    }

    /// A claim makes one request at most.
    async fn requests_are_explained(&self) -> Result<()> {
        let requests = i64::try_from(self.flow.world.sim.report().total.requests).context("a count")?;
        let claims = self.flow.world.db.number("SELECT last_value FROM fences").await?;
        let ended = "SELECT count(*) + sum(attempts)::bigint FROM jobs WHERE work_state IN ('done', 'failed', 'cancelled')";
        let ended = self.flow.world.db.number(ended).await?;
        let (lost, letters) = (self.lost_hands, self.flow.letters().await?.len());
        say(&format!(
            "{requests} requests of {claims} claims, {ended} ends, {lost} hands lost, {letters} letters"
        ));
        let explained = requests <= claims;
        if explained {
            Ok(())
        } else {
            Err(Trouble::new(format!("{requests} requests, {claims} claims, {lost} hands lost")))
        }
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, expected: &T) -> Result<()> {
    if is == expected {
        return Ok(());
    }
    Err(Trouble::new(format!("{what}: {is:?}, not {expected:?}")))
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs it by hand")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[tokio::test]
async fn b04_whatever_befalls_jobs_under_way_each_ends_by_itself_and_every_row_is_right() -> Result<()> {
    let seed = rand::random();
    let mut storm = Storm::start(seed).await?;
    storm.wish().await?;
    let mut deeds = Vec::new();
    for _ in 0..DEEDS {
        tokio::time::sleep(Duration::from_millis(storm.dice.roll(140))).await;
        deeds.push(storm.deed().await.with_context(|| format!("seed {seed}, after {deeds:?}"))?);
    }
    storm.calm().await?;
    storm.verify().await.with_context(|| format!("seed {seed}, {deeds:?}"))
}
