//! A real browser: Chromium behind chromedriver, spoken to in plain WebDriver (JSON over HTTP).
//!
//! Chromium is started here, not by chromedriver, so that it ends with the test however that ends.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::ports::free_ports;
use super::program::Program;
use super::programs::Programs;
use super::trouble::{Context as _, Result, Trouble};
use super::wait::{wait_until, wait_until_some};

/// A page that is slow to come, a browser that is slow to start.
const LIMIT: Duration = Duration::from_secs(30);
/// The key of an element's id, as the standard has it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Nothing of it leaves this machine, and nothing of a profile before is left.
const FLAGS: [&str; 10] = [
    "--headless",
    // Chromium refuses to run as root with its sandbox; it only ever sees our own pages here.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
];

/// Starts browsers; ends them all when it is dropped.
#[derive(Debug)]
pub struct Driver {
    port: u16,
    program: Program,
    programs: Programs,
}

/// One window with a profile of its own.
#[derive(Debug)]
pub struct Window {
    port: u16,
    session: String,
    _chromium: Program,
}

impl Driver {
    /// Starts chromedriver.
    pub async fn start(programs: &Programs) -> Result<Self> {
        let port = free_ports(1)?;
        let program = programs
            .tool("chromedriver", &[&format!("--port={port}")])
            .context("are chromium and chromium-driver installed? ./dev test browser installs them")?;
        let driver = Self { port, program: program.quiet(), programs: programs.clone() };
        wait_until("chromedriver ready", LIMIT, || async {
            if !driver.program.is_running() {
                return Err(Trouble::new(format!("chromedriver ended\n{}", driver.program.log())));
            }
            Ok(call(port, "GET", "/status", None).await.is_ok_and(|value| value["ready"] == true))
        })
        .await?;
        Ok(driver)
    }

    /// A window with a fresh profile that speaks this language.
    pub async fn window(&self, language: &str) -> Result<Window> {
        let profile = self.programs.logs().join(format!("profile-{:08x}", rand::random::<u32>()));
        let own = [
            format!("--user-data-dir={}", profile.display()),
            format!("--accept-lang={language}"),
            "--remote-debugging-port=0".to_owned(),
            "about:blank".to_owned(),
        ];
        let flags: Vec<&str> = FLAGS.into_iter().chain(own.iter().map(String::as_str)).collect();
        let chromium = self.programs.tool("chromium", &flags)?;
        let address = chromium.word("ws://", "/devtools/", LIMIT).await?;
        let address = address.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let options = json!({ "debuggerAddress": address });
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let asked = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let value = call(self.port, "POST", "/session", Some(&asked)).await?;
        let session = value["sessionId"].as_str().context("no session")?.to_owned();
        Ok(Window { port: self.port, session, _chromium: chromium.quiet() })
    }
}

impl Window {
    /// Goes to an address and waits for its page.
    pub async fn go(&self, url: &str) -> Result<()> {
        self.post("url", &json!({ "url": url })).await.map(drop)
    }

    /// Where it is.
    pub async fn url(&self) -> Result<String> {
        let value = self.get("url").await?;
        value.as_str().map(str::to_owned).context("no address")
    }

    /// The text of the first element.
    pub async fn text(&self, css: &str) -> Result<String> {
        let id = self.find(css).await?;
        let value = self.get(&format!("element/{id}/text")).await?;
        value.as_str().map(str::to_owned).context("no text")
    }

    /// An attribute of the first element.
    pub async fn attribute(&self, css: &str, name: &str) -> Result<String> {
        let id = self.find(css).await?;
        let value = self.get(&format!("element/{id}/attribute/{name}")).await?;
        value.as_str().map(str::to_owned).with_context(|| format!("{css} has no {name}"))
    }

    /// Presses the first element.
    pub async fn click(&self, css: &str) -> Result<()> {
        let id = self.find(css).await?;
        self.post(&format!("element/{id}/click"), &json!({})).await.map(drop)
    }

    /// Waits until the first element has this text in it.
    pub async fn shows(&self, css: &str, text: &str) -> Result<()> {
        wait_until_some(&format!("{css} with {text}"), LIMIT, || async {
            let shown = self.text(css).await.unwrap_or_default();
            Ok(shown.contains(text).then_some(()))
        })
        .await
    }

    /// What a script of ours finds in the page.
    pub async fn evaluate(&self, script: &str) -> Result<Value> {
        self.post("execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// As a screen of this width, in light or dark.
    pub async fn look(&self, width: u32, dark: bool) -> Result<()> {
        let metrics = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.chrome("Emulation.setDeviceMetricsOverride", &metrics).await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.chrome("Emulation.setEmulatedMedia", &media).await
    }

    /// A picture of the window, as PNG.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        let value = self.get("screenshot").await?;
        BASE64.decode(value.as_str().unwrap_or_default()).context("no picture")
    }

    async fn chrome(&self, command: &str, parameters: &Value) -> Result<()> {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await.map(drop)
    }

    async fn find(&self, css: &str) -> Result<String> {
        let value = self.post("element", &json!({ "using": "css selector", "value": css })).await?;
        value[ELEMENT].as_str().map(str::to_owned).with_context(|| format!("no {css}"))
    }

    async fn get(&self, path: &str) -> Result<Value> {
        call(self.port, "GET", &format!("/session/{}/{path}", self.session), None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        call(self.port, "POST", &format!("/session/{}/{path}", self.session), Some(body)).await
    }
}

/// One command of the protocol: its `value`.
async fn call(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let what = || format!("{method} {path} of chromedriver");
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(request.as_bytes()).await?;
        read(&mut stream).await
    };
    let (head, body) = timeout(LIMIT, ask).await.with_context(what)?.with_context(what)?;
    let answer: Value = serde_json::from_slice(&body).with_context(what)?;
    let value = answer["value"].clone();
    if head.contains(" 200 ") {
        return Ok(value);
    }
    let message = value["message"].as_str().unwrap_or_default();
    Err(Trouble::new(format!("{}: {}", what(), message.lines().next().unwrap_or_default())))
}

/// Status line and body; chromedriver leaves the connection open, so its length is believed.
async fn read(stream: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.trim().parse::<usize>().ok());
            if length.is_some_and(|length| bytes.len() >= end + length) {
                return Ok((head.lines().next().unwrap_or_default().to_owned(), bytes.split_off(end)));
            }
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
