//! The sentences of each fault.

use common::config::ConfigError;
use common::domain::endpoint::Dialect;
use common::domain::failure::FailureClass;
use common::domain::ids::MallId;

use super::fields::Words;
use super::{BadLine, Fault, Server, consents};
use crate::output::text::{counted, number};

/// Malls of a list that are named.
const LISTED: usize = 20;

pub(super) const UNCHANGED: &str = "nothing was changed";

impl Fault {
    pub(super) fn words(&self) -> Words {
        match self {
            Self::Config(error) => configuration(error),
            Self::NoMasterKey => Words::new("E-CONF-02", "there is no master key to seal tokens with")
                .why("tokens are stored encrypted only; `oauth.master_key_file` is not set")
                .now(UNCHANGED)
                .act("cafe24-sync init        (makes master.key, 0600, and a configuration that names it)"),
            Self::OAuthSettings(problem) => Words::new("E-CONF-03", "the settings in [oauth] cannot be used")
                .why(problem)
                .now(UNCHANGED)
                .act("cafe24-sync config show"),
            Self::Unreachable { server, why, now } => unreachable_server(server, why, now),
            Self::OtherDeployment(which) => Words::new("E-INST-01", "the three servers are not of one installation")
                .why(which)
                .now("nothing was started, and nothing was written")
                .act("cafe24-sync config show --origin        (which environment is this?)"),
            Self::SchemaOlder(behind) => Words::new(
                "E-DB-01",
                format!(
                    "the database is {} behind this program",
                    counted(i64::try_from(*behind).unwrap_or(i64::MAX), "migration", "migrations")
                ),
            )
            .now(UNCHANGED)
            .act("cafe24-sync db migrate"),
            Self::SchemaNewer(version) => Words::new(
                "E-DB-02",
                format!("the database was migrated by a newer version (migration {version})"),
            )
            .why("an older program could damage what a newer one wrote")
            .now(UNCHANGED)
            .act("upgrade this program"),
            Self::SchemaChanged(version) => Words::new(
                "E-DB-03",
                format!("migration {version} of the database is not the one this program knows"),
            )
            .why("its file was changed after it was applied, or it failed half-way")
            .now(UNCHANGED)
            .act("restore the released migration, or restore the database"),
            Self::MigrationFailed(why) => {
                Words::new("E-DB-04", "a migration failed").why(why).now("it was rolled back")
            }
            Self::Store(error) => Words::new("E-DB-05", error.to_string())
                .why(causes(error))
                .now("the statement was rolled back")
                .act("cafe24-sync db status        (a defect of ours, if the schema is current: please report it)"),
            Self::Output(error) => Words::new("E-FILE-02", "the answer could not be written").why(error.to_string()),
            Self::Start(error) => Words::new("E-FILE-03", "the program cannot start").why(error.to_string()),
            Self::Listen(why) => Words::new("E-NET-04", "the private port cannot be had")
                .why(why)
                .now("nothing was started")
                .act("cafe24-sync config show        (serve.listen; is another daemon running?)"),
            Self::File { path, problem } => {
                Words::new("E-FILE-01", format!("{path}: {problem}"))
                    .now(UNCHANGED)
                    .act("mend that, or name another file, and repeat the command")
            }
            _ => self.words_of_wishes(),
        }
    }

    /// Faults of who may read what.
    fn words_of_readers(&self) -> Words {
        match self {
            Self::UnknownAgency(agency) => {
                Words::new("E-AGENCY-01", format!("there is no agency '{agency}'"))
                    .why("an agency is made with its first mall")
                    .now(UNCHANGED)
                    .act("cafe24-sync malls list --plain")
            }
            Self::UnknownBucket(key) => Words::new("E-LIMIT-01", format!("no mall uses the bucket '{key}'"))
                .why("a bucket is there as long as a mall has it as its limiter_key")
                .now(UNCHANGED)
                .act("cafe24-sync limits"),
            Self::ReaderRole(what) => Words::new("E-ROLE-01", what)
                .why("a reader must be no more than a reader")
                .now(UNCHANGED)
                .act("choose another name"),
            Self::NotApproved { malls, purpose } => {
                let listed = malls.iter().take(LISTED).map(ToString::to_string).collect();
                let count = i64::try_from(malls.len()).unwrap_or(i64::MAX);
                Words::new(
                    "E-PURPOSE-01",
                    format!("{} not approved for {purpose}", counted(count, "mall is", "malls are")),
                )
                .list(listed)
                .why("their data may be used for what their operator has approved, and for nothing else")
                .now("nothing was written")
                .act(format!(
                    "cafe24-sync malls purposes MALL --set {purpose} --reference '…', once it is approved"
                ))
            }
            _ => self.words_of_letters(),
        }
    }

