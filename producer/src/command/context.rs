//! What the commands share: settings, output, the way to the servers, and what their failures mean.

use std::path::Path;
use std::sync::Arc;

use common::broker::BrokerError;
use common::config::{Config, LimiterKeyKind, LogConfig, LogFormat, ServerUrl};
use common::domain::ids::{LimiterKey, MallId};
use common::limiter::LimiterError;
use common::oauth::{App, Sealer};
use common::store::{
    AppChoice, AppError, Apps, Control, Demand, Import, ImportMall, Mode, NewConnector, NewMall,
    SLOW_STATEMENTS, SchemaError, StoreError,
};
use common::telemetry;

use crate::crew::Crew;
use crate::dead::DrainError;
use crate::fault::{Fault, Server, causes};
use crate::feed::FeedError;
use crate::output::Output;
use crate::output::json::Document;
use crate::output::text::clean;
use crate::plan::eta::Terms;

/// Connections of one command: planning and watching, side by side with a feeder.
const CONNECTIONS: u32 = 4;
/// Agency of malls that nobody gave to another one.
pub(super) const DEFAULT_AGENCY: &str = "default";

/// What the commands share.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) output: Output,
    pub(super) verbose: u8,
}

impl Context {
    pub(super) fn load(output: Output, file: Option<&Path>, verbose: u8) -> Result<Self, Fault> {
        let config = Config::load(file).map_err(Fault::Config)?;
        for warning in &config.warnings {
            output.note(&format!("warning: {warning}"));
        }
        Ok(Self { config, output, verbose })
    }

    /// Logs of a command: warnings, or more with `-v`, as text.
    pub(super) fn log(&self) {
        let level = match self.verbose {
            // A statement that takes longer than a second, told with its whole text, is nothing that a user reads.
            0 => format!("warn,{SLOW_STATEMENTS}=error"),
            1 => format!("info,{SLOW_STATEMENTS}=error"),
            _ => "debug".to_owned(),
        };
        telemetry::init(&LogConfig { format: LogFormat::Text, level });
    }

    /// Postgres, whatever its schema, without logs unless they are asked for: for commands that say themselves what a
    /// server refuses.
    pub(super) fn quiet_database(&self) -> Result<Control, Fault> {
        if self.verbose > 0 {
            self.log();
        }
        self.pool()
    }

    /// Postgres, whatever its schema.
    pub(super) fn any_database(&self) -> Result<Control, Fault> {
        self.log();
        self.pool()
    }

    fn pool(&self) -> Result<Control, Fault> {
        Control::new(self.config.postgres.url.expose(), CONNECTIONS).map_err(|error| self.store(error))
    }

    /// Postgres with this program's schema, and the mall of the environment in it.
    pub(super) async fn database(&self) -> Result<Control, Fault> {
        let control = self.any_database()?;
        control.reach().await.map_err(|error| self.store(error))?;
        self.prepare(&control).await?;
        Ok(control)
    }

    /// Checks the schema and sees to the mall of the environment.
    pub(super) async fn prepare(&self, control: &Control) -> Result<(), Fault> {
        control.check_schema().await.map_err(|error| self.schema(error))?;
        if let Some(mall) = &self.config.cafe24.mall_id {
            self.ensure_mall(control, mall).await?;
        }
        Ok(())
    }

    /// Makes the connection of the mall that `CAFE24_ANALYTICS_MALL_ID` names, so that only its tokens are missing.
    pub(super) async fn ensure_mall(&self, control: &Control, mall: &MallId) -> Result<(), Fault> {
        let stored =
            control.connectors(std::slice::from_ref(mall)).await.map_err(|error| self.store(error))?;
        if !stored.is_empty() {
            return Ok(());
        }
        let connector = NewConnector {
            mall_id: mall.clone(),
            agency_id: None,
            dialect: None,
            shops: None,
            endpoints: None,
            wanted_from: None,
            mode: None,
            app: AppChoice::Keep,
            new: self.new_mall(mall, Mode::Api),
        };
        let malls = [ImportMall { connector, pair: None, approvals: None }];
        let import = Import { malls: &malls, source: "cafe24.mall_id" };
        control.import_malls(&import, Some(&Self::actor())).await.map_err(|error| self.store(error))?;
        self.output.note(&format!("mall {mall}: added; authorise it with  cafe24-sync connect {mall}"));
        Ok(())
    }

    /// What a new mall gets where nobody says otherwise.
    pub(super) fn new_mall(&self, mall: &MallId, mode: Mode) -> NewMall {
        NewMall {
            agency_id: DEFAULT_AGENCY.to_owned(),
            dialect: self.config.cafe24.dialect,
            mode,
            limiter_key: self.limiter_key(mall),
            wanted_from: self.config.schedule.first_wanted(common::clock::now()),
        }
    }

    /// The bucket of a mall's requests.
    pub(super) fn limiter_key(&self, mall: &MallId) -> LimiterKey {
        self.config.limiter_key(mall)
    }

    /// What the buckets of `demands` have now, and when lanes are sent.
    pub(super) async fn terms(&self, control: &Control, demands: &[Demand]) -> Result<Terms, Fault> {
        let keys: Vec<LimiterKey> = demands.iter().map(|demand| demand.key.clone()).collect();
        Terms::read(&self.config, control, &keys).await.map_err(|error| self.store(error))
    }

