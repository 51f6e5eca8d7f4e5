//! X3: callbacks that do not belong to a question of ours. Each leaves the tokens as they are, is in the audit log, and
//! spoils nothing for the attempt that is under way.

use tests::harness::{Browser, Context as _, Result};

use super::{Site, changed, fault, page_of, parameter};

/// A callback that is refused: its page, and that nothing came of it.
async fn refused(site: &Site, browser: &Browser, callback: &str, reason: &str) -> Result<()> {
    let (before, noted) = (site.stored("hanbit").await?, site.refusals().await?.len());
    let exchanged = site.exchanged("hanbit")?;
    let page = site.answer(browser, callback).await?;
    assert_eq!(page_of(&page), reason, "{page:?}");
    assert!(page.status >= 400, "{page:?}");
    assert_eq!(site.stored("hanbit").await?, before);
    assert_eq!(site.exchanged("hanbit")?, exchanged, "the code was exchanged");
    assert_eq!(site.refusals().await?[noted..], [reason.to_owned()]);
    Ok(())
}

#[tokio::test]
async fn x03_a_callback_without_a_state_is_refused() -> Result<()> {
    let site = Site::start(true).await?;
    let browser = Browser::new();
    let attempt = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&browser, &attempt.link).await?;
    let callback = site.consent(&browser, &authorize, &[]).await?;
    refused(&site, &browser, &changed(&callback, "state", None), "state_missing").await?;
    // Two of them are none: whoever looks at the first and whoever looks at the last would disagree.
    let state = parameter(&callback, "state").context("a state")?;
    refused(&site, &browser, &format!("{callback}&state={state}"), "state_missing").await?;
    let made_up = "A".repeat(43);
    refused(&site, &browser, &changed(&callback, "state", Some(&made_up)), "state_unknown").await?;
    refused(&site, &browser, &changed(&callback, "state", Some("%00'--")), "state_unknown").await?;
    // The attempt itself was not spoilt by any of it.
    assert_eq!(page_of(&site.answer(&browser, &callback).await?), "connected");
    attempt.command.output(super::SOON).await?.success()
}

#[tokio::test]
async fn x03_a_state_is_used_once() -> Result<()> {
    let site = Site::start(true).await?;
    let browser = Browser::new();
    let attempt = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&browser, &attempt.link).await?;
    let callback = site.consent(&browser, &authorize, &[]).await?;
    assert_eq!(page_of(&site.answer(&browser, &callback).await?), "connected");
    let (stored, exchanged) = (site.stored("hanbit").await?, site.exchanged("hanbit")?);

    // The same browser reloads: it is told that all is well, and nothing is done.
    let page = site.answer(&browser, &callback).await?;
    assert_eq!((page.status, page_of(&page)), (200, "already_connected"));
    // Somebody else, and somebody with a fresh code of the mall.
    let stranger = Browser::new();
    refused(&site, &stranger, &callback, "state_reused").await?;
    let uri = format!("{}/oauth/callback", site.origin);
    let fresh = site.world.sim.issue_code("hanbit", &uri, &[super::SCOPE]).context("a code")?;
    refused(&site, &stranger, &changed(&callback, "code", Some(&fresh)), "state_reused").await?;
    assert_eq!((site.stored("hanbit").await?, site.exchanged("hanbit")?), (stored, exchanged));
    assert_eq!(site.refusals().await?, ["state_reused"; 3]);
    Ok(())
}

#[tokio::test]
async fn x03_two_callbacks_with_one_state_at_once_bring_one_exchange() -> Result<()> {
    let site = Site::start(false).await?;
    let browser = Browser::new();
    let attempt = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&browser, &attempt.link).await?;
    let callback = site.consent(&browser, &authorize, &[]).await?;
    let replies = futures::future::try_join_all((0..8).map(|_| browser.visit(&callback))).await?;
    let settled = replies.iter().filter(|reply| reply.location().is_ok_and(|to| to.contains("/result/")));
    assert_eq!(settled.count(), 1, "{replies:?}");
    let report = site.world.sim.mall_report("hanbit").context("a report")?;
    assert_eq!((report.tokens.codes_exchanged, report.tokens.invalid_grant), (1, 0));
    attempt.command.output(super::SOON).await?.success()
}

#[tokio::test]
async fn x03_a_foreign_browser_cannot_answer() -> Result<()> {
    let site = Site::start(true).await?;
    let (browser, stranger) = (Browser::new(), Browser::new());
    let attempt = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&browser, &attempt.link).await?;
    let callback = site.consent(&browser, &authorize, &[]).await?;
    refused(&site, &stranger, &callback, "foreign_browser").await?;
    // Nor one that holds the cookie of an attempt of its own.
    let own = site.ask("other", &[]).await?;
    site.open(&stranger, &own.link).await?;
    refused(&site, &stranger, &callback, "foreign_browser").await?;
    // Nor can it take the link over, or read what came of it.
    assert_eq!(page_of(&stranger.visit(&attempt.link).await?), "link_elsewhere");
    let result = browser.visit(&callback).await?.location()?.to_owned();
    let result = format!("{}{result}", site.origin);
    assert_eq!(page_of(&browser.visit(&result).await?), "connected");
    let peeped = stranger.visit(&result).await?;
    assert_eq!((peeped.status, page_of(&peeped)), (404, "not_found"));
    assert!(!peeped.body.contains("hanbit"), "{peeped:?}");
    Ok(())
}

