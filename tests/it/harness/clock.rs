//! A moved clock is seen by the programs and by their Postgres, and nothing waits longer or shorter for it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tests::harness::{Context as _, Kind, MovedClock, OwnServer, Result, Servers, World, WorldConfig};
use tests::simulator::SimConfig;
use tokio::time::sleep;

/// Longer than a leader's lease.
const IDLE: Duration = Duration::from_secs(9);

#[tokio::test]
async fn ten_days_pass_in_a_moment_for_running_programs_and_their_database() -> Result<()> {
    let start: DateTime<Utc> = "2036-03-01T01:00:00Z".parse().context("a moment")?;
    let mut clock = MovedClock::at(start)?;
    let postgres = OwnServer::start_at(Kind::Postgres, &clock).await?;
    let servers = Servers { database: postgres.url(), ..Servers::from_env()? };
    let sim = SimConfig { malls: 1, ..SimConfig::default() };
    let env = clock.environment();
    let config = WorldConfig { sim, servers: Some(servers), env, no_import: true, ..WorldConfig::default() };
    let world = World::start_with(config).await?;
    world.sim.clock().set_now(clock.now());
    world.import().await?;
    let daemon = world.programs.serve()?;
    let worker = world.programs.worker()?;

    for days in ["2036-02-28 2036-02-29", "2036-03-09 2036-03-10"] {
        let wish = world.enqueue(&["--all", "--last", "2d", "--endpoint", "visitors", "--wait"]).await?;
        let done = format!(
            "SELECT count(*) FROM jobs WHERE work_state = 'done' AND start_date || ' ' || end_date = '{days}'"
        );
        assert_eq!(world.db.number(&done).await?, 1, "{wish}");
        assert_eq!(world.db.number("SELECT count(*) FROM slices WHERE data_state <> 'complete'").await?, 0);
        clock.advance(Duration::from_hours(240))?;
        world.sim.clock().set_now(clock.now());
    }
    let off = "SELECT abs(extract(epoch FROM now() - $1::timestamptz))::float8";
    let off: f64 = world.db.client().query_one(off, &[&clock.now()]).await.context(off)?.get(0);
    assert!(off < 2.0, "Postgres is {off} s off");
    // The clock alone ends no lease, no session and no leadership, also while nothing is to be done.
    sleep(IDLE).await;
    for program in [&daemon, &worker] {
        let bad = ["leader.lost", "conn.lost"];
        let events = program.events();
        let lost: Vec<_> =
            events.iter().filter(|event| bad.iter().any(|bad| event.to_string().contains(bad))).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
    Ok(())
}
