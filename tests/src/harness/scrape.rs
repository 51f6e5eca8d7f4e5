//! Reading a program's `/metrics` without a client that the programs use, too.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::trouble::{Context as _, Result, Trouble};

const LIMIT: Duration = Duration::from_secs(5);

/// Values by series, as they stand in the text: `name{label="value"}`.
#[derive(Debug, Clone, Default)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads them now.
    pub async fn scrape(address: &str) -> Result<Self> {
        let (status, body) = get(address, "/metrics").await?;
        if status == 200 { Ok(Self::parse(&body)) } else { Err(Trouble::new(format!("/metrics: {status}"))) }
    }

    fn parse(text: &str) -> Self {
        let series =
            text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        Self(series.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    /// The sum of all series of that name; 0 if there is none.
    pub fn sum(&self, name: &str) -> f64 {
        self.sum_where(name, "")
    }

    /// The sum of the series of that name whose labels hold the text `label="value"`.
    pub fn sum_where(&self, name: &str, label: &str) -> f64 {
        let matches = |series: &str| match series.split_once('{') {
            Some((found, labels)) => found == name && labels.contains(label),
            None => series == name && label.is_empty(),
        };
        self.0.iter().filter(|(series, _)| matches(series)).map(|(_, value)| value).sum()
    }

    /// All series.
    pub fn series(&self) -> &BTreeMap<String, f64> {
        &self.0
    }
}

/// A bare GET; answers status and body.
pub(crate) async fn get(address: &str, path: &str) -> Result<(u16, String)> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let what = || format!("GET http://{address}{path}");
    let answer = timeout(LIMIT, ask).await.with_context(what)?.with_context(what)?;
    let (head, body) = answer.split_once("\r\n\r\n").with_context(what)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).with_context(what)?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_name_are_summed() {
        let metrics = Metrics::parse("# TYPE a counter\na{l=\"x\"} 1\na{l=\"y\"} 2\nab 5\nb 7.5\n");
        assert_eq!(metrics.sum("a").to_bits(), 3f64.to_bits());
        assert_eq!(metrics.sum_where("a", "l=\"y\"").to_bits(), 2f64.to_bits());
        assert_eq!(metrics.sum("b").to_bits(), 7.5f64.to_bits());
    }
}
