use std::io::Write;
use std::time::Duration;

use rstest::rstest;

use super::*;

fn env(pairs: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect::<Vec<_>>()
        .into_iter()
}

fn config(toml: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_parts(toml, env(pairs))
}

fn secret_file(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("cafe24-sync-config-{}-{name}", std::process::id()));
    std::fs::File::create(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("a temporary file");
    set_mode(&path, 0o600);
    path
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("mode");
}

#[test]
fn no_file_and_no_environment_is_a_whole_configuration_on_loopback() {
    let config = config("", &[]).expect("defaults are valid");
    assert_eq!(config.cafe24.base_url.as_str(), "https://ca-api.cafe24data.com");
    assert_eq!(config.worker.body_max, 32 << 20);
    assert_eq!(config.feed.horizon, Duration::from_secs(4));
    assert!(config.postgres.url.expose().contains("127.0.0.1"));
    assert!(config.keys.iter().all(|info| info.origin == Origin::Default));
    assert!(
        config
            .keys
            .iter()
            .find(|info| info.key == "redis.url")
            .is_some_and(|info| info.value.contains("127"))
    );
}

#[test]
fn the_environment_lies_over_the_file_and_our_names_over_the_common_ones() {
    let toml = "profile = 'x'\n[worker]\nslots = 8\n[postgres]\nurl = 'postgres://file/db'\n[redis]\nurl = 'rediss://file'\n";
    let config = config(
        toml,
        &[
            ("CAFE24_SYNC__WORKER__SLOTS", "9"),
            ("DATABASE_URL", "postgres://alias/db"),
            ("CAFE24_SYNC__POSTGRES__URL", "postgres://own/db"),
            ("CAFE24_ANALYTICS_MALL_ID", "yourmall"),
            ("CAFE24_ANALYTICS_CLIENT_ID", ""),
            ("PATH", "/bin"),
        ],
    )
    .expect("valid");
    assert_eq!(config.worker.slots, 9);
    assert_eq!(config.postgres.url.expose(), "postgres://own/db");
    assert_eq!(config.redis.url.expose(), "rediss://file");
    assert_eq!(config.cafe24.mall_id.expect("set").as_str(), "yourmall");
    assert_eq!(config.oauth.client_id, None);
    let profile = config.keys.iter().find(|info| info.key == "profile").expect("known");
    assert_eq!(profile.origin, Origin::File { line: 1 });
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let toml = "[limits]\nburts = 40\nkey = \"shop\"\n\n[worker]\nbatch_wait = \"3 dyas\"\nslots = 0\n[nope]\nx = [1]\n";
    let error = config(toml, &[("CAFE24_SYNC__RETRY__CAP", "1ms")]).expect_err("wrong");
    let text = error.to_string();
    let lines: Vec<_> = error.mistakes().iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [Some(2), Some(3), Some(6), Some(7), Some(9), None], "{text}");
    for part in [
        "has 6 mistakes",
        "burts = 40",
        "unknown key in [limits]; did you mean `burst`?",
        "use mall, host or host+path",
        "not a duration; write \"100ms\" (1ms to 10s)",
        "out of range; use 1 to 1024",
        "CAFE24_SYNC__RETRY__CAP",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let error = config("profile = \"a\"\n[worker\nslots = 1\n", &[]).expect_err("wrong");
    assert!(error.mistakes().iter().any(|mistake| mistake.line == Some(2)), "{error}");
}

#[test]
fn unknown_variables_of_ours_are_mistakes_too() {
    let error = config("", &[("CAFE24_SYNC__WORKER__SLOT", "1")]).expect_err("wrong");
    assert!(error.to_string().contains("did you mean `slots`?"), "{error}");
}

#[test]
fn secrets_come_from_files_without_their_line_end() {
    let path = secret_file("secret", "canary\n");
    let toml = format!("[oauth]\nclient_id = 'app'\nclient_secret_file = '{}'\n", path.display());
    let config = config(&toml, &[]).expect("valid");
    assert_eq!(config.oauth.client_secret.as_ref().expect("set").expose(), "canary");
    assert!(!format!("{config:?}").contains("canary"));
    std::fs::remove_file(path).expect("removed");
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let error = config("[oauth]\nclient_id = 'app'\nclient_secret = 'canary'\n", &[]).expect_err("refused");
    assert!(error.to_string().contains("client_secret_file"), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn a_value_and_its_file_together_are_a_mistake() {
    let path = secret_file("both", "redis://127.0.0.1");
    let file = path.display().to_string();
    let error = config("", &[("REDIS_URL", "redis://h"), ("REDIS_URL_FILE", &file)]).expect_err("both");
    assert!(error.to_string().contains("keep one of them"), "{error}");
    let toml = "[redis]\nurl = 'rediss://file'\n";
    let config = config(toml, &[("REDIS_URL_FILE", &file)]).expect("the environment goes before the file");
    assert_eq!(config.redis.url.expose(), "redis://127.0.0.1");
    std::fs::remove_file(path).expect("removed");
}

#[rstest]
#[case::real_api("", "3.0", false)]
#[case::simulator("http://127.0.0.1:9", "20", true)]
fn only_a_simulator_may_have_a_faster_bucket(#[case] base: &str, #[case] refill: &str, #[case] fine: bool) {
    let pairs = [("CAFE24_SYNC__CAFE24__BASE_URL", base), ("CAFE24_SYNC__LIMITS__REFILL_PER_SECOND", refill)];
    assert_eq!(config("", &pairs).is_ok(), fine);
}

#[test]
fn a_wrong_url_does_not_show_its_password() {
    let error = config("[postgres]\nurl = 'mysql://u:canary@h'\n", &[]).expect_err("wrong scheme");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(error.to_string().contains("postgres://"), "{error}");
}

#[test]
fn a_named_file_that_is_missing_is_told() {
    let error = Config::load(Some(Path::new("/nonexistent/cafe24-sync.toml"))).expect_err("missing");
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

mod example;

mod wrong;
