//! Who may make roles, and who may not: the schema comes about all the same, and says what it lacks.

use std::time::Duration;

use serde_json::Value;
use tests::harness::{Context as _, Kind, OwnServer, Programs, Result};
use tokio_postgres::{Client, NoTls};
use tokio_util::task::AbortOnDropHandle;

const LIMIT: Duration = Duration::from_mins(1);

/// A server on which nobody has migrated anything yet, so that our roles are not there.
struct Fresh {
    admin: Client,
    _connection: AbortOnDropHandle<()>,
    programs: Programs,
    server: OwnServer,
}

async fn session(url: &str) -> Result<(Client, AbortOnDropHandle<()>)> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.with_context(|| url.to_owned())?;
    let task = tokio::spawn(async move {
        // Its end shows as an error of the next statement.
        let _ended = connection.await;
    });
    Ok((client, AbortOnDropHandle::new(task)))
}

impl Fresh {
    async fn start(test: &str) -> Result<Self> {
        let server = OwnServer::start(Kind::Postgres).await?;
        let (admin, connection) = session(&server.url()).await?;
        let logs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-logs").join(test);
        let programs = Programs::beside_me(&logs)?;
        Ok(Self { admin, _connection: connection, programs, server })
    }

    /// The address of a database for a role.
    fn url(&self, role: &str, database: &str) -> String {
        let url = self.server.url();
        let (head, _) = url.rsplit_once('/').unwrap_or((&url, ""));
        let host = head.rsplit_once('@').map_or(head, |(_, host)| host);
        format!("postgres://{role}@{host}/{database}")
    }

    fn programs(&self, role: &str, database: &str) -> Programs {
        self.programs.clone().set("DATABASE_URL", self.url(role, database))
    }

