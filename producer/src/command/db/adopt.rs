//! `db adopt`: after a move on purpose, Redis and RabbitMQ become the ones of this database.

use std::fmt::Write;

use common::broker::{Broker, BrokerError, Topology};
use common::store::{AuditEntry, Control};
use serde_json::json;
use uuid::Uuid;

use crate::command::agree::{Ask, Question};
use crate::command::context::Context;
use crate::fault::{Exit, Fault};
use crate::feed::{self, FeedError};
use crate::output::paint::good;

/// Whose the neighbours are now.
struct Owners {
    ours: Uuid,
    /// `None`: nobody's.
    redis: Option<String>,
    /// `None`: ours, or nobody's until this command looked.
    rabbitmq: Option<String>,
}

pub(super) async fn run(context: &Context, new_id: bool, dry_run: bool, yes: bool) -> Result<Exit, Fault> {
    let control = context.database().await?;
    let owners = owners(context, &control).await?;
    let new = new_id.then(Uuid::new_v4);
    let id = new.unwrap_or(owners.ours);
    let is_theirs = |owner: &Option<String>| owner.as_ref().is_some_and(|owner| *owner != id.to_string());
    let moves = new_id || is_theirs(&owners.redis) || owners.rabbitmq.is_some();
    let plan = plan(&owners, new);
    if dry_run || !moves {
        return answer(context, &owners, id, false, &plan);
    }
    if !yes {
        let ask = Ask {
            plan: &plan,
            why: "programs of the installation that has them now will refuse to start".to_owned(),
            with: &["--yes"],
            question: Question::Words("Are all programs of the other installation stopped?"),
            declined: "nothing was changed",
        };
        if let Some(exit) = ask.of(context.output)? {
            return Ok(exit);
        }
    }
    let entry = AuditEntry {
        actor: &Context::actor(),
        action: "db.adopt",
        mall: None,
        target: &id.to_string(),
        plan: None,
        details: json!({ "redis": owners.redis, "rabbitmq": owners.rabbitmq, "was": owners.ours }),
    };
    // First the entry and the id: if the rest fails, programs refuse to start until this command is repeated.
    let id = control.adopt(new, &entry).await.map_err(|error| context.store(error))?;
    let half = "the installation was named; repeat this command";
    let failed = |error: FeedError| context.feed(error, half);
    feed::any_limiter(&context.config).map_err(failed)?.adopt(id).await.map_err(|e| failed(e.into()))?;
    broker(context, id).map_err(|e| failed(e.into()))?.adopt().await.map_err(|e| failed(e.into()))?;
    answer(context, &owners, id, true, &format!("{} Redis and RabbitMQ belong to {id}", good("✓")))
}

async fn owners(context: &Context, control: &Control) -> Result<Owners, Fault> {
    let unchanged = |error: FeedError| context.feed(error, "nothing was changed");
    let ours = control.deployment().unwrap_or_default();
    let limiter = feed::any_limiter(&context.config).map_err(unchanged)?;
    let redis = limiter.deployment().await.map_err(|error| unchanged(error.into()))?;
    let rabbitmq = match broker(context, ours).map_err(|error| unchanged(error.into()))?.check().await {
        Ok(()) => None,
        Err(BrokerError::OtherDeployment { theirs, .. }) => Some(theirs),
        Err(error) => return Err(unchanged(error.into())),
    };
    Ok(Owners { ours, redis, rabbitmq })
}

fn broker(context: &Context, id: Uuid) -> Result<Broker, BrokerError> {
    let config = &context.config.rabbitmq;
    let topology = Topology::new(config.prefix.clone()).bound_to(id);
    Broker::new(config.url.expose(), "cafe24-sync", topology)
}

fn plan(owners: &Owners, new: Option<Uuid>) -> String {
    let id = new.unwrap_or(owners.ours);
    let mut text = format!("this database   {}\n", owners.ours);
    if new.is_some() {
        let _ = writeln!(text, "                → a new identity");
    }
    for (name, owner) in [("Redis", &owners.redis), ("RabbitMQ", &owners.rabbitmq)] {
        let said = match owner {
            None if new.is_some() => "→ taken over".to_owned(),
            None => "is this database's".to_owned(),
            Some(owner) if *owner == id.to_string() => "is this database's".to_owned(),
            Some(owner) => format!("belongs to {owner} → taken over"),
        };
        let _ = writeln!(text, "{name:<15} {said}");
    }
    text
}

fn answer(context: &Context, owners: &Owners, id: Uuid, done: bool, text: &str) -> Result<Exit, Fault> {
    let content = json!({
        "deployment_id": id, "adopted": done,
        "before": { "deployment_id": owners.ours, "redis": owners.redis, "rabbitmq": owners.rabbitmq },
    });
    context.say(content, text)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h01_the_plan_says_whose_the_neighbours_are() {
        let id = |digit: &str| digit.repeat(32).parse::<Uuid>().expect("a UUID");
        let owners = Owners { ours: id("1"), redis: Some(id("2").to_string()), rabbitmq: None };
        let text = plan(&owners, None);
        assert!(text.contains("this database   11111111-1111-1111-1111-111111111111\n"), "{text}");
        assert!(
            text.contains("Redis           belongs to 22222222-2222-2222-2222-222222222222 → taken over\n"),
            "{text}"
        );
        assert!(text.contains("RabbitMQ        is this database's\n"), "{text}");
        assert!(plan(&owners, Some(id("3"))).contains("→ a new identity\n"));
    }
}
