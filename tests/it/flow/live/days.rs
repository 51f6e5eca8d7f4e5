//! Days that grow and are corrected: what stands is what the last answer said, and that was true when it was asked for.

use chrono::{Days, NaiveDate, TimeDelta};
use tests::harness::{AsOf, Context as _, Result, Span};
use tests::simulator::{DayKind, Endpoint, Granularity};

use super::super::{Flow, Setup, spec};
use super::twin;

const MALLS: [&str; 2] = ["hanbit", "moonlit"];

fn spans(from: NaiveDate, to: NaiveDate, as_of: AsOf) -> [Span; 2] {
    MALLS.map(|mall| Span { as_of, ..Span::days(mall, from, to) })
}

#[tokio::test]
async fn what_stands_is_what_was_true_at_the_last_request_in_both_dialects() -> Result<()> {
    let mut setup = Setup::new(&["hanbit"]);
    setup.malls.push(twin("moonlit", &spec("hanbit")));
    setup.sim.days = DayKind::Living;
    let flow = Flow::start(setup).await?;
    let sim = &flow.world.sim;
    // Noon of this very day: neither an hour nor the date changes while the test runs.
    let today = sim.clock().today();
    let noon = today.and_hms_opt(3, 5, 0).context("a time")?.and_utc();
    sim.clock().set_now(noon);
    let from = today - Days::new(9);
    let (first, last) = (from.to_string(), today.to_string());
    let wish = ["--all", "--from", &first, "--to", &last, "--force"];
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    for as_of in [AsOf::Now, AsOf::LastAnswer, AsOf::Moment(noon)] {
        flow.world.exact(&spans(from, today, as_of)).await?;
    }
    let rows = flow.world.db.number("SELECT count(*) FROM metrics_daily").await?;

    // Two days later, some of the days have been restated, and today has grown up.
    let later = noon + TimeDelta::days(2);
    sim.clock().set_now(later);
    let before = flow.world.compare(&spans(from, today, AsOf::Now)).await?;
    assert!(!before.is_exact(), "nothing has changed in two days");
    flow.world.exact(&spans(from, today, AsOf::LastAnswer)).await?;
    let mut restated = 0;
    for mall in MALLS {
        for endpoint in Endpoint::ALL {
            for day in from.iter_days().take_while(|day| *day < today) {
                let truth = |at| sim.truth_as_of(mall, 1, endpoint, Granularity::Day, day, day, at);
                restated += i64::from(truth(noon).context("truth")? != truth(later).context("truth")?);
            }
        }
    }
    assert!(restated > 0, "no finished day was restated");
    flow.enqueue(&wish).await?;
    flow.settled().await?;
    for as_of in [AsOf::Now, AsOf::LastAnswer, AsOf::Moment(later)] {
        flow.world.exact(&spans(from, today, as_of)).await?;
    }
    assert!(flow.world.db.number("SELECT count(*) FROM metrics_daily").await? > rows, "today has grown");
    let known = format!("SELECT count(*) FROM slices WHERE data_state = 'restated' AND date < '{today}'");
    assert_eq!(flow.world.db.number(&known).await?, restated);
    flow.requests_were_good();
    Ok(())
}
