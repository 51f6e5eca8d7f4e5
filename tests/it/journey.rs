//! Two bad days of an operator, played against the real programs: what `docs/operate.md` shows is what they say.

mod first_mall;

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::harness::{
    Browser, Context as _, Output, Program, Result, Span, Transcript, Webhook, World, WorldConfig,
    free_ports, wait_until, wait_until_some,
};
use tests::simulator::{Endpoint, FaultKind, FaultRule, MallSpec, SimConfig};

const MALLS: [&str; 3] = ["hanbit", "moonlit", "seoul"];
const DOCUMENT: &str = "docs/operate.md";
const SOON: Duration = Duration::from_secs(30);
/// After a new consent, the jobs that waited run by themselves within this time (`docs/reliability.md` O2).
const BY_THEMSELVES: Duration = Duration::from_secs(30);
/// The daemon's own address, as it is known outside.
const ORIGIN: &str = "https://sync.agency.kr";

/// An agency's installation, and what its operator sees. The programs end before what they stand on.
struct Day {
    _programs: [Program; 2],
    world: World,
    webhook: Webhook,
    seen: Transcript,
}

impl Day {
    async fn start() -> Result<Self> {
        let malls = MALLS.map(MallSpec::new);
        let sim = SimConfig { malls: 0, extra_malls: malls.to_vec(), ..SimConfig::default() };
        let webhook = Webhook::start().await?;
        let origin = format!("http://127.0.0.1:{}", free_ports(1)?);
        let env = [
            ("OAUTH__REDIRECT_URI", format!("{origin}/oauth/callback")),
            ("WEB__LISTEN", origin.trim_start_matches("http://").to_owned()),
            ("ALERTS__WEBHOOK_URL", webhook.url().to_owned()),
            ("ALERTS__KIND", "json".to_owned()),
            ("ALERTS__EVERY", "1s".to_owned()),
            ("FEED__SWEEP", "100ms".to_owned()),
        ];
        let env = env.map(|(name, value)| (format!("CAFE24_SYNC__{name}"), value)).to_vec();
        let world = World::start_with(WorldConfig { sim, env, ..WorldConfig::default() }).await?;
        let (daemon, worker) = (world.programs.serve()?, world.programs.worker()?);
        daemon.listen(SOON).await?;
        worker.listen(SOON).await?;
        let mut seen = Transcript::new(world.sim.clock().now());
        seen.name(origin, ORIGIN);
        for mall in world.sim.malls() {
            let host = world.sim.oauth_template().replace("{mall_id}", &mall.mall_id);
            seen.name(host, &format!("https://{}.cafe24api.com", mall.mall_id));
        }
        Ok(Self { _programs: [daemon, worker], world, webhook, seen })
    }

    /// Waits until a mall's bucket has so many tokens: whether a plan is done at once is for the bucket to say.
    async fn tokens(&self, mall: &str, tokens: f64) -> Result<()> {
        wait_until("enough tokens", SOON, || async {
            let shown = self.world.json(&["limits", mall]).await?;
            Ok(shown["items"][0]["tokens"].as_f64() >= Some(tokens))
        })
        .await
    }

    /// Runs a command as the operator does, and writes down what it says.
    async fn types(&mut self, block: &str, line: &str) -> Result<Output> {
        let arguments: Vec<_> = line.split(' ').collect();
        let output = self.world.cli(&arguments).await?;
        self.seen.command(block, &arguments, &output);
        Ok(output)
    }

    /// The first message of the webhook about `kind` that says `event`.
    async fn told(&mut self, block: &str, event: &str, kind: &str) -> Result<Value> {
        let is = |message: &Value| message["event"] == event && message["kind"] == kind;
        let found = || async { Ok(self.webhook.messages().into_iter().find(is)) };
        let message = wait_until_some(&format!("{kind} {event}"), SOON, found).await?;
        let mut text = serde_json::to_string_pretty(&message).context("JSON")?;
        // How many there were when the daemon looked first is chance.
        if let Some((before, after)) =
            text.split_once("for good: ").zip(text.split_once(" jobs of the last hour"))
        {
            text = format!("{}for good: 12 of 36 jobs of the last hour{}", before.0, after.1);
        }
        self.seen.add(block, &text);
        Ok(message)
    }

    /// Days before today in Korea.
    fn days_ago(&self, days: u64) -> chrono::NaiveDate {
        let kst = chrono::FixedOffset::east_opt(9 * 3_600).expect("a zone");
        self.world.sim.clock().now().with_timezone(&kst).date_naive() - chrono::Days::new(days)
    }
}

/// The mall's owner opens the link and presses Allow, in a browser without scripts. Answers the last page's heading.
async fn consents(link: &str, command: &Program) -> Result<String> {
    let browser = Browser::new();
    let authorize = browser.visit(link).await?.location()?.to_owned();
    let noticed = || async { Ok(command.log().contains("the link was opened")) };
    wait_until("the command notices", SOON, noticed).await?;
    let page = browser.visit(&authorize).await?;
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!("{name}=\""))?.1;
        Some(rest.split('"').next()?.replace("&amp;", "&"))
    };
    let inputs = page.body.split('<').filter(|tag| tag.starts_with("input "));
    let fields: Vec<_> =
        inputs.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?))).collect();
    let mut form: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    form.push(("decision", "allow"));
    let consent = authorize.split('?').next().unwrap_or_default().replace("/authorize", "/consent");
    let callback = browser.submit(&consent, &form).await?.location()?.to_owned();
    let reply = browser.visit(&callback).await?;
    let origin = link.split("/oauth/").next().unwrap_or_default();
    let last = browser.visit(&format!("{origin}{}", reply.location()?)).await?;
    let heading = last.body.split("<h1").nth(1).and_then(|rest| rest.split("</h1>").next());
    let heading = heading.with_context(|| format!("no heading: {last:?}"))?;
    let text = heading.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
    Ok(text.collect::<String>().trim().to_owned())
}

