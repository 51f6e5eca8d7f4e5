//! How the program ends.

use common::domain::failure::FailureClass;

use super::Fault;

/// How the program ends (`docs/operate.md`, Exit codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; an empty list too.
    Done,
    /// Failed.
    Failed,
    /// The command line is wrong.
    Usage,
    /// `--check`: something wants attention.
    Attention,
    /// A mall must be authorised again.
    Authorise,
    /// Postgres, RabbitMQ or Redis is out of reach.
    Unreachable,
    /// The configuration is invalid.
    Config,
    /// Refused: needs `--yes`, or the plan changed.
    Refused,
    /// Done in part; the counts were printed.
    Partial,
    /// `--wait` ran out.
    TimedOut,
    /// Interrupted; the state was printed.
    Interrupted,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Attention => 3,
            Self::Authorise => 4,
            Self::Unreachable => 5,
            Self::Config => 6,
            Self::Refused => 7,
            Self::Partial => 8,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
        }
    }
}

impl Fault {
    /// How the program ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::NoWebhook
            | Self::NoMasterKey
            | Self::KeyNotInFile
            | Self::OAuthSettings(_)
            | Self::OtherDeployment(_) => Exit::Config,
            Self::Unreachable { .. } | Self::NoAnswer { class: FailureClass::Transient, .. } => {
                Exit::Unreachable
            }
            Self::Range { .. } | Self::Setting { .. } => Exit::Usage,
            Self::NeedsYes { .. } | Self::PlanChanged { .. } | Self::NotApproved { .. } => Exit::Refused,
            Self::NotAuthorised { .. }
            | Self::NotConnected(_)
            | Self::TokenRefresh { dead: true, .. }
            | Self::MallSilent { authorise: true, .. }
            | Self::NoAnswer { class: FailureClass::Unauthorized | FailureClass::Forbidden, .. }
            | Self::LinkExpired(_)
            | Self::NoDaemon { .. } => Exit::Authorise,
            Self::Interrupted { .. } => Exit::Interrupted,
            Self::SchemaOlder(_)
            | Self::SchemaNewer(_)
            | Self::SchemaChanged(_)
            | Self::MigrationFailed(_)
            | Self::Store(_)
            | Self::UnknownMall { .. }
            | Self::NoMalls
            | Self::Import { .. }
            | Self::File { .. }
            | Self::UnknownApp(_)
            | Self::MallSilent { authorise: false, .. }
            | Self::NoAnswer { .. }
            | Self::NothingToProbe { .. }
            | Self::AppInUse { .. }
            | Self::UnknownAgency(_)
            | Self::UnknownBucket(_)
            | Self::ReaderRole(_)
            | Self::TokenRefresh { dead: false, .. }
            | Self::UnknownLetter(_)
            | Self::AmbiguousLetter(_)
            | Self::NotReplayable { .. }
            | Self::UnknownReplay(_)
            | Self::UnknownRun(_)
            | Self::AmbiguousRun(_)
            | Self::NotTold(_)
            | Self::UnknownAlert(_)
            | Self::NotRevoked { .. }
            | Self::Output(_)
            | Self::Listen(_)
            | Self::Start(_) => Exit::Failed,
        }
    }
}
