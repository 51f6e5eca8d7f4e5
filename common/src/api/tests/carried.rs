//! What every request carries, whatever the endpoint: the dialect's headers, and what the configuration says besides.

use rstest::rstest;

use super::super::*;
use super::misbehaving::{settings, wanted};
use super::server::{Act, Server, answer};
use crate::config::{Config, Secret};
use crate::domain::endpoint::Dialect;
use crate::domain::ids::MallId;

/// The head of the request for a day's visitors, its evidence, and the head of the probe's question for the same.
async fn heads(dialect: Dialect, toml: &str) -> [String; 3] {
    let config = Config::from_parts(&format!("[cafe24]\n{toml}"), std::iter::empty()).expect("valid");
    let mut server = Server::start(Act::Send(answer("422 No", "", b"{}"))).await;
    let told = ApiConfig::new(&config.cafe24, &config.worker);
    let client =
        ApiClient::new(ApiConfig { version: told.version, params: told.params, ..settings(&server) });
    let client = client.expect("a client");
    let mall: MallId = "yourmall".parse().expect("valid");
    let wanted = wanted(&mall);
    let token = Secret::new("canary");
    let fetched = client.fetch(&Request::new(wanted, dialect).expect("askable"), &token).await;
    let evidence = fetched.result.expect_err("refused").evidence().request.clone();
    let question = Question::new(wanted, dialect).expect("askable").with("locale", "en-US");
    client.look(&question, &token).await;
    let [request, question] = server.requests().try_into().expect("two requests");
    [request, evidence, question].map(|text: String| text.to_ascii_lowercase())
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.trim_end().to_owned()))
}

#[rstest]
#[case::the_specifications(Dialect::Seed, "", Some("2024-06-01"), None)]
#[case::a_real_malls(Dialect::Live, "", None, Some("application/json"))]
#[case::another_one(Dialect::Seed, "api_version = '2026-03-01'", Some("2026-03-01"), None)]
#[case::one_where_there_is_none(
    Dialect::Live,
    "api_version = '2026-03-01'",
    Some("2026-03-01"),
    Some("application/json")
)]
#[tokio::test]
async fn the_version_is_the_dialects_unless_the_configuration_names_one(
    #[case] dialect: Dialect,
    #[case] toml: &str,
    #[case] version: Option<&str>,
    #[case] kind: Option<&str>,
) {
    let [request, _, question] = heads(dialect, toml).await;
    for head in [request, question] {
        assert_eq!(header(&head, "x-cafe24-api-version").as_deref(), version, "{head}");
        assert_eq!(head.matches("x-cafe24-api-version").count(), usize::from(version.is_some()), "{head}");
        assert_eq!(header(&head, "content-type").as_deref(), kind, "{head}");
    }
}

#[tokio::test]
async fn further_parameters_stand_in_every_request_and_in_its_evidence() {
    let toml = "params = 'timezone=Asia/Seoul&locale=ko-KR'";
    for dialect in Dialect::ALL {
        let [request, evidence, question] = heads(dialect, toml).await;
        let plain = heads(dialect, "").await[1].clone();
        assert_eq!(evidence, format!("{plain}&timezone=asia/seoul&locale=ko-kr"));
        assert!(request.starts_with(&format!("get {evidence} http/1.1")), "{request}");
        // The probe's own language goes before the configuration's.
        assert!(question.contains("&timezone=asia/seoul http/1.1"), "{question}");
        assert!(question.contains("&locale=en-us&") && question.matches("locale").count() == 1, "{question}");
    }
}
