//! Found again: by cause, and by each filter.

use serde_json::json;
use tests::harness::{Context as _, Result};
use tests::simulator::{FaultKind, MallSpec};

use super::{Flow, Setup, spec, status};

const FROM: &str = "2025-03-01";

/// Five malls of two agencies, seven letters of three causes.
async fn broken() -> Result<Flow> {
    let mut setup = Setup::new(&["one", "two", "three"]);
    setup.malls.extend(["four", "five"].map(|mall| MallSpec { agency: "agency-2".to_owned(), ..spec(mall) }));
    let flow = Flow::start(setup).await?;
    for mall in ["one", "two", "four"] {
        flow.order(mall, None, status(422))?;
    }
    for mall in ["three", "five"] {
        flow.order(mall, None, FaultKind::MissingField { field: "orderCount".to_owned() })?;
    }
    flow.enqueue(&["--all", "--endpoint", "products", "--from", FROM, "--to", FROM]).await?;
    flow.settled().await?;
    flow.enqueue(&["--mall", "one", "two", "--endpoint", "visitors", "--from", FROM, "--to", "2025-03-02"])
        .await?;
    flow.settled().await?;
    flow.archived(7).await?;
    Ok(flow)
}

#[tokio::test]
async fn letters_of_one_cause_are_one_group_whichever_their_malls_and_rows() -> Result<()> {
    let flow = broken().await?;
    let answer = flow.dead_json(&["list", "--group"]).await?;
    let groups: Vec<_> = answer["items"]
        .as_array()
        .context("items")?
        .iter()
        .map(|g| json!([g["letters"], g["malls"], g["class"], g["cause"]]))
        .collect();
    let expected = [
        json!([3, 3, "invalid_request", "products: HTTP 422: the request was refused"]),
        json!([2, 2, "contract_violation", "products: data[].orderCount is missing"]),
        json!([2, 2, "invalid_request", "visitors: HTTP 422: the request was refused"]),
    ];
    assert_eq!(groups.len(), 3, "{groups:?}");
    assert!(expected.iter().all(|group| groups.contains(group)), "{groups:?}");
    // A group's name begins with what the list shows of it, and means its letters everywhere.
    let name = answer["items"][0]["group"].as_str().context("a name")?;
    let text = flow.dead(&["list", "--group"]).await?;
    let short = text.stdout.lines().nth(1).and_then(|line| line.split(' ').next()).context("a line")?;
    assert!(short.len() >= 4 && name.starts_with(short), "{}", text.stdout);
    assert_eq!(flow.listed(&["--cause", short]).await?.len(), 3);
    let shown = flow.dead(&["show", short]).await?;
    assert!(
        shown.stdout.contains("3 letters of 3 malls") && shown.stdout.contains("not wanted?"),
        "{}",
        shown.stdout
    );
    // The status says so, too: one cause and its group, or where to find them.
    let status = flow.world.json(&["status"]).await?;
    let problems = status["problems"].as_array().context("problems")?;
    let of = |mall: &str| {
        problems.iter().find(|p| p["mall_id"] == mall).map(|p| (p["why"].clone(), p["do"].clone()))
    };
    let (why, action) = of("four").context("a problem")?;
    assert_eq!(why, "1 dead job, 1 cause: products: HTTP 422: the request was refused");
    assert_eq!(action, format!("cafe24-sync dead show {name}"));
    let (why, action) = of("one").context("a problem")?;
    assert_eq!(
        (why, action),
        ("2 dead jobs, 2 causes".into(), "cafe24-sync dead list --group --mall one".into())
    );
    Ok(())
}

#[tokio::test]
async fn each_filter_selects_its_letters_and_together_they_narrow() -> Result<()> {
    let flow = broken().await?;
    let all = flow.listed(&[]).await?;
    assert_eq!(all.len(), 7);
    let run =
        flow.rows_of("SELECT run_id::text FROM dead_letters WHERE endpoint = 'visitors'").await?.remove(0);
    flow.run_sql("UPDATE dead_letters SET died_at = '2026-01-10T20:00Z' WHERE mall_id = 'five'").await?;
    let cases: [(&[&str], usize); 14] = [
        (&["--mall", "one"], 2),
        (&["--mall", "one", "four"], 3),
        (&["--agency", "agency-2"], 2),
        (&["--endpoint", "visitors"], 2),
        (&["--class", "contract violation"], 2),
        (&["--run", &run], 2),
        (&["--since", "1h"], 6),
        // 05:00 of the next day in Korea.
        (&["--until", "2026-01-10"], 0),
        (&["--until", "2026-01-11"], 1),
        (&["--since", "2026-01-11", "--until", "2026-01-11"], 1),
        (&["--text", "ORDERCOUNT: is missing"], 2),
        (&["--text", "malls/four/"], 1),
        (&["--text", "50%"], 0),
        (&["--agency", "agency-1", "--endpoint", "products", "--class", "invalid_request"], 2),
    ];
    for (filter, expected) in cases {
        assert_eq!(flow.listed(filter).await?.len(), expected, "{filter:?}");
    }
    let nobody = flow.dead(&["list", "--agency", "nobody"]).await?;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("E-AGENCY-01"), "{nobody:?}");
    flow.dead(&["discard", "--mall", "two", "--reason", "test", "--yes"]).await?.success()?;
    for (state, expected) in [("open", 5), ("discarded", 2), ("replayed", 0), ("all", 7)] {
        assert_eq!(flow.listed(&["--state", state]).await?.len(), expected, "{state}");
    }
    Ok(())
}

#[tokio::test]
async fn a_list_goes_on_where_the_last_one_ended() -> Result<()> {
    let flow = broken().await?;
    let all = flow.listed(&[]).await?;
    let mut pages = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut arguments = vec!["list", "--limit", "3"];
        if let Some(after) = &after {
            arguments.extend(["--after", after]);
        }
        let page = flow.dead_json(&arguments).await?;
        let items = page["items"].as_array().context("items")?;
        assert!(items.len() <= 3);
        pages.extend(items.iter().map(|item| item["letter_id"].as_str().unwrap_or_default().to_owned()));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(pages, all);
    Ok(())
}

#[tokio::test]
async fn a_name_that_begins_nothing_or_several_is_refused() -> Result<()> {
    let flow = broken().await?;
    for (id, code) in [("ffffffffffff", "E-DEAD-01"), ("'; drop", "E-DEAD-01"), ("", "E-DEAD-01")] {
        let refused = flow.dead(&["show", id]).await?;
        assert!(refused.code == Some(1) && refused.stderr.contains(code), "{id}: {refused:?}");
    }
    // What is meant must be said: a call without any word is not all letters.
    for verb in
        [&["replay", "--yes"][..], &["discard", "--reason", "x", "--yes"], &["restore"], &["purge", "--yes"]]
    {
        assert_eq!(flow.dead(verb).await?.code, Some(2), "{verb:?}");
    }
    Ok(())
}
