//! What a mall's data may be used for, from the import to what a reader sees.

use serde_json::json;
use tests::harness::{Result, TestRole};

use super::{Agencies, HANOK};

#[tokio::test]
async fn a_reader_with_a_purpose_sees_only_malls_that_are_approved_for_it() -> Result<()> {
    let agencies = Agencies::start().await?;
    let ads = agencies.reader("hanok", Some("ads")).await?;
    let all = agencies.reader("hanok", None).await?;
    assert_eq!(ads.malls_in("analytics.daily_store").await?, [""; 0]);
    let set = [
        "malls",
        "purposes",
        "narae",
        "--set",
        "reporting,ads",
        "--reference",
        "contract 2026-14",
        "--on",
        "2026-02-01",
    ];
    let said = agencies.world.json(&set).await?;
    assert_eq!(said["purposes"][0]["purpose"], "ads");
    assert_eq!(said["purposes"][0]["reference"], "contract 2026-14");
    assert_eq!(said["purposes"][1]["approved_on"], "2026-02-01");
    for view in ["daily_store", "daily_products", "daily_domains", "freshness", "coverage"] {
        assert_eq!(ads.malls_in(&format!("analytics.{view}")).await?, ["narae"], "{view}");
        assert_eq!(all.malls_in(&format!("analytics.{view}")).await?, HANOK, "{view}");
    }
    // The paper is kept when one purpose goes, and whoever loses it sees nothing at once.
    let said = agencies.world.json(&["malls", "purposes", "narae", "--set", "reporting"]).await?;
    assert_eq!(said["purposes"][0]["reference"], "contract 2026-14");
    assert_eq!(said["purposes"].as_array().map(Vec::len), Some(1));
    assert_eq!(ads.malls_in("analytics.daily_store").await?, [""; 0]);
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'malls.purposes' AND mall_id = 'narae' AND details ? 'purposes'";
    assert_eq!(agencies.world.db.number(audited).await?, 2);
    Ok(())
}

#[tokio::test]
async fn approvals_come_with_the_import_are_shown_and_are_not_taken_to_another_agency() -> Result<()> {
    let agencies = Agencies::bare().await?;
    agencies
        .reimport("hanbit", |line| {
            line["purposes"] = serde_json::json!(["ads", "reporting"]);
            line["approval"] = "form 7".into();
            line["approved_on"] = "2026-01-31".into();
        })
        .await?;
    let shown = agencies.world.json(&["malls", "show", "hanbit"]).await?;
    assert_eq!(shown["purposes"][0]["purpose"], "ads");
    assert_eq!(shown["purposes"][0]["reference"], "form 7");
    let list = agencies.world.json(&["malls", "list"]).await?;
    assert_eq!(list["items"][0]["purposes"], serde_json::json!(["ads", "reporting"]));
    assert_eq!(list["items"][1]["purposes"], serde_json::json!([]));
    // A file that does not speak of purposes keeps them; `-` takes them away; another agency has none.
    agencies.reimport("hanbit", |_| ()).await?;
    assert_eq!(agencies.world.db.number("SELECT count(*) FROM approvals").await?, 2);
    agencies.reimport("hanbit", |line| line["agency"] = "sejong".into()).await?;
    assert_eq!(
        agencies.world.json(&["malls", "purposes", "hanbit"]).await?["purposes"],
        serde_json::json!([])
    );
    agencies.reimport("hanbit", |line| line["purposes"] = serde_json::json!(["-"])).await?;
    assert_eq!(agencies.world.db.number("SELECT count(*) FROM approvals").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_grant_that_shows_more_than_the_one_before_is_told_asked_for_and_audited() -> Result<()> {
    let agencies = Agencies::bare().await?;
    let role = TestRole::named(&agencies.world.db, "widened");
    agencies.grant(&role, "hanok", Some("ads")).await?;
    let grant =
        |more: &[&'static str]| [&["db", "grants", "--analyst", role.name(), "--agency"], more].concat();
    let (ads, was) =
        ("the malls of hanok that are approved for ads", json!({ "agency": "hanok", "purpose": "ads" }));
    let held = "SELECT count(*) FROM readers WHERE agency_id = 'hanok' AND purpose = 'ads'";

    // Another agency, all purposes, another purpose: each shows what it did not see.
    for (more, would) in [
        (&["sejong"][..], "the malls of sejong"),
        (&["sejong", "--purpose", "ads"], "the malls of sejong that are approved for ads"),
        (&["hanok"], "the malls of hanok"),
        (&["hanok", "--purpose", "reporting"], "the malls of hanok that are approved for reporting"),
    ] {
        let plan = format!("{} reads {ads}; it would read {would} instead", role.name());
        let text = agencies.as_owner(&grant(more)).await?;
        assert_eq!((text.code, text.stdout.trim_end()), (Some(7), plan.as_str()), "{}", text.stderr);
        let json = agencies.as_owner(&[grant(more), vec!["--json"]].concat()).await?;
        assert!(json.code == Some(7) && json.stdout.is_empty() && json.stderr.contains(&plan), "{json:?}");
        assert_eq!(agencies.world.db.number(held).await?, 1, "{more:?}");
    }

    // The same again is no news, and with a yes it is told what it read.
    let same = agencies.as_owner(&grant(&["hanok", "--purpose", "ads", "--json"])).await?.json()?;
    assert_eq!((&same["before"], &same["purpose"]), (&was, &json!("ads")), "{same}");
    let wider = agencies.as_owner(&grant(&["sejong", "--yes"])).await?;
    assert!(
        wider.stdout.contains(&format!("reads the malls of sejong; until now it read {ads}")),
        "{wider:?}"
    );
    // Less than before needs no yes.
    let less = agencies.as_owner(&grant(&["sejong", "--purpose", "ads", "--json"])).await?.json()?;
    assert_eq!(less["before"], json!({ "agency": "sejong", "purpose": null }), "{less}");
    let audited = format!(
        "SELECT count(*) FROM audit_log WHERE action = 'db.grants.analyst' AND target = '{}' AND \
         details @> '{{\"agency\": \"sejong\", \"purpose\": null, \"before\": {was}}}'",
        role.name()
    );
    assert_eq!(agencies.world.db.number(&audited).await?, 1);

    // Who is let in anew, or after it was taken out, sees more than nothing: that is what was asked for.
    agencies.as_owner(&["db", "grants", "--revoke", role.name()]).await?.success()?;
    let anew = agencies.as_owner(&grant(&["hanok", "--json"])).await?.json()?;
    assert_eq!((&anew["before"], &anew["new_role"]), (&json!(null), &json!(false)), "{anew}");
    Ok(())
}
