//! H1: the database of one installation and the broker or Redis of another one: nothing starts, nothing is written.

use std::time::{Duration, Instant};

use tests::harness::secrets::places;
use tests::harness::{
    Broker, Context as _, Kind, Output, OwnServer, Result, Servers, World, WorldConfig, wait_until,
};
use tests::simulator::SimConfig;

const SOON: Duration = Duration::from_secs(20);
/// 1 s is the aim (H1), on a machine that has nothing else to do.
const AT_ONCE: Duration = Duration::from_secs(3);
const INVALID: Option<i32> = Some(6);

async fn world() -> Result<World> {
    world_with(Servers::from_env()?).await
}

async fn world_with(servers: Servers) -> Result<World> {
    let servers = Some(servers);
    let sim = SimConfig { malls: 1, capacity: 400, rate_multiplier: 100.0, ..SimConfig::default() };
    let env = [("LIMITS__BURST", "400"), ("LIMITS__REFILL_PER_SECOND", "200"), ("FEED__SWEEP", "100ms")];
    let env = env.map(|(name, value)| (format!("CAFE24_SYNC__{name}"), value.to_owned())).to_vec();
    let world = World::start_with(WorldConfig { sim, env, servers, ..WorldConfig::default() }).await?;
    // Databases of tests are copies of one template; installations are not.
    let named = "UPDATE deployment SET deployment_id = gen_random_uuid()";
    world.db.client().batch_execute(named).await.context(named)?;
    Ok(world)
}

/// Starts daemon and worker, and lets them go once both stand.
async fn run_once(world: &World) -> Result<()> {
    let (daemon, worker) = (world.programs.serve()?, world.programs.worker()?);
    daemon.listen(SOON).await?;
    worker.listen(SOON).await?;
    worker.stop(SOON).await?;
    daemon.stop(SOON).await.map(drop)
}

/// What lies in this world's Redis prefix and queues, without the level of time.
async fn contents(world: &World) -> Result<Vec<String>> {
    let keys = places::redis(&world.servers.redis).await?;
    let mut found: Vec<_> = keys
        .into_iter()
        .filter(|key| key.name.contains(world.prefix.redis()))
        .map(|key| format!("{} {}", key.name, key.bytes.escape_ascii()))
        .collect();
    let broker = Broker::connect(&world.servers.amqp).await?;
    for queue in [world.prefix.queue("fresh"), world.prefix.queue("backfill"), world.prefix.dead_queue()] {
        found.push(format!("{queue}: {:?}", broker.depth(&queue).await?));
    }
    found.sort();
    Ok(found)
}

/// Daemon and worker of `world` with the addresses of `other` for one server.
async fn mixed(world: &World, other: &World, variables: &[&str]) -> Result<[Output; 2]> {
    let theirs = other.programs.environment();
    let with = |programs: tests::harness::Programs, name: &&str| programs.set(name, theirs[*name].clone());
    let programs = variables.iter().fold(world.programs.clone(), with);
    let started = Instant::now();
    let (daemon, worker) = (programs.serve()?, programs.worker()?);
    let ended = [daemon.output(SOON).await?, worker.output(SOON).await?];
    assert!(started.elapsed() < AT_ONCE, "took {:?}", started.elapsed());
    Ok(ended)
}

fn refused(ended: &[Output], whose: &str) {
    for output in ended {
        assert_eq!(output.code, INVALID, "{output:?}");
        assert!(
            output.stderr.contains(&whose[..8]) && output.stderr.contains("another installation"),
            "{output:?}"
        );
    }
    assert!(ended[0].stderr.contains("E-INST-01"), "{:?}", ended[0]);
}

async fn id_of(world: &World) -> Result<String> {
    let sql = "SELECT deployment_id::text FROM deployment";
    Ok(world.db.client().query_one(sql, &[]).await.context(sql)?.get(0))
}

#[tokio::test]
async fn h01_the_database_of_one_installation_with_the_servers_of_another_one_starts_nothing() -> Result<()> {
    let (production, test) = (world().await?, world().await?);
    run_once(&test).await?;
    let whose = id_of(&test).await?;
    let before = contents(&test).await?;
    let ours = contents(&production).await?;
    let redis = mixed(&production, &test, &["CAFE24_SYNC__REDIS__PREFIX"]).await?;
    refused(&redis, &whose);
    // A new Redis prefix is nobody's; the refusal of RabbitMQ must leave it so.
    let rabbit = mixed(&production, &test, &["CAFE24_SYNC__RABBITMQ__PREFIX"]).await?;
    refused(&rabbit, &whose);
    assert_eq!(contents(&test).await?, before);
    assert_eq!(contents(&production).await?, ours);

    // Commands that publish or drain are held to it as well.
    let wrong = production.programs.clone().set("CAFE24_SYNC__RABBITMQ__PREFIX", test.prefix.broker());
    let wish = ["enqueue", "--all", "--from", "2025-03-01", "--to", "2025-03-01", "--yes"];
    for arguments in [&wish[..], &["dead", "list"]] {
        let output = wrong.cli(arguments, SOON).await?;
        assert!(output.stderr.contains("another installation"), "{output:?}");
    }
    assert_eq!(contents(&test).await?, before);
    run_once(&production).await?;
    run_once(&test).await
}

