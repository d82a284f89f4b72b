//! Names that no pod gets, since people or programs take them for the server's own.
//!
//! Each pod may have an origin of its own, so its name may be a host: what mail servers, browsers and certificate
//! authorities look up by convention must not be somebody's. In paths the server's own begin with a dot, which no name of
//! a pod does.
//!
//! Spec: RFC 2142 (mailboxes), RFC 6761 (special names), RFC 5891 §4.2.3.1 (`xn--` is of internationalised names, which
//! may look like others).

const RESERVED: &[&str] = &[
    // The server and its parts.
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "auth",
    "console",
    "id",
    "idp",
    "login",
    "notifications",
    "oidc",
    "podbell",
    "provider",
    "root",
    "sign-up",
    "signup",
    "sso",
    "static",
    "status",
    "system",
    // Hosts that programs look up.
    "autoconfig",
    "autodiscover",
    "broadcasthost",
    "dns",
    "ftp",
    "imap",
    "isatap",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "mta-sts",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "pop",
    "pop3",
    "smtp",
    "wpad",
    "www",
    // Mailboxes that speak for a domain.
    "abuse",
    "help",
    "hostmaster",
    "info",
    "noc",
    "noreply",
    "postmaster",
    "security",
    "ssladmin",
    "support",
    "webmaster",
];

/// Whether the server keeps the name of a pod.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::is_label;

    #[test]
    fn only_names_that_a_pod_could_have_are_reserved() {
        assert!(RESERVED.iter().all(|name| is_label(name) && is_reserved(name)));
        for name in ["www", "localhost", "wpad", "postmaster", "xn--pypal-4ve"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["alice", "carol", "wwww", "admin2", "xn"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn what_the_server_has_in_paths_is_no_name_of_a_pod() {
        assert!([".well-known", ".notifications", ".oidc", ".account"].iter().all(|name| !is_label(name)));
    }
}
