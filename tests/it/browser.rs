//! What people see, in a real browser. Needs Chromium and chromedriver: `./dev test browser`.

mod connect;
