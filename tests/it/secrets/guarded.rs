//! Servers that let nobody in without a password.

use tests::harness::secrets::percent;
use tests::harness::{Context as _, Kind, OwnServer, Result, Servers};

use super::random;

/// Servers with passwords, and what they are.
pub(super) struct Guarded {
    pub(super) rabbit: OwnServer,
    pub(super) redis: OwnServer,
    pub(super) servers: Servers,
    pub(super) passwords: [(&'static str, String); 3],
}

impl Guarded {
    pub(super) async fn start() -> Result<Self> {
        // Characters that each way of writing a URL, a header or JSON treats in its own way.
        let passwords = [
            ("the password of Postgres", format!("pg/+=&\"{}", random())),
            ("the password of RabbitMQ", format!("amqp+{}", random())),
            ("the password of Redis", format!("redis/+={}", random())),
        ];
        let [postgres, amqp, of_redis] = passwords.each_ref().map(|(_, password)| password.as_str());
        let conf = format!("default_user = fleet\ndefault_pass = {amqp}\n");
        let rabbit = OwnServer::start_rabbit(&conf, None).await?;
        let redis = OwnServer::start(Kind::Redis).await?;
        let client = redis::Client::open(redis.url()).context("redis")?;
        let mut connection = client.get_multiplexed_async_connection().await.context("redis")?;
        let user = ["SETUSER", "fleet", "on", &format!(">{of_redis}"), "~*", "&*", "+@all"];
        let _: () = redis::cmd("ACL").arg(&user).query_async(&mut connection).await.context("ACL")?;
        let shared = Servers::from_env()?.database;
        let (head, rest) = shared.split_once("://").context("a URL")?;
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        let servers = Servers {
            amqp: format!("amqp://fleet:{}@127.0.0.1:{}/%2f", percent(amqp), rabbit.port()),
            redis: format!("redis://fleet:{}@127.0.0.1:{}/0", percent(of_redis), redis.port()),
            // The development server trusts its machine, so any password is the right one.
            database: format!("{head}://postgres:{}@{place}", percent(postgres)),
        };
        Ok(Self { rabbit, redis, servers, passwords })
    }
}
