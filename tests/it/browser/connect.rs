//! A mall's consent, walked by a person in Chromium.

use std::fs;
use std::path::Path;

use tests::harness::{Context as _, Driver, Result, Window};
use tests::simulator::SimConfig;

use crate::connect::{SOON, Site, fault};

/// Jobs that wait for the mall's consent.
const WAITING: i64 = 4;

/// The consent page is on another site than ours (`localhost` and `127.0.0.1` are two), as Cafe24's is: only so does the
/// browser show what `SameSite` does to the cookie.
async fn site() -> Result<Site> {
    let sim = SimConfig { capacity: 400, rate_multiplier: 100.0, ..SimConfig::default() };
    Site::start_on(true, sim, "localhost").await
}

/// Which of our pages the window shows.
async fn page(window: &Window) -> Result<String> {
    window.attribute("main", "data-page").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_consents_in_korean_or_english_and_the_waiting_jobs_run() -> Result<()> {
    let site = site().await?;
    site.world.cli(&["disconnect", "hanbit", "--yes"]).await?.success()?;
    site.wish_for_four_days().await?;
    assert_eq!(site.world.jobs_in(&["parked"]).await?, WAITING);
    let worker = site.world.programs.worker()?;
    let driver = Driver::start(&site.world.programs).await?;

    let korean = driver.window("ko-KR").await?;
    let attempt = site.ask("hanbit", &[]).await?;
    korean.go(&attempt.link).await?;
    korean.shows("h1", "Allow access to hanbit?").await?;
    assert!(korean.url().await?.starts_with("http://localhost:"), "{}", korean.url().await?);
    korean.click("button[value=allow]").await?;
    korean.shows("h1", "hanbit 연결됨").await?;
    assert_eq!(korean.attribute("html", "lang").await?, "ko");
    assert!(korean.text(".facts").await?.contains("mall.analytics"));
    // Neither code nor state is in the address, so neither is in the history.
    let place = korean.url().await?;
    assert!(place.starts_with(&format!("{}/oauth/result/", site.origin)) && !place.contains('?'), "{place}");
    let ended = attempt.command.output(SOON).await?;
    ended.success()?;
    assert!(
        ended.stdout.contains("✓ hanbit: scope mall.analytics ✓")
            && ended.stdout.contains("4 waiting jobs released"),
        "{}",
        ended.stdout
    );
    site.world.settled(SOON).await?;
    assert_eq!(site.world.jobs_in(&["done"]).await?, WAITING);

    // The other language is one click away, and a reload changes nothing.
    korean.click("nav a[lang=en]").await?;
    korean.shows("h1", "hanbit is connected").await?;
    let stored = site.stored("hanbit").await?;
    korean.go(&place).await?;
    korean.shows("h1", "hanbit 연결됨").await?;
    assert_eq!(site.stored("hanbit").await?, stored);
    looks_good(&korean, &site).await?;

    let english = driver.window("en-US").await?;
    let attempt = site.ask("hanbit", &[]).await?;
    english.go(&attempt.link).await?;
    english.click("button[value=allow]").await?;
    english.shows("h1", "hanbit is connected").await?;
    attempt.command.output(SOON).await?.success()?;
    worker.stop(SOON).await.map(drop)
}

/// On a narrow and a wide screen, in light and dark: nothing sticks out, and the style was let in by the policy.
async fn looks_good(window: &Window, site: &Site) -> Result<()> {
    for (width, dark) in [(320, false), (320, true), (1280, false), (1280, true)] {
        window.look(width, dark).await?;
        let shown = window
            .evaluate(
                "const page = document.documentElement, main = document.querySelector('main');
                 return [page.scrollWidth <= page.clientWidth, getComputedStyle(main).borderTopWidth,
                         getComputedStyle(document.body).backgroundColor]",
            )
            .await?;
        assert_eq!((&shown[0], &shown[1]), (&true.into(), &"4px".into()), "{width} {dark}: {shown}");
        let ground = if dark { "rgb(15, 18, 22)" } else { "rgb(246, 247, 249)" };
        assert_eq!(shown[2], ground, "{width} {dark}");
        let name = format!("connected-{width}-{}.png", if dark { "dark" } else { "light" });
        let file = site.world.programs.logs().join(name);
        keep(&file, &window.picture().await?)?;
    }
    Ok(())
}

fn keep(file: &Path, picture: &[u8]) -> Result<()> {
    assert!(picture.starts_with(b"\x89PNG"), "no picture");
    fs::write(file, picture).with_context(|| format!("cannot write {}", file.display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_denies_and_everybody_is_told() -> Result<()> {
    let site = site().await?;
    let before = site.stored("hanbit").await?;
    let driver = Driver::start(&site.world.programs).await?;
    let window = driver.window("en-US").await?;
    let attempt = site.ask("hanbit", &[]).await?;
    window.go(&attempt.link).await?;
    window.click("button[value=deny]").await?;
    window.shows("h1", "hanbit did not consent").await?;
    assert_eq!(page(&window).await?, "denied");
    assert!(window.text("code").await?.contains("cafe24-sync connect hanbit"));
    let ended = attempt.command.output(SOON).await?;
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-11"), "{}", ended.stderr);
    assert_eq!(site.stored("hanbit").await?, before);

    // A box less than needed, by a person who reads and unticks.
    let attempt = site.ask("hanbit", &[]).await?;
    window.go(&attempt.link).await?;
    window.click("input[type=checkbox]").await?;
    window.click("button[value=allow]").await?;
    window.shows("h1", "A scope is missing").await?;
    assert_eq!(fault(&attempt.command.output(SOON).await?), (Some(4), "E-AUTH-18"));
    assert_eq!(site.stored("hanbit").await?.map(|stored| stored.sealed), before.map(|stored| stored.sealed));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn x03_neither_a_second_time_nor_a_second_browser_is_believed() -> Result<()> {
    let site = site().await?;
    let driver = Driver::start(&site.world.programs).await?;
    let (first, second) = (driver.window("en-US").await?, driver.window("en-US").await?);
    let attempt = site.ask("hanbit", &[]).await?;
    first.go(&attempt.link).await?;
    first.shows("h1", "Allow access").await?;
    // The second profile opens the same link, and even answers Cafe24's page for the first.
    second.go(&attempt.link).await?;
    assert_eq!(page(&second).await?, "link_elsewhere");
    second.go(&first.url().await?).await?;
    second.click("button[value=allow]").await?;
    second.shows("h1", "Another browser asked").await?;
    let stored = site.stored("hanbit").await?;

    first.click("button[value=allow]").await?;
    first.shows("h1", "hanbit is connected").await?;
    attempt.command.output(SOON).await?.success()?;
    let connected = site.stored("hanbit").await?;
    assert_ne!(connected, stored);
    // The callback once more, by hand: its address is what a log or a history could have kept.
    let callback = site.last_callback()?;
    first.go(&callback).await?;
    assert_eq!(page(&first).await?, "already_connected");
    second.go(&callback).await?;
    assert_eq!(page(&second).await?, "state_reused");
    assert_eq!(site.stored("hanbit").await?, connected);
    assert_eq!(site.refusals().await?, ["link_elsewhere", "foreign_browser", "state_reused", "state_reused"]);
    Ok(())
}
