//! Connections: two pools, each with limits on how long anything may take.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use tokio_postgres::NoTls;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use super::addresses::Addresses;
use super::error::StoreError;
use super::one_by_one::OneByOne;
use super::refusals;
use crate::config::{ServerUrl, Transport};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// A connection that does not acknowledge what we sent for this long is dead.
const SILENT: Duration = Duration::from_secs(20);
/// How often an idle connection is asked for a sign of life.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// What every session of ours sets. No statement, lock or open transaction may hang for ever (`docs/reliability.md` P7); our
/// statements are short, and compiling one takes longer than running it (81 against 45 ms for `feed_keys.sql`).
const SESSION: [(&str, &str); 4] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("jit", "off"),
];

/// Where the log has statements that took longer than a second, each with its whole text.
pub const SLOW_STATEMENTS: &str = "sqlx::query";

/// The control plane's pool (sqlx): planning, feeding, reports, migrations.
#[derive(Debug, Clone)]
pub struct Control {
    pub(super) pool: PgPool,
    pub(super) addresses: Arc<Addresses>,
    /// Known once the schema was checked.
    pub(super) deployment: Arc<OnceLock<Uuid>>,
}

impl Control {
    /// Prepares a pool for `url`, with `size` connections (1 or more). Connects when first used.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when `url` is not a Postgres URL.
    pub fn new(url: &str, size: u32) -> Result<Self, StoreError> {
        let url = ServerUrl::unchecked(url);
        let (transport, wants_writable) = (url.transport(), url.wants_writable());
        let addresses = url.addresses();
        let all =
            addresses.iter().map(|url| address(url, transport)).collect::<Result<Vec<_>, StoreError>>()?;
        let first = all.first().cloned().unwrap_or_default();
        let pool = PgPoolOptions::new()
            .max_connections(size.max(1))
            .acquire_timeout(CONNECT)
            .before_acquire(|_, idle| Box::pin(async move { Ok(!refusals::may_be_read_only(idle.age)) }))
            .connect_lazy_with(first);
        Ok(Self {
            pool,
            addresses: Arc::new(Addresses::new(all, wants_writable)),
            deployment: Arc::default(),
        })
    }

    /// Asks the server for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.follow().await?;
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The hot path's pool (tokio-postgres, deadpool): claims, batches, tokens.
#[derive(Clone)]
pub struct Ledger {
    pub(super) pool: Pool,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Prepares a pool for `url`, with `size` connections (1 or more). Connects when first used.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when `url` is not a Postgres URL or the system's certificates cannot be read.
    pub fn new(url: &str, size: usize) -> Result<Self, StoreError> {
        let url = ServerUrl::unchecked(url);
        let addresses =
            url.addresses().iter().map(|one| hot(one, &url)).collect::<Result<Vec<_>, StoreError>>()?;
        let (count, first) = (u32::try_from(addresses.len()).unwrap_or(1), addresses[0].clone());
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if url.transport() == Transport::Encrypted {
            Manager::from_connect(first, OneByOne::new(addresses, CONNECT, tls()?), recycling)
        } else {
            Manager::from_connect(first, OneByOne::new(addresses, CONNECT, NoTls), recycling)
        };
        let timeouts = Timeouts {
            wait: Some(CONNECT),
            create: Some(CONNECT * count + Duration::from_millis(500)),
            recycle: Some(CONNECT),
        };
        let pool = Pool::builder(manager)
            .pre_recycle(Hook::sync_fn(|_, idle| {
                if refusals::may_be_read_only(idle.age()) {
                    Err(HookError::message("its server may be read-only"))
                } else {
                    Ok(())
                }
            }))
            .max_size(size.max(1))
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable {
                what: "its pool cannot be built".to_owned(),
                source: error.into(),
            })?;
        Ok(Self { pool })
    }

    /// Asks the server for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.pool.get().await?.simple_query("SELECT 1").await?;
        Ok(())
    }

    /// Closes all connections.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// What the hot pool speaks to one address with; `url` names all of them.
fn hot(address: &ServerUrl, url: &ServerUrl) -> Result<tokio_postgres::Config, StoreError> {
    let mut config: tokio_postgres::Config =
        address.for_driver().expose().parse().map_err(|error: tokio_postgres::Error| {
            StoreError::Unavailable { what: "its URL cannot be read".to_owned(), source: error.into() }
        })?;
    // Arrays of one element and of ten thousand want different plans, and planning costs far less than a wrong one.
    let session: Vec<_> = SESSION
        .iter()
        .chain(&[("plan_cache_mode", "force_custom_plan")])
        .map(|(key, value)| format!("-c {key}={value}"))
        .collect();
    let given = config.get_options().unwrap_or_default();
    config.options(format!("{given} {}", session.join(" ")).trim()).application_name("cafe24-sync-worker");
    if url.wants_writable() {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    let encrypted = url.transport() == Transport::Encrypted;
    config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
    // The server's own limits do not help against one that fell silent without a word (a host that died, a NAT that
    // forgot us): without these, a batch would wait for the system's quarter of an hour.
    config
        .connect_timeout(CONNECT)
        .tcp_user_timeout(SILENT)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE)
        .keepalives_retries(3);
    Ok(config)
}

/// What the control plane speaks to one address with.
fn address(url: &ServerUrl, transport: Transport) -> Result<PgConnectOptions, StoreError> {
    let options: PgConnectOptions = url.for_driver().expose().parse().map_err(|error: sqlx::Error| {
        StoreError::Unavailable { what: "its URL cannot be read".to_owned(), source: error.into() }
    })?;
    let encrypt = match transport {
        Transport::Encrypted => true,
        Transport::Plaintext => false,
        // A URL without a host takes `PGHOST`: then it is not this machine.
        Transport::Local => options.get_socket().is_none() && !is_loopback(options.get_host()),
    };
    // Never the driver's `prefer` or `require`: the one falls back to plain text, neither looks at the certificate.
    let mode = if encrypt { PgSslMode::VerifyFull } else { PgSslMode::Disable };
    Ok(options.ssl_mode(mode).application_name("cafe24-sync").options(SESSION))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Verifies the certificate and its name, against the system's roots or those of `SSL_CERT_FILE`.
fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Unavailable {
        what: "TLS cannot be set up".to_owned(),
        source,
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // A system store may hold certificates that rustls does not understand; the others still count.
        let _ = roots.add(certificate);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