    /// Faults of what was asked for.
    fn words_of_wishes(&self) -> Words {
        match self {
            Self::UnknownMall { mall, nearest } => {
                let words = Words::new("E-MALL-01", format!("there is no mall '{mall}'")).now(UNCHANGED);
                match nearest {
                    Some(known) => {
                        words.why(format!("did you mean '{known}'?")).act("cafe24-sync malls list")
                    }
                    None => words.act(format!("cafe24-sync malls list, or cafe24-sync connect {mall}")),
                }
            }
            Self::NoMalls => Words::new("E-MALL-02", "no mall is connected")
                .now(UNCHANGED)
                .act("cafe24-sync connect MALL, or cafe24-sync malls import FILE"),
            Self::Range { what, why, action } => {
                Words::new("E-RANGE-01", what).why(why).now(UNCHANGED).act(action)
            }
            Self::Import { file, lines, count } => import(file, lines, *count),
            Self::NeedsYes { why, action } => {
                Words::new("E-PLAN-01", "this needs a yes").why(why).now(UNCHANGED).act(action)
            }
            Self::PlanChanged { asked, now, action } => {
                Words::new("E-PLAN-02", format!("plan {asked} is not what would run now: it is plan {now}"))
                    .why("malls, slices or jobs changed since the preview, or the day did")
                    .now(UNCHANGED)
                    .act(action)
            }
            Self::Interrupted { now, action } => Words::new("E-INT-01", "interrupted").now(now).act(action),
            Self::NoWebhook => Words::new("E-ALERT-01", "no webhook is set")
                .why("`alerts.webhook_url_file` is not set: alerts are shown, not sent")
                .now(UNCHANGED)
                .act("cafe24-sync config example        (section [alerts])"),
            Self::NotTold(why) => Words::new("E-ALERT-02", "the webhook did not take the message")
                .why(why)
                .now("alerts stay in `cafe24-sync alerts list`; the daemon tries again")
                .act("correct alerts.webhook_url_file, or alerts.kind"),
            Self::UnknownAlert(id) => Words::new("E-ALERT-03", format!("there is no open alert {id}"))
                .now(UNCHANGED)
                .act("cafe24-sync alerts list"),
            Self::NotConnected(fault) => fault.words(),
            Self::NotRevoked { mall, why, action } => consents::not_revoked(mall, why, action),
            Self::LinkExpired(mall) => consents::link_expired(mall),
            Self::NoDaemon { mall, origin, why } => consents::no_daemon(mall, origin, why),
            Self::NotAuthorised { mall, why } => {
                Words::new("E-AUTH-01", format!("mall '{mall}' was not connected"))
                    .why(why)
                    .now(UNCHANGED)
                    .act(format!("cafe24-sync connect {mall}"))
            }
            Self::MallSilent { mall, what, action, .. } => silent_mall(mall, what, action),
            Self::Setting { what, why, action } => {
                Words::new("E-MALL-05", what).why(why).now(UNCHANGED).act(action)
            }
            Self::NoAnswer { mall, call, class, why, now, action } => {
                no_answer(mall, call, *class).why(why).now(now).act(action)
            }
            Self::NothingToProbe { mall, dialect } => nothing_to_probe(mall, *dialect),
            Self::TokenRefresh { mall, why, dead: true } => {
                Words::new("E-AUTH-03", format!("the tokens of mall '{mall}' cannot be renewed any more"))
                    .why(why)
                    .now("its jobs wait, none is lost; other malls go on")
                    .act(format!("cafe24-sync connect {mall}        (needs the mall's main operator account)"))
            }
            Self::TokenRefresh { mall, why, dead: false } => {
                Words::new("E-AUTH-04", format!("the tokens of mall '{mall}' were not renewed"))
                    .why(why)
                    .now("the stored tokens are as they were")
                    .act(format!("cafe24-sync tokens refresh {mall}"))
            }
            Self::KeyNotInFile => {
                Words::new("E-CONF-04", "a new key can only be put into a file")
                    .why("the master key comes from a variable; `oauth.master_key_file` is not set")
                    .now(UNCHANGED)
                    .act("put a new key before the others in that variable, restart the programs, then  cafe24-sync tokens rotate-key")
            }
            Self::UnknownApp(app) => Words::new("E-APP-01", format!("there is no app '{app}'"))
                .now(UNCHANGED)
                .act("cafe24-sync apps list"),
            Self::AppInUse { app, malls } => {
                Words::new("E-APP-02", format!("app '{app}' cannot be removed"))
                    .why(Self::consents(*malls))
                    .now(UNCHANGED)
                    .act("cafe24-sync malls import FILE        (column app gives a mall another app, with new tokens)")
            }
            _ => self.words_of_readers(),
        }
    }
}

