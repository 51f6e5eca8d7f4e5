//! What is wrong is said with its line, what is wrong with it, and what to write.

use super::*;

/// The only mistake of `toml`: its line, what is shown, what is said.
fn only(toml: &str) -> (Option<usize>, String, String) {
    let error = config(toml, &[]).expect_err("wrong");
    let [mistake] = error.mistakes() else { panic!("{error}") };
    (mistake.line, mistake.shown.clone(), mistake.problem.clone())
}

#[rstest]
#[case::unknown_key("[limits]\nburts = 40", "burts = 40", "unknown key in [limits]; did you mean `burst`?")]
#[case::unknown_at_the_top("profil = 'x'", "profil = …", "unknown key at the top; did you mean `profile`?")]
#[case::another_section("[worker]\nurl = 'x'", "url = …", "unknown key in [worker]; `postgres.url` is one")]
#[case::unknown_section(
    "[wroker]\nslots = 1\nlisten = 2",
    "listen = 2",
    "unknown section [wroker]; did you mean [worker]?"
)]
#[case::no_such_thing("[weather]\nrain = true", "rain = true", "unknown section [weather]")]
#[case::set_twice("[worker]\nslots = 1\nslots = 2", "slots", "is set a second time; keep one of them")]
#[case::number_as_text("[worker]\nslots = '8'", "slots = \"8\"", "must stand without quotes (1 to 1024)")]
#[case::text_as_number("profile = 7", "profile = 7", "must be a text; write \"7\"")]
#[case::text_as_flag(
    "[redis]\nallow_plaintext = 'yes'",
    "allow_plaintext = \"yes\"",
    "must stand without quotes (true or false)"
)]
#[case::list("[worker]\nslots = [1]", "slots", "must be a text, a number, true or false")]
#[case::out_of_range("[worker]\nslots = 0", "slots = 0", "out of range; use 1 to 1024")]
#[case::no_rate("[limits]\nrefill_per_second = 0", "refill_per_second = 0", "out of range; use 0.1 to 2")]
#[case::too_fast(
    "[limits]\nrefill_per_second = 1000",
    "refill_per_second = 1000",
    "out of range; use 0.1 to 2"
)]
#[case::no_prefetch("[rabbitmq]\nprefetch = 0", "prefetch = 0", "out of range; use 1 to 10000")]
#[case::no_unit("[worker]\ndrain = 25", "drain = 25", "not a duration; write \"25s\" (0ms to 5m)")]
#[case::no_time(
    "[schedule]\ndaily_at = '6:30'",
    "daily_at = \"6:30\"",
    "not a time of the day; write \"06:30\""
)]
#[case::half_days(
    "[schedule]\nlookback = '36h'",
    "lookback = \"36h\"",
    "not whole days; write \"3d\" (1d to 31d)"
)]
#[case::too_far_back("[schedule]\nlookback = '32d'", "lookback = \"32d\"", "out of range; use 1d to 31d")]
#[case::too_often(
    "[schedule]\ntoday_every = '5m'",
    "today_every = \"5m\"",
    "write \"2h\" (1h to 12h) or \"off\""
)]
#[case::no_such_word("[log]\nlevel = 'loud'", "level = \"loud\"", "use error, warn, info, debug or trace")]
fn h1_a_mistake_says_what_to_write(#[case] toml: &str, #[case] shown: &str, #[case] problem: &str) {
    let (line, it, said) = only(toml);
    assert_eq!((it.as_str(), said.as_str()), (shown, problem));
    assert_eq!(line.expect("a line"), toml.lines().count());
}

#[test]
fn h1_a_master_key_that_everybody_may_read_is_refused_and_other_secrets_are_warned_of() {
    let path = secret_file("open", "canary-of-the-master-key");
    set_mode(&path, 0o644);
    let file = path.display();
    let (line, shown, problem) = only(&format!("[oauth]\nmaster_key_file = '{file}'"));
    assert_eq!(line, Some(2));
    assert!(shown.starts_with("master_key_file = "), "{shown}");
    assert_eq!(problem, format!("{file} is readable by everybody (0644); run chmod 600 {file}"));

    let toml = format!("[oauth]\nclient_id = 'a'\nclient_secret_file = '{file}'");
    let warned = config(&toml, &[]).expect("works");
    let warning = format!("oauth.client_secret: {file} is readable by everybody (0644) → chmod 600 {file}");
    assert_eq!(warned.warnings, [warning]);

    // A group: how a container platform hands out its secrets.
    set_mode(&path, 0o440);
    let grouped = config(&format!("[oauth]\nmaster_key_file = '{file}'"), &[]).expect("works");
    assert!(grouped.warnings[0].contains("readable by its group (0440)"), "{:?}", grouped.warnings);
    std::fs::remove_file(path).expect("removed");
}

#[test]
fn a_secret_file_that_cannot_be_read_is_told_with_its_line() {
    let (line, _, problem) = only("[oauth]\nmaster_key_file = '/nonexistent/master.key'");
    assert_eq!(line, Some(2));
    assert!(problem.starts_with("cannot read /nonexistent/master.key: No such file"), "{problem}");
}

#[test]
fn a_text_under_an_unknown_name_is_not_repeated() {
    let (_, shown, _) = only("[oauth]\nclient_secert = 'canary'");
    assert_eq!(shown, "client_secert = …");
}

