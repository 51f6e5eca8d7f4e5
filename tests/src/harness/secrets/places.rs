//! Everything that a run leaves behind or shows while it lasts.

use std::fs;
use std::path::Path;

use tokio_postgres::Client;

use super::Place;
use crate::harness::broker::Broker;
use crate::harness::http::{Browser, Reply};
use crate::harness::scrape::get;
use crate::harness::trouble::{Context as _, Result};

/// All files below `folder`, but those named in `except`, which hold secrets on purpose.
pub fn files(folder: &Path, except: &[&str]) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    let shown = || format!("cannot read {}", folder.display());
    for entry in fs::read_dir(folder).with_context(shown)? {
        let path = entry.with_context(shown)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            places.extend(files(&path, except)?);
        } else if !except.contains(&name.as_str()) {
            places.push(Place { name, bytes: fs::read(&path).with_context(shown)? });
        }
    }
    Ok(places)
}

/// What `ps` shows of each program that runs on this machine, ours or not.
pub fn command_lines() -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for entry in fs::read_dir("/proc").context("/proc")? {
        let pid = entry.context("/proc")?.file_name().to_string_lossy().into_owned();
        // One that has ended meanwhile shows nothing more.
        if pid.bytes().all(|b| b.is_ascii_digit())
            && let Ok(bytes) = fs::read(format!("/proc/{pid}/cmdline"))
        {
            places.push(Place { name: format!("the command line of {pid}"), bytes });
        }
    }
    Ok(places)
}

/// The pages of a program as a browser gets them, headers and all, whatever their status.
pub async fn visits(origin: &str, paths: &[&str]) -> Result<Vec<Place>> {
    let browser = Browser::new();
    let mut places = Vec::new();
    for path in paths {
        places.push(reply(path, &browser.visit(&format!("{origin}{path}")).await?));
    }
    Ok(places)
}

/// What a browser got.
pub fn reply(name: &str, reply: &Reply) -> Place {
    let headers = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
    let text = format!("{}\n{}\n{}", reply.status, headers.collect::<String>(), reply.body);
    Place { name: format!("the answer to {name}"), bytes: text.into_bytes() }
}

/// The pages of a program, whatever their status.
pub async fn pages(address: &str, paths: &[&str]) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for path in paths {
        let (status, body) = get(address, path).await?;
        places.push(Place { name: format!("{path} ({status})"), bytes: body.into_bytes() });
    }
    Ok(places)
}

/// All messages that lie in `queue`, body and properties; they stay there.
pub async fn queue(broker: &Broker, queue: &str) -> Result<Vec<Place>> {
    let messages = broker.peek(queue).await?;
    let place = |bytes| Place { name: format!("a message in {queue}"), bytes };
    Ok(messages.into_iter().map(place).collect())
}

/// Every key of a Redis with its value, as read and as dumped (a dump may be packed).
pub async fn redis(url: &str) -> Result<Vec<Place>> {
    let client = redis::Client::open(url).context("redis")?;
    let mut connection = client.get_multiplexed_async_connection().await.context("redis")?;
    let keys: Vec<Vec<u8>> = {
        let mut keys = Vec::new();
        let mut cursor = b"0".to_vec();
        loop {
            let scan = redis::cmd("SCAN").arg(&cursor).arg("COUNT").arg(1_000).to_owned();
            let page = scan.query_async(&mut connection).await;
            let (next, found): (Vec<u8>, Vec<Vec<u8>>) = page.context("SCAN")?;
            keys.extend(found);
            if next == b"0" {
                break keys;
            }
            cursor = next;
        }
    };
    let mut places = Vec::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.context("TYPE")?;
        let read = match kind.as_str() {
            "hash" => redis::cmd("HGETALL").arg(&key).to_owned(),
            "list" => redis::cmd("LRANGE").arg(&key).arg(0).arg(-1).to_owned(),
            "set" => redis::cmd("SMEMBERS").arg(&key).to_owned(),
            "zset" => redis::cmd("ZRANGE").arg(&key).arg(0).arg(-1).to_owned(),
            "stream" => redis::cmd("XRANGE").arg(&key).arg("-").arg("+").to_owned(),
            _ => redis::cmd("GET").arg(&key).to_owned(),
        };
        let mut bytes = key.clone();
        for command in [read, redis::cmd("DUMP").arg(&key).to_owned()] {
            let value: redis::Value = command.query_async(&mut connection).await.context("a value")?;
            bytes.push(b'\n');
            flatten(&value, &mut bytes);
        }
        places.push(Place { name: format!("Redis key {}", String::from_utf8_lossy(&key)), bytes });
    }
    Ok(places)
}

fn flatten(value: &redis::Value, into: &mut Vec<u8>) {
    match value {
        redis::Value::BulkString(bytes) => into.extend(bytes),
        redis::Value::Array(values) | redis::Value::Set(values) => {
            for value in values {
                flatten(value, into);
                into.push(b'\n');
            }
        }
        redis::Value::Map(pairs) => {
            for (name, value) in pairs {
                flatten(name, into);
                into.push(b' ');
                flatten(value, into);
                into.push(b'\n');
            }
        }
        other => into.extend(format!("{other:?}").bytes()),
    }
}

/// Every row of every table, view and setting of the database, as text, and what its sessions ask just now.
pub async fn database(client: &Client) -> Result<Vec<Place>> {
    let sql = "SELECT quote_ident(relname) FROM pg_class \
               WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')";
    let tables = client.query(sql, &[]).await.context("the tables")?;
    let mut sources: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
    sources.push("pg_stat_activity".to_owned());
    sources.push("pg_settings".to_owned());
    let mut places = Vec::new();
    for source in sources {
        let sql = format!("SELECT t::text FROM {source} t");
        let rows = client.query(&sql, &[]).await.context(sql)?;
        let bytes =
            rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n").into_bytes();
        places.push(Place { name: format!("table {source}"), bytes });
    }
    Ok(places)
}
