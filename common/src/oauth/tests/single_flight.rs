use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::super::*;
use super::host::{Host, Trouble, app, hanbit};
use crate::clock;
use crate::domain::failure::FailureClass;
use crate::domain::ids::MallId;

/// A store in memory whose lock stands for the row lock of the database.
struct MemoryStore {
    row: Mutex<Option<StoredTokens>>,
    loads: AtomicUsize,
    away: bool,
}

impl MemoryStore {
    fn new(row: Option<StoredTokens>) -> Arc<Self> {
        Arc::new(Self { row: Mutex::new(row), loads: AtomicUsize::new(0), away: false })
    }
}

impl TokenStore for MemoryStore {
    async fn load(&self, _: &MallId) -> Result<StoredTokens, TokenStoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        if self.away {
            return Err(TokenStoreError::Unavailable("away".into()));
        }
        self.row.lock().await.clone().ok_or(TokenStoreError::Missing)
    }

    async fn renew(
        &self,
        _: &MallId,
        used_version: Option<i64>,
        refresh: RefreshCall,
    ) -> Result<StoredTokens, RenewError> {
        let mut row = self.row.lock().await;
        let stored = row.clone().ok_or(TokenStoreError::Missing)?;
        if used_version.is_some_and(|used| stored.version > used) {
            return Ok(stored);
        }
        let pair = refresh(stored.pair).await?;
        let renewed = StoredTokens { pair, version: stored.version + 1 };
        *row = Some(renewed.clone());
        Ok(renewed)
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
    StoredTokens { pair, version: 7 }
}

fn keeper(store: &Arc<MemoryStore>, host: &Host) -> Arc<TokenKeeper<Arc<MemoryStore>>> {
    Arc::new(TokenKeeper::new(store.clone(), host.client(), Some(app()), Duration::from_mins(10)))
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
    let error = keeper(&store, &host).token(&hanbit(), 7).await.expect_err("lost");
    assert!(matches!(error, TokenError::NeedsConsent { reason: DeathCause::RotationLost }), "{error:?}");
}

#[tokio::test]
async fn an_expired_refresh_token_is_not_sent() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(-1, -1)));
    let error = keeper(&store, &host).token(&hanbit(), 7).await.expect_err("expired");
    assert!(matches!(error, TokenError::NeedsConsent { reason: DeathCause::Expired }), "{error:?}");
    assert_eq!(host.calls(), 0);
}

#[tokio::test]
async fn a_mall_without_tokens_and_a_store_that_is_away_are_told_apart() {
    let host = Host::start(&[]).await;
    let none = keeper(&MemoryStore::new(None), &host).token(&hanbit(), 0).await.expect_err("none");
    assert_eq!((none.class(), none.to_string().contains("connected first")), (FailureClass::Forbidden, true));
    let store = Arc::new(MemoryStore { row: Mutex::new(None), loads: AtomicUsize::new(0), away: true });
    let away = keeper(&store, &host).token(&hanbit(), 0).await.expect_err("away");
    assert_eq!(away.class(), FailureClass::Infrastructure);
}

#[tokio::test]
async fn without_an_app_tokens_are_used_to_their_end() {
    let host = Host::start(&[]).await;
    let store = MemoryStore::new(Some(stored(5, 14)));
    let keeper = TokenKeeper::new(store, host.client(), None, Duration::from_mins(10));
    assert_eq!(keeper.token(&hanbit(), 7).await.expect("a token").version, 7);
    let error = keeper.after_unauthorized(&hanbit(), 7).await.expect_err("no app");
    assert!(matches!(error, TokenError::Refused(OAuthError::InvalidClient)));
}
