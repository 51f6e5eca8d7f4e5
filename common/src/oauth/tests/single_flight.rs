use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::lease::{LEASE, Lease, Turn, after_failure, turn};
use super::super::*;
use super::host::{Host, Trouble, app, hanbit};
use crate::clock;
use crate::config::Secret;
use crate::domain::calendar::kst;
use crate::domain::failure::FailureClass;
use crate::domain::ids::MallId;

/// A store in memory.
struct MemoryStore {
    row: Mutex<Option<StoredTokens>>,
    lease: Mutex<Option<(Lease, String)>>,
    buried: Mutex<Vec<String>>,
    loads: AtomicUsize,
    /// Answers nothing while it is set, as a Postgres that is stopped.
    away: AtomicBool,
    /// The same, from the answer of the token URL on.
    keeps_nothing: AtomicBool,
    /// Another's pair comes before ours is stored, and then the store is away.
    newer_then_away: AtomicBool,
    app: Option<AppCredentials>,
}

impl MemoryStore {
    fn new(row: Option<StoredTokens>) -> Arc<Self> {
        Self::with_app(row, Some(app()))
    }

    fn with_app(row: Option<StoredTokens>, app: Option<AppCredentials>) -> Arc<Self> {
        let refreshable = app.is_some();
        let row = row.map(|row| StoredTokens { refreshable, ..row });
        Arc::new(Self {
            row: Mutex::new(row),
            lease: Mutex::default(),
            buried: Mutex::default(),
            loads: AtomicUsize::new(0),
            away: AtomicBool::new(false),
            keeps_nothing: AtomicBool::new(false),
            newer_then_away: AtomicBool::new(false),
            app,
        })
    }

    async fn stored(&self) -> Result<StoredTokens, TokenStoreError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(TokenStoreError::Unavailable("away".into()));
        }
        self.row.lock().await.clone().ok_or(TokenStoreError::Missing)
    }
}

impl TokenStore for MemoryStore {
    async fn load(&self, _: &MallId) -> Result<StoredTokens, TokenStoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.stored().await
    }

    async fn take(&self, _: &MallId, used: i64, holder: &str) -> Result<Taken, TokenStoreError> {
        let mut lease = self.lease.lock().await;
        let (tokens, at) = (self.stored().await?, clock::now());
        let turn = turn(tokens.version, used, lease.as_ref().map(|(lease, _)| lease), at);
        if let Turn::Ours { unanswered_at } = turn {
            let until = at + TimeDelta::from_std(LEASE).expect("short");
            *lease = Some((
                Lease { version: tokens.version, taken_at: at, until, unanswered_at },
                holder.to_owned(),
            ));
        }
        Ok(Taken { turn, at, tokens, app: self.app.clone() })
    }

    async fn keep(&self, _: &MallId, old: &StoredTokens, pair: &TokenPair) -> Result<Keep, TokenStoreError> {
        let mut lease = self.lease.lock().await;
        if self.keeps_nothing.load(Ordering::Relaxed) {
            return Err(TokenStoreError::Unavailable("away".into()));
        }
        if self.newer_then_away.load(Ordering::Relaxed) {
            self.away.store(true, Ordering::Relaxed);
            return Ok(Keep::Older);
        }
        if self.stored().await?.version != old.version {
            return Ok(Keep::Older);
        }
        let version = old.version + 1;
        *self.row.lock().await = Some(StoredTokens { pair: pair.clone(), version, ..old.clone() });
        *lease = None;
        Ok(Keep::Stored(version))
    }

    async fn release(&self, _: &MallId, holder: &str, unanswered: bool) -> Result<(), TokenStoreError> {
        let mut lease = self.lease.lock().await;
        if let Some((held, _)) = lease.take_if(|(_, theirs)| theirs == holder) {
            *lease = after_failure(&held, unanswered, clock::now()).map(|held| (held, holder.to_owned()));
        }
        Ok(())
    }

    async fn bury(
        &self,
        _: &MallId,
        used: i64,
        holder: &str,
        reason: &str,
        lost_at: Option<DateTime<Utc>>,
    ) -> Result<Turn, TokenStoreError> {
        let mut lease = self.lease.lock().await;
        let theirs = lease.as_ref().filter(|(_, theirs)| theirs != holder).map(|(lease, _)| lease);
        let turn = turn(self.stored().await?.version, used, theirs, clock::now());
        if let Turn::Ours { .. } = turn {
            self.buried.lock().await.push(reason.to_owned());
            let held = lease.take().map(|(held, _)| held);
            *lease = held
                .and_then(|held| after_failure(&held, lost_at.is_some(), clock::now()))
                .map(|held| (held, String::new()));
        }
        Ok(turn)
    }
}

