//! O7: a consent that is worse than the one before, or is not this mall's, changes nothing.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tests::harness::{Browser, Context as _, Result, wait_until};
use tests::simulator::{FaultKind, FaultRule, SimConfig, Target};

use super::{SOON, Site, fault, json, page_of};

/// Cafe24 leaves a mall's pair alive when the mall consents anew; what if it does not is the last test here.
fn kind() -> SimConfig {
    SimConfig { consent_keeps_pairs: true, capacity: 400, rate_multiplier: 100.0, ..SimConfig::default() }
}

/// The old connection works as before: a day is fetched with its tokens.
async fn works(site: &Site) -> Result<()> {
    let worker = site.world.programs.worker()?;
    let wish = ["--mall", "hanbit", "--endpoint", "visitors", "--from", "2025-03-01", "--to", "2025-03-01"];
    site.world.enqueue(&wish).await?;
    site.world.settled(SOON).await?;
    assert_eq!(site.world.jobs_in(&["done"]).await?, 1);
    worker.stop(SOON).await.map(drop)
}

#[tokio::test]
async fn o07_a_consent_to_fewer_scopes_is_refused_and_the_old_pair_stays() -> Result<()> {
    let site = Site::start_with(true, kind()).await?;
    let before = site.stored("hanbit").await?;
    let attempt = site.ask("hanbit", &[]).await?;
    let (page, ended) = site.walk(attempt, &[("grant", "mall.read_product")]).await?;
    assert_eq!(page_of(&page), "scope_missing");
    assert!(page.body.contains("mall.analytics is missing"), "{page:?}");
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-18"), "{}", ended.stderr);
    assert!(ended.stderr.contains("granted: mall.read_product"), "{}", ended.stderr);
    assert_eq!(site.stored("hanbit").await?, before);
    assert_eq!(site.refusals().await?, ["scope_missing"]);
    works(&site).await
}

#[tokio::test]
async fn o07_the_tokens_of_another_mall_are_refused_and_both_malls_stay_as_they_are() -> Result<()> {
    let site = Site::start_with(true, kind()).await?;
    let before = (site.stored("hanbit").await?, site.stored("other").await?);
    let attempt = site.ask("hanbit", &[]).await?;
    let (page, ended) = site.walk(attempt, &[("as_mall", "other")]).await?;
    assert_eq!(page_of(&page), "other_mall");
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-16"), "{}", ended.stderr);
    assert_eq!((site.stored("hanbit").await?, site.stored("other").await?), before);
    assert_eq!(site.refusals().await?, ["other_mall"]);
    works(&site).await
}

#[tokio::test]
async fn o07_another_agency_can_neither_ask_nor_take_a_mall_over_half_way() -> Result<()> {
    let site = Site::start_with(true, kind()).await?;
    let before = site.stored("hanbit").await?;
    let asked = site.world.cli(&["connect", "hanbit", "--agency", "rival", "--no-browser"]).await?;
    assert_eq!(fault(&asked), (Some(4), "E-AUTH-17"), "{}", asked.stderr);

    // The mall was nobody's when it was asked for, and somebody's when it consented.
    let attempt = site.ask("hanbit", &[]).await?;
    site.run_sql("UPDATE consents SET agency_id = 'rival'").await?;
    let (page, ended) = site.walk(attempt, &[]).await?;
    assert_eq!(page_of(&page), "other_agency");
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-17"), "{}", ended.stderr);
    assert_eq!(site.stored("hanbit").await?, before);
    assert_eq!(site.refusals().await?, ["other_agency"]);
    works(&site).await
}

#[tokio::test]
async fn o07_a_code_that_is_used_or_older_than_a_minute_is_refused() -> Result<()> {
    let site = Site::start_with(true, kind()).await?;
    let before = site.stored("hanbit").await?;
    for late in [true, false] {
        let browser = Browser::new();
        let attempt = site.ask("hanbit", &[]).await?;
        let authorize = site.open(&browser, &attempt.link).await?;
        let callback = site.consent(&browser, &authorize, &[]).await?;
        if late {
            site.world.sim.clock().advance(TimeDelta::seconds(61));
        } else {
            let code = super::parameter(&callback, "code").context("a code")?;
            use_up(&site, code).await?;
        }
        let page = site.answer(&browser, &callback).await?;
        assert_eq!(page_of(&page), "code_refused", "late: {late}");
        let ended = attempt.command.output(SOON).await?;
        assert_eq!(fault(&ended), (Some(4), "E-AUTH-13"), "{}", ended.stderr);
        assert_eq!(site.stored("hanbit").await?, before);
    }
    assert_eq!(site.refusals().await?, ["code_refused"; 2]);
    works(&site).await
}

