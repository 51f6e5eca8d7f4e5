//! I7: no secret of a run shows anywhere, not even to whoever logs everything and reads every queue, key and table.

mod consents;
mod echoes;
mod files;
mod guarded;
mod operator;
mod planted;

use std::collections::BTreeSet;
use std::time::Duration;

use tests::harness::secrets::{Canaries, Place, places};
use tests::harness::{Broker, Context as _, Result, Webhook, World, WorldConfig, free_ports, wait_until};
use tests::simulator::{MallSpec, SimConfig, Size};

use self::consents::Consents;
use self::files::SecretFiles;
use self::guarded::Guarded;
use crate::connect::Site;

const SOON: Duration = Duration::from_secs(30);
const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-06";
/// An app besides the configured one.
const APP_ID: &str = "brand-b-client";
const ALL_MALLS: [&str; 10] =
    ["good", "expires", "violates", "refuses", "breaks", "oauth", "closed", "revoked", "branded", "pastes"];
/// What a run has to keep to itself, by kind. One that the run does not have is one that nobody looked for.
const KINDS: [&str; 17] = [
    "a cookie",
    "a master key that is none",
    "a state",
    "a ticket",
    "access token",
    "code",
    "refresh token",
    "the client secret",
    "the first master key",
    "the new master key",
    "the password of Postgres",
    "the password of RabbitMQ",
    "the password of Redis",
    "the secret of an app from a file",
    "the secret of an app from stdin",
    "the token of a webhook that is none",
    "the token of the webhook",
];

