//! A standby leads within ten seconds of whatever happens to the leader (`docs/reliability.md` S2).

use std::time::{Duration, Instant};

use tests::harness::proxy::{Fault, Proxy};
use tests::harness::{Program, Result, Servers, Signal, World, wait_until};

use super::{SOON, led, say, world};

const TAKEOVER: Duration = Duration::from_secs(10);
const RUNS: usize = 5;

/// A daemon, and its own way to Postgres.
struct Daemon {
    program: Program,
    way: Proxy,
}

impl Daemon {
    async fn start(world: &World) -> Result<Self> {
        let way = Proxy::start(&Servers::address(&world.servers.database)).await?;
        let through = Servers::through(world.db.url(), way.port());
        let program = world.programs.clone().set("DATABASE_URL", through).serve()?;
        program.event("serve.started", SOON).await?;
        Ok(Self { program, way })
    }

    /// How long it takes until this one has led once more than `before`.
    async fn leads_after(&self, before: usize) -> Result<Duration> {
        let began = Instant::now();
        wait_until("a takeover", TAKEOVER, || async { Ok(led(&self.program) > before) }).await?;
        Ok(began.elapsed())
    }

    async fn stands_by_again(&self, lost: usize) -> Result<()> {
        wait_until("leader.lost", SOON, || async {
            let events = self.program.events();
            Ok(events.iter().filter(|event| super::named(event, "leader.lost")).count() > lost)
        })
        .await
    }
}

/// The pair changes roles `RUNS` times: `harm` befalls who leads, `heal` mends it once the other one leads.
async fn roles_change(
    what: &str,
    harm: impl Fn(&Daemon) -> Result<()>,
    heal: impl Fn(&Daemon) -> Result<()>,
) -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    let mut leader = Daemon::start(&world).await?;
    leader.leads_after(0).await?;
    let mut standby = Daemon::start(&world).await?;
    let mut times = Vec::new();
    for run in 0..RUNS {
        let lost = run / 2;
        let before = led(&standby.program);
        harm(&leader)?;
        times.push(standby.leads_after(before).await?);
        heal(&leader)?;
        leader.stands_by_again(lost).await?;
        std::mem::swap(&mut leader, &mut standby);
        assert!(leader.program.is_running() && standby.program.is_running());
    }
    tell(what, &times);
    Ok(())
}

fn tell(what: &str, times: &[Duration]) {
    let seconds: Vec<_> = times.iter().map(|time| format!("{:.1}", time.as_secs_f64())).collect();
    say(&format!("takeover after {what}, s"), seconds.join(" "));
    assert!(times.iter().all(|time| *time < TAKEOVER), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_a_killed_leader_is_replaced_within_ten_seconds() -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    let mut leader = Daemon::start(&world).await?;
    leader.leads_after(0).await?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let standby = Daemon::start(&world).await?;
        leader.program.kill().await?;
        times.push(standby.leads_after(0).await?);
        leader = standby;
    }
    tell("SIGKILL", &times);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_a_frozen_leader_is_replaced_within_ten_seconds() -> Result<()> {
    let tell = |signal| move |daemon: &Daemon| daemon.program.signal(signal);
    roles_change("SIGSTOP", tell(Signal::Stop), tell(Signal::Cont)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s02_a_leader_whose_connection_is_cut_is_replaced_within_ten_seconds() -> Result<()> {
    let set = |fault| {
        move |daemon: &Daemon| {
            daemon.way.set(fault);
            Ok(())
        }
    };
    roles_change("a cut connection", set(Fault::Reset), set(Fault::None)).await
}

/// No byte passes in either direction: neither side is told that the other one is gone.
#[tokio::test(flavor = "multi_thread")]
async fn s02_a_leader_behind_a_dead_network_is_replaced_within_ten_seconds() -> Result<()> {
    let set = |fault| {
        move |daemon: &Daemon| {
            daemon.way.set(fault);
            Ok(())
        }
    };
    roles_change("a network that fell silent", set(Fault::Blackhole), set(Fault::None)).await
}
