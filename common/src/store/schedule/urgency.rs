//! Which due ticks are planned before which.

/// What is planned before what (`urgency` of `schedule_ticks`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// The last days, the running day, a new mall's last week.
    Fresh,
    /// Sweeps and gaps.
    Usual,
    /// Histories of new malls.
    History,
}

impl Urgency {
    /// All of them, in this order.
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Usual, Self::History];

    pub(super) fn number(self) -> i16 {
        match self {
            Self::Fresh => 0,
            Self::Usual => 1,
            Self::History => 2,
        }
    }
}
