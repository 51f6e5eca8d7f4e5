//! From nothing to the first mall's figures, as `docs/first-mall.md` tells it.

use std::fs;

use tests::harness::{
    Context as _, Result, Span, TestDb, Transcript, World, WorldConfig, compare_with_truth, free_ports,
};
use tests::simulator::{Dialect, MallSpec, SimConfig, Size};

use super::{ORIGIN, SOON, consents};

const DOCUMENT: &str = "docs/first-mall.md";
const MALL: &str = "yourmall";

#[tokio::test]
async fn the_first_mall_goes_as_the_handbook_shows_it() -> Result<()> {
    let products_a_day = Some(30);
    let mall = MallSpec { size: Size::Small, dialect: Dialect::Live, products_a_day, ..MallSpec::new(MALL) };
    let sim = SimConfig { malls: 0, extra_malls: vec![mall], ..SimConfig::default() };
    let origin = format!("http://127.0.0.1:{}", free_ports(1)?);
    let env = [
        ("CAFE24_SYNC__OAUTH__REDIRECT_URI", format!("{origin}/oauth/callback")),
        ("CAFE24_SYNC__WEB__LISTEN", origin.trim_start_matches("http://").to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let config = WorldConfig { sim, env, no_import: true, ..WorldConfig::default() };
    let mut world = World::start_with(config).await?;
    // Nothing is there yet: no key, no configuration, no table.
    fs::remove_file(world.programs.logs().join("master.key")).context("the harness's key")?;
    let empty = TestDb::create_empty(&world.servers.database, "cafe24_first_mall").await?;
    world.programs =
        world.programs.unset("CAFE24_SYNC__OAUTH__MASTER_KEY_FILE").set("DATABASE_URL", empty.url());
    let mut seen = Transcript::new(world.sim.clock().now());
    seen.name(origin, ORIGIN);
    let host = world.sim.oauth_template().replace("{mall_id}", MALL);
    seen.name(host, &format!("https://{MALL}.cafe24api.com"));

    let made = world.cli(&["init"]).await?;
    made.success()?;
    seen.command("init", &["init"], &made);
    world.cli(&["config", "check", "--connect"]).await?.success()?;
    world.cli(&["db", "migrate"]).await?.success()?;
    let (daemon, worker) = (world.programs.serve()?, world.programs.worker()?);
    daemon.listen(SOON).await?;
    worker.listen(SOON).await?;

    let arguments = ["connect", MALL, "--dialect", "live", "--no-browser"];
    let command = world.programs.cli_started(&arguments)?;
    let link = command.word("http://", "/oauth/start/", SOON).await?;
    seen.name(link.rsplit('/').next().unwrap_or_default(), "Jq3…");
    consents(&link, &command).await?;
    let connected = command.output(SOON).await?;
    connected.success()?;
    seen.command("connect", &arguments, &connected);

    let arguments = ["probe", MALL, "--endpoint", "visitors", "products"];
    let probed = world.cli(&arguments).await?;
    probed.success()?;
    seen.command("probe", &arguments, &probed);

    world.cli(&["enqueue", "--mall", MALL, "--last", "7d", "--wait=2m"]).await?.success()?;
    let today = world.sim.clock().today();
    let span = Span::days(MALL, today - chrono::Days::new(7), today - chrono::Days::new(1));
    compare_with_truth(&world.sim, empty.client(), &[span]).await?.exact()?;
    for sql in queries()? {
        let rows = empty.client().query(&sql, &[]).await.with_context(|| sql.clone())?;
        assert_eq!(rows.len(), 7, "{sql}");
    }
    seen.compare_with(DOCUMENT)
}

/// The queries that the document shows.
fn queries() -> Result<Vec<String>> {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/first-mall.md");
    let text = fs::read_to_string(document).context(document)?;
    let queries: Vec<_> =
        text.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!queries.is_empty(), "the document shows no query");
    Ok(queries.into_iter().map(str::to_owned).collect())
}
