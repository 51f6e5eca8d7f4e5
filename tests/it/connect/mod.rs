//! A mall's consent: from `connect` through the daemon's pages and the simulator's consent page to the stored pair, and
//! everything that must not get that far (`docs/reliability.md` X3, O7).

mod attacks;
mod disconnect;
mod pages;
mod paste;
mod reconsent;

use std::time::Duration;

use serde_json::Value;
use tests::harness::{Browser, Context as _, Output, Program, Reply, Result, World, WorldConfig, free_ports};
use tests::simulator::{MallSpec, SimConfig, Size};

/// A page, a settled consent, the end of a command.
pub(super) const SOON: Duration = Duration::from_secs(20);
/// The scope of the specification's API.
const SCOPE: &str = "mall.analytics";

/// An installation whose daemon takes callbacks. The daemon ends before what it stands on.
pub(super) struct Site {
    pub(super) daemon: Program,
    pub(super) world: World,
    pub(super) origin: String,
}

/// What a mall has stored; nothing of it may change by what is refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub(super) sealed: Option<String>,
    version: i64,
    state: String,
}

/// An attempt under way: the command that waits, and its link.
pub(super) struct Attempt {
    pub(super) command: Program,
    pub(super) link: String,
}

fn spec(mall: &str) -> MallSpec {
    MallSpec { size: Size::Small, ..MallSpec::new(mall) }
}

impl Site {
    /// Four jobs of a day each, for hanbit.
    pub(super) async fn wish_for_four_days(&self) -> Result<Value> {
        let days = ["--from", "2025-03-01", "--to", "2025-03-04", "--chunk-days", "1"];
        self.world.enqueue(&[&["--mall", "hanbit", "--endpoint", "visitors"], &days[..]].concat()).await
    }

    /// `hanbit` and `other` are simulated; `hanbit` is connected if `known`.
    async fn start(known: bool) -> Result<Self> {
        Self::start_with(known, SimConfig::default()).await
    }

    async fn start_with(known: bool, sim: SimConfig) -> Result<Self> {
        Self::start_on(known, sim, "127.0.0.1").await
    }

    /// As [`Self::start`], with Cafe24's consent page on this name of the loopback.
    pub(super) async fn start_on(known: bool, sim: SimConfig, cafe24: &str) -> Result<Self> {
        Self::start_as(known, sim, cafe24, &[]).await
    }

    /// With further variables of the programs.
    async fn start_as(known: bool, sim: SimConfig, cafe24: &str, more: &[(&str, &str)]) -> Result<Self> {
        let port = free_ports(2)?;
        let origin = format!("http://127.0.0.1:{port}");
        let sim = SimConfig {
            malls: 0,
            extra_malls: vec![spec("hanbit"), spec("other")],
            listen: ([127, 0, 0, 1], port + 1).into(),
            ..sim
        };
        let env = [
            ("OAUTH__REDIRECT_URI", format!("{origin}/oauth/callback")),
            ("WEB__LISTEN", format!("127.0.0.1:{port}")),
            ("CAFE24__OAUTH_URL", format!("http://{cafe24}:{}/oauth/{{mall_id}}", port + 1)),
        ];
        let mut env = env.map(|(name, value)| (format!("CAFE24_SYNC__{name}"), value)).to_vec();
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let world =
            World::start_with(WorldConfig { sim, env, no_import: !known, ..WorldConfig::default() }).await?;
        Self::on(world, origin).await
    }

    /// On a world whose programs are set up for callbacks to `origin`.
    pub(super) async fn on(world: World, origin: String) -> Result<Self> {
        let daemon = world.programs.serve()?;
        daemon.listen(SOON).await?;
        Ok(Self { daemon, world, origin })
    }

    /// `connect MALL` in the background, and the link that it prints.
    pub(super) async fn ask(&self, mall: &str, more: &[&str]) -> Result<Attempt> {
        let arguments = [&["connect", mall, "--no-browser"], more].concat();
        let command = self.world.programs.cli_started(&arguments)?;
        let link = command.word(&self.origin, "/oauth/start/", SOON).await?;
        Ok(Attempt { command, link })
    }

    /// Opens the link: the address of Cafe24's consent page.
    pub(super) async fn open(&self, browser: &Browser, link: &str) -> Result<String> {
        let reply = browser.visit(link).await?;
        assert_eq!(reply.status, 303, "{reply:?}");
        Ok(reply.location()?.to_owned())
    }

