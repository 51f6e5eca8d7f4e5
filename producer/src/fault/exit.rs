//! How the program ends.

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