#[tokio::test]
async fn x03_an_old_state_is_refused() -> Result<()> {
    let site = Site::start(true).await?;
    let browser = Browser::new();
    let attempt = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&browser, &attempt.link).await?;
    let callback = site.consent(&browser, &authorize, &[]).await?;
    site.run_sql("UPDATE consents SET expires_at = now() - interval '1 second'").await?;
    refused(&site, &browser, &callback, "state_expired").await?;
    let page = browser.visit(&attempt.link).await?;
    assert_eq!((page.status, page_of(&page)), (410, "link_expired"));
    let ended = attempt.command.output(super::SOON).await?;
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-23"), "{}", ended.stderr);
    Ok(())
}

#[tokio::test]
async fn x03_the_code_of_an_attackers_mall_connects_nothing() -> Result<()> {
    let site = Site::start(true).await?;
    let uri = format!("{}/oauth/callback", site.origin);
    // Login CSRF: the attacker has an attempt of his own, and leads his victim's browser to its callback.
    let (attacker, victim) = (Browser::new(), Browser::new());
    let his = site.ask("other", &[]).await?;
    let authorize = site.open(&attacker, &his.link).await?;
    let planted = site.consent(&attacker, &authorize, &[]).await?;
    refused(&site, &victim, &planted, "foreign_browser").await?;

    // The victim is in the middle of an attempt; the attacker knows no state of it, but tries his code with his own.
    let hers = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&victim, &hers.link).await?;
    refused(&site, &victim, &planted, "foreign_browser").await?;
    // Even with her state and in her browser, his code buys nothing at her mall's host.
    let callback = site.consent(&victim, &authorize, &[]).await?;
    let code = site.world.sim.issue_code("other", &uri, &[super::SCOPE]).context("a code")?;
    let before = site.stored("hanbit").await?;
    let page = site.answer(&victim, &changed(&callback, "code", Some(&code))).await?;
    assert_eq!(page_of(&page), "code_refused");
    assert_eq!(site.stored("hanbit").await?, before);
    assert_eq!(fault(&hers.command.output(super::SOON).await?), (Some(4), "E-AUTH-13"));
    assert_eq!(site.refusals().await?.last().map(String::as_str), Some("code_refused"));
    Ok(())
}

#[tokio::test]
async fn x03_no_part_of_a_request_chooses_where_it_leads() -> Result<()> {
    let site = Site::start(true).await?;
    let browser =
        Browser::new().with("X-Forwarded-Host", "evil.example").with("Referer", "https://evil.example/");
    let attempt = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&browser, &attempt.link).await?;
    let cafe24 = site.world.sim.oauth_template().replace("{mall_id}", "hanbit");
    assert!(authorize.starts_with(&cafe24), "{authorize}");
    let wanted = ["redirect_uri", "next", "return_to", "url", "lang"];
    let evil = wanted.map(|name| format!("{name}=https%3A%2F%2Fevil.example")).join("&");
    let callback = site.consent(&browser, &authorize, &[]).await?;
    let base = callback.split('?').next().unwrap_or_default();
    for bad in [
        format!("{base}?{evil}"),
        format!("{}//evil.example/?state=x", site.origin),
        format!("{}/oauth/start/x?{evil}", site.origin),
        format!("{}/oauth/refused/x?{evil}", site.origin),
        format!("{callback}&{evil}"),
    ] {
        let reply = browser.visit(&bad).await?;
        if let Some(place) = reply.header("location") {
            assert!(place.starts_with("/oauth/"), "{bad} leads to {place}");
        }
        assert!(!format!("{reply:?}").contains("evil"), "{bad}: {reply:?}");
    }
    // The last one was the real answer, with more in it than it needs.
    attempt.command.output(super::SOON).await?.success()
}

#[tokio::test]
async fn x03_a_call_that_cafe24_starts_itself_is_never_exchanged() -> Result<()> {
    let site = Site::start(true).await?;
    let uri = format!("{}/oauth/callback", site.origin);
    let code = site.world.sim.issue_code("hanbit", &uri, &[super::SCOPE]).context("a code")?;
    let browser = Browser::new();
    let call = format!("{uri}?mall_id=hanbit&user_id=hanbit&timestamp=1771200000&hmac=x&code={code}");
    refused(&site, &browser, &call, "not_asked").await?;
    // Nor at the app's own address.
    refused(&site, &browser, &format!("{}/?mall_id=hanbit&hmac=x", site.origin), "not_asked").await
}
