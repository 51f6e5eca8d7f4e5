//! I7: no secret of a run shows anywhere, not even to whoever logs everything and reads every queue, key and table.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use tests::harness::secrets::{Canaries, Place, percent, places};
use tests::harness::{
    Broker, Context as _, Kind, OwnServer, Program, Result, Servers, World, WorldConfig, wait_until,
};
use tests::simulator::{FaultKind, FaultRule, MallSpec, SimConfig, Size, Target};

const SOON: Duration = Duration::from_secs(30);
/// In which a worker fails to reach a server a few times, and says so.
const TRIES: Duration = Duration::from_secs(2);
/// On purpose: what a test gives the programs, readable by their user alone.
const SECRET_FILES: [&str; 2] = ["master.key", "malls.jsonl"];
const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-06";

fn random() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Servers with passwords, and what they are.
struct Guarded {
    rabbit: OwnServer,
    redis: OwnServer,
    servers: Servers,
    passwords: [(&'static str, String); 3],
}

impl Guarded {
    async fn start() -> Result<Self> {
        // Characters that each way of writing a URL, a header or JSON treats in its own way.
        let passwords = [
            ("the password of Postgres", format!("pg/+=&\"{}", random())),
            ("the password of RabbitMQ", format!("amqp+{}", random())),
            ("the password of Redis", format!("redis/+={}", random())),
        ];
        let [postgres, amqp, of_redis] = passwords.each_ref().map(|(_, password)| password.as_str());
        let conf = format!("default_user = fleet\ndefault_pass = {amqp}\n");
        let rabbit = OwnServer::start_rabbit(&conf, None).await?;
        let redis = OwnServer::start(Kind::Redis).await?;
        let client = redis::Client::open(redis.url()).context("redis")?;
        let mut connection = client.get_multiplexed_async_connection().await.context("redis")?;
        let user = ["SETUSER", "fleet", "on", &format!(">{of_redis}"), "~*", "&*", "+@all"];
        let _: () = redis::cmd("ACL").arg(&user).query_async(&mut connection).await.context("ACL")?;
        let shared = Servers::from_env()?.database;
        let (head, rest) = shared.split_once("://").context("a URL")?;
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        let servers = Servers {
            amqp: format!("amqp://fleet:{}@127.0.0.1:{}/%2f", percent(amqp), rabbit.port()),
            redis: format!("redis://fleet:{}@127.0.0.1:{}/0", percent(of_redis), redis.port()),
            // The development server trusts its machine, so any password is the right one.
            database: format!("{head}://postgres:{}@{place}", percent(postgres)),
        };
        Ok(Self { rabbit, redis, servers, passwords })
    }
}

fn mall(mall_id: &str) -> MallSpec {
    MallSpec {
        mall_id: mall_id.to_owned(),
        agency: "agency-1".to_owned(),
        size: Size::Small,
        shops: vec![1],
        approved: true,
    }
}

fn answers(code: u16, body: String) -> FaultKind {
    FaultKind::Status { code, headers: BTreeMap::new(), body: Some(body), retry_after: None }
}

/// Every way in which the API may throw our own secrets back at us.
fn order_echoes(world: &World) -> Result<()> {
    let secret = &world.sim.config().client_secret;
    let order = |mall: &str, endpoint: Option<Target>, times: u32, fault: FaultKind| {
        let rule = FaultRule {
            mall: Some(mall.to_owned()),
            endpoint,
            times: Some(times),
            ..FaultRule::always(fault)
        };
        world.sim.order(rule).context("order").map(drop)
    };
    let pair = |mall: &str| world.sim.current_tokens(mall).context("tokens");
    let tokens = pair("violates")?;
    let body = serde_json::json!({ "data": [{ "date": FROM }], "debug": tokens }).to_string();
    order("violates", None, 100, answers(200, body))?;
    let tokens = pair("refuses")?;
    let body = format!(
        "{{\"error\":\"no\",\"sent\":\"Authorization: Bearer {}\",\"refresh_token\" : \"{}\",\"client_secret\":\"{}\"}}",
        tokens.access_token,
        tokens.refresh_token,
        secret.escape_default(),
    );
    order("refuses", None, 100, answers(400, body))?;
    let tokens = pair("breaks")?;
    let page = format!(
        "<pre>grant_type=refresh_token&refresh_token={}&client_secret={}\n\
         access_token = {}\nAuthorization: Basic {}</pre>",
        tokens.refresh_token,
        percent(secret),
        tokens.access_token,
        basic(&format!("{}:{secret}", world.sim.config().client_id)),
    );
    order("breaks", None, 100, answers(503, page))?;
    let tokens = pair("oauth")?;
    let echo = serde_json::json!({ "error": "server_error", "error_description": tokens }).to_string();
    order("oauth", Some(Target::Token), 2, answers(400, echo))?;
    Ok(())
}

fn basic(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// The commands that an operator types on such a day, in each form of answer.
async fn operate(world: &World) -> Result<()> {
    let ids = world.db.client().query("SELECT letter_id::text FROM dead_letters LIMIT 3", &[]).await;
    let ids: Vec<String> = ids.context("letters")?.iter().map(|row| row.get(0)).collect();
    assert!(!ids.is_empty(), "nothing died");
    let mut commands = vec![
        vec!["status"],
        vec!["malls", "list"],
        vec!["dead", "list"],
        vec!["config", "show"],
        vec!["config", "check"],
        vec!["db", "status"],
        vec!["queue", "reconcile"],
    ];
    commands.extend(ids.iter().map(|id| vec!["dead", "show", id]));
    let forms = |command: &Vec<_>| ["-vv", "--json"].map(|form| [&command[..], &[form]].concat());
    let lines: Vec<_> = commands.iter().flat_map(forms).collect();
    // What it answers is searched; how it ends is other tests' business.
    try_join_all(lines.iter().map(|line| world.cli(line))).await?;
    world.cli(&["dead", "replay", &ids[0], "--yes"]).await?.success()
}

/// The same programs without their servers: errors love to show addresses.
async fn operate_without_servers(world: &World) -> Result<()> {
    let enqueue = ["enqueue", "--all", "--from", FROM, "--to", FROM, "--force", "--yes"];
    let commands = [("DATABASE_URL", &["status"][..]), ("AMQP_URL", &enqueue), ("REDIS_URL", &["status"])];
    let mut all = Vec::new();
    for (variable, command) in commands {
        let url = &world.programs.environment()[variable];
        let elsewhere = url.replace("127.0.0.1", "no-such-host.invalid");
        for broken in [Servers::through(url, 1), elsewhere, url.replace(':', "%zz")] {
            let programs = world.programs.clone().set(variable, broken);
            all.push(async move {
                programs.cli(command, SOON).await?;
                let worker = programs.worker()?;
                tokio::time::sleep(TRIES).await;
                if worker.is_running() { worker.kill().await } else { Ok(()) }
            });
        }
    }
    try_join_all(all).await.map(drop)
}

async fn everything(world: &World, guarded: &Guarded, running: &[Program]) -> Result<Vec<Place>> {
    let mut found = places::files(world.programs.logs(), &SECRET_FILES)?;
    found.extend(places::database(world.db.client()).await?);
    found.extend(places::redis(&guarded.redis.url()).await?);
    let broker = Broker::connect(&world.servers.amqp).await?;
    let prefix = &world.prefix;
    for queue in [prefix.queue("fresh"), prefix.queue("backfill"), prefix.dead_queue()] {
        found.extend(places::queue(&broker, &queue).await?);
    }
    for program in running {
        found.push(places::command_line(program)?);
        let address = program.listen(SOON).await?;
        found.extend(places::pages(&address, &["/metrics", "/healthz", "/readyz", "/", "/nothing"]).await?);
    }
    Ok(found)
}

fn secrets_of(world: &World, guarded: &Guarded) -> Result<Canaries> {
    let mut canaries = Canaries::new();
    for (name, password) in &guarded.passwords {
        canaries.add(name, password)?;
    }
    canaries.add("the client secret", &world.sim.config().client_secret)?;
    let key = std::fs::read_to_string(world.programs.logs().join("master.key")).context("the key")?;
    canaries.add("the master key", &key)?;
    for (what, secret) in world.sim.handed_out() {
        canaries.add(what, &secret)?;
    }
    Ok(canaries)
}

#[tokio::test]
async fn i07_no_secret_of_a_whole_run_shows_anywhere() -> Result<()> {
    let guarded = Guarded::start().await?;
    let malls = ["good", "expires", "violates", "refuses", "breaks", "oauth", "closed", "revoked"];
    let sim = SimConfig {
        malls: 0,
        extra_malls: malls.map(mall).to_vec(),
        client_secret: format!("cs/+=\"{}", random()),
        capacity: 400,
        rate_multiplier: 100.0,
        ..SimConfig::default()
    };
    let env = [
        ("RUST_LOG", "trace"),
        ("CAFE24_SYNC__LIMITS__BURST", "400"),
        ("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND", "200"),
        ("CAFE24_SYNC__RETRY__BASE", "10ms"),
        ("CAFE24_SYNC__RETRY__CAP", "20ms"),
        ("CAFE24_SYNC__FEED__SWEEP", "100ms"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let servers = Some(guarded.servers.clone());
    let mut world = World::start_with(WorldConfig { sim, env, servers, ..WorldConfig::default() }).await?;
    world.programs = world.programs.clone().quiet();
    order_echoes(&world)?;
    for mall in ["expires", "oauth"] {
        world.sim.expire_access(mall).context("expire")?;
    }
    world.sim.set_approved("closed", false).context("close")?;
    world.sim.revoke_tokens("revoked").context("revoke")?;

    let running = vec![world.programs.serve()?, world.programs.worker()?, world.programs.worker()?];
    world.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "3"]).await?;
    world.settled(SOON).await?;
    let letters = "SELECT count(*) FROM dead_letters";
    wait_until("letters", SOON, || async { Ok(world.db.number(letters).await? >= 24) }).await?;
    operate(&world).await?;
    operate_without_servers(&world).await?;
    // What waits in a queue is looked at as well, so somebody has to leave something there.
    for worker in &running[1..] {
        worker.stop(SOON).await?;
    }
    world.enqueue(&["--mall", "good", "--from", FROM, "--to", TO, "--force", "--yes"]).await?;

    let canaries = secrets_of(&world, &guarded)?;
    let found = everything(&world, &guarded, &running[..1]).await?;
    let of = |start: &str| found.iter().filter(|place| place.name.starts_with(start)).count();
    assert!(of("worker-") >= 4 && of("serve-") >= 2 && of("cli-") > 40, "{} files", found.len());
    assert!(of("table ") >= 8 && of("Redis key ") >= 1 && of("a message in ") >= 1, "{found:?}");
    assert!(canaries.texts() > 200);
    canaries.none_in(&found)?;
    drop((running, guarded.rabbit));
    Ok(())
}

/// Shows that the search of the test above can fail, for each kind of place.
#[tokio::test]
async fn i07_a_secret_planted_in_any_kind_of_place_is_found() -> Result<()> {
    let world = World::start().await?;
    let secret = format!("planted/{}", random());
    let mut canaries = Canaries::new();
    canaries.add("planted", &secret)?;
    let mut found = Vec::new();

    let rabbit = Broker::connect(&world.servers.amqp).await?;
    let daemon = world.programs.serve()?;
    let address = daemon.listen(SOON).await?;
    let queue = world.prefix.dead_queue();
    wait_until("the queues", SOON, || async { Ok(rabbit.depth(&queue).await?.is_some()) }).await?;
    drop(daemon);
    drop(address);
    rabbit.publish(&world.prefix.dead_exchange(), "", basic(&secret).as_bytes()).await?;
    let looked = places::queue(&rabbit, &queue).await?;
    let lies_there = async || Ok(rabbit.depth(&queue).await?.map(|(ready, _)| ready) == Some(1));
    wait_until("the message back in its place", SOON, lies_there).await?;
    found.push(("a queue", looked));

    let redis = OwnServer::start(Kind::Redis).await?;
    let client = redis::Client::open(redis.url()).context("redis")?;
    let mut connection = client.get_multiplexed_async_connection().await.context("redis")?;
    let key = ["a field", &secret];
    let _: () =
        redis::cmd("HSET").arg("a hash").arg(&key).query_async(&mut connection).await.context("HSET")?;
    found.push(("a hash", places::redis(&redis.url()).await?));

    let text =
        "UPDATE connectors SET state_reason = $1 WHERE mall_id = (SELECT min(mall_id) FROM connectors)";
    world.db.client().execute(text, &[&percent(&secret)]).await.context("UPDATE")?;
    found.push(("a table", places::database(world.db.client()).await?));
    let bytes = "UPDATE connectors SET state_reason = NULL, config_json = jsonb_build_object('mode', 'off', 'sealed', encode($1, 'hex'))";
    world.db.client().execute(bytes, &[&secret.as_bytes()]).await.context("UPDATE")?;
    found.push(("bytes in a table", places::database(world.db.client()).await?));

    let folder = world.programs.logs().join("deeper");
    std::fs::create_dir_all(&folder).context("a folder")?;
    std::fs::write(folder.join("a.log"), format!("{{\"msg\":\"{secret:?}\"}}")).context("a file")?;
    found.push(("a file", places::files(world.programs.logs(), &SECRET_FILES)?));

    let armed = world.programs.cli_started(&["serve", "--config", &secret])?;
    found.push(("a command line", vec![places::command_line(&armed)?]));

    for (what, places) in found {
        assert!(!canaries.search(&places)?.is_empty(), "not found in {what}");
    }
    Ok(())
}
