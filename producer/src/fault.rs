//! What an operator is told when a command cannot do what was asked: code, what, why, what of the data, the next command.
//!
//! [`Fault`] says which it is, `words` has the sentences, `screen` prints them, [`Fault::exit`] decides the exit code. The
//! catalogue of the handbook is made from these.

mod consents;

mod exit;

mod fields;

mod letters;

mod screen;

mod words;

pub use consents::NotConnected;
pub use exit::Exit;
pub(crate) use words::{causes, in_one_line};

use common::config::{Config, ConfigError, Origin, ServerUrl};
use common::domain::endpoint::Dialect;
use common::domain::failure::FailureClass;
use common::domain::ids::{AppId, LimiterKey, MallId, Purpose};
use common::store::StoreError;
use uuid::Uuid;

/// A server of ours, and how it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `Postgres`, `RabbitMQ` or `Redis`.
    pub name: &'static str,
    /// Its URL, the password replaced.
    pub url: String,
    /// The key, and where its value came from.
    pub setting: String,
}

impl Server {
    /// The server that the setting `key` names.
    pub fn of(config: &Config, name: &'static str, url: &ServerUrl, key: &str) -> Self {
        let origin = config.keys.iter().find(|info| info.key == key).map(|info| &info.origin);
        let setting = match origin {
            Some(Origin::Env { name }) => format!("{key}, which comes from {name}"),
            Some(Origin::File { line }) => format!("{key}, line {line} of the configuration"),
            Some(Origin::Default) | None => format!("{key}, which has its default value"),
        };
        Self { name, url: url.to_string(), setting }
    }

    /// What helps when it does not answer.
    pub fn remedy(&self) -> String {
        format!("start it, or correct {}", self.setting)
    }
}

/// A line of an import file that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub line: u64,
    /// What is wrong, and what to write. Never a token.
    pub problem: String,
}

/// Why a command could not do what was asked.
#[derive(Debug)]
pub enum Fault {
    /// The configuration is invalid.
    Config(ConfigError),
    /// Tokens cannot be sealed: no master key.
    NoMasterKey,
    /// The master key, or the app's settings, cannot be used.
    OAuthSettings(String),
    /// A server did not answer.
    Unreachable {
        /// Which.
        server: Server,
        /// What it did instead.
        why: String,
        /// What has been done before, and what of the data.
        now: String,
    },
    /// Redis or RabbitMQ belongs to another installation than Postgres.
    OtherDeployment(String),
    /// Migrations are missing.
    SchemaOlder(usize),
    /// The database knows migrations that we do not.
    SchemaNewer(i64),
    /// A migration is not the one we know.
    SchemaChanged(i64),
    /// A migration failed.
    MigrationFailed(String),
    /// Postgres refused a statement: a defect of ours.
    Store(StoreError),
    /// No such mall.
    UnknownMall {
        /// As given.
        mall: MallId,
        /// A known one that looks alike.
        nearest: Option<MallId>,
    },
    /// No mall is connected.
    NoMalls,
    /// A range that cannot be asked for.
    Range {
        /// What is wrong.
        what: String,
        /// The rule.
        why: String,
        /// What to write.
        action: String,
    },
    /// Lines of an import file are wrong.
    Import {
        /// The file.
        file: String,
        /// The first hundred.
        lines: Vec<BadLine>,
        /// All of them.
        count: usize,
    },
    /// A file cannot be read or written.
    File {
        /// Which.
        path: String,
        /// Why not.
        problem: String,
    },
    /// A large action needs a yes.
    NeedsYes {
        /// Why it counts as large.
        why: String,
        /// The command that does it.
        action: String,
    },
    /// What was previewed is not what would run.
    PlanChanged {
        /// As given.
        asked: String,
        /// What it is now.
        now: String,
        /// The command that shows it.
        action: String,
    },
    /// No such letter.
    UnknownLetter(String),
    /// Several letters begin so.
    AmbiguousLetter(String),
    /// The letter is no job, or its mall is gone.
    NotReplayable {
        /// Which letter.
        letter: Uuid,
        /// Why.
        why: String,
    },
    /// No such run of letters.
    UnknownReplay(String),
    /// No such run; as given.
    UnknownRun(String),
    /// Several runs begin so.
    AmbiguousRun(String),
    /// Ctrl-C.
    Interrupted {
        /// What has been done before.
        now: String,
        /// The command that goes on.
        action: String,
    },
    /// A mall's authorisation did not come about.
    NotAuthorised {
        /// The mall.
        mall: MallId,
        /// Why.
        why: String,
    },
    /// A mall sends nothing now.
    MallSilent {
        /// The mall.
        mall: MallId,
        /// Why not.
        what: &'static str,
        /// What ends that.
        action: String,
        /// Only a new consent helps.
        authorise: bool,
    },
    /// Settings of a mall that do not go together.
    Setting {
        /// What is wrong.
        what: String,
        /// The rule.
        why: String,
        /// What to write.
        action: String,
    },
    /// A mall's API brought no answer that says anything of the contract.
    NoAnswer {
        /// The mall.
        mall: MallId,
        /// What was asked: `visitors day`.
        call: String,
        /// Of the failure.
        class: FailureClass,
        /// What happened instead.
        why: String,
        /// What was compared before.
        now: String,
        /// What helps.
        action: String,
    },
    /// None of the endpoints is there in the mall's dialect, or all are paused.
    NothingToProbe {
        /// The mall.
        mall: MallId,
        /// How its API speaks.
        dialect: Dialect,
    },
    /// No such app.
    UnknownApp(AppId),
    /// Malls have consented to the app.
    AppInUse {
        /// The app.
        app: AppId,
        /// How many.
        malls: i64,
    },
    /// No mall was ever connected for the agency.
    UnknownAgency(String),
    /// No mall uses the bucket.
    UnknownBucket(LimiterKey),
    /// A role is more than a reader may be: which, and what it is.
    ReaderRole(String),
    /// Malls whose data may not be used for that.
    NotApproved {
        /// Those without the approval.
        malls: Vec<MallId>,
        /// What for.
        purpose: Purpose,
    },
    /// No webhook is set.
    NoWebhook,
    /// The webhook did not take a message: why.
    NotTold(String),
    /// No such open alert.
    UnknownAlert(i64),
    /// A mall's consent brought nothing.
    NotConnected(Box<NotConnected>),
    /// Nobody consented before the link ended.
    LinkExpired(MallId),
    /// Nobody takes the callback.
    NoDaemon {
        /// The mall.
        mall: MallId,
        /// Where it should be.
        origin: String,
        /// What happened instead.
        why: String,
    },
    /// Cafe24 could not be told that a mall's tokens end.
    NotRevoked {
        /// The mall.
        mall: MallId,
        /// Why.
        why: String,
        /// The command that does it all the same.
        action: String,
    },
    /// A mall's tokens were not renewed.
    TokenRefresh {
        /// The mall.
        mall: MallId,
        /// Why.
        why: String,
        /// Only a new consent helps.
        dead: bool,
    },
    /// A new master key can be put into a file only.
    KeyNotInFile,
    /// The answer could not be written.
    Output(std::io::Error),
    /// The private port cannot be had.
    Listen(String),
    /// The program cannot start.
    Start(std::io::Error),
}

#[cfg(test)]
mod tests;
