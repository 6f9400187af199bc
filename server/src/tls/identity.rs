//! Who the server is: a certificate chain and its private key, known to belong together.
//!
//! Not for: whose certificates are believed; that is [`Tls`](super::Tls).

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// A certificate chain and its private key. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.0.cert.len()).finish_non_exhaustive()
    }
}

impl Identity {
    /// A chain, the server's own certificate first, and its key: both in PEM.
    ///
    /// # Errors
    /// `InvalidData` names the argument that holds nothing usable, or says that the two do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> io::Result<Self> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|e| invalid(format!("`certificates`: the certificate cannot be read: {e}")))?;
        if chain.is_empty() {
            return Err(invalid("`certificates`: there is no certificate in PEM".to_owned()));
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|e| invalid(format!("`key`: the key cannot be read: {e}")))?;
        Self::new(chain, key)
    }

    /// A certificate made on the spot, signed by itself, for `localhost`, the loopback addresses and `names`: for development.
    ///
    /// # Errors
    /// A name that cannot stand in a certificate.
    pub fn self_signed(names: &[&str]) -> io::Result<Self> {
        let mut all: Vec<String> = vec!["localhost".to_owned()];
        all.extend([IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)].map(|ip| ip.to_string()));
        all.extend(names.iter().map(|n| (*n).to_owned()));
        let made = rcgen::generate_simple_self_signed(all).map_err(|e| invalid(format!("certificate: {e}")))?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())
            .map_err(|e| invalid(format!("certificate: {e}")))?;
        Self::new(vec![made.cert.der().clone()], key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> io::Result<Self> {
        let provider = rustls::crypto::ring::default_provider();
        let pair = CertifiedKey::from_der(chain, key, &provider).map_err(|e| match e {
            rustls::Error::InconsistentKeys(_) => {
                invalid("`key`: the key does not belong to the certificate".to_owned())
            }
            rustls::Error::InvalidCertificate(_) => {
                invalid("`certificates`: what stands in the PEM is no certificate".to_owned())
            }
            e => invalid(format!("`certificates` and `key` cannot be used: {e}")),
        })?;
        Ok(Self(Arc::new(pair)))
    }

    /// Shows this identity whatever name a client asks for.
    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.0)))
    }

    /// The first certificate of the chain, in PEM: what a client may be told to trust.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        let der = self.0.cert.first().map_or(&[][..], |c| c.as_ref());
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let text = base64(der);
        for (n, c) in text.chars().enumerate() {
            if n > 0 && n % 64 == 0 {
                pem.push('\n');
            }
            pem.push(c);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }
}

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in octets.chunks(3) {
        let bits = group.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