/// Somebody else exchanges the code first, with a wrong address: it is gone, and bought nothing.
async fn use_up(site: &Site, code: &str) -> Result<()> {
    let basic = "Basic c2ltdWxhdGVkLWNsaWVudDpzaW11bGF0ZWQtc2VjcmV0";
    let url =
        format!("{}/api/v2/oauth/token", site.world.sim.oauth_template().replace("{mall_id}", "hanbit"));
    let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", "http://127.0.0.1/")];
    let reply = Browser::new().with("Authorization", basic).submit(&url, &form).await?;
    assert_eq!(reply.status, 400, "{reply:?}");
    Ok(())
}

#[tokio::test]
async fn o07_a_refusal_of_app_scope_address_or_host_is_told_apart_and_changes_nothing() -> Result<()> {
    let site = Site::start_with(true, kind()).await?;
    let before = site.stored("hanbit").await?;
    let cases = [
        (401, r#"{"error":"invalid_client"}"#, "app_refused", "E-AUTH-15"),
        (400, r#"{"error":"invalid_request"}"#, "address_refused", "E-AUTH-14"),
        (400, r#"{"error":"invalid_scope"}"#, "scope_refused", "E-AUTH-12"),
        (400, "<html>oops</html>", "rejected", "E-AUTH-19"),
        (503, "", "unreachable", "E-AUTH-20"),
        (200, r#"{"unexpected":"answer"}"#, "rejected", "E-AUTH-19"),
    ];
    for (code, body, reason, fault_code) in cases {
        let fault_kind = FaultKind::Status {
            code,
            headers: BTreeMap::new(),
            body: Some(body.to_owned()),
            retry_after: None,
        };
        let rule = FaultRule { endpoint: Some(Target::Token), ..FaultRule::once(fault_kind) };
        site.world.sim.order(rule).context("a fault")?;
        let attempt = site.ask("hanbit", &["--json"]).await?;
        let (page, ended) = site.walk(attempt, &[]).await?;
        assert_eq!(page_of(&page), reason);
        let said: serde_json::Value =
            ended.stderr.lines().last().map(serde_json::from_str).context("a line")?.context("JSON")?;
        assert_eq!((ended.code, &said["error"]["code"]), (Some(4), &fault_code.into()), "{said}");
        assert!(ended.stdout.is_empty(), "{}", ended.stdout);
        assert_eq!(site.stored("hanbit").await?, before, "{reason}");
    }
    assert_eq!(site.refusals().await?, cases.map(|(_, _, reason, _)| reason));
    works(&site).await
}

#[tokio::test]
async fn o07_a_worse_consent_that_ends_the_old_pair_parks_the_mall_and_a_better_one_frees_its_jobs()
-> Result<()> {
    // If Cafe24 ends the old pair with every consent, the refused one has done so; nobody can undo it.
    let sim = SimConfig { consent_keeps_pairs: false, ..kind() };
    let site = Site::start_with(true, sim).await?;
    let attempt = site.ask("hanbit", &[]).await?;
    let (page, _) = site.walk(attempt, &[("grant", "mall.read_product")]).await?;
    assert_eq!(page_of(&page), "scope_missing");
    let worker = site.world.programs.worker()?;
    let wish = ["--mall", "hanbit", "--from", "2025-03-01", "--to", "2025-03-05", "--chunk-days", "1"];
    site.world.enqueue(&wish).await?;
    wait_until("the mall parked", SOON, || async {
        Ok(site.stored("hanbit").await?.is_some_and(|stored| stored.state == "needs_consent"))
    })
    .await?;
    wait_until("its jobs parked", SOON, || async { Ok(site.world.jobs_in(&["parked"]).await? == 20) })
        .await?;

    let attempt = site.ask("hanbit", &["--json"]).await?;
    let (page, ended) = site.walk(attempt, &[]).await?;
    assert_eq!(page_of(&page), "connected");
    ended.success()?;
    assert_eq!(json(&ended)["jobs_released"], 20, "{}", ended.stdout);
    site.world.settled(SOON).await?;
    assert_eq!(site.world.jobs_in(&["done"]).await?, 20);
    assert_eq!(site.world.db.number("SELECT count(*) FROM dead_letters").await?, 0);
    worker.stop(SOON).await.map(drop)
}

#[tokio::test]
async fn o07_a_consent_that_is_lost_with_the_program_that_settled_it_is_told_of() -> Result<()> {
    let site = Site::start_with(true, kind()).await?;
    let before = site.stored("hanbit").await?;
    let attempt = site.ask("hanbit", &[]).await?;
    // What a daemon leaves behind that dies between the exchange and the commit.
    site.run_sql("UPDATE consents SET used_at = now() - interval '6 minutes'").await?;
    let ended = attempt.command.output(SOON).await?;
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-21"), "{}", ended.stderr);
    assert!(ended.stderr.contains("the program that settled the answer ended meanwhile"), "{}", ended.stderr);
    assert_eq!(
        (site.stored("hanbit").await?, site.refusals().await?),
        (before, vec!["not_stored".to_owned()])
    );
    Ok(())
}