#[tokio::test]
async fn the_operators_journey_is_as_the_handbook_shows_it() -> Result<()> {
    let mut day = Day::start().await?;
    consent_lost_at_night(&mut day).await?;
    garbage_from_one_mall(&mut day).await?;
    day.seen.compare_with(DOCUMENT)
}

async fn consent_lost_at_night(day: &mut Day) -> Result<()> {
    // The weeks before; yesterday is missing.
    let (from, to) = (day.days_ago(8).to_string(), day.days_ago(2).to_string());
    day.world.enqueue(&["--all", "--from", &from, "--to", &to, "--yes"]).await?;
    day.world.settled(SOON).await?;

    // At night somebody removes the app from hanbit; then the nightly run begins.
    day.world.sim.revoke_tokens("hanbit").context("revoke")?;
    day.types("night-run", "enqueue --all --last 3d").await?.success()?;
    day.told("night-alert", "opened", "needs_consent").await?;
    day.world.settled(SOON).await?;

    let leader = day.world.json(&["status"]).await?["daemon"]["instance"].as_str().map(str::to_owned);
    day.seen.name(leader.context("a daemon")?, "sync1:4711");
    let check = day.types("morning-status", "status --check").await?;
    assert_eq!(check.code, Some(3), "{check:?}");
    day.types("morning-malls", "malls list").await?.success()?;

    let arguments = ["connect", "hanbit", "--no-browser"];
    let command = day.world.programs.cli_started(&arguments)?;
    let link = command.word("http://", "/oauth/start/", SOON).await?;
    day.seen.name(link.rsplit('/').next().unwrap_or_default(), "Jq3…");
    let heading = consents(&link, &command).await?;
    let connected = Instant::now();
    let output = command.output(SOON).await?;
    output.success()?;
    day.seen.command("reconnect", &arguments, &output);
    day.seen.add("reconnect-page", &heading);

    // Nobody does anything more: what waited runs, and the alert ends.
    let parked = || async { Ok(day.world.jobs_in(&["parked"]).await? == 0) };
    wait_until("no job waits for a person", BY_THEMSELVES, parked).await?;
    day.world.settled(SOON).await?;
    assert!(connected.elapsed() < BY_THEMSELVES, "took {:?}", connected.elapsed());
    day.told("morning-over", "closed", "needs_consent").await?;
    day.types("morning-after", "status --check").await?.success()?;
    day.world.exact(&MALLS.map(|mall| Span::days(mall, day.days_ago(8), day.days_ago(1)))).await.map(drop)
}

async fn garbage_from_one_mall(day: &mut Day) -> Result<()> {
    let body = r#"{"result":"ok","list":[{"no":10,"name":"겨울 코트","amount":"39,000"}]}"#.to_owned();
    let fault = FaultKind::Status { code: 200, headers: [].into(), body: Some(body), retry_after: None };
    let endpoint = Some(Endpoint::ProductsSales.into());
    let rule = FaultRule { mall: Some("moonlit".to_owned()), endpoint, ..FaultRule::always(fault) };
    day.world.sim.order(rule).context("order")?;
    day.world
        .enqueue(&[
            "--mall",
            "moonlit",
            "--endpoint",
            "products",
            "--last",
            "12d",
            "--chunk-days",
            "1",
            "--force",
            "--yes",
        ])
        .await?;
    day.world.settled(Duration::from_mins(1)).await?;
    day.told("garbage-alert", "opened", "dead_letters").await?;
    day.types("garbage-groups", "dead list --group").await?.success()?;
    let groups = day.world.json(&["dead", "list", "--group"]).await?;
    let cause = groups["items"][0]["group"]
        .as_str()
        .and_then(|group| group.get(..4))
        .with_context(|| groups.to_string())?
        .to_owned();
    let arguments = ["dead", "show", &cause];
    let mut shown = day.world.cli(&arguments).await?;
    shown.success()?;
    // Which of the twelve days was answered last is chance.
    for days in 2..=12 {
        shown.stdout = shown.stdout.replace(&day.days_ago(days).to_string(), &day.days_ago(1).to_string());
    }
    day.seen.command("garbage-show", &arguments, &shown);

    // Cafe24 mends it.
    day.world.sim.clear_faults();
    day.tokens("moonlit", 15.0).await?;
    day.types("garbage-preview", &format!("dead replay {cause} --dry-run")).await?.success()?;
    day.types("garbage-replay", &format!("dead replay {cause} --yes")).await?.success()?;
    day.world.settled(Duration::from_mins(1)).await?;
    day.types("garbage-after", "dead list").await?.success()?;
    day.told("garbage-over", "closed", "dead_letters").await?;
    // Every figure is the simulator's, those of the days that were broken, too.
    let endpoints = vec![Endpoint::ProductsSales];
    let mut spans = vec![Span { endpoints, ..Span::days("moonlit", day.days_ago(12), day.days_ago(9)) }];
    spans.extend(MALLS.map(|mall| Span::days(mall, day.days_ago(8), day.days_ago(1))));
    day.world.exact(&spans).await.map(drop)
}
