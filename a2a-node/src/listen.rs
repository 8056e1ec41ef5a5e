//! Sockets: one per instance and binding, on consecutive ports or on free ones.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// Why a socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    /// The port is taken, forbidden, or the address is not this machine's. Choose another.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// There are more instances than ports from this one on. Choose a lower port.
    #[error("{instances} instances do not fit on consecutive ports from {first} on")]
    NoPortLeft {
        /// The address of the first instance.
        first: SocketAddr,
        /// How many there are to be.
        instances: u16,
    },
}

/// Binds the sockets of so many instances from `first` on; with port 0 each takes a free port.
///
/// # Errors
///
/// A [`ListenError`] for the first address that cannot be bound; none stays bound then.
pub(crate) async fn consecutive(first: SocketAddr, instances: u16) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    for address in addresses(first, instances)? {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.map_err(|source| ListenError::Bind { address, source })?);
    }
    Ok(listeners)
}

/// The address by which a socket is reached from its own machine: one that listens on all interfaces, by loopback.
pub(crate) fn reachable(mut socket: SocketAddr) -> SocketAddr {
    match socket.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => socket.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => socket.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    socket
}

fn addresses(first: SocketAddr, instances: u16) -> Result<Vec<SocketAddr>, ListenError> {
    let port_of = |index: u16| if first.port() == 0 { Some(0) } else { first.port().checked_add(index) };
    (0..instances)
        .map(|index| port_of(index).map(|port| SocketAddr::new(first.ip(), port)))
        .collect::<Option<_>>()
        .ok_or(ListenError::NoPortLeft { first, instances })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_consecutive_unless_free_ones_are_asked_for() {
        let ports = |first: &str| {
            let addresses = addresses(first.parse().unwrap(), 3)?;
            Ok::<_, ListenError>(addresses.iter().map(SocketAddr::port).collect::<Vec<_>>())
        };
        assert_eq!(ports("127.0.0.1:8080").unwrap(), [8080, 8081, 8082]);
        assert_eq!(ports("[::1]:65533").unwrap(), [65533, 65534, 65535]);
        assert_eq!(ports("127.0.0.1:0").unwrap(), [0, 0, 0]);
        let error = ports("127.0.0.1:65534").unwrap_err();
        assert!(error.to_string().contains("3 instances do not fit"), "{error}");
    }

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let taken = consecutive("127.0.0.1:0".parse().unwrap(), 1).await.unwrap();
        let address = taken[0].local_addr().unwrap();
        let error = consecutive(address, 1).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {address}"));
    }
}
