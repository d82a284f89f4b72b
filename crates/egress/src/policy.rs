//! What the guarded client may do, and how much of it.

use crate::address::{embeds, is_metadata, is_public};
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::net::IpAddr;
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
    /// Networks that may be connected to although they are not public: with `https`, on every port. An address that
    /// hands out credentials to whoever asks ([`address::is_metadata`](crate::address::is_metadata)), or that embeds
    /// another one, is among them only if it stands there alone. What is in `refused` is refused all the same.
    pub allowed: Vec<IpNet>,
    /// Root certificates that are trusted besides the well-known ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// For one connection, with TLS.
    pub connect: Duration,
    /// For one document, with all redirects.
    pub total: Duration,
    /// Most bytes of a document's body.
    pub max_body: usize,
    /// Most fetches from one host and port at once.
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
            allowed: Vec::new(),
            roots: Vec::new(),
            connect: Duration::from_secs(3),
            total: Duration::from_secs(5),
            max_body: 256 * 1024,
            per_host: 32,
            at_once: 256,
        }
    }
}

impl Policy {
    /// Whether an address may be connected to on that port, with `https`.
    pub(crate) fn permits(&self, address: IpAddr, port: u16) -> bool {
        let refused = self.refused.iter().any(|net| net.contains(&address));
        !refused && (self.allows(address) || (self.ports.contains(&port) && is_public(address)))
    }

    fn allows(&self, address: IpAddr) -> bool {
        let delicate = is_metadata(address) || embeds(address);
        let alone = |net: &IpNet| net.prefix_len() == net.max_prefix_len();
        self.allowed.iter().any(|net| net.contains(&address) && (alone(net) || !delicate))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_is_allowed_is_open_on_every_port_but_for_what_must_be_named() {
        let open = |allowed: &[&str], refused: &[&str], address: &str| {
            let nets = |nets: &[&str]| nets.iter().map(|net| net.parse().unwrap()).collect();
            let policy = Policy { allowed: nets(allowed), refused: nets(refused), ..Policy::default() };
            policy.permits(address.parse().unwrap(), 8443)
        };
        assert!(open(&["10.1.0.0/16"], &[], "10.1.2.3"));
        assert!(open(&["fd12::/16"], &[], "fd12::1"));
        assert!(!open(&["10.1.0.0/16"], &[], "10.2.0.1"));
        assert!(!open(&["10.1.0.0/16"], &["10.1.2.0/24"], "10.1.2.3"));
        assert!(!open(&["10.1.0.0/16"], &[], "8.8.8.8"), "the public internet keeps its ports");
        for metadata in ["169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200"] {
            assert!(!open(&["0.0.0.0/0", "::/0", "169.254.0.0/16", "fd00::/8"], &[], metadata), "{metadata}");
            let alone = if metadata.contains(':') { format!("{metadata}/128") } else { format!("{metadata}/32") };
            assert!(open(&[&alone], &[], metadata), "{metadata}");
        }
        for embedding in ["::ffff:169.254.169.254", "::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"] {
            assert!(!open(&["::/0", "10.0.0.0/8"], &[], embedding), "{embedding}");
        }
        assert!(!Policy::default().permits("168.63.129.16".parse().unwrap(), 443));
    }
}
