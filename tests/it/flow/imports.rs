//! `malls import` of malls that are known.

use serde_json::{Value, json};
use tests::harness::{Context as _, Output, Result, World, WorldConfig};
use tests::simulator::{Dialect, MallSpec, Size};

/// Three malls of agency-1, the third of which speaks live.
async fn world() -> Result<World> {
    let mall = |name: &str, dialect| MallSpec { size: Size::Small, dialect, ..MallSpec::new(name) };
    let malls = [mall("hanbit", Dialect::Seed), mall("narae", Dialect::Seed), mall("sol", Dialect::Live)];
    World::start_with(WorldConfig::wide(malls)).await
}

async fn import(world: &World, text: &str, more: &[&str]) -> Result<Output> {
    let file = world.programs.logs().join("again.csv");
    std::fs::write(&file, text).context("a file")?;
    world.cli(&[&["malls", "import", &file.to_string_lossy()], more].concat()).await
}

/// All that a mall's connection is, but for when it was written.
async fn connection(world: &World, mall: &str) -> Result<Value> {
    let sql = "SELECT (to_jsonb(c) - 'updated_at')::text FROM connectors c WHERE mall_id = $1";
    let row = world.db.client().query_one(sql, &[&mall]).await.context(sql)?;
    serde_json::from_str(row.get(0)).context("a row")
}

#[tokio::test]
async fn what_a_file_does_not_say_of_a_known_mall_stays_as_it_is() -> Result<()> {
    let world = world().await?;
    let set = ["malls", "set", "sol", "shops=1,2", "limiter_key=shared", "wanted_from=2025-01-01", "--yes"];
    world.cli(&set).await?.success()?;
    let before = connection(&world, "sol").await?;

    import(&world, "mall_id,agency,purposes\nsol,,reporting\n", &[]).await?.success()?;
    import(&world, "mall_id,mode,shops\nsol,,\n", &[]).await?.success()?;
    import(&world, "{\"mall_id\":\"sol\",\"agency\":null,\"mode\":null}\n", &[]).await?.success()?;
    assert_eq!(connection(&world, "sol").await?, before);
    let approved = "SELECT count(*) FROM approvals WHERE mall_id = 'sol' AND purpose = 'reporting'";
    assert_eq!(world.db.number(approved).await?, 1);

    // One thing said is one thing changed.
    import(&world, "mall_id,mode\nsol,off\n", &[]).await?.success()?;
    let mut expected = before;
    expected["config_json"]["mode"] = json!("off");
    assert_eq!(connection(&world, "sol").await?, expected);
    // A mall that is new has the defaults.
    import(&world, "mall_id\nnew\n", &[]).await?.success()?;
    let new = connection(&world, "new").await?;
    assert_eq!(
        (&new["agency_id"], &new["shops"], &new["limiter_key"], &new["config_json"], &new["state"]),
        (&json!("default"), &json!([1]), &json!("new"), &json!({ "mode": "off" }), &json!("needs_consent"))
    );
    Ok(())
}

#[tokio::test]
async fn an_import_says_what_it_changes_before_and_after() -> Result<()> {
    let world = world().await?;
    let file = "mall_id,mode,wanted_from,purposes\nhanbit,off,,ads\nnarae,off,2025-01-01,\nsol,api,,\n";
    let plan = import(&world, file, &["--dry-run"]).await?;
    plan.success()?;
    for line in ["3 malls would be imported: 0 new, 3 known", "  2 malls: mode api → off", "→ 2025-01-01\n"]
    {
        assert!(plan.stdout.contains(line), "{}", plan.stdout);
    }
    assert!(plan.stdout.contains("  1 mall: purposes, or their approvals"), "{}", plan.stdout);
    let off = "SELECT count(*) FROM connectors WHERE config_json ->> 'mode' <> 'api'";
    assert_eq!(world.db.number(off).await?, 0, "a plan changes nothing");
    assert_eq!(world.db.number("SELECT count(*) FROM approvals").await?, 0);

    let done: Value = import(&world, file, &["--json"]).await?.json()?;
    let mode = json!({ "setting": "mode", "before": "api", "after": "off", "malls": ["hanbit", "narae"] });
    assert_eq!((&done["changes"][0], &done["purposes_changed"]), (&mode, &json!(["hanbit"])), "{done:#}");
    assert_eq!(world.db.number(off).await?, 2);
    let again = import(&world, file, &["--json"]).await?.json()?;
    assert_eq!((&again["changes"], &again["purposes_changed"]), (&json!([]), &json!([])), "{again:#}");
    Ok(())
}

