//! A mall whose answers take seconds keeps two requests waiting, and nobody else.

use std::time::Duration;

use tests::harness::{Context as _, Result, wait_until};
use tests::simulator::{FaultKind, FaultRule, SimConfig};

/// Malls, the sick one among them.
const MALLS: u32 = 13;
/// Jobs a mall.
const JOBS: i64 = 120;
/// Each answer of the sick mall takes so long; in the real world 55 s of the 60 that are allowed.
const SICK: Duration = Duration::from_secs(4);

/// A run takes five seconds, so that one second for which the machine is busy otherwise is a fifth of it. Whatever keeps malls
/// waiting for a sick one does so each time.
const TRIES: usize = 3;

/// What the other malls had.
#[derive(Debug)]
struct Figures {
    /// Requests a second of all of them together.
    rate: f64,
    /// Until the last job of the slowest of them.
    seconds: f64,
    /// Requests of the sick mall under way at once, at most.
    held: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_the_other_malls_keep_nine_tenths_of_their_throughput_beside_a_sick_one() -> Result<()> {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let well = run(false).await?;
        let sick = run(true).await?;
        super::say("all malls well", &well);
        super::say(&format!("one of {MALLS} malls answers after {SICK:?}"), &sick);
        assert!(sick.held <= 2, "{sick:?}");
        // The age of the others' jobs: no later than by half.
        if sick.rate >= 0.9 * well.rate && sick.seconds <= 1.5 * well.seconds {
            return Ok(());
        }
        seen.push((well, sick));
    }
    panic!("well and sick, each time: {seen:?}");
}

async fn run(is_sick: bool) -> Result<Figures> {
    // Few slots: the sick mall's two are a quarter of them.
    let slots = [("CAFE24_SYNC__WORKER__SLOTS", "8")];
    let world = super::world(SimConfig { malls: MALLS as usize, ..SimConfig::default() }, &slots).await?;
    let sick = world.sim.malls().remove(0).mall_id;
    if is_sick {
        let slow = FaultKind::Delay { ms: u64::try_from(SICK.as_millis()).unwrap_or(u64::MAX) };
        world
            .sim
            .order(FaultRule { mall: Some(sick.clone()), ..FaultRule::always(slow) })
            .context("order")?;
    }
    let (_serve, _worker) = (world.programs.serve()?, world.programs.worker()?);
    world
        .enqueue(&["--all", "--endpoint", "visitors", "--last", "120d", "--chunk-days", "1", "--yes"])
        .await?;
    let done = format!("SELECT count(*) FROM jobs WHERE work_state = 'done' AND mall_id <> '{sick}'");
    let all = i64::from(MALLS - 1) * JOBS;
    wait_until("the others done", Duration::from_secs(40), || async {
        Ok(world.db.number(&done).await? == all)
    })
    .await?;
    let mut seconds = 0.0_f64;
    for mall in world.sim.malls().iter().filter(|mall| mall.mall_id != sick) {
        seconds = seconds.max(super::seconds_of(&world, &mall.mall_id).await?);
    }
    let mut arrivals = Vec::new();
    for mall in world.sim.malls().iter().filter(|mall| mall.mall_id != sick) {
        arrivals.extend(world.sim.arrivals(&mall.mall_id).context("arrivals")?);
    }
    arrivals.sort();
    let span = arrivals
        .last()
        .zip(arrivals.first())
        .map_or(0.0, |(last, first)| last.saturating_sub(*first).as_secs_f64());
    let held = world.sim.mall_report(&sick).context("a report")?.max_concurrent;
    #[expect(clippy::cast_precision_loss, reason = "some thousand")]
    let rate = arrivals.len() as f64 / span;
    Ok(Figures { rate, seconds, held })
}
