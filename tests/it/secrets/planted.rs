//! Shows that the search of the whole run can fail.

use std::time::Duration;

use tests::harness::secrets::{Canaries, percent, places};
use tests::harness::{Broker, Context as _, Kind, OwnServer, Reply, Result, World, wait_until};

use super::{basic, random};

const SOON: Duration = Duration::from_secs(30);

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
    found.push(("a file", places::files(world.programs.logs(), &[])?));

    // It waits for its stdin, so that it is there when it is looked for.
    let set = ["apps", "set", "brand-b", "--client-id", &secret, "--client-secret-file", "-"];
    let _waiting = world.programs.cli_with_stdin(&set)?;
    found.push(("a command line", places::command_lines()?));

    let headers = vec![("set-cookie".to_owned(), secret.clone())];
    let reply = Reply { status: 303, headers, body: String::new() };
    found.push(("a header", vec![places::reply("a visit", &reply)]));

    for (what, places) in found {
        assert!(!canaries.search(&places)?.is_empty(), "not found in {what}");
    }
    Ok(())
}
