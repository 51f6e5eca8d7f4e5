//! Several servers in one URL: `postgres://user@one:5432,two:5432/database`, of which one takes writes.

use super::ServerUrl;
use super::transport::parameter;
use super::url::addresses_in;

/// The parameter of a Postgres URL that says which of several servers is meant.
const WANTED: &str = "target_session_attrs";

impl ServerUrl {
    /// A URL for each address, in their order; one for all that have no list of hosts.
    pub fn addresses(&self) -> Vec<Self> {
        let Some((head, place, tail)) = self.parts() else { return vec![self.clone()] };
        place.split(',').map(|address| Self::unchecked(format!("{head}{address}{tail}"))).collect()
    }

    /// Whether only a server that takes writes will do: it is asked for, or there are several addresses.
    pub fn wants_writable(&self) -> bool {
        match parameter(self.expose(), WANTED) {
            Some(wanted) => wanted != "any",
            None => self.addresses().len() > 1,
        }
    }

    /// Whether it asks for a kind of server that these programs cannot use: all of them write.
    pub(super) fn wants_a_standby(&self) -> bool {
        !matches!(parameter(self.expose(), WANTED), None | Some("read-write" | "primary" | "any"))
    }

    /// Everything before the addresses, the addresses, everything after them. `None`: no address, or in a parameter.
    fn parts(&self) -> Option<(&str, &str, &str)> {
        let url = self.expose();
        let begin = url.find("://")? + 3;
        let place = addresses_in(&url[begin..]);
        let (from, to) = (begin + place.start, begin + place.end);
        Some((&url[..from], &url[from..to], &url[to..]))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::one("postgres://u:p@h:5432/db?a=b", &["postgres://u:p@h:5432/db?a=b"])]
    #[case::two("postgres://u:p@h1:1,h2/db?a=b", &["postgres://u:p@h1:1/db?a=b", "postgres://u:p@h2/db?a=b"])]
    #[case::odd_password("postgres://u:a,@b@h1,h2:2", &["postgres://u:a,@b@h1", "postgres://u:a,@b@h2:2"])]
    #[case::without_user("postgres://[::1]:1,127.0.0.1:2/db", &["postgres://[::1]:1/db", "postgres://127.0.0.1:2/db"])]
    #[case::an_at_in_a_parameter("postgres://u:p@h1,h2/db?application_name=a@b,c", &["postgres://u:p@h1/db?application_name=a@b,c", "postgres://u:p@h2/db?application_name=a@b,c"])]
    #[case::an_at_in_the_path("amqp://u:p@h/a@b", &["amqp://u:p@h/a@b"])]
    #[case::socket("postgres:///db?host=/run/postgresql", &["postgres:///db?host=/run/postgresql"])]
    fn each_address_has_a_url_of_its_own(#[case] url: &str, #[case] addresses: &[&str]) {
        let urls = ServerUrl::unchecked(url).addresses();
        assert_eq!(urls.iter().map(ServerUrl::expose).collect::<Vec<_>>(), addresses);
    }

    #[rstest]
    #[case::several("postgres://h1,h2/db", true)]
    #[case::one("postgres://h1/db", false)]
    #[case::one_that_may_move("postgres://h1/db?target_session_attrs=read-write", true)]
    #[case::any_of_several("postgres://h1,h2/db?target_session_attrs=any", false)]
    fn p05_of_several_servers_the_one_that_takes_writes_is_meant(#[case] url: &str, #[case] writable: bool) {
        assert_eq!(ServerUrl::unchecked(url).wants_writable(), writable);
    }

    #[test]
    fn p05_a_standby_is_no_use() {
        let wants = |wanted: &str| format!("postgres://h/db?target_session_attrs={wanted}");
        assert!(ServerUrl::unchecked(wants("prefer-standby")).wants_a_standby());
        assert!(!ServerUrl::unchecked(wants("primary")).wants_a_standby());
    }
}
