//! `[cafe24]`

use chrono::NaiveDate;

use crate::config::declare::Kind;
use crate::config::reader::Reader;
use crate::config::{BaseUrl, UrlTemplate};
use crate::domain::endpoint::{Dialect, MoreParams};
use crate::domain::ids::MallId;

/// Where Cafe24 is.
#[derive(Debug, Clone)]
pub struct Cafe24Config {
    /// `base_url`. Plain http only to this machine.
    pub base_url: BaseUrl,
    /// `oauth_url`.
    pub oauth_url: UrlTemplate,
    /// `dialect`, of malls for which nobody says another.
    pub dialect: Dialect,
    /// `mall_id`.
    pub mall_id: Option<MallId>,
    /// `api_version`. Unset: what each dialect says.
    pub api_version: Option<NaiveDate>,
    /// `params`.
    pub params: Option<MoreParams>,
}

impl Cafe24Config {
    #[expect(clippy::expect_used, reason = "constants, and a test reads them")]
    pub(in crate::config) fn read(r: &mut Reader) -> Self {
        let base = BaseUrl::parse("https://ca-api.cafe24data.com").expect("a valid constant");
        let template = UrlTemplate::parse("https://{mall_id}.cafe24api.com").expect("a valid constant");
        r.section("cafe24", "where Cafe24 is");
        Self {
            base_url: r.value(
                "cafe24.base_url",
                "the analytics API; plain http only to a simulator on this machine",
                Kind::TEXT,
                base,
                |text| BaseUrl::parse_cafe24(text).map_err(|error| error.to_string()),
                BaseUrl::to_string,
            ),
            oauth_url: r.value(
                "cafe24.oauth_url",
                "the OAuth host of a mall",
                Kind::TEXT,
                template,
                |text| UrlTemplate::parse(text).map_err(|error| error.to_string()),
                UrlTemplate::to_string,
            ),
            dialect: r.choice(
                "cafe24.dialect",
                "how the API of a new mall speaks unless its import or `connect` says otherwise",
                Dialect::Seed,
                &Dialect::ALL,
                &["seed", "live"],
                Dialect::as_str,
            ),
            mall_id: r.optional(
                "cafe24.mall_id",
                "a mall that works without being imported; or CAFE24_ANALYTICS_MALL_ID",
                Kind::Text { sample: "yourmall" },
                |text| text.parse::<MallId>().map_err(|error| error.to_string()),
                MallId::to_string,
            ),
            api_version: r.optional(
                "cafe24.api_version",
                "version header of all requests; unset: 2024-06-01 in the dialect seed, none in live",
                Kind::Text { sample: "2026-03-01" },
                |text| match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                    Ok(day) if day.to_string() == text => Ok(day),
                    _ => Err("not a day; write 2026-03-01".to_owned()),
                },
                NaiveDate::to_string,
            ),
            params: r.optional(
                "cafe24.params",
                "further parameters of all requests",
                Kind::Text { sample: "timezone=Asia/Seoul" },
                |text| text.parse::<MoreParams>().map_err(|error| error.to_string()),
                MoreParams::to_string,
            ),
        }
    }
}