    /// Answers Cafe24's consent page: the address of the callback. `choices` change its form.
    pub(super) async fn consent(
        &self,
        browser: &Browser,
        authorize: &str,
        choices: &[(&str, &str)],
    ) -> Result<String> {
        let page = browser.visit(authorize).await?;
        assert_eq!(page.status, 200, "{page:?}");
        let mut form = hidden_fields(&page.body);
        form.push(("decision".to_owned(), "allow".to_owned()));
        for (name, value) in choices {
            form.retain(|(known, _)| known != name);
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let url = authorize.split('?').next().unwrap_or_default().replace("/authorize", "/consent");
        let reply = browser.submit(&url, &form).await?;
        Ok(reply.location()?.to_owned())
    }

    /// A callback up to its page.
    async fn answer(&self, browser: &Browser, callback: &str) -> Result<Reply> {
        let reply = browser.visit(callback).await?;
        assert_eq!(reply.status, 303, "{reply:?}");
        let place = reply.location()?;
        assert!(place.starts_with("/oauth/"), "it leads away: {place}");
        assert!(!place.contains('?'), "the code goes along: {place}");
        browser.visit(&format!("{}{place}", self.origin)).await
    }

    /// The whole way of one attempt, with these choices on Cafe24's page: the last page, and the command's end.
    async fn walk(&self, attempt: Attempt, choices: &[(&str, &str)]) -> Result<(Reply, Output)> {
        let browser = Browser::new();
        let authorize = self.open(&browser, &attempt.link).await?;
        let callback = self.consent(&browser, &authorize, choices).await?;
        let page = self.answer(&browser, &callback).await?;
        Ok((page, attempt.command.output(SOON).await?))
    }

    pub(super) async fn stored(&self, mall: &str) -> Result<Option<Stored>> {
        let sql =
            "SELECT config_json ->> 'oauth_tokens', token_version, state FROM connectors WHERE mall_id = $1";
        let row = self.world.db.client().query_opt(sql, &[&mall]).await.context(sql)?;
        Ok(row.map(|row| Stored { sealed: row.get(0), version: row.get(1), state: row.get(2) }))
    }

    /// Reasons of refused callbacks and consents in the audit log, oldest first.
    pub(super) async fn refusals(&self) -> Result<Vec<String>> {
        let sql =
            "SELECT details ->> 'reason' FROM audit_log WHERE action = 'connect.refused' ORDER BY entry_id";
        let rows = self.world.db.client().query(sql, &[]).await.context(sql)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Where the simulator led a browser last.
    pub(super) fn last_callback(&self) -> Result<String> {
        self.world.sim.last_redirect().context("nobody consented")
    }

    async fn run_sql(&self, sql: &str) -> Result<()> {
        self.world.db.client().batch_execute(sql).await.context(sql.to_owned())
    }

    /// Codes that were exchanged at the host of `mall`.
    fn exchanged(&self, mall: &str) -> Result<u64> {
        Ok(self.world.sim.mall_report(mall).context("a report")?.tokens.codes_exchanged)
    }
}

/// Names and values of the form's fields that are sent without a person's doing.
fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!("{name}=\""))?.1;
        Some(rest.split('"').next()?.replace("&amp;", "&"))
    };
    html.split('<')
        .filter(|tag| tag.starts_with("input "))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect()
}

/// Which page it is.
pub(super) fn page_of(reply: &Reply) -> &str {
    reply.body.split("data-page=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("none")
}

/// The code of the fault that a command ended with.
pub(super) fn fault(output: &Output) -> (Option<i32>, &str) {
    let code = output.stderr.split_whitespace().find(|word| word.starts_with("E-")).unwrap_or("none");
    (output.code, code)
}

/// An address with another value of one parameter; `None` takes it away.
fn changed(url: &str, name: &str, value: Option<&str>) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs: Vec<String> =
        query.split('&').filter(|pair| pair.split('=').next() != Some(name)).map(str::to_owned).collect();
    pairs.extend(value.map(|value| format!("{name}={value}")));
    format!("{base}?{}", pairs.join("&"))
}

/// The value of a parameter.
pub(super) fn parameter<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let pairs = url.split_once('?')?.1.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_default()
}
