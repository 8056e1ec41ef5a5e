//! How many files and sockets this process may have open.

/// Raises the limit to the most that the system lets this process have: by default many systems allow a thousand, which is
/// fewer than a server has connections.
#[cfg(unix)]
pub(crate) fn allow_all() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, ?current, ?maximum, "the limit of open files stays as it is");
    }
}

/// There is no such limit here.
#[cfg(not(unix))]
pub(crate) fn allow_all() {}
