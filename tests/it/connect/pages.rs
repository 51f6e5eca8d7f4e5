//! What a good consent looks like to the browser and to the command line, and what the pages never do.

use chrono::Days;
use tests::harness::{Browser, Context as _, Result, wait_until};
use tests::simulator::SimConfig;

use super::{SOON, Site, changed, fault, json, page_of, parameter};

#[tokio::test]
async fn a_new_mall_consents_and_is_active_with_its_audit_entry() -> Result<()> {
    let site = Site::start(false).await?;
    assert_eq!(site.stored("hanbit").await?, None);
    let attempt = site.ask("hanbit", &["--agency", "agency-1"]).await?;
    let (page, ended) = site.walk(attempt, &[]).await?;
    assert_eq!((page.status, page_of(&page)), (200, "connected"));
    assert!(page.body.contains("hanbit is connected") && page.body.contains("mall.analytics"), "{page:?}");
    ended.success()?;
    assert!(
        ended.stdout.starts_with("✓ hanbit: scope mall.analytics ✓ · shops 1 · refresh token until 20"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.trim_end().ends_with("· 0 waiting jobs released"), "{}", ended.stdout);
    let stored = site.stored("hanbit").await?.context("a mall")?;
    assert_eq!((stored.version, stored.state.as_str(), stored.sealed.is_some()), (1, "active", true));

    let sql = "SELECT actor, mall_id, details ->> 'asked_by', details ->> 'scopes' FROM audit_log WHERE action = 'connect.granted'";
    let row = site.world.db.client().query_one(sql, &[]).await.context(sql)?;
    assert_eq!(row.get::<_, String>(0), "daemon:connect");
    assert_eq!(row.get::<_, String>(1), "hanbit");
    assert!(row.get::<_, String>(2).contains('@'));
    assert_eq!(row.get::<_, String>(3), r#"["mall.analytics"]"#);
    assert!(site.refusals().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_mall_that_a_variable_names_and_one_that_connects_by_itself_get_their_history() -> Result<()> {
    let variables = [
        ("CAFE24_ANALYTICS_MALL_ID", "hanbit"),
        ("CAFE24_SYNC__SCHEDULE__ENABLED", "true"),
        ("CAFE24_SYNC__SCHEDULE__ONBOARDING", "3d"),
    ];
    let site = Site::start_as(false, SimConfig::default(), "127.0.0.1", &variables).await?;
    let today = || common::domain::calendar::kst_day(common::clock::now());
    let before = today();
    let listed = site.world.cli(&["malls", "list", "--json"]).await?;
    assert_eq!(json(&listed)["items"][0]["mall_id"], "hanbit");
    // Whichever program was first says what is missing.
    let said = format!("{}{}", site.daemon.log(), listed.stderr);
    assert!(said.contains("authorise it with  cafe24-sync connect hanbit"), "{said}");
    // It is there now, and is not said to be new again.
    assert!(!site.world.cli(&["malls", "list", "--json"]).await?.stderr.contains("hanbit"));
    for mall in ["hanbit", "other"] {
        let (page, ended) = site.walk(site.ask(mall, &[]).await?, &[]).await?;
        assert_eq!(page_of(&page), "connected", "{page:?}");
        ended.success()?;
        // Four endpoints, from the first day that is wanted: nobody has asked for them.
        let jobs = format!(
            "SELECT count(*) FROM jobs j JOIN runs r USING (run_id) JOIN connectors c USING (mall_id) \
              WHERE j.mall_id = '{mall}' AND r.kind = 'onboarding' AND j.start_date = c.wanted_from \
                AND c.wanted_from BETWEEN '{}' AND '{}'",
            before - Days::new(3),
            today() - Days::new(3)
        );
        wait_until("its history", SOON, || async { Ok(site.world.db.number(&jobs).await? == 4) }).await?;
    }
    Ok(())
}

#[tokio::test]
async fn denying_changes_nothing_and_everybody_is_told() -> Result<()> {
    let site = Site::start(true).await?;
    let before = site.stored("hanbit").await?;
    let attempt = site.ask("hanbit", &[]).await?;
    let (page, ended) = site.walk(attempt, &[("decision", "deny")]).await?;
    assert_eq!(page_of(&page), "denied");
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-11"), "{}", ended.stderr);
    assert!(ended.stderr.contains("Deny was pressed"), "{}", ended.stderr);
    assert_eq!(site.stored("hanbit").await?, before);
    assert_eq!(site.refusals().await?, ["denied"]);
    Ok(())
}

#[tokio::test]
async fn neither_ticket_state_cookie_nor_code_is_stored_or_logged() -> Result<()> {
    let site = Site::start(false).await?;
    let browser = Browser::new();
    let attempt = site.ask("hanbit", &[]).await?;
    let authorize = site.open(&browser, &attempt.link).await?;
    let callback = site.consent(&browser, &authorize, &[]).await?;
    assert_eq!(page_of(&site.answer(&browser, &callback).await?), "connected");
    attempt.command.output(SOON).await?.success()?;
    let host = site.origin.trim_start_matches("http://").to_owned();
    let secrets = [
        attempt.link.rsplit('/').next().unwrap_or_default().to_owned(),
        parameter(&callback, "state").context("a state")?.to_owned(),
        parameter(&callback, "code").context("a code")?.to_owned(),
        browser.cookie(&host).context("a cookie")?.1,
    ];
    let rows = site
        .world
        .db
        .client()
        .query("SELECT to_jsonb(c)::text FROM consents c", &[])
        .await
        .context("rows")?;
    let audit = site
        .world
        .db
        .client()
        .query("SELECT to_jsonb(a)::text FROM audit_log a", &[])
        .await
        .context("rows")?;
    let kept: String = rows.iter().chain(&audit).map(|row| row.get::<_, String>(0)).collect();
    let said = site.daemon.log();
    for secret in &secrets {
        assert!(secret.len() > 20, "{secret}");
        assert!(!kept.contains(secret), "stored: {secret}");
        assert!(!said.contains(secret), "logged: {secret}");
    }
    assert!(said.contains("connect.granted"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_preview_of_the_link_does_not_use_it_up() -> Result<()> {
    let site = Site::start(false).await?;
    let attempt = site.ask("hanbit", &[]).await?;
    let robot = Browser::new();
    let page = robot.fetch(&attempt.link).await?;
    assert_eq!((page.status, page_of(&page)), (200, "open"));
    assert!(page.body.contains("Connect hanbit"), "{page:?}");
    let ahead = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Sec-Purpose", "prefetch")];
    assert_eq!(page_of(&robot.send("GET", &attempt.link, &ahead, None).await?), "open");
    assert_eq!(robot.cookie(site.origin.trim_start_matches("http://")), None);
    // A browser that says nothing of itself goes on by the page's link.
    let old = Browser::new();
    assert_eq!(old.fetch(&format!("{}?go=1", attempt.link)).await?.status, 303);
    Ok(())
}

#[tokio::test]
async fn the_browser_that_opened_a_link_may_open_it_again() -> Result<()> {
    let site = Site::start(false).await?;
    let browser = Browser::new();
    let attempt = site.ask("hanbit", &[]).await?;
    let first = site.open(&browser, &attempt.link).await?;
    let second = site.open(&browser, &attempt.link).await?;
    assert_ne!(parameter(&first, "state"), parameter(&second, "state"));
    // The state before is void.
    let old = site.consent(&browser, &first, &[]).await?;
    assert_eq!(page_of(&site.answer(&browser, &old).await?), "state_unknown");
    let callback = site.consent(&browser, &second, &[]).await?;
    assert_eq!(page_of(&site.answer(&browser, &callback).await?), "connected");
    assert_eq!(page_of(&browser.visit(&attempt.link).await?), "already_connected");
    attempt.command.output(SOON).await?.success()
}

#[tokio::test]
async fn several_malls_are_connected_side_by_side_in_one_browser() -> Result<()> {
    let site = Site::start(false).await?;
    let browser = Browser::new();
    let (one, two) = (site.ask("hanbit", &[]).await?, site.ask("other", &[]).await?);
    let (first, second) = (site.open(&browser, &one.link).await?, site.open(&browser, &two.link).await?);
    let back = (site.consent(&browser, &first, &[]).await?, site.consent(&browser, &second, &[]).await?);
    assert_eq!(page_of(&site.answer(&browser, &back.0).await?), "connected");
    assert_eq!(page_of(&site.answer(&browser, &back.1).await?), "connected");
    for attempt in [one, two] {
        attempt.command.output(SOON).await?.success()?;
    }
    Ok(())
}

#[tokio::test]
async fn every_answer_is_strict_and_only_reading_is_allowed() -> Result<()> {
    let site = Site::start(false).await?;
    let browser = Browser::new();
    for path in
        ["/oauth/refused/denied", "/oauth/page.css", "/oauth/callback?state=x", "/oauth/start/x", "/nowhere"]
    {
        let reply = browser.visit(&format!("{}{path}", site.origin)).await?;
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; form-action 'none'"),
            "{path}: {policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        let cached = reply.header("cache-control");
        assert_eq!(
            cached,
            Some(if path == "/oauth/page.css" { "max-age=600" } else { "no-store" }),
            "{path}"
        );
        assert!(!reply.body.contains("<script") && !reply.body.contains("style="), "{path}");
        assert_eq!(
            browser.submit(&format!("{}{path}", site.origin), &[("a", "b")]).await?.status,
            405,
            "{path}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn pages_speak_korean_to_koreans_and_x2_escape_what_they_show() -> Result<()> {
    let site = Site::start(true).await?;
    let korean = Browser::new().with("Accept-Language", "ko-KR,ko;q=0.9,en;q=0.5");
    let url = format!("{}/oauth/refused/state_expired", site.origin);
    let page = korean.visit(&url).await?;
    assert!(page.body.contains(r#"<html lang="ko">"#) && page.body.contains("오래된 응답입니다"), "{page:?}");
    let page = korean.visit(&format!("{url}?lang=en")).await?;
    assert!(page.body.contains("This answer is too old"), "{page:?}");
    let page = korean.visit(&changed(&url, "lang", Some("%3Cscript%3E"))).await?;
    assert!(page.body.contains(r#"<html lang="ko">"#) && !page.body.contains("script"), "{page:?}");
    // Names come from the database; even a hostile one is only text.
    site.run_sql("ALTER TABLE consents DROP CONSTRAINT consents_agency_id_check").await?;
    let attempt = site.ask("hanbit", &[]).await?;
    site.run_sql("UPDATE consents SET agency_id = '<script>alert(1)</script>'").await?;
    let page = Browser::new().fetch(&attempt.link).await?;
    assert!(page.body.contains("&#60;script&#62;") && !page.body.contains("<script"), "{page:?}");
    Ok(())
}

#[tokio::test]
async fn without_a_daemon_the_command_says_so_before_anybody_consents() -> Result<()> {
    let site = Site::start(true).await?;
    site.daemon.stop(SOON).await?;
    let ended = site.world.cli(&["connect", "hanbit", "--no-browser"]).await?;
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-24"), "{}", ended.stderr);
    assert!(ended.stderr.contains("connect hanbit --paste"), "{}", ended.stderr);
    assert_eq!(site.world.db.number("SELECT count(*) FROM consents").await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_interrupted_command_voids_its_link_and_one_that_ran_out_says_so() -> Result<()> {
    let site = Site::start(false).await?;
    let attempt = site.ask("hanbit", &[]).await?;
    attempt.command.signal(tests::harness::Signal::Int)?;
    assert_eq!(attempt.command.output(SOON).await?.code, Some(130));
    let page = Browser::new().visit(&attempt.link).await?;
    assert_eq!((page.status, page_of(&page)), (410, "link_used"));

    let ended = site.world.cli(&["connect", "hanbit", "--no-browser", "--timeout", "1s"]).await?;
    assert_eq!(fault(&ended), (Some(4), "E-AUTH-23"), "{}", ended.stderr);
    Ok(())
}

#[tokio::test]
async fn a_paused_mall_gets_its_tokens_and_stays_paused() -> Result<()> {
    let site = Site::start(true).await?;
    site.world.cli(&["malls", "pause", "hanbit"]).await?.success()?;
    let attempt = site.ask("hanbit", &["--json"]).await?;
    let (page, ended) = site.walk(attempt, &[]).await?;
    assert_eq!(page_of(&page), "connected");
    ended.success()?;
    assert_eq!((&json(&ended)["state"], &json(&ended)["jobs_released"]), (&"paused".into(), &0.into()));
    assert_eq!(site.stored("hanbit").await?.context("a mall")?.state, "paused");
    Ok(())
}

#[tokio::test]
async fn x8_a_hundred_and_fifty_idle_connections_neither_fill_the_memory_nor_stop_the_daemon() -> Result<()> {
    let site = Site::start(false).await?;
    let address = site.origin.trim_start_matches("http://").to_owned();
    let before = site.daemon.usage()?.peak_kib;
    let mut idle = Vec::new();
    for _ in 0..150 {
        idle.push(tokio::net::TcpStream::connect(&address).await.context("a connection")?);
    }
    // The port for health is another one, and the daemon ends in order although they are open.
    site.daemon.metrics().await?;
    let grown = site.daemon.usage()?.peak_kib - before;
    assert!(grown < 16 << 10, "{grown} KiB");
    drop(idle);
    wait_until("the port answers again", SOON, || async {
        Ok(Browser::new().fetch(&format!("{}/oauth/ping", site.origin)).await?.status == 200)
    })
    .await
}
