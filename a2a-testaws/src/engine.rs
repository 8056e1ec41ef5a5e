//! Whether a Docker engine answers, found out in a moment: most machines that run tests have none.

use std::env;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

/// Tells whether the engine that `DOCKER_HOST` names, or else the one at the usual socket, answers a ping.
///
/// Takes a second for each step at most, where something listens and says nothing.
pub(crate) fn answers() -> bool {
    host().is_some_and(|host| pings(&host))
}

/// Where the engine is, in the order in which `testcontainers` looks.
fn host() -> Option<String> {
    if let Some(host) = env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()) {
        return Some(host);
    }
    let below = |variable: &str, path: &str| env::var_os(variable).map(|home| PathBuf::from(home).join(path));
    let sockets = [
        Some(PathBuf::from("/var/run/docker.sock")),
        below("XDG_RUNTIME_DIR", ".docker/run/docker.sock"),
        below("HOME", ".docker/run/docker.sock"),
        below("HOME", ".docker/desktop/docker.sock"),
    ];
    let there = sockets.into_iter().flatten().find(|socket| socket.exists())?;
    Some(format!("unix://{}", there.display()))
}

fn pings(host: &str) -> bool {
    let asked = match host.split_once("://") {
        #[cfg(unix)]
        Some(("unix", path)) => UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            ping(stream)
        }),
        Some(("tcp" | "http", address)) => dial(address).and_then(ping),
        // By TLS or SSH: no way to be quick, and no way that tests are run.
        _ => return false,
    };
    asked.is_ok_and(|answer| answer.starts_with("HTTP/1.") && answer.contains(" 200 "))
}

fn dial(address: &str) -> std::io::Result<TcpStream> {
    let address = address.trim_end_matches('/').to_socket_addrs()?.next();
    let address = address.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Returns the first bytes of the answer.
fn ping(mut stream: impl Read + Write) -> std::io::Result<String> {
    stream.write_all(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; 16];
    stream.read_exact(&mut start)?;
    Ok(String::from_utf8_lossy(&start).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Instant;

    use super::*;

    /// A listener that accepts one connection and says something, or nothing.
    fn engine(says: Option<&'static str>) -> (String, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("tcp://{}", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 64];
            let asked = stream.read(&mut request).unwrap();
            assert!(request[..asked].starts_with(b"GET /_ping "));
            match says {
                Some(answer) => stream.write_all(answer.as_bytes()).unwrap(),
                // Until the other side gives up.
                None => drop(stream.read(&mut request)),
            }
        });
        (host, serving)
    }

    #[test]
    fn an_engine_that_answers_is_found() {
        let (host, serving) = engine(Some("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"));
        assert!(pings(&host));
        serving.join().unwrap();
    }

    #[test]
    fn what_is_no_engine_is_not_taken_for_one() {
        let (host, serving) = engine(Some("HTTP/1.1 403 Forbidden\r\n\r\n"));
        assert!(!pings(&host));
        serving.join().unwrap();
    }

    #[test]
    fn an_engine_that_is_not_there_costs_no_more_than_a_moment() {
        let start = Instant::now();
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for host in [
            &format!("tcp://{nobody}"),
            "unix:///nowhere/docker.sock",
            "ssh://someone@nowhere",
            "npipe:////./pipe/docker_engine",
            "nonsense",
            "",
        ] {
            assert!(!pings(host), "{host}");
        }
        let (mute, serving) = engine(None);
        assert!(!pings(&mute));
        serving.join().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