    async fn sql(&self, sql: &str) -> Result<()> {
        self.admin.batch_execute(sql).await.with_context(|| sql.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_of_one_server_that_are_migrated_at_once_make_the_roles_once() -> Result<()> {
    let mut fresh = Fresh::start("analytics.owner.two").await?;
    for database in ["one", "two"] {
        fresh.sql(&format!("CREATE DATABASE {database}")).await?;
    }
    let (one, two) = (fresh.programs("postgres", "one"), fresh.programs("postgres", "two"));
    let migrate = ["db", "migrate"];
    let (first, second) = tokio::join!(one.cli(&migrate, LIMIT), two.cli(&migrate, LIMIT));
    first?.success()?;
    second?.success()?;
    for programs in [one, two] {
        let status = programs.cli(&["db", "status", "--check"], LIMIT).await?;
        assert!(
            status.code == Some(0) && status.stdout.contains("granted as it should be"),
            "{}",
            status.stdout
        );
    }
    fresh.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_may_make_no_role_migrates_and_is_given_the_sql_for_who_may() -> Result<()> {
    let mut fresh = Fresh::start("analytics.owner.plain").await?;
    fresh.sql("CREATE ROLE plain LOGIN").await?;
    fresh.sql("CREATE DATABASE own OWNER plain").await?;
    let programs = fresh.programs("plain", "own");
    let migrated = programs.cli(&["db", "migrate"], LIMIT).await?;
    assert_eq!(migrated.code, Some(0), "{}", migrated.stderr);
    assert!(migrated.stderr.contains("cafe24-sync db grants"), "{}", migrated.stderr);
    let status = programs.cli(&["db", "status", "--check"], LIMIT).await?;
    assert!(status.code == Some(3) && status.stdout.contains("cafe24-sync db grants"), "{}", status.stdout);
    assert_eq!(programs.cli(&["db", "grants", "--apply"], LIMIT).await?.code, Some(7));

    // The owner is held to the rules, and its rule lets it work.
    let (own, _own) = session(&fresh.url("plain", "own")).await?;
    let seed = "INSERT INTO agencies VALUES ('hanok'), ('sejong'); \
        INSERT INTO connectors (mall_id, agency_id, dialect, limiter_key) VALUES ('hanbit', 'hanok', 'seed', 'hanbit'), ('moonlit', 'sejong', 'seed', 'moonlit'); \
        INSERT INTO slices (mall_id, shop_no, endpoint, granularity, date, data_state, job_id, fence, rows, checksum) \
        SELECT mall_id, 1, 'visitors', 'day', '2026-01-01', 'complete', gen_random_uuid(), 1, 1, 1 FROM connectors; \
        INSERT INTO metrics_daily (mall_id, date, entity_type, entity_id, impressions) SELECT mall_id, '2026-01-01', 'store', mall_id, 7 FROM connectors";
    own.batch_execute(seed).await.context(seed)?;
    let count = "SELECT count(*) FROM analytics.daily_store WHERE visits = 7";
    assert_eq!(own.query_one(count, &[]).await.context(count)?.get::<_, i64>(0), 2);

    // What it prints is what is missing, and runs as it stands.
    let lacking: Value = programs.cli(&["db", "grants", "--json"], LIMIT).await?.json()?;
    let statements: Vec<&str> =
        lacking["missing"].as_array().context("missing")?.iter().filter_map(Value::as_str).collect();
    assert!(
        statements.first().is_some_and(|first| first.starts_with("CREATE ROLE cafe24_producer")),
        "{statements:?}"
    );
    let (admin, _admin) = session(&fresh.url("postgres", "own")).await?;
    for statement in &statements {
        admin.batch_execute(statement).await.with_context(|| (*statement).to_owned())?;
    }
    let status = programs.cli(&["db", "status", "--check"], LIMIT).await?;
    assert!(status.code == Some(0) && status.stdout.contains("granted as it should be"), "{}", status.stdout);

    // A reader likewise, in two steps.
    let grant = ["db", "grants", "--analyst", "kim", "--agency", "hanok"];
    let asked = programs.cli(&grant, LIMIT).await?;
    assert_eq!(asked.code, Some(7), "{}", asked.stderr);
    assert!(asked.stdout.starts_with("CREATE ROLE \"kim\" LOGIN"), "{}", asked.stdout);
    admin.batch_execute(&asked.stdout).await.with_context(|| asked.stdout.clone())?;
    programs.cli(&grant, LIMIT).await?.success()?;
    let (kim, _kim) = session(&fresh.url("kim", "own")).await?;
    let malls = "SELECT DISTINCT mall_id FROM analytics.daily_store";
    let rows = kim.query(malls, &[]).await.context(malls)?;
    assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["hanbit"]);
    let setting = "SELECT current_setting('statement_timeout') || ' ' || current_setting('default_transaction_read_only')";
    assert_eq!(kim.query_one(setting, &[]).await.context(setting)?.get::<_, String>(0), "1min on");
    fresh.server.stop().await
}

/// A reader of an older version, before there were so many settings; and one whose sessions somebody set otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn readers_that_were_made_before_get_what_is_new_and_keep_what_somebody_set() -> Result<()> {
    let mut fresh = Fresh::start("analytics.owner.older").await?;
    fresh.sql("CREATE DATABASE own").await?;
    let programs = fresh.programs("postgres", "own");
    programs.cli(&["db", "migrate"], LIMIT).await?.success()?;
    let (own, _own) = session(&fresh.url("postgres", "own")).await?;
    own.batch_execute("INSERT INTO agencies VALUES ('hanok')").await.context("an agency")?;
    for reader in ["kim", "lee"] {
        let grant = ["db", "grants", "--analyst", reader, "--agency", "hanok"];
        programs.cli(&grant, LIMIT).await?.success()?;
    }
    let older = "ALTER ROLE kim IN DATABASE own RESET enable_nestloop; ALTER ROLE kim IN DATABASE own RESET jit; \
                 ALTER ROLE lee IN DATABASE own SET statement_timeout = '10min'; \
                 ALTER ROLE lee IN DATABASE own RESET jit";
    fresh.sql(older).await?;

    // What is missing is counted, told and printed.
    let status = programs.cli(&["db", "status", "--check"], LIMIT).await?;
    assert!(status.code == Some(3) && status.stdout.contains("3 grants missing"), "{}", status.stdout);
    let lacking: Value = programs.cli(&["db", "grants", "--json"], LIMIT).await?.json()?;
    let wanted = [
        "ALTER ROLE kim IN DATABASE own SET jit = 'off';",
        "ALTER ROLE kim IN DATABASE own SET enable_nestloop = 'off';",
        "ALTER ROLE lee IN DATABASE own SET jit = 'off';",
    ];
    assert_eq!(lacking["missing"], serde_json::json!(wanted), "{lacking:#}");
    let doctor = programs.cli(&["doctor", "--offline"], LIMIT).await?;
    for line in [
        "reader kim has no setting of jit, enable_nestloop",
        "db grants --apply",
        "reader lee has no setting of jit",
        "reader lee has statement_timeout = 10min, a new one gets 60s; to have that: ALTER ROLE lee IN DATABASE own",
    ] {
        assert!(doctor.stdout.contains(line), "{line}\n{}", doctor.stdout);
    }

    // A migration brings it, and so does db grants --apply; twice is once.
    programs.cli(&["db", "migrate"], LIMIT).await?.success()?;
    fresh.sql("ALTER ROLE kim IN DATABASE own RESET jit").await?;
    programs.cli(&["db", "grants", "--apply"], LIMIT).await?.success()?;
    let status = programs.cli(&["db", "status", "--check"], LIMIT).await?;
    assert_eq!(status.code, Some(0), "{}", status.stdout);
    let shown = "SELECT current_setting('enable_nestloop') || ' ' || current_setting('jit') || ' ' || current_setting('statement_timeout')";
    for (reader, settings) in [("kim", "off off 1min"), ("lee", "off off 10min")] {
        let (client, _reader) = session(&fresh.url(reader, "own")).await?;
        assert_eq!(
            client.query_one(shown, &[]).await.context(shown)?.get::<_, String>(0),
            settings,
            "{reader}"
        );
    }
    let doctor = programs.cli(&["doctor", "--offline"], LIMIT).await?;
    assert!(!doctor.stdout.contains("has no setting"), "{}", doctor.stdout);
    fresh.server.stop().await
}

/// Who owns the tables and may alter no role still grants what a new version needs.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_may_alter_no_reader_grants_the_rest() -> Result<()> {
    let mut fresh = Fresh::start("analytics.owner.rest").await?;
    fresh.sql("CREATE ROLE plain LOGIN").await?;
    fresh.sql("CREATE DATABASE own OWNER plain").await?;
    let (mighty, plain) = (fresh.programs("postgres", "own"), fresh.programs("plain", "own"));
    plain.cli(&["db", "migrate"], LIMIT).await?.success()?;
    mighty.cli(&["db", "grants", "--apply"], LIMIT).await?.success()?;
    let (own, _own) = session(&fresh.url("plain", "own")).await?;
    own.batch_execute("INSERT INTO agencies VALUES ('hanok')").await.context("an agency")?;
    mighty.cli(&["db", "grants", "--analyst", "kim", "--agency", "hanok"], LIMIT).await?.success()?;
    fresh.sql("ALTER ROLE kim IN DATABASE own RESET jit").await?;
    own.batch_execute("REVOKE SELECT ON jobs FROM cafe24_worker").await.context("revoke")?;

    let granted = plain.cli(&["db", "grants", "--apply", "--json"], LIMIT).await?;
    assert_eq!(granted.code, Some(7), "{granted:?}");
    let left: Value = serde_json::from_str(&granted.stdout).context("a document")?;
    assert_eq!(left["missing"], serde_json::json!(["ALTER ROLE kim IN DATABASE own SET jit = 'off';"]));
    fresh.server.stop().await
}
