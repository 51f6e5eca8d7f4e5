use rstest::rstest;

use super::*;

#[rstest]
#[case::plain_http_leaves_the_machine("http://ca-api.cafe24data.com", InvalidUrl::Plaintext)]
#[case::loopback_only_in_name("http://localhost.evil.com", InvalidUrl::Plaintext)]
#[case::user_info_moves_the_host("http://127.0.0.1@evil.com", InvalidUrl::Extra)]
#[case::backslash_moves_the_host("http://evil.com\\@127.0.0.1", InvalidUrl::Extra)]
#[case::query("https://host/?a=b", InvalidUrl::Extra)]
#[case::blank("https://ho st", InvalidUrl::Extra)]
#[case::other_scheme("ftp://host", InvalidUrl::Scheme("https://host or https://host/path"))]
#[case::no_host("https:///x", InvalidUrl::Form("https://host or https://host/path"))]
#[case::no_scheme("host", InvalidUrl::Form("https://host or https://host/path"))]
#[case::short_address("https://127.1", InvalidUrl::Host)]
#[case::address_as_one_number("https://2130706433", InvalidUrl::Host)]
#[case::address_in_hex("https://0x7f.0.0.0x1", InvalidUrl::Host)]
#[case::address_with_zeros("https://127.0.0.01", InvalidUrl::Host)]
#[case::escaped("https://%65vil.com", InvalidUrl::Host)]
#[case::empty_label("https://a..b", InvalidUrl::Host)]
#[case::open_bracket("https://[::1", InvalidUrl::Host)]
#[case::words_after_a_bracket("https://[::1]evil.com", InvalidUrl::Host)]
#[case::port_of_words("https://host:evil.com", InvalidUrl::Host)]
#[case::port_beyond("https://host:65536", InvalidUrl::Host)]
#[case::port_zero("https://host:0", InvalidUrl::Host)]
#[case::braces("https://{mall}.com", InvalidUrl::Host)]
fn urls_that_could_lead_elsewhere_are_refused(#[case] text: &str, #[case] error: InvalidUrl) {
    assert_eq!(BaseUrl::parse(text), Err(error));
}

#[rstest]
#[case("https://ca-api.cafe24data.com/", "ca-api.cafe24data.com", false)]
#[case("http://127.0.0.1:8080", "127.0.0.1", true)]
#[case("http://[::1]:8080/api", "[::1]", true)]
#[case("http://localhost:1", "localhost", true)]
fn base_urls_know_their_host(#[case] text: &str, #[case] host: &str, #[case] loopback: bool) {
    let url = BaseUrl::parse(text).expect("valid");
    assert_eq!((url.host(), url.is_loopback()), (host, loopback));
    assert!(!url.as_str().ends_with('/'));
}

#[rstest]
#[case::metadata_service("https://169.254.169.254/latest")]
#[case::private_network("https://10.0.0.7")]
#[case::private_network_6("https://[fd00::1]")]
#[case::mapped("https://[::ffff:10.0.0.7]")]
#[case::any("https://0.0.0.0")]
#[case::public("https://1.2.3.4")]
fn x01_a_bare_address_never_stands_for_cafe24(#[case] text: &str) {
    assert_eq!(BaseUrl::parse_cafe24(text), Err(InvalidUrl::Address));
    assert!(UrlTemplate::parse(&format!("{text}/{{mall_id}}")).is_err());
}

#[test]
fn a_mall_fills_its_label_or_its_segment() {
    let mall: MallId = "hanbit".parse().expect("valid");
    let host = UrlTemplate::parse("https://{mall_id}.cafe24api.com").expect("valid");
    assert_eq!(host.fill(&mall), "https://hanbit.cafe24api.com");
    let path = UrlTemplate::parse("http://127.0.0.1:9/oauth/{mall_id}/").expect("valid");
    assert_eq!(path.fill(&mall), "http://127.0.0.1:9/oauth/hanbit");
    assert_eq!(path.to_string(), "http://127.0.0.1:9/oauth/{mall_id}");
}

#[rstest]
#[case::none("https://cafe24api.com")]
#[case::twice("https://{mall_id}.{mall_id}.com")]
#[case::completes_a_name("https://x{mall_id}.com")]
#[case::is_the_host("https://{mall_id}")]
#[case::is_a_whole_domain("https://{mall_id}.com")]
#[case::is_a_number_of_an_address("https://{mall_id}.0.0.1")]
#[case::with_a_port_of_its_own("https://{mall_id}:443.cafe24api.com")]
#[case::before_a_user("https://{mall_id}.a@evil.com")]
#[case::plain("http://{mall_id}.cafe24api.com")]
fn templates_that_let_a_mall_choose_the_host_are_refused(#[case] text: &str) {
    assert!(UrlTemplate::parse(text).is_err());
}

#[rstest]
#[case("postgres://u:canary@h/db", "postgres://u:[secret]@h/db")]
#[case("postgres://u:can/a@ry:x@h/db?sslpassword=canary", "postgres://u:[secret]@h/db?[…]")]
#[case("redis://:canary@h:6379/0", "redis://:[secret]@h:6379/0")]
#[case("amqp://h", "amqp://h")]
#[case("postgres://u:p@h/db?application_name=me@canary", "postgres://[…]")]
#[case("postgres://h/db?password=canary@x", "postgres://[…]")]
#[case("postgres://h/db?user=u&password=x:can@ary:canary", "postgres://[…]")]
#[case("postgres://u:canary?x@h/db", "postgres://[…]")]
#[case("postgres://u:x@canary?y@h/db", "postgres://[…]")]
#[case("redis://u:can#canary@h/0", "redis://[…]")]
#[case("redis://h/0#canary", "redis://h/0#[…]")]
#[case("amqp://u:x@canary/y@h/vhost", "amqp://u:[secret]@h/vhost")]
#[case("host=h password=canary", "[…]")]
fn passwords_are_not_printed(#[case] text: &str, #[case] shown: &str) {
    let url = ServerUrl::unchecked(text);
    assert_eq!(url.to_string(), shown);
    assert!(!format!("{url:?}").contains("canary"));
}

#[rstest]
#[case::in_a_parameter("postgres://u:p@h/db?application_name=a@b")]
#[case::in_a_path("postgres://u:p@h/a@b")]
#[case::behind_a_slash_of_a_password("postgres://u:p/w@h/db")]
#[case::behind_a_question_mark_of_a_password("postgres://u:p?w@h/db")]
#[case::without_a_user("postgres://h/db?user=a@b")]
fn an_at_that_may_or_may_not_end_a_password_is_refused(#[case] text: &str) {
    assert_eq!(ServerUrl::parse(text, &["postgres"], "form").err(), Some(InvalidUrl::At));
}

#[rstest]
#[case("postgres://u:p@h/db?application_name=a%40b")]
#[case("postgres://u:p@w@h/db")]
#[case("unix:///run/a@b.sock")]
fn an_at_that_can_mean_one_thing_only_is_not(#[case] text: &str) {
    assert!(ServerUrl::parse(text, &["postgres", "unix"], "form").is_ok());
}
