//! What breaks in the middle.

use std::time::Duration;

use super::args::Fault;
use super::crew::Crew;
use super::show::Show;
use super::stage::Stage;
use crate::harness::{Context as _, Result};

/// Long enough that every client notices.
const AWAY: Duration = Duration::from_secs(10);

/// Breaks it, mends it, and says so.
pub(super) async fn strike(fault: Fault, stage: &mut Stage, crew: &mut Crew, show: &Show) -> Result<()> {
    if fault == Fault::WorkerKill {
        let killed = crew.kill_one(&mut stage.books).await?;
        show.note(&format!(
            "{} killed on purpose with {} jobs in hand → the broker gives them to others · {} started",
            killed.name, killed.in_hand, killed.successor
        ));
        return Ok(());
    }
    if fault == Fault::None {
        return Ok(());
    }
    let server = stage.own.as_mut().context("no server to break")?;
    match fault {
        Fault::PgRestart => server.stop().await?,
        _ => server.kill().await?,
    }
    show.note(&format!("{} is gone; back in {} s", server.name(), AWAY.as_secs()));
    tokio::time::sleep(AWAY).await;
    server.resume().await?;
    show.note(&format!("{} is back", server.name()));
    Ok(())
}
