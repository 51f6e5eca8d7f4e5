//! What a monitor is told at `/status`: nothing of whose malls they are, and who leads.

use std::time::Duration;

use serde_json::Value;
use tests::harness::proxy::{Fault, Proxy};
use tests::harness::{Context as _, Result, Servers, wait_until};

use super::{SOON, led, status_of, world};

fn duties(document: &Value) -> impl Iterator<Item = &Value> {
    document["daemon"]["duties"].as_array().into_iter().flatten()
}

#[tokio::test(flavor = "multi_thread")]
async fn x04_the_status_port_names_no_mall_and_no_agency() -> Result<()> {
    let world = world(&["canarymall"], &[("ALERTS__EVERY", "1s")]).await?;
    let trouble = "UPDATE connectors SET state = 'needs_consent', state_reason = 'canaryreason'; \
                   UPDATE connectors SET app_id = NULL";
    world.db.client().batch_execute(trouble).await.context(trouble)?;
    world.cli(&["enqueue", "--mall", "canarymall", "--from", "2025-03-01", "--to", "2025-03-02"]).await?;
    let daemon = world.programs.serve()?;
    wait_until("an alert", SOON, || async {
        Ok(status_of(&daemon).await?.1["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty()))
    })
    .await?;
    let (code, document) = status_of(&daemon).await?;
    let text = document.to_string();
    for name in ["canarymall", "canaryreason", "agency-1"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    // The operator's own document has them.
    let named = world.json(&["status"]).await?;
    assert!(named.to_string().contains("canarymall"), "{named}");
    // Whatever the operator's has is there, but for names and what is set by one of them.
    let names = [
        "alerts",
        "daemon",
        "endpoints_paused",
        "eta",
        "eta_set_by",
        "lanes_paused_for",
        "problems",
        "problems_more",
    ];
    let parts = named.as_object().into_iter().flatten().map(|(part, _)| part.as_str());
    for part in parts.filter(|part| !names.contains(part) && *part != "as_of") {
        assert_eq!(document.get(part), named.get(part), "{part}");
    }
    assert_eq!((code, &document["problems_count"]), (200, &Value::from(1)));
    assert_eq!(document["alerts"][0]["kind"], "needs_consent");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_who_leads_since_when_and_how_each_duty_fares() -> Result<()> {
    let world =
        world(&["hanbit"], &[("FEED__SWEEP", "200ms"), ("RECONCILE__EVERY", "1s"), ("ALERTS__EVERY", "1s")])
            .await?;
    let way = Proxy::start(&Servers::address(&world.servers.amqp)).await?;
    let through = Servers::through(&world.servers.amqp, way.port());
    let leader = world.programs.clone().set("AMQP_URL", through).serve()?;
    leader.event("leader.acquired", SOON).await?;
    let standby = world.programs.serve()?;
    standby.event("serve.started", SOON).await?;
    wait_until("a pass of every duty", SOON, || async {
        Ok(duties(&status_of(&leader).await?.1).all(|duty| duty["last_pass"].is_string()))
    })
    .await?;
    let (leads, waits) = (status_of(&leader).await?.1, status_of(&standby).await?.1);
    assert_eq!((&leads["daemon"]["leads"], &waits["daemon"]["leads"]), (&true.into(), &false.into()));
    // Both name the same leader, which is the one that leads.
    assert_eq!(leads["daemon"]["leader"], waits["daemon"]["leader"]);
    assert_eq!(leads["daemon"]["leader"]["instance"], leads["daemon"]["instance"]);
    assert!(
        leads["daemon"]["leader"]["since"].as_str().is_some_and(|since| since.ends_with("+09:00")),
        "{leads}"
    );
    assert!(duties(&leads).all(|duty| duty["runs_here"] == true && duty["last_error"].is_null()), "{leads}");
    assert!(duties(&waits).all(|duty| duty["runs_here"] == false && duty["last_pass"].is_null()), "{waits}");

    way.set(Fault::Reset);
    wait_until("the archiver's error", SOON, || async {
        let status = status_of(&leader).await?.1;
        Ok(duties(&status)
            .any(|duty| duty["duty"] == "archiver" && duty["last_error"]["server"] == "RabbitMQ"))
    })
    .await?;
    leader.kill().await?;
    wait_until("the standby leads", Duration::from_secs(10), || async { Ok(led(&standby) == 1) }).await?;
    let status = status_of(&standby).await?.1;
    assert_eq!(status["daemon"]["leader"]["instance"], status["daemon"]["instance"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_the_status_port_says_so_and_answers() -> Result<()> {
    let world = world(&["hanbit"], &[]).await?;
    let way = Proxy::start(&Servers::address(&world.servers.database)).await?;
    let daemon =
        world.programs.clone().set("DATABASE_URL", Servers::through(world.db.url(), way.port())).serve()?;
    daemon.event("leader.acquired", SOON).await?;
    assert_eq!(status_of(&daemon).await?.0, 200);
    way.set(Fault::Reset);
    daemon.event("leader.lost", SOON).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (code, document) = status_of(&daemon).await?;
    assert_eq!((code, document["daemon"]["leads"].as_bool()), (503, Some(false)), "{document}");
    Ok(())
}
