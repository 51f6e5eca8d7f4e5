//! X1: a request has the host, the path and the headers of the table, whatever its mall or its token is.

use chrono::NaiveDate;
use proptest::prelude::*;
use reqwest::Url;
use tokio::runtime::Runtime;

use super::super::*;
use super::misbehaving::client;
use super::server::{Act, Server, answer};
use crate::config::{BaseUrl, Secret};
use crate::domain::calendar::{DayRange, Granularity};
use crate::domain::endpoint::{Dialect, Endpoint};
use crate::domain::hostile::texts;
use crate::domain::ids::{MallId, ShopNo};
use crate::domain::job::Wanted;

fn request(mall: &MallId, endpoint: Endpoint, dialect: Dialect) -> Option<Request<'_>> {
    let day: NaiveDate = "2026-02-15".parse().expect("a day");
    let wanted = Wanted {
        mall_id: mall,
        shop_no: ShopNo::FIRST,
        endpoint,
        granularity: Granularity::Day,
        chunk: DayRange::new(day, day).expect("in order"),
    };
    Request::new(wanted, dialect).ok()
}

/// Every endpoint in every dialect that has it.
fn requests(mall: &MallId) -> impl Iterator<Item = Request<'_>> {
    Endpoint::all().flat_map(move |endpoint| {
        Dialect::ALL.into_iter().filter_map(move |dialect| request(mall, endpoint, dialect))
    })
}

proptest! {
    #[test]
    fn x01_every_mall_asks_the_same_host_for_the_path_of_the_table(text in texts(), base in texts()) {
        let Ok(mall) = text.parse::<MallId>() else { return Ok(()) };
        let bases = [Ok(BaseUrl::parse("https://ca-api.cafe24data.com").expect("valid")), BaseUrl::parse_cafe24(&format!("https://{base}"))];
        for (base, request) in bases.iter().flatten().flat_map(|base| requests(&mall).map(move |request| (base, request))) {
            let path = request.path_and_query();
            let Ok(url) = Url::parse(&format!("{base}{path}")) else { continue };
            let host = base.host().to_ascii_lowercase();
            prop_assert_eq!(url.host_str(), Some(host.as_str()));
            let wire = request.wire();
            prop_assert!(url.path().ends_with(&wire.path.replace("{mall_id}", mall.as_str())), "{url}");
            let grammar = request.dialect().grammar();
            let asked: Vec<_> = url.query_pairs().collect();
            let named = grammar.mall_param.map(|name| (name.into(), mall.as_str().into()));
            prop_assert!(named.is_none_or(|pair| asked.contains(&pair)), "{url}");
            let common = [grammar.mall_param, grammar.shop_param, grammar.granularity_param].iter().flatten().count();
            let pages = grammar.paging.map_or(0, |_| 2);
            prop_assert_eq!(asked.len(), 2 + common + grammar.params.len() + wire.params.len() + pages, "{}", url);
            prop_assert_eq!(url.fragment(), None);
        }
    }
}

#[test]
fn x01_a_token_never_makes_a_second_header_or_a_second_request() {
    let runtime = Runtime::new().expect("a runtime");
    let mall: MallId = "hanbit".parse().expect("valid");
    let mut server = runtime.block_on(Server::start(Act::Send(answer("500 No", "", b""))));
    let client = client(&server);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(100));
    let heads = std::cell::RefCell::new(Vec::new());
    let server = std::cell::RefCell::new(&mut server);
    let tried = runner.run(&texts(), |token| {
        let visitors = "visitors".parse().expect("known");
        let request = request(&mall, visitors, Dialect::Seed).expect("askable");
        runtime.block_on(client.fetch(&request, &Secret::new(token)));
        heads.borrow_mut().extend(server.borrow_mut().requests());
        Ok(())
    });
    tried.expect("no panic");
    let heads = heads.into_inner();
    assert!(!heads.is_empty());
    let names = |head: &str| -> Vec<String> {
        let lines = head.trim_end().split("\r\n").skip(1);
        lines.map(|line| line.split(':').next().unwrap_or_default().to_ascii_lowercase()).collect()
    };
    let expected = names(&heads[0]);
    assert!(!expected.contains(&"x-evil".to_owned()), "{expected:?}");
    for head in heads {
        assert_eq!(names(&head), expected, "{head:?}");
        assert!(head.matches('\n').count() == expected.len() + 2, "{head:?}");
    }
}