#[rstest]
#[case::postgres("[postgres]\nurl = 'postgres://u:canary@db/x?sslmode=disable'", "sslmode=verify-full")]
#[case::postgres_may_fall_back(
    "[postgres]\nurl = 'postgres://u:canary@db/x?sslmode=prefer'",
    "sslmode=verify-full"
)]
#[case::rabbitmq("[rabbitmq]\nurl = 'amqp://u:canary@mq/'", "amqps://")]
#[case::redis("[redis]\nurl = 'redis://:canary@cache'", "rediss://")]
fn plain_text_to_another_machine_must_be_allowed(#[case] toml: &str, #[case] remedy: &str) {
    let (line, shown, problem) = only(toml);
    assert_eq!(
        (line, problem),
        (Some(2), format!("would send passwords in plain text; use {remedy}, or set allow_plaintext = true"),)
    );
    assert!(!shown.contains("canary"));
    let allowed = config(&format!("{toml}\nallow_plaintext = true\n"), &[]).expect("allowed");
    assert!(allowed.warnings[0].ends_with(&format!("cross the network in plain text → {remedy}")));
    assert_eq!(allowed.warnings.len(), 1);
}

#[test]
fn tls_without_verification_is_no_tls() {
    let (_, _, problem) = only("[redis]\nurl = 'rediss://cache#insecure'\nallow_plaintext = true");
    assert!(problem.contains("verification of certificates"), "{problem}");
}

#[test]
fn allowed_plain_text_is_said_to_the_driver_and_tls_stays_where_it_was_asked_for() {
    let url = |toml: &str| config(toml, &[]).expect("valid").postgres.url.expose().to_owned();
    let allowed = "[postgres]\nallow_plaintext = true\n";
    assert_eq!(url("[postgres]\nurl = 'postgres://db/x'"), "postgres://db/x");
    assert_eq!(url(&format!("{allowed}url = 'postgres://db/x'")), "postgres://db/x?sslmode=disable");
    let asked = "postgres://db/x?sslmode=verify-full";
    assert_eq!(url(&format!("{allowed}url = '{asked}'")), asked);
}

#[rstest]
#[case::by_default("")]
#[case::as_long_as_an_answer("[rabbitmq]\nhold = '90s'\n[worker]\ntotal_timeout = '90s'")]
fn deliveries_that_are_held_for_as_long_as_an_answer_takes_are_not_warned_of(#[case] toml: &str) {
    assert!(config(toml, &[]).expect("valid").warnings.is_empty());
}

#[rstest]
#[case::held_for_less("[rabbitmq]\nhold = '5s'", "after 5s", "1m or more")]
#[case::answers_may_take_more(
    "[rabbitmq]\nhold = '1m'\n[worker]\ntotal_timeout = '5m'",
    "after 1m",
    "5m or more"
)]
fn deliveries_that_go_back_before_an_answer_can_be_there_are_warned_of(
    #[case] toml: &str,
    #[case] held: &str,
    #[case] remedy: &str,
) {
    let warnings = config(toml, &[]).expect("works").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("rabbitmq.hold: ") && warnings[0].contains(held), "{warnings:?}");
    assert!(warnings[0].contains(&format!(" → set rabbitmq.hold to {remedy}")), "{warnings:?}");
}

#[rstest]
#[case::by_default("")]
#[case::just_after("daily_at = '08:29'")]
#[case::nothing_is_fetched_by_itself("enabled = false\ndeadline = '05:00'")]
fn a_deadline_that_can_be_kept_is_not_warned_of(#[case] toml: &str) {
    let warnings = config(&format!("[schedule]\n{toml}"), &[]).expect("valid").warnings;
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[rstest]
#[case::before_the_fetch("deadline = '05:00'", "fetched from 06:30 on (schedule.daily_at)")]
#[case::amid_the_malls("daily_at = '08:30'", "fetched from 08:30 on (schedule.daily_at)")]
#[case::before_midnight("daily_at = '23:50'", "fetched from 23:50 on (schedule.daily_at)")]
#[case::not_final_by_then("settle = '12h'", "not final before 12:00 (schedule.settle)")]
#[case::never_final("settle = '24h'", "not final before 23:59 (schedule.settle)")]
fn a_deadline_that_makes_malls_late_every_day_is_warned_of(#[case] toml: &str, #[case] why: &str) {
    let warnings = config(&format!("[schedule]\n{toml}"), &[]).expect("works").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("schedule.deadline: ") && warnings[0].contains(why), "{warnings:?}");
    assert!(warnings[0].contains(" → set schedule.deadline"), "{warnings:?}");
}

#[rstest]
#[case::each_mall("mall", "hanbit", false)]
#[case::the_host("host", "ca-api.cafe24data.com", false)]
#[case::paths_are_not_told_apart("host+path", "ca-api.cafe24data.com", true)]
fn whoever_wants_a_bucket_a_path_is_told_that_he_gets_the_hosts(
    #[case] kind: &str,
    #[case] bucket: &str,
    #[case] is_warned: bool,
) {
    let config = config(&format!("[limits]\nkey = '{kind}'"), &[]).expect("works");
    let mall = "hanbit".parse().expect("valid");
    assert_eq!(config.limiter_key(&mall).as_str(), bucket);
    let warnings = config.warnings;
    assert_eq!(warnings.iter().any(|text| text.starts_with("limits.key: ")), is_warned, "{warnings:?}");
}
