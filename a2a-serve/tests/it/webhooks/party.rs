//! Who meets over TLS: an authority, those whom it certifies, and a receiver that asks who calls.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};

/// Certifies others.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

/// A certificate and its key, in PEM.
pub(super) struct Certified {
    pub(super) chain: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    pub(super) fn certify(&self, names: &[&str]) -> Certified {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        Certified { chain: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A webhook that takes one call, at `127.0.0.1` and at `receiver.example.com`, from whom its authority has certified.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    called: JoinHandle<io::Result<Call>>,
}

/// What it saw.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) request: String,
    pub(super) client: Option<CertificateDer<'static>>,
}

impl Receiver {
    pub(super) fn new(authority: &Authority) -> Self {
        let mut config = config(authority);
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        config.send_tls13_tickets = 0;
        let called = std::thread::spawn(move || take(&socket, config));
        Receiver { address, called }
    }

    /// The call that it took, or why there was none.
    pub(super) async fn called(self) -> io::Result<Call> {
        tokio::task::spawn_blocking(|| self.called.join()).await.unwrap().unwrap()
    }
}

fn config(authority: &Authority) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let own = authority.certify(&["127.0.0.1", "receiver.example.com"]);
    let chain = vec![CertificateDer::from_pem_slice(own.chain.as_bytes()).unwrap()];
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(asks.unwrap())
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap())
        .unwrap()
}

fn take(socket: &TcpListener, config: ServerConfig) -> io::Result<Call> {
    let (mut tcp, _) = socket.accept()?;
    tcp.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
    let mut stream = Stream::new(&mut connection, &mut tcp);
    let mut request = Vec::new();
    while !request.ends_with(b"planted-body") {
        let mut part = [0; 1024];
        let read = stream.read(&mut part)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&part[..read]);
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    stream.flush()?;
    let client = connection.peer_certificates().and_then(|chain| chain.first()).cloned();
    Ok(Call { request: String::from_utf8(request).unwrap(), client: client.map(CertificateDer::into_owned) })
}
