//! What may be kept and told: structure. What may not: any value, any token, any mall.

use std::fs;
use std::path::PathBuf;

use common::api::Request;
use common::api::contract::{differences, rows_of};
use common::domain::calendar::{DayRange, Granularity};
use common::domain::endpoint::{Dialect, Endpoint};
use common::domain::ids::{MallId, ShopNo};
use common::domain::job::Wanted;
use serde_json::{Value, json};
use tests::harness::{Context as _, Result, World};

use super::{LIVE, SEED, answer, order, said, world};

/// Figures, names and hosts of the planted answers, and what a server might say of a token.
const PLANTED: [&str; 6] = ["910111213", "Canary", "가방", "canary-shop", "31415", "27182818"];

/// Records both malls; the files.
async fn recorded(world: &World, more: &[&str]) -> Result<Vec<(String, Value)>> {
    let dir = world.programs.logs().join("fixtures");
    let into = dir.to_string_lossy().into_owned();
    for mall in [SEED, LIVE] {
        let done = world.cli(&[&["probe", mall, "--record", &into], more].concat()).await?;
        assert!(matches!(done.code, Some(0 | 3)), "{done:?}");
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(&dir).context("the folder")? {
        paths.push(entry.context("a file")?.path());
    }
    paths.sort();
    let read = |path: PathBuf| -> Result<(String, Value)> {
        let text = fs::read_to_string(&path).context("a fixture")?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok((name, serde_json::from_str(&text).context("JSON")?))
    };
    paths.into_iter().map(read).collect()
}

/// How many rows the real decoder reads from a fixture of one day.
fn decoded(fixture: &Value) -> Result<std::result::Result<usize, String>> {
    let text = |key: &str| fixture[key].as_str().with_context(|| key.to_owned());
    let dialect: Dialect = text("dialect")?.parse().context("a dialect")?;
    let endpoint: Endpoint = text("endpoint")?.parse().context("an endpoint")?;
    let day = |key| text(key)?.parse().context("a day");
    let wanted = Wanted {
        mall_id: &MallId::try_from("mall".to_owned()).context("a mall")?,
        shop_no: ShopNo::FIRST,
        endpoint,
        granularity: Granularity::Day,
        chunk: DayRange::new(day("from")?, day("to")?).context("a range")?,
    };
    let request = Request::new(wanted, dialect).context("can be asked")?;
    assert_eq!(request.path_and_query(), text("request")?);
    let body = fixture["body"].to_string();
    let wire = endpoint.wire(dialect).context("a wire")?;
    assert_eq!(differences(body.as_bytes(), dialect, wire), []);
    Ok(rows_of(&request, body.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_fixtures_are_read_by_the_real_decoder() -> Result<()> {
    let world = world().await?;
    let fixtures = recorded(&world, &[]).await?;
    let mut days = 0;
    for (name, fixture) in &fixtures {
        if !name.ends_with("-day.json") && !name.contains("-earlier-") {
            continue;
        }
        let rows = decoded(fixture)?;
        assert!(rows.as_ref().is_ok_and(|rows| *rows > 0), "{name}: {rows:?}\n{fixture:#}");
        days += 1;
    }
    assert_eq!(
        days,
        2 * (4 + 4),
        "each endpoint's day, and two earlier days of two of them, in both dialects"
    );
    let nowhere =
        fixtures.iter().find(|(name, _)| name == "live-visitors-nowhere.json").context("nowhere")?;
    assert_eq!(nowhere.1["status"], 404);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn x05_planted_figures_names_and_tokens_are_in_no_output_and_in_no_fixture() -> Result<()> {
    let world = world().await?;
    let tokens: Vec<String> = import_tokens(&world)?;
    let row = json!({ "date": "2026-02-15", "productNo": 910_111_213, "productName": "Canary 가방", "orderCount": 31415,
        "salesAmount": 27_182_818, "domain": "canary-shop.co.kr", "visitCount": 31415, "canary 가방": ["Canary"] });
    let live = json!({ "product_no": 910_111_213, "product_name": "Canary 가방", "order_count": 31415,
        "order_amount": "27182818.25", "domain": "canary-shop.co.kr", "visit_count": 31415, "note": tokens[0] });
    for path in ["products/sales", "visitpaths/domains"] {
        order(&world, SEED, path, answer(200, &json!({ "data": [row], "canary 가방": 31415 }).to_string()))?;
        let wrapper = path.rsplit('/').next().unwrap_or_default();
        order(&world, LIVE, path, answer(200, &json!({ wrapper: [live], "error": null }).to_string()))?;
    }
    let refusal = format!(r#"{{"error":{{"message":"Canary 31415 {}"}}}}"#, tokens[1]);
    order(&world, SEED, "visitors/pageview", answer(422, &refusal))?;

    let mut everything = Vec::new();
    for (name, fixture) in recorded(&world, &[]).await? {
        everything.push((name, fixture.to_string()));
    }
    for mall in [SEED, LIVE] {
        for form in [&["probe", mall][..], &["probe", mall, "--json"], &["probe", mall, "-vv"]] {
            everything.push((form.join(" "), said(&world.cli(form).await?)));
        }
    }
    for (place, text) in &everything {
        for planted in PLANTED.iter().copied().chain(tokens.iter().map(String::as_str)) {
            assert!(!text.contains(planted), "{planted} in {place}:\n{text}");
        }
        if place.contains("-day.") || place.contains("-range.") {
            assert!(!text.contains(SEED) && !text.contains(LIVE), "a mall in {place}:\n{text}");
        }
    }
    // What is said all the same is that there is something new.
    assert!(everything.iter().any(|(_, text)| text.contains("`note` is new (text)")), "{everything:?}");
    Ok(())
}

/// The living tokens of both malls.
fn import_tokens(world: &World) -> Result<Vec<String>> {
    let lines = world.sim.import_lines().context("lines")?;
    let lines = serde_json::to_value(lines).context("JSON")?;
    let mut tokens = Vec::new();
    for line in lines.as_array().context("lines")? {
        for kind in ["access_token", "refresh_token"] {
            tokens.push(line["oauth_tokens"][kind].as_str().context("a token")?.to_owned());
        }
    }
    Ok(tokens)
}
