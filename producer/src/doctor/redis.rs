//! Redis: reachable, takes writes, forgets nothing by itself, runs our scripts on our keys.

use common::config::Config;
use common::limiter::{BucketConfig, LimiterError, RedisFacts, RedisLimiter};

use super::Doctor;
use super::finding::Finding;
use crate::fault::Server;
use crate::fault::in_one_line;
use crate::output::text::clean;

pub(super) const NAME: &str = "redis";

type LimiterResult<T> = Result<T, LimiterError>;

/// The buckets, whoever's they are: to look at them must not make them ours.
pub(super) fn limiter(config: &Config) -> Result<RedisLimiter, LimiterError> {
    RedisLimiter::connect(config.redis.url.expose(), &config.redis.prefix, BucketConfig::from(config.limits))
}

/// Whether the buckets are another installation's.
pub(super) async fn is_foreign(limiter: &RedisLimiter, doctor: &Doctor) -> Result<bool, LimiterError> {
    let theirs = limiter.deployment().await?;
    let ours = doctor.control.deployment().map(|id| id.to_string());
    Ok(theirs.is_some() && ours.is_some() && theirs != ours)
}

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let inspect = async {
        let limiter = limiter(&doctor.config)?;
        let facts = limiter.inspect().await?;
        LimiterResult::Ok((facts, is_foreign(&limiter, doctor).await?))
    };
    match inspect.await {
        Ok((_, true)) => {
            let what = "these buckets belong to another installation";
            let remedy = "correct redis.url or redis.prefix, or take them over: cafe24-sync db adopt";
            vec![Finding::problem(NAME, what, remedy)]
        }
        Ok((facts, false)) => judge(&facts),
        Err(error) => vec![refused(doctor, &error)],
    }
}

/// Whether it answers.
pub(super) async fn reach(doctor: &Doctor) -> Vec<Finding> {
    let ping = async { limiter(&doctor.config)?.ping().await };
    vec![match ping.await {
        Ok(_) => Finding::good(NAME, format!("answers at {}", doctor.config.redis.url)),
        Err(error) => refused(doctor, &error),
    }]
}

fn judge(facts: &RedisFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.policy != "noeviction" {
        let what = format!(
            "forgets keys when it is full ({}): a forgotten bucket slows its mall down",
            clean(&facts.policy)
        );
        let remedy = "redis-cli config set maxmemory-policy noeviction, and in redis.conf";
        findings.push(Finding::problem(NAME, what, remedy));
    }
    if facts.maxmemory == 0 {
        let what = "maxmemory is unset: Redis may take all memory of its machine";
        findings.push(Finding::warning(NAME, what, "set maxmemory 256mb in redis.conf"));
    } else if facts.used / 4 * 5 > facts.maxmemory {
        let what = format!("{} of {} MiB are used", facts.used >> 20, facts.maxmemory >> 20);
        findings.push(Finding::warning(NAME, what, "raise maxmemory in redis.conf"));
    }
    if facts.role != "master" {
        let what = format!("is a {}, not a master", clean(&facts.role));
        findings.push(Finding::problem(NAME, what, "let redis.url name the master"));
    }
    if findings.is_empty() {
        let took = facts.took.as_millis();
        findings.push(Finding::good(
            NAME,
            format!("{}, noeviction ✓, scripts ✓, {took} ms", clean(&facts.version)),
        ));
    }
    findings
}

fn refused(doctor: &Doctor, error: &LimiterError) -> Finding {
    let server = Server::of(&doctor.config, "Redis", &doctor.config.redis.url, "redis.url");
    let remedy = match error {
        LimiterError::Settings(_) => "cafe24-sync config show".to_owned(),
        LimiterError::Unreachable(_) | LimiterError::Timeout(_) => server.remedy(),
        LimiterError::NotWritable { .. } => {
            "let redis.url name the master, or wait until it has started".to_owned()
        }
        LimiterError::OutOfMemory => "raise maxmemory in redis.conf".to_owned(),
        LimiterError::ForeignKey { key } => {
            format!("redis-cli del {}, or set another redis.prefix", clean(key))
        }
        LimiterError::Denied { .. } => {
            let prefix = &doctor.config.redis.prefix;
            format!("redis-cli acl setuser USER '~{prefix}:*' '&{prefix}:*' +@all -@dangerous +info")
        }
        LimiterError::OtherDeployment { .. } => "cafe24-sync db adopt, or correct redis.prefix".to_owned(),
        LimiterError::Refused { .. } => "look at Redis' log; it must be Redis 6 or later".to_owned(),
    };
    let why = in_one_line(error);
    Finding::problem(NAME, format!("no bucket at {}: {}", server.url, clean(&why)), remedy)
}
