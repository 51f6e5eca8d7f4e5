//! One error for the harness: what was being done, and why it failed.

use std::fmt;

/// What was being done and, as source, why that failed. Tests only read it, so there is one kind.
pub struct Trouble {
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Of everything here that can fail.
pub type Result<T, E = Trouble> = std::result::Result<T, E>;

impl Trouble {
    /// Trouble that starts here.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }
}

/// Says what was being done when something failed.
pub trait Context<T> {
    /// `what` comes before the cause: "cannot start redis-server".
    fn context(self, what: impl Into<String>) -> Result<T>;
    /// As [`Self::context`], for texts that cost something.
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|error| Trouble { what: what.into(), source: Some(error.into()) })
    }

    fn with_context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Trouble { what: what(), source: Some(error.into()) })
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.ok_or_else(|| Trouble::new(what))
    }

    fn with_context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.ok_or_else(|| Trouble::new(what()))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// A test that returns an error prints it with `Debug`: the whole chain, readable.
impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