    /// The same for what is queued already: it ends only if somebody works.
    pub(super) async fn terms_at_work(&self, control: &Control, demands: &[Demand]) -> Result<Terms, Fault> {
        let crew = Crew::read(&self.config, control).await.map_err(|error| self.store(error))?;
        Ok(self.terms(control, demands).await?.at_work(&crew))
    }

    /// Whether each mall has a bucket of its own.
    pub(super) fn key_is_mall(&self) -> bool {
        self.config.limits.key == LimiterKeyKind::Mall
    }

    /// What seals tokens and app secrets.
    pub(super) fn sealer(&self) -> Result<Arc<Sealer>, Fault> {
        match Sealer::from_config(&self.config.oauth) {
            Ok(sealer) => sealer.map(Arc::new).ok_or(Fault::NoMasterKey),
            Err(error) => Err(Fault::OAuthSettings(error.to_string())),
        }
    }

    /// The apps: that of the configuration, and the stored ones.
    pub(super) fn apps(&self, control: &Control) -> Result<Apps, Fault> {
        Ok(Apps::new(control.clone(), self.sealer()?, App::from_config(&self.config.oauth)))
    }

    /// No app can speak for a mall.
    pub(super) fn app(&self, error: AppError) -> Fault {
        match error {
            AppError::Unknown(app) => Fault::UnknownApp(app),
            AppError::Store(error) => self.store(error),
            AppError::NotConfigured => Fault::OAuthSettings(error.to_string()),
            AppError::Seal { .. } => Fault::OAuthSettings(format!("{error}: {}", causes(&error))),
        }
    }

    /// A failure of Postgres before anything was changed.
    pub(super) fn store(&self, error: StoreError) -> Fault {
        self.store_after(error, "nothing was changed")
    }

    /// A failure of Postgres after something was done: `now`.
    pub(super) fn store_after(&self, error: StoreError, now: &str) -> Fault {
        match error {
            StoreError::Unavailable { what, source } => {
                let why = match source.to_string() {
                    // The driver's words for a server that never answered.
                    text if text.contains("pool timed out") => {
                        "no connection came about within 5 s".to_owned()
                    }
                    text => format!("{what}: {text}"),
                };
                self.unreachable("Postgres", &self.config.postgres.url, "postgres.url", &why, now)
            }
            other => Fault::Store(other),
        }
    }

    /// The schema is another, or could not be asked for.
    pub(super) fn schema(&self, error: SchemaError) -> Fault {
        match error {
            SchemaError::Older { behind } => Fault::SchemaOlder(behind),
            SchemaError::Newer { version } => Fault::SchemaNewer(version),
            SchemaError::Changed { version } => Fault::SchemaChanged(version),
            SchemaError::Failed(source) => Fault::MigrationFailed(source.to_string()),
            SchemaError::Store(error) => self.store(error),
        }
    }

    /// A failure of feeding; `now` says what was done before.
    pub(super) fn feed(&self, error: FeedError, now: &str) -> Fault {
        let why = match causes(&error) {
            causes if causes.is_empty() => error.to_string(),
            causes => causes,
        };
        match error {
            FeedError::Store(error) | FeedError::LeadershipLost(error) => self.store_after(error, now),
            FeedError::Broker(error @ BrokerError::OtherDeployment { .. }) => {
                Fault::OtherDeployment(error.to_string())
            }
            FeedError::Limiter(error @ LimiterError::OtherDeployment { .. }) => {
                Fault::OtherDeployment(error.to_string())
            }
            FeedError::Broker(_) | FeedError::Refused { .. } => {
                self.unreachable("RabbitMQ", &self.config.rabbitmq.url, "rabbitmq.url", &why, now)
            }
            FeedError::Limiter(_) => {
                self.unreachable("Redis", &self.config.redis.url, "redis.url", &why, now)
            }
        }
    }

    /// A failure of archiving dead letters.
    pub(super) fn drain(&self, error: DrainError) -> Fault {
        match error {
            DrainError::Broker(error) => self.feed(FeedError::Broker(error), "no letter is lost"),
            DrainError::Store(error) => self.store_after(error, "no letter is lost"),
            DrainError::Feed(error) => self.feed(error, "no letter is lost"),
        }
    }

    /// Gives the answer: `content` for programs, `text` for people.
    pub(super) fn say(&self, content: serde_json::Value, text: &str) -> Result<(), Fault> {
        if self.output.is_for_programs() {
            self.output.document(&Document::new(content, common::clock::now()))
        } else {
            self.output.answer(text)
        }
    }

    /// Who acts, for the audit log: `login@host`.
    pub(super) fn actor() -> String {
        let login = common::config::env::login().unwrap_or_else(|| "unknown".to_owned());
        let named = format!("{login}@{}", common::process::host());
        clean(&named).chars().take(100).collect()
    }

    fn unreachable(&self, name: &'static str, url: &ServerUrl, key: &str, why: &str, now: &str) -> Fault {
        let server = Server::of(&self.config, name, url, key);
        Fault::Unreachable { server, why: why.to_owned(), now: now.to_owned() }
    }
}