#[tokio::test]
async fn a_pair_that_was_rotated_away_never_comes_back_with_its_file() -> Result<()> {
    let world = world().await?;
    world.cli(&["tokens", "refresh", "hanbit"]).await?.success()?;
    let before = connection(&world, "hanbit").await?;
    let file = world.programs.logs().join("malls.jsonl");
    let file = file.to_string_lossy();

    let plan = world.cli(&["malls", "import", &file, "--dry-run"]).await?;
    let done = world.cli(&["malls", "import", &file]).await?;
    for said in [&plan, &done] {
        said.success()?;
        assert!(said.stdout.contains("1 mall keeps newer tokens than the file's: hanbit"), "{said:?}");
        assert!(said.stdout.contains("0 with new tokens"), "the others have the file's already: {said:?}");
    }
    let said: Value = world.json(&["malls", "import", &file]).await?;
    assert_eq!((&said["keeps_tokens"], &said["with_tokens"]), (&json!(["hanbit"]), &json!(0)), "{said:#}");
    assert_eq!(connection(&world, "hanbit").await?, before);

    // Ours still lives; a newer one of the file is taken.
    world.cli(&["tokens", "refresh", "hanbit"]).await?.success()?;
    let newer = world.sim.import_lines().context("lines")?;
    let newer = newer.iter().find(|line| line.mall_id == "narae").context("narae")?;
    let mut newer = serde_json::to_value(newer).context("a line")?;
    newer["oauth_tokens"]["issued_at"] = json!("2099-01-01T00:00:00.000");
    newer["oauth_tokens"]["expires_at"] = json!("2099-01-01T02:00:00.000");
    newer["oauth_tokens"]["refresh_token_expires_at"] = json!("2099-01-15T00:00:00.000");
    let said = import(&world, &format!("{newer}\n"), &["--json"]).await?.json()?;
    assert_eq!((&said["keeps_tokens"], &said["with_tokens"]), (&json!([]), &json!(1)), "{said:#}");
    Ok(())
}

#[tokio::test]
async fn a_mall_takes_only_the_pair_that_it_has_to_another_agency() -> Result<()> {
    let world = world().await?;
    let lines = world.sim.import_lines().context("lines")?;
    let line = lines.iter().find(|line| line.mall_id == "hanbit").context("hanbit")?;
    let mut line = serde_json::to_value(line).context("a line")?;
    line["agency"] = json!("agency-2");
    import(&world, &format!("{line}\n"), &[]).await?.success()?;
    assert_eq!(connection(&world, "hanbit").await?["agency_id"], "agency-2");
    // It can be opened there.
    world.cli(&["tokens", "refresh", "hanbit"]).await?.success()?;
    line["agency"] = json!("agency-3");
    let refused = import(&world, &format!("{line}\n"), &[]).await?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("which are newer than the file's: give new tokens"), "{refused:?}");
    assert_eq!(connection(&world, "hanbit").await?["agency_id"], "agency-2");
    Ok(())
}

#[tokio::test]
async fn an_import_that_changes_something_is_one_entry_of_the_audit_log() -> Result<()> {
    let world = world().await?;
    let entries = "SELECT count(*) FROM audit_log WHERE action = 'malls.import'";
    assert_eq!(world.db.number(entries).await?, 1, "the malls of this test");
    let file = "mall_id,mode,agency,purposes\nhanbit,off,,ads\nnarae,off,,\nnew,,agency-2,\n";
    import(&world, file, &["--dry-run"]).await?.success()?;
    assert_eq!(world.db.number(entries).await?, 1, "a plan changes nothing");
    import(&world, file, &[]).await?.success()?;
    import(&world, file, &[]).await?.success()?;
    assert_eq!(world.db.number(entries).await?, 2, "the second changed nothing");

    let sql = "SELECT target, actor, details::text FROM audit_log WHERE action = 'malls.import' ORDER BY entry_id DESC LIMIT 1";
    let row = world.db.client().query_one(sql, &[]).await.context(sql)?;
    let details: Value = serde_json::from_str(row.get(2)).context("details")?;
    assert_eq!(row.get::<_, &str>(0), "again.csv");
    assert!(row.get::<_, &str>(1).contains('@'));
    let expected = json!({
        "malls": 3, "new": 1, "tokens": 0, "tokens_kept": 0, "purposes": 1, "set": { "mode": 2 },
    });
    assert_eq!(details, expected, "{details:#}");
    Ok(())
}

#[tokio::test]
async fn no_purpose_is_approved_and_no_day_released_or_wanted_before_it_has_come() -> Result<()> {
    let world = world().await?;
    let purposes = ["malls", "purposes", "hanbit"];
    let set = ["malls", "set", "hanbit", "--yes"];
    for (command, said) in [
        ([&purposes[..], &["--set", "ads", "--on", "2099-02-20"]].concat(), "2099-02-20 is in the future"),
        ([&purposes[..], &["--shown-from", "2099-01-01"]].concat(), "2099-01-01 is in the future"),
        ([&purposes[..], &["--shown-from", "2025-01-01"]].concat(), "did not come from another agency"),
        ([&set[..], &["wanted_from=2099-01-01"]].concat(), "2099-01-01 is in the future"),
        ([&set[..], &["wanted_from=1999-12-31"]].concat(), "the first day is 2000-01-01"),
        (
            vec!["enqueue", "--all", "--from", "1999-12-31", "--to", "2000-01-05", "--dry-run"],
            "is before there was anything to fetch",
        ),
    ] {
        let refused = world.cli(&command).await?;
        assert!(refused.code == Some(2) && refused.stderr.contains(said), "{command:?}: {refused:?}");
    }
    let file = "mall_id,purposes,approved_on,wanted_from\nhanbit,ads,2099-01-01,2099-01-01\n";
    let refused = import(&world, file, &[]).await?;
    assert!(refused.code == Some(1) && refused.stderr.contains("`approved_on` cannot be"), "{refused:?}");
    assert_eq!(world.db.number("SELECT count(*) FROM approvals").await?, 0);
    assert_eq!(world.db.number("SELECT count(*) FROM mall_agencies WHERE shown_from IS NOT NULL").await?, 0);
    Ok(())
}
