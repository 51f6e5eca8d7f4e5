//! Where a connection failed, from what the HTTP client says of it.

use rustix::io::Errno;

use super::error::NetworkFault;

pub(super) fn network_fault(error: &reqwest::Error) -> NetworkFault {
    if !error.is_connect() {
        return NetworkFault::Reset;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let code = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::raw_os_error);
        if code.is_some_and(is_no_files) {
            return NetworkFault::NoFiles;
        }
        // The handshake's error travels inside an `io::Error`, which does not name it as its source.
        if let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && inner.is::<rustls::Error>()
        {
            return NetworkFault::Tls;
        }
        if error.is::<rustls::Error>() {
            return NetworkFault::Tls;
        }
        cause = error.source();
    }
    NetworkFault::Connect
}

/// Of the process, or of the machine.
fn is_no_files(code: i32) -> bool {
    [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).contains(&code)
}