/// The pair that the host knows as number 0, with an access token for so many minutes.
fn stored(access_minutes: i64, refresh_days: i64) -> StoredTokens {
    let now = clock::now();
    let pair = TokenPair {
        access: AccessToken::new("access-0"),
        access_expires_at: now + TimeDelta::minutes(access_minutes),
        refresh: RefreshToken::new("refresh-0"),
        refresh_expires_at: now + TimeDelta::days(refresh_days),
        scopes: Vec::new(),
        issued_at: now + TimeDelta::minutes(access_minutes) - TimeDelta::hours(2),
    };
    let agency = "agency".to_owned();
    StoredTokens { pair, version: 7, agency, scope: "mall.analytics", refreshable: true }
}

fn keeper(store: &Arc<MemoryStore>, host: &Host) -> Arc<TokenKeeper<Arc<MemoryStore>>> {
    Arc::new(TokenKeeper::new(store.clone(), host.client(), Duration::from_mins(10), None))
}

#[tokio::test]
async fn o01_fifty_refused_jobs_in_five_workers_make_one_refresh() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(100, 14)));
    let workers: Vec<_> = (0..5).map(|_| keeper(&store, &host)).collect();
    let mut jobs = JoinSet::new();
    for job in 0..50 {
        let worker = workers[job % 5].clone();
        jobs.spawn(async move { worker.after_unauthorized(&hanbit(), 7).await });
    }
    while let Some(token) = jobs.join_next().await {
        let token = token.expect("no panic").expect("a token");
        assert_eq!((token.access.expose(), token.version), ("access-1", 8));
    }
    assert_eq!(host.calls(), 1);
}

#[tokio::test]
async fn o01_fifty_jobs_of_one_worker_read_the_store_once() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(100, 14)));
    let worker = keeper(&store, &host);
    let mut jobs = JoinSet::new();
    for _ in 0..50 {
        let worker = worker.clone();
        jobs.spawn(async move { worker.token(&hanbit(), 7).await });
    }
    while let Some(token) = jobs.join_next().await {
        assert_eq!(token.expect("no panic").expect("a token").version, 7);
    }
    assert_eq!((store.loads.load(Ordering::Relaxed), host.calls()), (1, 0));
}

#[tokio::test]
async fn o01_a_newer_stored_pair_is_used_without_a_refresh() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(100, 14)));
    let token = keeper(&store, &host).after_unauthorized(&hanbit(), 6).await.expect("a token");
    assert_eq!((token.version, host.calls()), (7, 0));
}

#[tokio::test]
async fn a_claim_that_saw_a_newer_version_is_not_served_from_memory() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(100, 14)));
    let worker = keeper(&store, &host);
    worker.token(&hanbit(), 7).await.expect("a token");
    store.row.lock().await.as_mut().expect("stored").version = 8;
    assert_eq!(worker.token(&hanbit(), 7).await.expect("a token").version, 7);
    assert_eq!(worker.token(&hanbit(), 8).await.expect("a token").version, 8);
    assert_eq!(host.calls(), 0);
}

