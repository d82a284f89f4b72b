//! What the guarded client may do, and how much of it.

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::time::Duration;

/// The client's rules and bounds.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether loopback, and only loopback, may also be fetched: with `http`, and on every port.
    pub development: bool,
    /// The ports that may be connected to on the public internet.
    pub ports: Vec<u16>,
    /// Networks that are refused although they are public: this server's own, for instance.
    pub refused: Vec<IpNet>,
    /// Root certificates that are trusted besides the well-known ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// For one connection, with TLS.
    pub connect: Duration,
    /// For one document, with all redirects.
    pub total: Duration,
    /// Most bytes of a document's body.
    pub max_body: usize,
    /// Most fetches from one host at once.
    pub per_host: usize,
    /// Most fetches at once.
    pub at_once: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            development: false,
            ports: vec![443, 80],
            refused: Vec::new(),
            roots: Vec::new(),
            connect: Duration::from_secs(3),
            total: Duration::from_secs(5),
            max_body: 256 * 1024,
            per_host: 32,
            at_once: 256,
        }
    }
}

/// The client cannot be made of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A root certificate cannot be read.
    #[error("a root certificate cannot be read")]
    Certificate,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls,
}

/// Reads root certificates from PEM; at least one must be there.
pub fn roots_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PolicyError> {
    let roots: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| PolicyError::Certificate)?;
    if roots.is_empty() { Err(PolicyError::Certificate) } else { Ok(roots) }
}
