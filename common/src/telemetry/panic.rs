//! A panic is a bug of ours; it is logged where everything is, without what could be a secret.

use std::io::Write;
use std::panic::PanicHookInfo;

use super::events;

/// Logs every panic with its place. A formatted message may hold anything, a constant one is ours: only that is logged.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(hook));
}

fn hook(info: &PanicHookInfo<'_>) {
    let message = message(info.payload());
    let place = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    if tracing::dispatcher::has_been_set() {
        tracing::error!(event = events::PANIC, place, thread, "panic: {message}");
    } else {
        let _ = writeln!(std::io::stderr(), "panic at {place} in thread {thread}: {message}");
    }
}

pub(super) fn message(payload: &(dyn std::any::Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("[message withheld]")
}
