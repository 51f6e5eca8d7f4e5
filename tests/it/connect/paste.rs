//! `connect --paste`: no daemon, the redirected address on stdin.

use tests::harness::{Browser, Context as _, Result};

use super::{SOON, Site, changed, fault, page_of};

#[tokio::test]
async fn the_address_that_is_pasted_connects_the_mall_once() -> Result<()> {
    let site = Site::start(true).await?;
    let version = site.stored("hanbit").await?.context("a mall")?.version;
    let command = site.world.programs.cli_with_stdin(&["connect", "hanbit", "--paste"])?;
    let authorize = command.word("http://", "/authorize?", SOON).await?;
    let browser = Browser::new();
    let callback = site.consent(&browser, &authorize, &[]).await?;
    // A daemon that runs all the same does not take it, and tells where it belongs.
    let page = browser.visit(&callback).await?;
    assert_eq!((page.status, page_of(&page)), (200, "paste"));
    assert_eq!(site.exchanged("hanbit")?, 0);
    command.say(&format!("{callback}\n"))?;
    let ended = command.output(SOON).await?;
    ended.success()?;
    assert!(ended.stdout.starts_with("✓ hanbit: scope mall.analytics ✓"), "{}", ended.stdout);
    assert_eq!(site.stored("hanbit").await?.context("a mall")?.version, version + 1);
    Ok(())
}

#[tokio::test]
async fn x03_an_address_of_another_consent_is_refused() -> Result<()> {
    let site = Site::start(true).await?;
    let before = site.stored("hanbit").await?;
    for planted in [Some("A".repeat(43)), None] {
        let command = site.world.programs.cli_with_stdin(&["connect", "hanbit", "--paste"])?;
        let authorize = command.word("http://", "/authorize?", SOON).await?;
        let callback = site.consent(&Browser::new(), &authorize, &[]).await?;
        command.say(&format!("{}\n", changed(&callback, "state", planted.as_deref())))?;
        let ended = command.output(SOON).await?;
        assert_eq!(fault(&ended), (Some(4), "E-AUTH-01"), "{}", ended.stderr);
        assert!(ended.stderr.contains("another consent"), "{}", ended.stderr);
    }
    assert_eq!((site.stored("hanbit").await?, site.exchanged("hanbit")?), (before, 0));
    Ok(())
}
