//! X4, as far as there are pages: what a program shows without a login names no mall and no agency.

use tests::harness::Result;
use tests::harness::secrets::places;
use tests::simulator::MallSpec;

use super::{Flow, SOON, Setup, spec};

const PATHS: [&str; 12] = [
    "/",
    "/metrics",
    "/healthz",
    "/readyz",
    "/malls",
    "/malls/hanbit",
    "/jobs",
    "/dead",
    "/api/v1/malls",
    "/oauth/start",
    "/oauth/callback",
    "/oauth/callback?error=access_denied&state=x",
];

#[tokio::test]
async fn x04_pages_without_a_login_name_no_mall_and_no_agency() -> Result<()> {
    let mut setup = Setup::new(&["hanbit"]);
    setup.malls.push(MallSpec { agency: "rival-agency".to_owned(), ..spec("moonlit") });
    let flow = Flow::start(setup).await?;
    flow.world.sim.set_approved("moonlit", false).expect("a mall");
    flow.enqueue(&["--all", "--from", "2025-03-01", "--to", "2025-03-02"]).await?;
    flow.settled().await?;
    let mut shown = 0;
    for program in flow.workers.iter().chain(&flow.daemon) {
        let address = program.listen(SOON).await?;
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        for page in places::pages(&address, &PATHS).await? {
            let text = String::from_utf8_lossy(&page.bytes).into_owned();
            for name in ["hanbit", "moonlit", "agency-1", "rival-agency"] {
                assert!(!text.contains(name), "{} of {} names {name}:\n{text}", page.name, program.name());
            }
            shown += usize::from(page.name.contains("(200)"));
        }
    }
    assert!(shown >= 6, "three pages of each of two programs: {shown}");
    Ok(())
}

/// The defaults, as `config show` has them without any setting.
#[tokio::test]
async fn x04_programs_listen_to_this_machine_alone_unless_they_are_told_otherwise() -> Result<()> {
    let flow = Flow::start(Setup::new(&["hanbit"]).workers(0).without_daemon()).await?;
    let programs = flow.world.programs.clone();
    let programs = programs.unset("CAFE24_SYNC__WORKER__LISTEN").unset("CAFE24_SYNC__SERVE__LISTEN");
    let shown = programs.cli(&["config", "show", "--plain"], SOON).await?;
    shown.success()?;
    let listens: Vec<_> = shown.stdout.lines().filter(|line| line.contains(".listen\t")).collect();
    assert!(listens.len() >= 2 && listens.iter().all(|line| line.contains("\t127.0.0.1:")), "{listens:?}");
    Ok(())
}