#[tokio::test]
async fn o05_a_token_is_renewed_ten_minutes_before_its_end() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(9, 14)));
    let token = keeper(&store, &host).token(&hanbit(), 7).await.expect("a token");
    assert_eq!((token.version, host.calls()), (8, 1));
    assert_eq!(store.row.lock().await.as_ref().expect("stored").pair.access.expose(), "access-1");
}

#[tokio::test]
async fn a_token_that_never_lives_long_is_not_renewed_each_time() {
    let host = Host::start(&[]).await;
    let mut short = stored(5, 14);
    short.pair.issued_at = clock::now();
    let store = MemoryStore::new(Some(short));
    assert_eq!(keeper(&store, &host).token(&hanbit(), 7).await.expect("a token").version, 7);
    assert_eq!(host.calls(), 0);
}

#[tokio::test]
async fn o04_a_network_error_tries_the_same_token_again() {
    let host = Host::start(&[Trouble::Close, Trouble::Answer(503, "")]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let token = keeper(&store, &host).token(&hanbit(), 7).await.expect("a token");
    assert_eq!((token.version, host.calls()), (8, 3));
}

#[tokio::test]
async fn o04_a_host_that_is_away_is_no_fault_of_the_job_and_left_alone_for_a_while() {
    let host = Host::start(&[Trouble::Close; 9]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let worker = keeper(&store, &host);
    let error = worker.token(&hanbit(), 7).await.expect_err("away");
    assert_eq!(error.class(), FailureClass::Infrastructure);
    let calls = host.calls();
    assert!(matches!(worker.token(&hanbit(), 7).await, Err(TokenError::CoolingDown)));
    assert_eq!(host.calls(), calls);
    // Nobody called the connection dead.
    assert_eq!(store.row.lock().await.as_ref().expect("stored").version, 7);
}

#[tokio::test]
async fn o04_a_token_that_still_lives_is_used_while_the_host_is_away() {
    let host = Host::start(&[Trouble::Answer(429, "")]).await;
    let store = MemoryStore::new(Some(stored(5, 14)));
    let token = keeper(&store, &host).token(&hanbit(), 7).await.expect("the old token");
    assert_eq!((token.access.expose(), token.version), ("access-0", 7));
}

#[tokio::test]
async fn o04_invalid_grant_needs_a_person_and_is_asked_once() {
    let host = Host::start(&[Trouble::Answer(400, r#"{"error":"invalid_grant"}"#)]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let worker = keeper(&store, &host);
    for _ in 0..5 {
        let error = worker.token(&hanbit(), 7).await.expect_err("dead");
        assert_eq!(error.class(), FailureClass::Forbidden);
        assert!(error.to_string().starts_with("refresh token dead: another program"), "{error}");
    }
    assert_eq!(host.calls(), 1);
    // The mall is connected again: all goes on by itself.
    *store.row.lock().await = Some(StoredTokens { version: 8, ..stored(100, 14) });
    assert_eq!(worker.token(&hanbit(), 7).await.expect("a token").version, 8);
}

#[tokio::test]
async fn o04_a_lost_rotation_is_called_by_its_name() {
    let host = Host::start(&[Trouble::LoseAnswer]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let worker = keeper(&store, &host);
    let error = worker.token(&hanbit(), 7).await.expect_err("lost");
    assert!(
        matches!(error, TokenError::NeedsConsent { reason: DeathCause::RotationLost { .. } }),
        "{error:?}"
    );
    let at = clock::now().with_timezone(&kst()).format("%H:%M").to_string();
    assert!(error.to_string().contains(&format!("its rotation was lost at {at} KST")), "{error}");
    assert_eq!(*store.buried.lock().await, [error.to_string()], "the mall is parked with the same words");
}

#[tokio::test]
async fn o04_an_end_that_has_passed_by_our_clock_is_a_death_only_if_the_host_says_so() {
    let host = Host::start(&[Trouble::Answer(400, r#"{"error":"invalid_grant"}"#)]).await;
    let store = MemoryStore::new(Some(stored(-1, -1)));
    let error = keeper(&store, &host).token(&hanbit(), 7).await.expect_err("expired");
    assert!(matches!(error, TokenError::NeedsConsent { reason: DeathCause::Expired }), "{error:?}");

    let store = MemoryStore::new(Some(stored(-1, -1)));
    assert_eq!(keeper(&store, &host).token(&hanbit(), 7).await.expect("a token").version, 8);
    assert!(store.buried.lock().await.is_empty());
}

#[tokio::test]
async fn after_the_end_no_refresh_begins_whose_pair_nobody_would_store() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let worker = keeper(&store, &host);
    worker.settle(Duration::from_secs(5)).await;
    assert_eq!(worker.token(&hanbit(), 7).await.expect("jobs are still in hand").version, 8);
    worker.close().await;
    let error = worker.after_unauthorized(&hanbit(), 8).await.expect_err("the end");
    assert_eq!((error.class(), host.calls()), (FailureClass::Infrastructure, 1));
    assert!(store.lease.lock().await.is_none());
}

#[tokio::test]
async fn a_dead_mall_that_was_removed_and_connected_anew_is_not_taken_for_dead() {
    let host = Host::start(&[Trouble::Answer(400, r#"{"error":"invalid_grant"}"#)]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let worker = keeper(&store, &host);
    assert!(matches!(worker.token(&hanbit(), 7).await, Err(TokenError::NeedsConsent { .. })));
    // Another pair of the same version, whose access token ends soon.
    *store.row.lock().await = Some(stored(5, 14));
    assert_eq!(worker.token(&hanbit(), 7).await.expect("a token").version, 8);
}

#[tokio::test]
async fn o04_a_late_pair_and_a_store_that_goes_away_are_no_refusal() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    store.newer_then_away.store(true, Ordering::Relaxed);
    let error = keeper(&store, &host).token(&hanbit(), 7).await.expect_err("away");
    assert_eq!((error.class(), host.calls()), (FailureClass::Infrastructure, 1), "{error:?}");
}

#[tokio::test]
async fn a_mall_without_tokens_and_a_store_that_is_away_are_told_apart() {
    let host = Host::start(&[]).await;
    let none = keeper(&MemoryStore::new(None), &host).token(&hanbit(), 0).await.expect_err("none");
    assert_eq!((none.class(), none.to_string().contains("connected first")), (FailureClass::Forbidden, true));
    let store = MemoryStore::new(None);
    store.away.store(true, Ordering::Relaxed);
    let away = keeper(&store, &host).token(&hanbit(), 0).await.expect_err("away");
    assert_eq!(away.class(), FailureClass::Infrastructure);
}

#[tokio::test]
async fn without_an_app_tokens_are_used_to_their_end() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::with_app(Some(stored(5, 14)), None);
    let keeper = keeper(&store, &host);
    assert_eq!(keeper.token(&hanbit(), 7).await.expect("a token").version, 7);
    let error = keeper.after_unauthorized(&hanbit(), 7).await.expect_err("no app");
    assert!(matches!(error, TokenError::Refused(OAuthError::InvalidClient)));
}

#[tokio::test]
async fn o02_whoever_takes_over_from_a_dead_holder_names_the_moment_of_the_loss() {
    let host = Host::start(&[Trouble::Answer(400, r#"{"error":"invalid_grant"}"#)]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let taken_at = "2026-02-16T03:03:00Z".parse().expect("a time");
    let lease = Lease { version: 7, taken_at, until: clock::now(), unanswered_at: None };
    *store.lease.lock().await = Some((lease, "a process that died".to_owned()));
    let error = keeper(&store, &host).token(&hanbit(), 7).await.expect_err("lost");
    assert!(error.to_string().contains("its rotation was lost at 12:03 KST"), "{error}");
    assert_eq!(error.class(), FailureClass::Forbidden);
}

#[tokio::test]
async fn o02_a_holder_that_died_before_its_call_does_no_harm() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let lease = Lease { version: 7, taken_at: clock::now(), until: clock::now(), unanswered_at: None };
    *store.lease.lock().await = Some((lease, "a process that died".to_owned()));
    assert_eq!(keeper(&store, &host).token(&hanbit(), 7).await.expect("a token").version, 8);
    assert!(store.lease.lock().await.is_none());
}

#[tokio::test]
async fn o04_who_waits_for_another_process_takes_its_pair_and_calls_nobody() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    let taken = store.take(&hanbit(), 7, "another process").await.expect("the lease");
    let worker = keeper(&store, &host);
    let waiting = tokio::spawn(async move { worker.token(&hanbit(), 7).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "it waits");
    let mut newer = stored(100, 14).pair;
    newer.access = AccessToken::new("theirs");
    store.keep(&hanbit(), &taken.tokens, &newer).await.expect("stored");
    let token = waiting.await.expect("no panic").expect("a token");
    assert_eq!((token.access.expose(), token.version, host.calls()), ("theirs", 8, 0));
}

#[tokio::test]
async fn o03_a_pair_that_cannot_be_stored_is_stored_when_the_store_is_back() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    store.keeps_nothing.store(true, Ordering::Relaxed);
    let worker = keeper(&store, &host);
    // Whoever wanted the token gives up; the refresh goes on.
    let given_up = timeout(Duration::from_millis(300), worker.token(&hanbit(), 7)).await;
    assert!(given_up.is_err() && host.calls() == 1, "stored before it is used");
    store.keeps_nothing.store(false, Ordering::Relaxed);
    worker.settle(Duration::from_secs(5)).await;
    let row = store.row.lock().await.clone().expect("stored");
    assert_eq!((row.version, row.pair.access.expose(), host.calls()), (8, "access-1", 1));
}

#[tokio::test]
async fn o03_a_pair_that_cannot_be_stored_before_the_end_waits_sealed_in_a_file_for_the_next_start() {
    let dir = std::env::temp_dir().join(format!("cafe24-sync-spool-{}", uuid::Uuid::new_v4().simple()));
    let spool = || {
        let keys = Secret::new("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
        Some(Spool::new(dir.clone(), Arc::new(Sealer::from_keys(&keys).expect("a key"))))
    };
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(-1, 14)));
    store.keeps_nothing.store(true, Ordering::Relaxed);
    let worker = TokenKeeper::new(store.clone(), host.client(), Duration::from_mins(10), spool());
    let mall = hanbit();
    let (token, ()) = tokio::join!(worker.token(&mall, 7), worker.settle(Duration::from_millis(300)));
    assert!(matches!(token, Err(TokenError::Spooled)), "{token:?}");
    let files = spool().expect("one").files().expect("a directory");
    assert_eq!(files.len(), 1);
    let keys = spool().expect("one").keys().expect("a directory");
    assert_eq!(keys.values().sum::<i64>(), 1, "{keys:?}");
    let text = std::fs::read_to_string(&files[0]).expect("readable by us");
    assert!(!text.contains("access-1") && !text.contains("refresh-1"), "{text}");
    let mode = std::fs::metadata(&files[0]).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    store.keeps_nothing.store(false, Ordering::Relaxed);
    let next = TokenKeeper::new(store.clone(), host.client(), Duration::from_mins(10), spool());
    store.away.store(true, Ordering::Relaxed);
    assert!(!next.take_up_spool().await, "it waits on, and holds nobody up");
    store.away.store(false, Ordering::Relaxed);
    assert!(next.take_up_spool().await, "all of it");
    let token = next.token(&hanbit(), 7).await.expect("a token");
    assert_eq!((token.version, token.access.expose(), host.calls()), (8, "access-1", 1));
    assert!(spool().expect("one").files().expect("a directory").is_empty(), "taken up and removed");
    std::fs::remove_dir_all(&dir).expect("ours");
}
