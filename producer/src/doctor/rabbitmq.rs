//! RabbitMQ: reachable, new enough, not blocked, every exchange and queue as declared, and a message through each binding.

use common::broker::{BrokerError, BrokerFacts, ObjectFacts, ObjectState};

use super::Doctor;
use super::finding::{Finding, Repair};
use crate::fault::Server;
use crate::fault::in_one_line;
use crate::output::text::clean;

pub(super) const NAME: &str = "rabbitmq";
/// Quorum queues that let messages expire came with 3.10.
const OLDEST: (u32, u32) = (3, 10);
const FIX: &str = "cafe24-sync doctor --fix";

pub(super) async fn check(doctor: &Doctor) -> Vec<Finding> {
    let Ok(broker) = crate::feed::broker(&doctor.config, &doctor.control) else { return vec![bad_url()] };
    match broker.inspect().await {
        Ok(facts) => judge(&facts),
        Err(error) => vec![away(doctor, &error)],
    }
}

/// Whether it answers.
pub(super) async fn reach(doctor: &Doctor) -> Vec<Finding> {
    let Ok(broker) = crate::feed::broker(&doctor.config, &doctor.control) else { return vec![bad_url()] };
    vec![match broker.ping().await {
        Ok(()) => Finding::good(NAME, format!("answers at {}", doctor.config.rabbitmq.url)),
        Err(error) => away(doctor, &error),
    }]
}

fn bad_url() -> Finding {
    Finding::problem(NAME, BrokerError::Url.to_string(), "correct rabbitmq.url")
}

fn away(doctor: &Doctor, error: &BrokerError) -> Finding {
    if let BrokerError::OtherDeployment { theirs, .. } = error {
        let what = format!("these queues belong to another installation ({})", clean(theirs));
        let remedy = "correct rabbitmq.url or rabbitmq.prefix, or take them over: cafe24-sync db adopt";
        return Finding::problem(NAME, what, remedy);
    }
    let server = Server::of(&doctor.config, "RabbitMQ", &doctor.config.rabbitmq.url, "rabbitmq.url");
    let why = in_one_line(error);
    Finding::problem(NAME, format!("no answer at {}: {}", server.url, clean(&why)), server.remedy())
}

fn judge(facts: &BrokerFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(version) = &facts.version
        && is_older(version)
    {
        let what = format!("version {} is too old", clean(version));
        findings.push(Finding::problem(NAME, what, "upgrade RabbitMQ to 3.10 or later"));
    }
    if facts.blocked {
        let what = "blocks publishers: a memory or disk alarm; jobs stay planned, none is lost";
        findings.push(Finding::problem(NAME, what, "rabbitmqctl status, then free memory or disk"));
    }
    // While publishers are blocked, no probe arrives: that says nothing of the queues.
    let silent = |object: &&ObjectFacts| facts.blocked && object.state == ObjectState::NoAnswer;
    let missing: Vec<&str> = facts
        .objects
        .iter()
        .filter(|object| object.state == ObjectState::Missing)
        .map(|object| object.name.as_str())
        .collect();
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let what = format!("{} {verb} missing", missing.join(", "));
        findings.push(Finding::problem(NAME, what, FIX).with_repair(Repair::Declare));
    }
    findings.extend(facts.objects.iter().filter(|object| !silent(object)).filter_map(object));
    if findings.is_empty() {
        let version = facts.version.as_deref().map(|text| format!("{}, ", clean(text))).unwrap_or_default();
        let what = format!("{version}queues and dead-letter bindings as declared");
        findings.push(Finding::good(NAME, what));
    }
    findings
}

fn object(object: &ObjectFacts) -> Option<Finding> {
    let name = &object.name;
    Some(match &object.state {
        // What is missing is said in one line.
        ObjectState::AsDeclared | ObjectState::Missing => return None,
        ObjectState::Unbound => {
            let what = format!("no message reaches {name}: its binding is missing");
            Finding::problem(NAME, what, FIX).with_repair(Repair::Declare)
        }
        ObjectState::NoAnswer => {
            let what = format!(
                "{name} has no leader: delete and re-declare it; nothing is lost, the ledger publishes again"
            );
            Finding::problem(NAME, what, FIX).with_repair(Repair::Recreate(name.clone()))
        }
        ObjectState::Otherwise(words) => {
            let what = format!("{name} is declared otherwise: {}", difference(words));
            let delete = if object.is_queue {
                format!("rabbitmqctl delete_queue {name} (nothing of ours is lost)")
            } else {
                format!("delete the exchange {name}")
            };
            Finding::problem(NAME, what, format!("{delete}, then {FIX}; or set another rabbitmq.prefix"))
        }
        ObjectState::Denied(words) => {
            let what = format!("our user may not use {name}: {}", difference(words));
            let rights = "rabbitmqctl set_permissions USER '.*' '.*' '.*'";
            Finding::problem(NAME, what, rights)
        }
    })
}

/// The broker's words without its own name for the fault.
fn difference(words: &str) -> String {
    let words = words.split_once(" - ").map_or(words, |(_, rest)| rest);
    clean(words).into_owned()
}

fn is_older(version: &str) -> bool {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST
}