fn random() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn basic(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn mall(mall_id: &str) -> MallSpec {
    MallSpec { size: Size::Small, ..MallSpec::new(mall_id) }
}

/// A world that logs everything, behind passwords, whose daemon takes callbacks to `origin`.
async fn world(guarded: &Guarded, origin: &str, app_secret: &str) -> Result<World> {
    let sim = SimConfig {
        malls: 0,
        extra_malls: ALL_MALLS.map(mall).to_vec(),
        client_secret: format!("cs/+=\"{}", random()),
        other_apps: vec![(APP_ID.to_owned(), app_secret.to_owned())],
        capacity: 400,
        rate_multiplier: 100.0,
        ..SimConfig::default()
    };
    let env = [
        ("RUST_LOG", "trace".to_owned()),
        ("CAFE24_SYNC__LIMITS__BURST", "400".to_owned()),
        ("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND", "200".to_owned()),
        ("CAFE24_SYNC__RETRY__BASE", "10ms".to_owned()),
        ("CAFE24_SYNC__RETRY__CAP", "20ms".to_owned()),
        ("CAFE24_SYNC__FEED__SWEEP", "100ms".to_owned()),
        ("CAFE24_SYNC__ALERTS__EVERY", "1s".to_owned()),
        ("CAFE24_SYNC__OAUTH__REDIRECT_URI", format!("{origin}/oauth/callback")),
        ("CAFE24_SYNC__WEB__LISTEN", origin.trim_start_matches("http://").to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let servers = Some(guarded.servers.clone());
    World::start_with(WorldConfig { sim, env, servers, ..WorldConfig::default() }).await
}

/// All that the run left behind or still shows.
async fn everything(site: &Site, guarded: &Guarded, webhook: &Webhook) -> Result<Vec<Place>> {
    let world = &site.world;
    let mut found = places::files(world.programs.logs(), &files::ALL)?;
    found.extend(places::database(world.db.client()).await?);
    found.extend(places::redis(&guarded.redis.url()).await?);
    let broker = Broker::connect(&world.servers.amqp).await?;
    let prefix = &world.prefix;
    for queue in [prefix.queue("fresh"), prefix.queue("backfill"), prefix.dead_queue()] {
        found.extend(places::queue(&broker, &queue).await?);
    }
    found.extend(places::command_lines()?);
    let own = format!("http://{}", site.daemon.listen(SOON).await?);
    found.extend(places::visits(&own, &["/metrics", "/healthz", "/readyz", "/", "/nothing"]).await?);
    found.extend(places::visits(&site.origin, &["/", "/oauth/callback", "/oauth/start/nothing"]).await?);
    let told = webhook.messages().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    found.push(Place { name: "messages to the webhook".to_owned(), bytes: told.into_bytes() });
    Ok(found)
}

#[tokio::test]
async fn i07_no_secret_of_a_whole_run_shows_anywhere() -> Result<()> {
    let (guarded, webhook) = (Guarded::start().await?, Webhook::start().await?);
    let origin = format!("http://127.0.0.1:{}", free_ports(1)?);
    let app_secret = format!("app/+={}", random());
    let mut world = world(&guarded, &origin, &app_secret).await?;
    let folder = world.programs.logs().to_owned();
    let secrets = SecretFiles::write(&folder, &app_secret, &webhook)?;
    let receiver = secrets.webhook.to_string_lossy();
    world.programs = world.programs.clone().quiet().set("CAFE24_SYNC__ALERTS__WEBHOOK_URL_FILE", receiver);
    let first_key = operator::keys(&folder)?.pop().context("a key")?;
    operator::set_apps(&world, &secrets).await?;
    echoes::order(&world)?;
    for mall in ["expires", "oauth", "branded"] {
        world.sim.expire_access(mall).context("expire")?;
    }
    world.sim.set_approved("closed", false).context("close")?;
    world.sim.revoke_tokens("revoked").context("revoke")?;
    webhook.refuse(Some(503));

    let site = Site::on(world, origin).await?;
    let world = &site.world;
    let workers = [world.programs.worker()?, world.programs.worker()?];
    world.enqueue(&["--all", "--from", FROM, "--to", TO, "--chunk-days", "3"]).await?;
    world.settled(SOON).await?;
    let letters = "SELECT count(*) FROM dead_letters";
    wait_until("letters", SOON, || async { Ok(world.db.number(letters).await? >= 24) }).await?;
    wait_until("a message refused", SOON, || async { Ok(webhook.refused() > 0) }).await?;
    webhook.refuse(None);
    operator::works(world).await?;
    let consents = Consents::give(&site).await?;
    operator::rotates_the_key(world).await?;
    operator::disconnects(world, "pastes").await?;
    wait_until("a message", SOON, || async { Ok(!webhook.messages().is_empty()) }).await?;
    operator::breaks_things(world, &secrets).await?;
    // What waits in a queue is looked at as well, so somebody has to leave something there.
    for worker in &workers {
        worker.stop(SOON).await?;
    }
    operator::leaves_a_message(world).await?;

    let mut canaries = Canaries::new();
    let keys = operator::keys(&folder)?;
    let [new_key, old_key] = &keys[..] else { panic!("{} keys", keys.len()) };
    assert_eq!(*old_key, first_key);
    let own = [
        ("the client secret", &world.sim.config().client_secret),
        ("the first master key", &first_key),
        ("the new master key", new_key),
    ];
    let own = own.map(|(what, secret)| (what, secret.clone()));
    let known = [&guarded.passwords[..], &secrets.known, &consents.known, &own, &world.sim.handed_out()];
    for (what, secret) in known.into_iter().flatten() {
        canaries.add(what, secret)?;
    }
    assert_eq!(canaries.kinds(), BTreeSet::from(KINDS));

    let mut found = everything(&site, &guarded, &webhook).await?;
    found.extend(consents.places);
    let of = |start: &str| found.iter().filter(|place| place.name.starts_with(start)).count();
    assert!(of("worker-") >= 4 && of("serve-") >= 2 && of("cli-") > 100, "{} files", found.len());
    assert!(
        of("table ") >= 8 && of("Redis key ") >= 1 && of("a message in ") >= 1 && of("letters.ndjson") == 1
    );
    assert!(of("the answer to ") > 15 && of(&format!("the command line of {}", site.daemon.pid())) > 0);
    for (place, shown) in &consents.on_purpose {
        Place::without(&mut found, place, shown)?;
    }
    canaries.none_in(&found)?;

    // The same search over the same folder, once somebody has written everything down there.
    let notes: Vec<_> = canaries.plain().map(|(_, secret)| basic(&String::from_utf8_lossy(secret))).collect();
    std::fs::write(folder.join("notes"), notes.join("\n")).context("notes")?;
    let leaks = canaries.search(&places::files(&folder, &files::ALL)?)?;
    let noted = leaks.iter().filter(|leak| leak.place == "notes").map(|leak| leak.secret.as_str());
    assert_eq!(noted.collect::<BTreeSet<_>>(), BTreeSet::from(KINDS));
    drop((workers, guarded.rabbit));
    Ok(())
}
