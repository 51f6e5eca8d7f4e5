//! What analysts read: the views, who may read what, and that nobody reads more.
//!
//! [`Agencies`] is an installation with two agencies whose malls have figures of the same days, fetched by the real programs;
//! readers are made by the real command and log in as themselves.

mod catalogue;
mod crossing;
mod export;
mod moves;
mod owner;
mod purposes;
mod queries;
mod shops;
mod speed;
mod tricks;

use std::fs;
use std::time::Duration;

use tests::harness::{Context as _, Output, Program, Result, TestRole, World, WorldConfig};
use tests::simulator::{Endpoint, MallSpec, Size};
use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;

const LIMIT: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(20);
/// Days that every mall has.
const FROM: &str = "2025-03-01";
const TO: &str = "2025-03-04";
const HANOK: [&str; 2] = ["hanbit", "narae"];
const SEJONG: [&str; 2] = ["moonlit", "seoulbag"];

/// Two agencies with two malls each.
struct Agencies {
    /// In the order in which they end: first the programs.
    #[expect(dead_code, reason = "works as long as it is held")]
    worker: Program,
    world: World,
}

/// A reader, and his session.
struct Session {
    client: Client,
    connection: AbortOnDropHandle<()>,
    role: TestRole,
}

impl Agencies {
    /// With figures of [`FROM`] to [`TO`].
    async fn start() -> Result<Self> {
        let agencies = Self::bare().await?;
        agencies.fetch(&["--all"], FROM, TO).await?;
        // Every mall has a day whose figures changed later, so that no view is empty.
        let first = FROM.parse().context("a day")?;
        for mall in HANOK.iter().chain(&SEJONG) {
            agencies.world.sim.restate(mall, Endpoint::VisitorsView, first).context("restate")?;
        }
        agencies.fetch(&["--all", "--endpoint", "visitors"], FROM, FROM).await?;
        // What only malls of the other dialect are asked for.
        agencies
            .sql(&format!(
                "INSERT INTO metrics_daily (mall_id, date, entity_type, entity_id, clicks) \
                 SELECT mall_id, '{FROM}', kind, '(none)', 1 FROM connectors CROSS JOIN unnest('{{keyword,ad}}'::text[]) AS kind"
            ))
            .await?;
        Ok(agencies)
    }

    /// Without any figure.
    async fn bare() -> Result<Self> {
        let spec = |mall: &&str, agency: &str| MallSpec {
            agency: agency.to_owned(),
            size: Size::Small,
            ..MallSpec::new(mall)
        };
        let malls = HANOK
            .iter()
            .map(|mall| spec(mall, "hanok"))
            .chain(SEJONG.iter().map(|mall| spec(mall, "sejong")));
        let world = World::start_with(WorldConfig::wide(malls)).await?;
        let worker = world.programs.worker()?;
        worker.listen(SOON).await?;
        Ok(Self { worker, world })
    }

    /// Fetches days of some malls and waits until they are there.
    async fn fetch(&self, who: &[&str], from: &str, to: &str) -> Result<()> {
        let wish =
            [&["enqueue"], who, &["--from", from, "--to", to, "--force", "--wait=30s", "--yes"]].concat();
        self.world.cli(&wish).await?.success()
    }

    /// Makes a reader by `db grants`, and logs in as it.
    async fn reader(&self, agency: &str, purpose: Option<&str>) -> Result<Session> {
        let role = TestRole::named(&self.world.db, agency);
        self.grant(&role, agency, purpose).await?;
        let (client, connection) = role.connect().await?;
        Ok(Session { client, connection, role })
    }

    async fn grant(&self, role: &TestRole, agency: &str, purpose: Option<&str>) -> Result<()> {
        let mut arguments = vec!["db", "grants", "--analyst", role.name(), "--agency", agency];
        arguments.extend(purpose.map(|purpose| ["--purpose", purpose]).iter().flatten());
        self.as_owner(&arguments).await?.success()
    }

    /// The command line as who owns the tables and may make roles, as who migrates does.
    async fn as_owner(&self, arguments: &[&str]) -> Result<Output> {
        self.world.programs.clone().set("DATABASE_URL", self.world.db.url()).cli(arguments, LIMIT).await
    }

    /// Imports a mall again with changed fields; it brings new tokens along, so that it may change its agency.
    async fn reimport(&self, mall: &str, change: impl Fn(&mut serde_json::Value)) -> Result<()> {
        let lines = self.world.sim.import_lines().context("import lines")?;
        let line = lines.into_iter().find(|line| line.mall_id == mall).context("no such mall")?;
        let mut line = serde_json::to_value(&line).context("a line")?;
        change(&mut line);
        let path = self.world.programs.logs().join(format!("{mall}.jsonl"));
        fs::write(&path, format!("{line}\n")).context("the file")?;
        self.world.cli(&["malls", "import", &path.to_string_lossy()]).await?.success()
    }

    /// As the owner of everything.
    async fn sql(&self, sql: &str) -> Result<()> {
        self.world.db.client().batch_execute(sql).await.with_context(|| sql.to_owned())
    }
}

impl Session {
    /// The malls of which a relation shows rows, by id.
    async fn malls_in(&self, relation: &str) -> Result<Vec<String>> {
        let sql = format!("SELECT DISTINCT mall_id::text FROM {relation} ORDER BY 1");
        let rows = self.client.query(&sql, &[]).await.with_context(|| sql.clone())?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// One number.
    async fn number(&self, sql: &str) -> Result<i64> {
        let row = self.client.query_one(sql, &[]).await.with_context(|| sql.to_owned())?;
        row.try_get(0).with_context(|| sql.to_owned())
    }

    /// The SQLSTATE with which a statement is refused; `None`: it was run.
    async fn refusal(&self, sql: &str) -> Option<String> {
        let error = self.client.batch_execute(sql).await.err()?;
        Some(error.code().map(|code| code.code().to_owned()).unwrap_or_default())
    }
}
