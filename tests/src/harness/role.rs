//! A login role of one test. Roles belong to the whole server, so each has a name of its own and goes with the test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;

use super::database::{TestDb, connect};
use super::trouble::{Context as _, Result};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A name for a role that a test makes itself, or has made. Dropping it drops the role.
#[derive(Debug)]
pub struct TestRole {
    name: String,
    admin: String,
}

impl TestRole {
    /// A name that no other test has.
    pub fn named(db: &TestDb, who: &str) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name =
            format!("t{}_{number}_{:06x}_{who}", std::process::id(), rand::random::<u32>() & 0x00ff_ffff);
        Self { name, admin: db.url().to_owned() }
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The database, for this role.
    pub fn url(&self) -> String {
        with_user(&self.admin, &self.name)
    }

    /// A session of the role.
    pub async fn connect(&self) -> Result<(Client, AbortOnDropHandle<()>)> {
        connect(&self.url()).await
    }
}

/// The same address, another user. The private servers ask for no password.
pub(crate) fn with_user(url: &str, user: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}@{host}")
}

impl Drop for TestRole {
    fn drop(&mut self) {
        // The test's database goes at about the same time: the role is dropped from beside it.
        let admin = super::database::maintenance(&self.admin);
        let statement = format!("DROP ROLE IF EXISTS \"{}\"", self.name);
        thread::scope(|scope| {
            scope.spawn(|| {
                let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                    return;
                };
                let drop = async {
                    let (client, _connection) = connect(&admin).await?;
                    client.batch_execute(&statement).await.context("drop role")
                };
                // One that stays behind harms nobody: its name is never used again.
                let _stays =
                    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), drop).await });
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::with_user;

    #[test]
    fn another_user_is_all_that_changes() {
        assert_eq!(with_user("postgres://postgres@h:5/db?x=1", "kim"), "postgres://kim@h:5/db?x=1");
        assert_eq!(with_user("postgres://u:p@h/db", "kim"), "postgres://kim@h/db");
    }
}
