//! Three malls consent: through the daemon, through the daemon with an exchange that fails loudly, and by pasting.

use tests::harness::secrets::{Place, places};
use tests::harness::{Browser, Context as _, Program, Reply, Result};

use super::{SOON, echoes};
use crate::connect::{Site, page_of, parameter};

/// What all attempts together gave away, and where it may stand.
#[derive(Default)]
pub(super) struct Consents {
    /// Each secret by what it is.
    pub(super) known: Vec<(&'static str, String)>,
    /// What the browser got, and the command lines while the commands waited.
    pub(super) places: Vec<Place>,
    /// Place and text: the secrets that have to be shown to somebody.
    pub(super) on_purpose: Vec<(String, String)>,
}

impl Consents {
    pub(super) async fn give(site: &Site) -> Result<Self> {
        let mut all = Self::default();
        let page = all.through_the_daemon(site, "revoked", "-vv", false).await?;
        assert_eq!(page_of(&page), "connected", "{page:?}");
        let page = all.through_the_daemon(site, "oauth", "--json", true).await?;
        assert_eq!(page_of(&page), "code_refused", "{page:?}");
        all.by_pasting(site, "pastes").await?;
        Ok(all)
    }

    async fn through_the_daemon(
        &mut self,
        site: &Site,
        mall: &str,
        form: &str,
        echoed: bool,
    ) -> Result<Reply> {
        let browser = Browser::new();
        let attempt = site.ask(mall, &[form]).await?;
        self.places.extend(places::command_lines()?);
        // `connect` is there to hand out the link.
        self.show(&printed_by(&attempt.command), &attempt.link);
        self.know("a ticket", attempt.link.rsplit('/').next().context("a ticket")?);

        let started = browser.visit(&attempt.link).await?;
        let authorize = started.location()?.to_owned();
        let (_, cookie) = browser.cookie(host(site)).context("a cookie")?;
        let name = format!("the start link of {mall}");
        self.places.push(places::reply(&name, &started));
        // Where Cafe24's page is, for which question; and what binds the browser to it.
        let answer = format!("the answer to {name}");
        self.show(&answer, &authorize);
        self.show(&answer, &cookie);
        self.know("a state", parameter(&authorize, "state").context("a state")?);
        self.know("a cookie", &cookie);

        let callback = site.consent(&browser, &authorize, &[]).await?;
        let code = parameter(&callback, "code").context("a code")?;
        if echoed {
            echoes::order_of_code(&site.world, mall, code, &callback)?;
        }
        // A stranger with all of it in hand is told nothing, and neither is the log.
        let path = |url: &str| url.strip_prefix(&site.origin).map(str::to_owned).context("not ours");
        let strange = [path(&attempt.link)?, path(&callback)?];
        self.places.extend(places::visits(&site.origin, &strange.each_ref().map(String::as_str)).await?);
        let answered = browser.visit(&callback).await?;
        let last = browser.visit(&format!("{}{}", site.origin, answered.location()?)).await?;
        self.places.push(places::reply("the callback", &answered));
        self.places.push(places::reply("the last page", &last));
        attempt.command.output(SOON).await?;
        Ok(last)
    }

    async fn by_pasting(&mut self, site: &Site, mall: &str) -> Result<()> {
        let command = site.world.programs.cli_with_stdin(&["connect", mall, "--paste", "-vv"])?;
        let authorize = command.word("http://", "/authorize?", SOON).await?;
        self.places.extend(places::command_lines()?);
        // Nobody else leads the person to Cafe24.
        self.show(&printed_by(&command), &authorize);
        self.know("a state", parameter(&authorize, "state").context("a state")?);
        let callback = site.consent(&Browser::new(), &authorize, &[]).await?;
        self.places.push(places::reply("a pasted callback", &Browser::new().visit(&callback).await?));
        command.say(&format!("{callback}\n"))?;
        command.output(SOON).await?.success()
    }

    fn know(&mut self, what: &'static str, secret: &str) {
        self.known.push((what, secret.to_owned()));
    }

    fn show(&mut self, place: &str, text: &str) {
        self.on_purpose.push((place.to_owned(), text.to_owned()));
    }
}

/// The file with what a command says to a person.
fn printed_by(command: &Program) -> String {
    format!("{}.log", command.name())
}

fn host(site: &Site) -> &str {
    site.origin.trim_start_matches("http://")
}