fn silent_mall(mall: &MallId, what: &str, action: &str) -> Words {
    Words::new("E-MALL-03", format!("nothing is sent for mall '{mall}': {what}"))
        .now("nothing was sent")
        .act(action)
}

fn no_answer(mall: &MallId, call: &str, class: FailureClass) -> Words {
    let code = match class {
        FailureClass::Unauthorized | FailureClass::Forbidden => "E-API-02",
        FailureClass::Throttled => "E-API-03",
        _ => "E-API-01",
    };
    Words::new(code, format!("{call} of mall '{mall}' brought nothing to compare: {class}"))
}

fn nothing_to_probe(mall: &MallId, dialect: Dialect) -> Words {
    Words::new("E-MALL-04", format!("there is nothing to ask of mall '{mall}'"))
        .why(format!("none of these endpoints is there in the dialect {dialect}, or all are paused by hand"))
        .now("nothing was sent")
        .act(format!("cafe24-sync malls show {mall}"))
}

fn configuration(error: &ConfigError) -> Words {
    let text = error.to_string();
    let mut lines = text.lines();
    let what = lines.next().unwrap_or_default().to_owned();
    let list = lines.map(|line| line.trim_end().trim_start_matches("  ").to_owned()).collect();
    Words::new(ConfigError::CODE, format!("{what} (all shown at once; exit {})", ConfigError::EXIT_CODE))
        .list(list)
        .now("nothing was started")
}

fn unreachable_server(server: &Server, why: &str, now: &str) -> Words {
    let code = match server.name {
        "Postgres" => "E-NET-01",
        "RabbitMQ" => "E-NET-02",
        _ => "E-NET-03",
    };
    Words::new(code, format!("{} is out of reach at {}", server.name, server.url))
        .why(why)
        .now(now)
        .act(server.remedy())
}

fn import(file: &str, lines: &[BadLine], count: usize) -> Words {
    let mut list: Vec<String> = lines
        .iter()
        .map(|bad| format!("line {:<5} {}", number(i64::try_from(bad.line).unwrap_or(0)), bad.problem))
        .collect();
    if count > lines.len() {
        list.push(format!("… {} more", count - lines.len()));
    }
    let bad = counted(i64::try_from(count).unwrap_or(i64::MAX), "bad line", "bad lines");
    Words::new("E-IMP-01", format!("{file} has {bad}"))
        .list(list)
        .now("nothing was imported: a file is taken as a whole or not at all")
}

/// The causes of an error, outermost first, without those that only repeat what the one before said.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in std::iter::successors(error.source(), |cause| cause.source()) {
        let text = cause.to_string();
        if !said.last().is_some_and(|before| before.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

/// An error and its causes in one line.
pub(crate) fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    match causes(error) {
        causes if causes.is_empty() => error.to_string(),
        causes => format!("{error}: {causes}"),
    }
}
