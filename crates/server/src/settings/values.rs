//! Values that a person writes: spans of time, sizes, base URLs, networks.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, net::IpAddr, str::FromStr, time::Duration};
use url::{Host, Url};

/// Why a value was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// No span of time.
    #[error("expected a span of time such as \"90s\", \"72h\", \"14d\", \"PT72H\", or a number of seconds")]
    Span,
    /// No size.
    #[error("expected a size such as \"64 KiB\", \"16 MiB\", \"1 GiB\", or a number of bytes")]
    Size,
    /// No http(s) URL.
    #[error("expected an http or https URL such as \"https://pod.example/\"")]
    Url,
    /// No port.
    #[error("expected a port from 0 to 65535 in the URL, such as \"http://localhost:3000/\"")]
    Port,
    /// More than an origin.
    #[error("expected the root of an origin: no path, query, fragment or user name, as in \"https://pod.example/\"")]
    NotRoot,
    /// No network.
    #[error("expected an address or a network such as \"10.0.0.1\" or \"10.0.0.0/8\"")]
    Network,
}

/// A network: `"10.0.0.0/8"`, or an address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl FromStr for Network {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let alone = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| alone()).map(Self).map_err(|_| ValueError::Network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A span of time: `"90s"`, `"72h"`, `"14d"` (of 24 hours), ISO 8601, or seconds as a number. Not negative, at most 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

const DAY: u64 = 24 * 3_600;

impl Span {
    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// So many days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Self::seconds(days * DAY)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl FromStr for Span {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let duration = if let Ok(seconds) = text.parse() {
            Duration::from_secs(seconds)
        } else {
            let span: jiff::Span = text.parse().map_err(|_| ValueError::Span)?;
            let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| ValueError::Span)?;
            Duration::try_from(duration).map_err(|_| ValueError::Span)?
        };
        if duration.as_secs() > 36_525 * DAY { Err(ValueError::Span) } else { Ok(Self(duration)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            _ if self.0.subsec_nanos() > 0 => write!(f, "{}ms", self.0.as_millis()),
            s if s > 3 * DAY && s.is_multiple_of(DAY) => write!(f, "{}d", s / DAY),
            s if s > 0 && s.is_multiple_of(3_600) => write!(f, "{}h", s / 3_600),
            s if s > 60 && s.is_multiple_of(60) => write!(f, "{}m", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

/// A size in bytes: `"64 KiB"`, `"16 MiB"`, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Size {
    /// So many times 1,024 bytes.
    pub const fn kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// As a length in memory; what does not fit is the largest that does.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for Size {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
        let (number, unit) = (text[..digits].replace('_', ""), text[digits..].trim());
        let number: u64 = number.parse().map_err(|_| ValueError::Size)?;
        let factor = match unit {
            "" => 1,
            unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or(ValueError::Size)?.1,
        };
        number.checked_mul(factor).map(Self).ok_or(ValueError::Size)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) =
            UNITS[..3].iter().find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor)).unwrap_or(&("B", 1));
        write!(f, "{} {unit}", self.0 / factor)
    }
}

/// The root of an origin, with its slash: `https://pod.example/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// `http://localhost:{port}/`.
    pub fn localhost(port: u16) -> Self {
        let mut url = Self(Url::from_str("http://localhost/").unwrap_or_else(|_| unreachable!("a valid URL")));
        url.set_port(port);
        url
    }

    /// The URL, with its slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Scheme and authority, without a slash: what a request target is appended to.
    pub fn origin(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Whether it is `https`.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Its port, the scheme's own if none is written.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(0)
    }

    /// The same with another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.set_port(port);
        self
    }

    fn set_port(&mut self, port: u16) {
        // Fails only for URLs without a host, which parsing refuses.
        let _ = self.0.set_port(Some(port));
    }

    /// Host and port as a `Host` header shows them.
    pub fn authority(&self) -> &str {
        self.0.authority()
    }

    /// Whether the host is this machine itself: `localhost`, a name below it, 127.0.0.0/8 or `::1`.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether the host is an address that only its own network can reach.
    pub fn is_private(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_private() || address.is_link_local(),
            Some(Host::Ipv6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
            Some(Host::Domain(_)) | None => false,
        }
    }

    /// The address, if the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }
}

impl FromStr for BaseUrl {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let url = Url::parse(text.trim()).map_err(|error| match error {
            url::ParseError::InvalidPort => ValueError::Port,
            _ => ValueError::Url,
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(ValueError::Url);
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(ValueError::NotRoot);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text or a number, as a person may write either.
struct Written<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = ValueError>> de::Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match "".parse::<T>() {
            Err(error) => write!(f, "another value: {error}"),
            Ok(_) => f.write_str("text"),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! written {
    ($($type:ty),+) => { $(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Written(std::marker::PhantomData))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+ };
}
written!(Span, Size, BaseUrl, Network);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_every_spelling_and_written_in_one() {
        for (text, seconds, shown) in [
            ("72h", 259_200, "72h"),
            ("PT72H", 259_200, "72h"),
            ("14d", 1_209_600, "14d"),
            ("P14D", 1_209_600, "14d"),
            ("90", 90, "90s"),
            ("10s", 10, "10s"),
            ("15 minutes", 900, "15m"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span, span.to_string().as_str()), (Span::seconds(seconds), shown), "{text}");
        }
        for bad in ["", "-1", "-5s", "P1M", "soon", "P99999999Y", "999999999999999999999", "101y"] {
            assert_eq!(bad.parse::<Span>(), Err(ValueError::Span), "{bad}");
        }
    }

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, shown) in [
            ("64 KiB", 65_536, "64 KiB"),
            ("16MiB", 16 << 20, "16 MiB"),
            ("2_048", 2_048, "2 KiB"),
            ("20 kB", 20_000, "20000 B"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size, size.to_string().as_str()), (Size(bytes), shown), "{text}");
        }
        for bad in ["", "-1", "1.5 MiB", "KiB", "1 XB", "99999999999 GiB"] {
            assert_eq!(bad.parse::<Size>(), Err(ValueError::Size), "{bad}");
        }
    }

    #[test]
    fn a_base_url_is_the_root_of_an_origin() {
        let base: BaseUrl = "https://Pod.Example".parse().unwrap();
        assert_eq!((base.as_str(), base.origin(), base.port()), ("https://pod.example/", "https://pod.example", 443));
        for bad in
            ["https://pod.example/x", "https://u@pod.example/", "https://pod.example/?q", "https://pod.example/#f"]
        {
            assert_eq!(bad.parse::<BaseUrl>(), Err(ValueError::NotRoot), "{bad}");
        }
        for bad in ["pod.example", "ftp://pod.example/", "localhost:3000", ""] {
            assert_eq!(bad.parse::<BaseUrl>(), Err(ValueError::Url), "{bad}");
        }
        assert_eq!("http://localhost:99999".parse::<BaseUrl>(), Err(ValueError::Port));
    }

    #[test]
    fn loopback_is_told_from_lookalikes() {
        for yes in [
            "http://localhost:3000",
            "http://alice.localhost",
            "http://127.9.9.9",
            "http://[::1]:80",
            "http://2130706433",
        ] {
            assert!(yes.parse::<BaseUrl>().unwrap().is_loopback(), "{yes}");
        }
        for no in [
            "http://localhost.example",
            "http://notlocalhost",
            "http://128.0.0.1",
            "http://[::2]",
            "http://127.0.0.1.nip.io",
        ] {
            assert!(!no.parse::<BaseUrl>().unwrap().is_loopback(), "{no}");
        }
    }
}
