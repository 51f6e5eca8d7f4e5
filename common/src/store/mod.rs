//! Postgres only: the truth of the system.
//!
//! `slices` says what we have, `jobs` what is being done, `metrics_*` is what analysts read. Everything that must not
//! be lost or doubled is one statement or one transaction here, and every statement longer than a few lines is a file
//! under `sql/` that states its contract.
//!
//! Two drivers, each for what it does best: the producer's control plane uses sqlx ([`Control`]: migrations, planning,
//! feeding, reports), the worker's hot path uses tokio-postgres behind deadpool ([`Ledger`]: claims and batches, binary
//! arrays, pipelined). Neither leaves this room.
//!
//! **Fence.** A claim takes a number that rises for ever *before* the fetch ([`Ledger::claim`]); a slice takes a write
//! only from a higher number than it has ([`Ledger::commit`]). So the later fetch wins whatever the order of commits,
//! a redelivered job does nothing twice, and a worker that was frozen for an hour changes nothing.
//!
//! **Errors.** Where a call does not say more, it answers [`StoreError`], and nothing of it was written:
//! [`Unavailable`](StoreError::Unavailable) and [`Conflict`](StoreError::Conflict) pass, with the same call again; the others
//! are a defect or a foreign database. Only [`Ledger::commit`] can leave open whether it was written. No statement takes
//! longer than 60 s, no lock is waited for longer than 5 s (`pool`).
//!
//! **Units.** Instants are `timestamptz`, read as UTC; days are days of Korea; lists that take an `after` go on behind that
//! key, in its order.

mod addresses;
mod alerts;
mod approvals;
mod apps;
mod audit;
mod backfills;
mod budget;
mod claim;
mod commit;
mod connectors;
mod consents;
mod coverage;
mod dead_letters;
mod demand;
mod deployment;
mod error;
mod export;
mod feed;
mod inspect;
mod lanes;
mod leader;
mod listen;
mod locks;
mod mall;
mod metrics;
mod one_by_one;
mod pauses;
mod plan;
mod pool;
mod prefix;
mod readers;
mod reconcile;
mod refusals;
mod rights;
mod runs;
mod schedule;
mod schema;
mod tally;
mod tokens;
mod writable;

pub use alerts::{Alert, AlertChange, Finding, Seen};
pub use approvals::{Approval, NewApprovals};
pub use apps::{AppRemoval, NewApp, StoredApp};
pub use audit::{AuditEntry, Audited};
pub use backfills::{Backfill, ComesBack};
pub use budget::{OwnShare, SharedBucket};
pub use claim::{Claim, ClaimedJob, Decision};
pub use commit::{Batch, Committed, Failure, Fetched, Outcome, Parking, Settlement};
pub use connectors::{
    AppChoice, Changed, Connector, ConnectorChange, ConnectorState, Import, ImportMall, Imported, Mode,
    NewConnector, NewMall, PairOutcome, Refitted, TokenFacts,
};
pub use consents::{Consent, ConsentSecret, ConsentWay, Granted, NewConsent};
pub use coverage::{
    AgeMove, DayCounts, FreshnessClock, MallCounts, MallFilter, MallFreshness, PartialShare, SeriesDays,
    SliceFacts,
};
pub use dead_letters::{
    BODY_KEPT, Change, DeadLetter, DeadMessage, LetterFilter, LetterGroup, LetterState, LetterSummary,
    LettersOver, Replay, ReplayCursor, ReplayPage, ReplayRun, UnknownLetterState,
};
pub use demand::{Demand, DemandOf};
pub use error::{StoreError, TransactionError};
pub use export::{ExportColumn, ExportKind, ExportRow, ExportView};
pub use feed::{FeedJob, KeyJobs};
pub use inspect::{FenceFacts, MissingRight, SealedPair, ServerFacts};
pub use lanes::{LaneOverride, LanePause, SetHours};
pub use leader::{Leader, Leadership};
pub use listen::{Channel, Listener};
pub use locks::LockHolder;
pub use mall::{Edges, MallDetails, MallPause};
pub use pauses::{EndpointPause, NewPause, PauseCause};
pub use plan::{PlanCounts, PlannedChunk, ShopToPlan, Wish};
pub use pool::{Control, Ledger, SLOW_STATEMENTS};
pub use readers::settings::OddSetting;
pub use readers::{GrantedReader, NewReader, Reader, ReaderError, RoleMembers, Sight};
pub use reconcile::{Deadlines, Reconciled};
pub use rights::{Right, RightsGranted, Role, guarded_tables, wanted_rights};
pub use runs::{Backlog, MallReport, RunProgress};
pub use schedule::{
    DueTick, MallGaps, Override, OverrideChange, OwnSettings, Scope, TickMove, TickPlan, TickRun, TickState,
    Urgency,
};
pub use schema::SchemaError;
pub use tokens::{
    AppError, Apps, DueToken, GivenPair, KeyUse, PairToEnd, Resealed, Rotation, SealedTokenStore, TokenRow,
    TokensAtRest,
};
