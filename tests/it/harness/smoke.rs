//! A world stands up: database, prefix, simulator, programs.

use tests::harness::{Result, World};

#[tokio::test]
async fn a_world_has_its_own_migrated_database_and_knows_its_malls() -> Result<()> {
    let (one, two) = (World::start().await?, World::start().await?);
    assert_ne!(one.db.name(), two.db.name());
    for world in [&one, &two] {
        let malls = world.db.number("SELECT count(*) FROM connectors").await?;
        assert_eq!(usize::try_from(malls).ok(), Some(world.sim.malls().len()));
        assert_eq!(world.jobs_in(&["planned"]).await?, 0);
    }
    Ok(())
}
