//! `cafe24-sync doctor` in front of servers in bad states: each named, each with what helps, and the exit code.

mod data;
mod leader;
mod rabbit;
mod servers;
mod well;

use serde_json::Value;
use tests::harness::{Context as _, Result, World, WorldConfig};
use tests::simulator::SimConfig;

/// Two malls, and every setting that a set-up without warnings has.
async fn world(config: WorldConfig) -> Result<World> {
    let mut config = WorldConfig { sim: SimConfig { malls: 2, ..SimConfig::default() }, ..config };
    let redirect = ("CAFE24_SYNC__OAUTH__REDIRECT_URI", "https://sync.agency.kr/oauth/callback");
    config.env.push((redirect.0.to_owned(), redirect.1.to_owned()));
    World::start_with(config).await
}

/// The findings, and how the program ended.
#[derive(Debug)]
struct Answer {
    code: Option<i32>,
    items: Vec<Value>,
    text: String,
}

impl Answer {
    /// Runs the doctor, whose answer is JSON whatever it found.
    async fn of(world: &World, arguments: &[&str]) -> Result<Self> {
        let output = world.cli(&[&["doctor", "--json"], arguments].concat()).await?;
        let document: Value = serde_json::from_str(&output.stdout)
            .with_context(|| format!("{}\n{}", output.stdout, output.stderr))?;
        let items = document["items"].as_array().context("items")?.clone();
        Ok(Self { code: output.code, items, text: output.stdout })
    }

    /// What was found at `level`: check, finding, remedy.
    fn at(&self, level: &str) -> Vec<(String, String, String)> {
        let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
        self.items
            .iter()
            .filter(|item| item["level"] == level)
            .map(|item| (text(item, "check"), text(item, "what"), text(item, "do")))
            .collect()
    }

    /// The only problem or warning, of this check; the program ended with 3.
    fn only(&self, level: &str, check: &str) -> (String, String) {
        assert_eq!(self.code, Some(3), "{}", self.text);
        let found = [self.at("problem"), self.at("warning")].concat();
        let [(name, what, remedy)] = found.as_slice() else { panic!("{}", self.text) };
        assert_eq!(name, check, "{}", self.text);
        assert_eq!(self.at(level).len(), 1, "{}", self.text);
        assert!(!remedy.is_empty(), "{what}");
        (what.clone(), remedy.clone())
    }

    /// Every check is well, and the program ended with 0.
    fn all_well(&self) {
        assert_eq!(self.code, Some(0), "{}", self.text);
        assert!(
            self.items.iter().all(|item| matches!(item["level"].as_str(), Some("good" | "note"))),
            "{}",
            self.text
        );
    }
}

/// A world in which the doctor finds nothing: queues are declared.
async fn healthy(config: WorldConfig) -> Result<World> {
    let world = world(config).await?;
    Answer::of(&world, &["--fix", "--offline"]).await?.all_well();
    Ok(world)
}
