//! A database for one test: a copy of a template that was migrated once.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tokio_postgres::{Client, NoTls};
use tokio_util::task::AbortOnDropHandle;

use super::programs::Programs;
use super::servers::root;
use super::trouble::{Context as _, Result};

/// Any number that nobody else uses: one process migrates, the others wait.
const TEMPLATE_LOCK: i64 = 0x0024_7E57;
const MIGRATE: Duration = Duration::from_mins(1);
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Whom command line and daemon log in as: a member of their role, no owner of anything.
pub(crate) const PRODUCER_LOGIN: &str = "cafe24_test_producer";
/// Whom workers log in as.
pub(crate) const WORKER_LOGIN: &str = "cafe24_test_worker";

/// A database of one's own. Dropping it drops the database, whoever is still connected.
pub struct TestDb {
    name: String,
    admin: String,
    url: String,
    client: Client,
    _connection: AbortOnDropHandle<()>,
}

impl TestDb {
    /// Copies the template; the first caller of a run makes it with `cafe24-sync db migrate`.
    pub async fn create(admin: &str, programs: &Programs) -> Result<Self> {
        let (client, _connection) = connect(admin).await?;
        let template = ensure_template(&client, admin, programs).await?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cafe24_test_{}_{number}_{:08x}", std::process::id(), rand::random::<u32>());
        run(&client, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
        Self::open(admin, &name).await
    }

    /// An empty database by that name, dropped first if it is there; for programs that are not tests.
    pub async fn create_empty(admin: &str, name: &str) -> Result<Self> {
        let (client, _connection) = connect(admin).await?;
        run(&client, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        run(&client, &format!("CREATE DATABASE {name}")).await?;
        Self::open(admin, name).await
    }

    async fn open(admin: &str, name: &str) -> Result<Self> {
        let url = with_database(admin, name);
        let (client, connection) = connect(&url).await?;
        Ok(Self { name: name.to_owned(), admin: admin.to_owned(), url, client, _connection: connection })
    }

    /// For the programs.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The test's own connection, as superuser.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A further connection, for locks and for after a restart of the server.
    pub async fn connect(&self) -> Result<(Client, AbortOnDropHandle<()>)> {
        connect(&self.url).await
    }

    /// Its server failed over to the one at `admin`: from here on, this is the database of that name there.
    pub async fn move_to(&mut self, admin: &str) -> Result<()> {
        let moved = Self::open(admin, &self.name).await?;
        let mut before = std::mem::replace(self, moved);
        // Whatever is left there is not dropped with it.
        before.name.clear();
        Ok(())
    }

    /// One number, such as `SELECT count(*) FROM jobs`.
    pub async fn number(&self, sql: &str) -> Result<i64> {
        let row = self.client.query_one(sql, &[]).await.with_context(|| sql.to_owned())?;
        row.try_get(0).with_context(|| sql.to_owned())
    }

    /// Leaves the database where it is when this is dropped.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.name.clear();
        self
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if self.name.is_empty() {
            return;
        }
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let admin = self.admin.as_str();
        thread::scope(|scope| {
            scope.spawn(|| {
                let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                    return;
                };
                let drop = async {
                    let (client, _connection) = connect(admin).await?;
                    run(&client, &statement).await
                };
                // A server that the test has ended takes its databases with it; others are swept by the next run.
                let _swept_later =
                    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), drop).await });
            });
        });
    }
}

impl std::fmt::Debug for TestDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestDb").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A connection and the task that drives it.
pub(crate) async fn connect(url: &str) -> Result<(Client, AbortOnDropHandle<()>)> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.with_context(|| format!("cannot connect to {url}"))?;
    let task = tokio::spawn(async move {
        // Its end shows as an error of the next statement.
        let _ended = connection.await;
    });
    Ok((client, AbortOnDropHandle::new(task)))
}

/// The same server's database that is always there.
pub(crate) fn maintenance(url: &str) -> String {
    with_database(url, "postgres")
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let head = url.rsplit_once('/').map_or(url, |(head, _)| head);
    format!("{head}/{name}")
}

async fn run(client: &Client, statement: &str) -> Result<()> {
    client.batch_execute(statement).await.with_context(|| statement.to_owned())
}

/// Makes the template of these migrations unless it is there. Test processes run side by side, hence the lock,
/// which ends with the session if its holder is killed.
async fn ensure_template(client: &Client, admin: &str, programs: &Programs) -> Result<String> {
    let name = format!("cafe24_template_{:016x}", migrations_hash(programs)?);
    run(client, &format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await?;
    let known = "SELECT datistemplate FROM pg_database WHERE datname = $1";
    let ready = client.query_opt(known, &[&name]).await.context(known)?.is_some_and(|row| row.get(0));
    if !ready {
        sweep(client).await?;
        run(client, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        run(client, &format!("CREATE DATABASE {name}")).await?;
        let url = with_database(admin, &name);
        programs.clone().set("DATABASE_URL", &url).cli(&["db", "migrate"], MIGRATE).await?.success()?;
        run(client, &format!("ALTER DATABASE {name} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")).await?;
    }
    // Roles are the server's, so these two are made once, and stay.
    for (login, role) in [(PRODUCER_LOGIN, "cafe24_producer"), (WORKER_LOGIN, "cafe24_worker")] {
        let known =
            client.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&login]).await.context(login)?;
        if known.is_none() {
            run(client, &format!("CREATE ROLE {login} LOGIN IN ROLE {role}")).await?;
        }
    }
    run(client, &format!("SELECT pg_advisory_unlock({TEMPLATE_LOCK})")).await?;
    Ok(name)
}

/// Drops templates of other migrations and databases of test processes that are gone.
async fn sweep(client: &Client) -> Result<()> {
    let ours = "SELECT datname FROM pg_database WHERE datname ~ '^cafe24_(test|template)_'";
    for row in client.query(ours, &[]).await.context(ours)? {
        let name: String = row.get(0);
        let owner = name.strip_prefix("cafe24_test_").and_then(|rest| rest.split('_').next());
        if owner.is_some_and(|pid| Path::new("/proc").join(pid).exists()) {
            continue;
        }
        run(client, &format!("ALTER DATABASE {name} WITH IS_TEMPLATE false")).await?;
        run(client, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    }
    Ok(())
}

/// Of the files, and of the program that was built with them: one built before the last change migrates less.
fn migrations_hash(programs: &Programs) -> Result<u64> {
    let dir = root().join("migrations");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    let built = fs::metadata(programs.producer()).and_then(|file| file.modified());
    built.context("cafe24-sync")?.hash(&mut hasher);
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "sql")) {
        file.file_name().hash(&mut hasher);
        fs::read(file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