#[tokio::test]
async fn h01_what_was_emptied_is_marked_again_and_a_redis_that_becomes_another_ones_stops_everything()
-> Result<()> {
    let redis = OwnServer::start(Kind::Redis).await?;
    let world = world_with(Servers { redis: redis.url(), ..Servers::from_env()? }).await?;
    run_once(&world).await?;
    let broker = Broker::connect(&world.servers.amqp).await?;
    broker.delete_exchange(&world.prefix.mark_exchange()).await?;
    let client = redis::Client::open(redis.url()).context("redis")?;
    let mut connection = client.get_multiplexed_async_connection().await.context("redis")?;
    let mut ask = async |words: &[&str]| -> Result<redis::Value> {
        let (name, arguments) = words.split_first().context("a command")?;
        redis::cmd(name).arg(arguments).query_async(&mut connection).await.with_context(|| words.join(" "))
    };
    let mark = format!("{}:deployment", world.prefix.redis());
    ask(&["FLUSHALL"]).await?;
    run_once(&world).await?;
    let id = id_of(&world).await?;
    assert_eq!(ask(&["HGET", &mark, "id"]).await?, redis::Value::BulkString(id.clone().into_bytes()));

    // Under way, the address of our Redis begins to lead to another one's: seen at the next connection.
    let worker = world.programs.worker()?;
    worker.listen(SOON).await?;
    ask(&["HSET", &mark, "id", "somebody-else"]).await?;
    ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await?;
    let _daemon = world.programs.serve()?;
    world.enqueue(&["--all", "--from", "2025-03-01", "--to", "2025-03-02", "--yes"]).await.err();
    world.sim.reset_report();
    wait_until("the worker says so", SOON, || async { Ok(worker.log().contains("somebody-else")) }).await?;
    assert_eq!(world.sim.report().total.requests, 0);
    ask(&["HSET", &mark, "id", &id]).await?;
    let _daemon = world.programs.serve()?;
    world.settled(SOON).await?;
    assert!(world.sim.report().total.requests > 0);
    Ok(())
}

#[tokio::test]
async fn h01_a_move_on_purpose_is_planned_confirmed_audited_and_shuts_the_others_out() -> Result<()> {
    let (restored, old) = (world().await?, world().await?);
    run_once(&old).await?;
    let programs = restored
        .programs
        .clone()
        .set("CAFE24_SYNC__REDIS__PREFIX", old.prefix.redis())
        .set("CAFE24_SYNC__RABBITMQ__PREFIX", old.prefix.broker());
    let plan = programs.cli(&["db", "adopt", "--dry-run"], SOON).await?;
    plan.success()?;
    let whose = id_of(&old).await?;
    assert_eq!(plan.stdout.matches("→ taken over").count(), 2, "{plan:?}");
    assert_eq!(plan.stdout.matches(&format!("belongs to {}", &whose[..8])).count(), 2, "{plan:?}");
    let asked = programs.cli(&["db", "adopt"], SOON).await?;
    assert_eq!(asked.code, Some(7), "{asked:?}");
    run_once(&old).await?;

    programs.cli(&["db", "adopt", "--yes"], SOON).await?.success()?;
    let audit =
        "SELECT count(*) FROM audit_log WHERE action = 'db.adopt' AND details ->> 'redis' IS NOT NULL";
    assert_eq!(restored.db.number(audit).await?, 1);
    let (daemon, worker) = (programs.serve()?, programs.worker()?);
    daemon.listen(SOON).await?;
    worker.listen(SOON).await?;
    refused(&mixed(&old, &old, &[]).await?, &id_of(&restored).await?);
    let again = programs.cli(&["db", "adopt"], SOON).await?;
    again.success()?;
    assert!(!again.stdout.contains("taken over"), "{again:?}");

    // A copy that takes a new identity is shut out of what it was copied from.
    let before = id_of(&old).await?;
    old.json(&["db", "adopt", "--new-id", "--yes"]).await?;
    assert_ne!(id_of(&old).await?, before);
    Ok(())
}

/// `docs/reliability.md` H1, its second half: no program runs with settings that are wrong, and all mistakes are told at once.
#[tokio::test]
async fn h01_a_bad_configuration_starts_nothing_and_tells_all_its_mistakes_at_once() -> Result<()> {
    let world = world().await?;
    let before = contents(&world).await?;
    let mistakes = [
        ("LIMITS__REFILL_PER_SECOND", "0", "limits.refill_per_second"),
        ("WORKER__SLOTS", "100000", "worker.slots"),
        ("FEED__SWEEP", "soon", "feed.sweep"),
        ("LIMITS__BURTS", "40", "limits.burst"),
        ("CAFE24__BASE_URL", "https://10.0.0.7", "cafe24.base_url"),
    ];
    let with = |programs: tests::harness::Programs, (name, value, _): &(&str, &str, &str)| {
        programs.set(&format!("CAFE24_SYNC__{name}"), *value)
    };
    let programs = mistakes.iter().fold(world.programs.clone(), with);
    let started = Instant::now();
    let (daemon, worker) = (programs.serve()?, programs.worker()?);
    for output in [daemon.output(SOON).await?, worker.output(SOON).await?] {
        assert_eq!(output.code, INVALID, "{output:?}");
        for (name, ..) in mistakes {
            assert!(output.stderr.contains(name), "{name} is not named: {output:?}");
        }
        assert!(output.stderr.contains("did you mean `burst`?"), "{output:?}");
    }
    assert!(started.elapsed() < AT_ONCE, "took {:?}", started.elapsed());
    assert_eq!(contents(&world).await?, before);
    Ok(())
}
