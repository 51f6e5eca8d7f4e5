//! Postgres over TLS: verified, or not at all. Both drivers, by both programs.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::harness::{Context as _, Kind, OwnServer, Result, World, WorldConfig, wait_until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);
/// What a client sends first when it wants TLS: length 8, code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

async fn bare() -> Result<World> {
    World::start_with(WorldConfig { no_import: true, ..WorldConfig::default() }).await
}

/// Takes one connection, refuses TLS, and answers all that the client sent before it gave up.
async fn refuse_tls(listener: &TcpListener) -> Result<Vec<u8>> {
    let (mut client, _) = timeout(LIMIT, listener.accept()).await.context("a client")?.context("accept")?;
    let mut said = vec![0; SSL_REQUEST.len()];
    client.read_exact(&mut said).await.context("a request")?;
    client.write_all(b"N").await.context("a refusal")?;
    // A reset is an end, too.
    let _ended = client.read_to_end(&mut said).await;
    Ok(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_told_nothing_not_even_the_user() -> Result<()> {
    let world = bare().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("a port")?;
    let port = listener.local_addr().context("a port")?.port();
    let url = format!("postgres://canary:canary@127.0.0.1:{port}/canary?sslmode=verify-full");
    let programs = world.programs.clone().quiet().set("DATABASE_URL", url);
    let status = programs.cli_started(&["db", "status"])?.quiet();
    assert_eq!(refuse_tls(&listener).await?, SSL_REQUEST);
    drop(status);
    let worker = programs.worker()?;
    assert_eq!(refuse_tls(&listener).await?, SSL_REQUEST);
    drop(worker);
    Ok(())
}

/// Runs openssl, which Debian's Postgres brings along.
fn openssl(dir: &Path, arguments: &str) -> Result<()> {
    let output =
        Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().context("openssl")?;
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// An authority of our own and a certificate for `localhost`, in `dir`.
fn certificates(dir: &Path) -> Result<()> {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    openssl(
        dir,
        &format!(
            "req -x509 {key} -keyout ca.key -out ca.crt -subj /CN=ca -addext basicConstraints=critical,CA:TRUE"
        ),
    )?;
    openssl(
        dir,
        &format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost").replace(" -days 2", ""),
    )?;
    fs::write(dir.join("san"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n").context("san")?;
    openssl(
        dir,
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.crt",
    )
}

/// Postgres with that certificate, and the authority's.
async fn encrypted() -> Result<(OwnServer, PathBuf)> {
    let own = OwnServer::start(Kind::Postgres).await?;
    let (client, connection) =
        tokio_postgres::connect(&own.url(), tokio_postgres::NoTls).await.context("connect")?;
    let connection = tokio::spawn(connection);
    let row = client.query_one("SHOW data_directory", &[]).await.context("its folder")?;
    let dir = PathBuf::from(row.get::<_, String>(0));
    certificates(&dir)?;
    let owner = fs::metadata(&dir).context("its owner")?;
    for file in ["server.key", "server.crt"] {
        let path = dir.join(file);
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).context("chown")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).context("mode")?;
    }
    // Files of these names in its folder are the default.
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.context("ssl")?;
    client.query("SELECT pg_reload_conf()", &[]).await.context("reload")?;
    wait_until("TLS is on", LIMIT, async || {
        Ok(client.query_one("SHOW ssl", &[]).await.context("ssl")?.get::<_, String>(0) == "on")
    })
    .await?;
    drop(client);
    connection.abort();
    Ok((own, dir.join("ca.crt")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_counts_only_from_a_known_authority_and_for_the_name_in_the_url() -> Result<()> {
    let (own, authority) = encrypted().await?;
    let world = bare().await?;
    let at = |host: &str| {
        let url = format!("postgres://postgres@{host}:{}/postgres?sslmode=verify-full", own.port());
        world.programs.clone().quiet().set("DATABASE_URL", url)
    };
    let known = |host: &str| at(host).set("SSL_CERT_FILE", authority.to_string_lossy());

    let unknown = at("localhost").cli(&["db", "migrate"], LIMIT).await?;
    assert_eq!(unknown.code, Some(5), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("certificate"), "{}", unknown.stderr);
    let misnamed = known("127.0.0.1").cli(&["db", "migrate"], LIMIT).await?;
    assert_eq!(misnamed.code, Some(5), "{}", misnamed.stderr);

    known("localhost").cli(&["db", "migrate"], LIMIT).await?.success()?;
    let worker = known("localhost").worker()?;
    let pages = worker.listen(LIMIT).await?;
    // Whether it is ready it asks through the pool of its hot path, which connects only then.
    let mut ready = TcpStream::connect(&pages).await.context("pages")?;
    ready.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await.context("a question")?;
    let mut said = String::new();
    ready.read_to_string(&mut said).await.context("an answer")?;
    let (client, connection) =
        tokio_postgres::connect(&own.url(), tokio_postgres::NoTls).await.context("connect")?;
    let connection = tokio::spawn(connection);
    let sessions = "SELECT count(*) FILTER (WHERE NOT ssl), count(*) FILTER (WHERE ssl AND application_name = 'cafe24-sync-worker') \
                    FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name LIKE 'cafe24-sync%'";
    wait_until("the worker's pool speaks TLS", LIMIT, async || {
        let row = client.query_one(sessions, &[]).await.context("sessions")?;
        let (plain, encrypted): (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(plain, 0);
        Ok(encrypted > 0)
    })
    .await?;
    connection.abort();
    Ok(())
}
