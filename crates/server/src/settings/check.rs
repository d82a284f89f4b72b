//! What is wrong or unwise about settings that can be read.
//!
//! Wrong settings keep the server from starting: it fails closed. Unwise ones are told and obeyed.

mod console;
mod data;
mod lws;
mod solid_0_1;

use super::{Layout, Loaded, Settings, Span, faults::Place};
use podbell_model::ResourceIri;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The server starts, but think again.
    Unwise,
    /// The server does not start.
    Wrong,
}

/// One thing that is wrong or unwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it was written, if in the file of settings.
    pub place: Option<Place>,
    /// The setting, by its dotted path.
    pub setting: &'static str,
    /// What, and what to do.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Unwise => "unwise",
            Severity::Wrong => "error",
        };
        write!(f, "{severity}: ")?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{}: {}", self.setting, self.text)
    }
}

/// Everything that is wrong or unwise, the wrong first.
pub fn findings(loaded: &Loaded) -> Vec<Finding> {
    let mut report = Report::default();
    let settings = &loaded.settings;
    report.base_url(settings);
    let pods = report.data(settings);
    report.pods(settings, !pods.is_empty());
    report.egress(settings);
    report.listening(settings);
    report.provider(settings, &pods);
    report.console(settings, &pods);
    report.accounts(settings);
    report.limits(settings);
    report.sending(settings);
    report.sender(settings);
    report.authorization_servers(settings);
    report.legacy_socket(settings);
    report.files(settings);
    for variable in &loaded.unknown_variables {
        report.unwise("environment", format!("{variable} names no setting; is it misspelt?"));
    }
    for finding in &mut report.0 {
        finding.place = loaded.places.get(finding.setting).cloned();
    }
    report.0.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    report.0
}

#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn wrong(&mut self, setting: &'static str, text: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Wrong, place: None, setting, text: text.into() });
    }

    fn unwise(&mut self, setting: &'static str, text: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Unwise, place: None, setting, text: text.into() });
    }

    /// Demo accounts that cannot be made, and a server that holds nothing.
    fn pods(&mut self, settings: &Settings, has_pods: bool) {
        if settings.seeds() {
            return;
        }
        if settings.seed.as_ref().is_some_and(|asked| !asked.is_empty()) {
            let reason =
                if settings.is_development() { "the provider is off" } else { "this server has a public name" };
            self.wrong(
                "seed",
                format!("demo accounts cannot be made: {reason}; leave them out, or start on http://localhost with the provider"),
            );
        } else if !has_pods {
            self.unwise(
                "seed",
                format!(
                    "{} holds no pod yet: once it has started, `podbell pod create NAME` makes one, or with the provider \
                     on `podbell account add NAME`",
                    settings.data.display()
                ),
            );
        }
    }

    fn base_url(&mut self, settings: &Settings) {
        let base = settings.base();
        if !base.is_secure() && !base.is_loopback() {
            if settings.development.unsafe_on_public_name || base.is_private() {
                self.unwise(
                    "base_url",
                    format!("{base} is not encrypted: everybody on the way can read and change everything"),
                );
            } else {
                self.wrong(
                    "base_url",
                    format!("{base} is http on a public name; use https, with a TLS proxy in front"),
                );
            }
        }
        if settings.development.unsafe_on_public_name && !base.is_loopback() {
            self.unwise(
                "development.unsafe_on_public_name",
                "whoever reaches this server can make it fetch from the machine it runs on",
            );
        }
        let has_origins = settings.pods.layout == Layout::Subdomain;
        if has_origins && base.url().domain().is_none() {
            self.wrong("pods.layout", format!("{base} is an address; there are no names below it, use \"path\""));
        }
        if !has_origins && base.is_secure() && base.url().domain().is_some() && settings.has_many_people() {
            self.unwise(
                "base_url",
                "several people's pods share one origin; browsers do not keep apart what they hold, unless pods.layout \
                 is \"subdomain\"",
            );
        }
        if base.port() == 0 && !base.is_loopback() {
            self.wrong("base_url", "port 0 is only for a base URL on this machine");
        }
    }

    fn sender(&mut self, settings: &Settings) {
        if settings.sender.key_life < Span::days(4) {
            self.wrong(
                "sender.key_life",
                "a key is published for three days beside others; let it sign for four at least",
            );
        }
    }

    /// Networks that are opened to requests of this server, and hold more than receivers.
    fn egress(&mut self, settings: &Settings) {
        let own = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        for network in &settings.egress.allowed {
            if network.0.prefix_len() == 0 {
                self.wrong("egress.allowed", format!("{network} is everything; name the networks of your receivers"));
            } else if own.iter().any(|own| network.0.contains(own)) {
                self.unwise(
                    "egress.allowed",
                    format!("{network} holds this machine: whoever subscribes can make the server connect to it"),
                );
            }
        }
    }

    fn listening(&mut self, settings: &Settings) {
        let base = settings.base();
        let public = settings.listen.iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = public
            && settings.is_development()
        {
            self.unwise(
                "listen",
                format!("{address} can be reached by others, and this server is one for development"),
            );
        }
        let wildcard = |ip: &IpAddr| ip.is_unspecified();
        if let Some(address) = public.filter(|address| wildcard(&address.ip()))
            && base.is_secure()
            && settings.proxies.trusted.is_empty()
        {
            self.unwise(
                "listen",
                format!(
                    "{address} takes unencrypted connections from everywhere; listen where only the proxy can reach"
                ),
            );
        }
        let ports: Vec<_> = settings.listen.iter().map(std::net::SocketAddr::port).collect();
        let is_elsewhere = !ports.is_empty() && !ports.contains(&base.port());
        if base.is_loopback() && base.port() != 0 && is_elsewhere {
            self.unwise(
                "listen",
                format!(
                    "nothing listens on port {} of the base URL; without something in front that leads from there, leave \
                     out one of the two",
                    base.port()
                ),
            );
        }
        if base.is_secure() && settings.proxies.trusted.is_empty() {
            self.unwise(
                "proxies.trusted",
                "an https base URL needs a TLS proxy in front; without its address here all clients share the limits of one",
            );
        }
        for network in &settings.proxies.trusted {
            if network.0.prefix_len() == 0 {
                self.wrong("proxies.trusted", format!("{network} is everybody"));
            }
        }
    }

    fn provider(&mut self, settings: &Settings, pods: &[ResourceIri]) {
        let base = settings.base();
        let provider = &settings.provider;
        if settings.serves_provider() && !base.is_loopback() {
            self.provider_in_earnest(settings);
        }
        if provider.auto_login && !settings.is_development() {
            self.wrong("provider.auto_login", "only a server in development may log in without asking");
        }
        if settings.serves_provider() && provider.url.is_none() && base.port() == u16::MAX {
            self.wrong(
                "provider.url",
                format!(
                    "the provider takes the port after the base URL's, and there is none after {}; say which",
                    u16::MAX
                ),
            );
        }
        let Some(url) = provider.url.as_ref().filter(|_| settings.serves_provider()) else { return };
        if url.origin() == base.origin() && url.port() != 0 {
            self.wrong("provider.url", "the provider needs an origin of its own, another than base_url");
        }
        if let Some(pod) = pods.iter().find(|pod| pod.origin() == url.origin()) {
            self.wrong("provider.url", format!("{pod} is a pod at that origin; the provider needs one of its own"));
        }
        if !url.is_secure() && !url.is_loopback() && !settings.is_development() {
            self.wrong("provider.url", format!("{url} is http on a public name"));
        }
    }

    /// The provider where strangers reach it: passwords and tokens of real people.
    fn provider_in_earnest(&mut self, settings: &Settings) {
        let (base, url) = (settings.base(), &settings.provider.url);
        if settings.seeds() {
            self.unwise("provider.enabled", "demo accounts can be logged in to from everywhere");
        }
        match url {
            None => self.wrong(
                "provider.url",
                "on a public name the provider needs a URL of its own, https and another origin than base_url",
            ),
            Some(url) if url.is_loopback() => {
                self.wrong("provider.url", format!("{url} is on this machine; nobody could log in from elsewhere"));
            }
            Some(url) if url.url().host() == base.url().host() => self.unwise(
                "provider.url",
                "it shares its host name with base_url: browsers keep the cookies of two ports together",
            ),
            Some(_) => {}
        }
        if !settings.is_development() && !base.is_secure() {
            self.wrong("provider.enabled", format!("{base} is http: passwords and tokens could be read on the way"));
        }
        let public = settings.provider.listen.iter().find(|address| address.ip().is_unspecified());
        if let Some(address) = public.filter(|_| settings.proxies.trusted.is_empty()) {
            self.unwise(
                "provider.listen",
                format!("{address} takes passwords unencrypted from everywhere; listen where only the proxy can reach"),
            );
        }
    }

    fn accounts(&mut self, settings: &Settings) {
        let asked = settings.demo_accounts();
        for name in &asked {
            if name == "none" {
                self.wrong("seed", "\"none\" means no account at all, so it stands alone and is no account's name");
                continue;
            }
            let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
            let holds = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !starts || !holds || name.len() > 63 || name.ends_with('-') {
                self.wrong(
                    "seed",
                    format!("{name:?} is no account name: a-z, 0-9 and '-', a letter first, at most 63"),
                );
            }
        }
        let mut names = asked.clone();
        names.sort();
        names.dedup();
        if names.len() != asked.len() {
            self.wrong("seed", "an account is named twice");
        }
    }

    fn limits(&mut self, settings: &Settings) {
        let limits = &settings.limits;
        let sized = [
            ("limits.header_bytes", limits.header_bytes.bytes(), 4_096, 1 << 20),
            ("limits.header_lines", limits.header_lines, 20, 1_000),
            ("limits.url_bytes", limits.url_bytes, 256, 60_000),
            ("limits.control_body", limits.control_body.bytes(), 1_024, 1 << 24),
            ("limits.connections", limits.connections, 1, 10_000_000),
            ("limits.connections_per_address", limits.connections_per_address, 1, 10_000_000),
            ("limits.send_queue", limits.send_queue.bytes(), 4_096, 1 << 28),
            ("limits.message", limits.message.bytes(), 125, 1 << 24),
            ("limits.topics_per_channel", limits.topics_per_channel, 1, 10_000),
            ("webhooks.payload", settings.webhooks.payload.bytes(), 1_024, 1 << 20),
            ("webhooks.at_once", settings.webhooks.at_once, 1, 100_000),
            ("webhooks.at_once_per_target", settings.webhooks.at_once_per_target, 1, 100_000),
        ];
        for (setting, value, least, most) in sized {
            if value < least || value > most {
                self.wrong(setting, format!("{value} is outside of {least} to {most}"));
            }
        }
        let spans = [
            ("limits.header_timeout", limits.header_timeout),
            ("limits.body_timeout", limits.body_timeout),
            ("limits.ping", limits.ping),
            ("limits.unacknowledged", limits.unacknowledged),
            ("limits.channel_life", limits.channel_life),
            ("webhooks.timeout", settings.webhooks.timeout),
            ("webhooks.disable_after", settings.webhooks.disable_after),
            ("webhooks.remove_after", settings.webhooks.remove_after),
            ("retention.time", settings.retention.time),
        ];
        for (setting, span) in spans {
            if span.0.is_zero() {
                self.wrong(setting, "must not be 0");
            }
        }
        let groups = settings.wac.remote_groups.0;
        if groups.is_zero() || groups > crate::authorize::REMOTE_GROUP_BOUND {
            self.wrong("wac.remote_groups", "must be more than 0 and at most a minute");
        }
        if limits.http2_streams == 0 {
            self.wrong("limits.http2_streams", "must not be 0");
        }
        if limits.connections_per_address > limits.connections {
            self.unwise("limits.connections_per_address", "one address can take every connection");
        }
    }

    fn sending(&mut self, settings: &Settings) {
        let webhooks = &settings.webhooks;
        let counts = [
            ("webhooks.per_second", u64::from(webhooks.per_second)),
            ("webhooks.burst", u64::from(webhooks.burst)),
            ("webhooks.pending", webhooks.pending),
            ("webhooks.channels_per_topic", webhooks.channels_per_topic),
            ("webhooks.targets_per_agent", webhooks.targets_per_agent),
        ];
        for (setting, count) in counts {
            if count == 0 {
                self.wrong(setting, "must not be 0");
            }
        }
        let is_contact = |contact: &&String| contact.starts_with("mailto:") || contact.starts_with("https://");
        if webhooks
            .contact
            .as_ref()
            .is_some_and(|contact| !is_contact(&contact) || contact.contains(char::is_whitespace))
        {
            self.wrong("webhooks.contact", "expected \"mailto:\" and an address, or an https URL");
        }
    }

    fn files(&mut self, settings: &Settings) {
        for file in &settings.egress.extra_roots {
            if let Err(error) = std::fs::File::open(file) {
                self.wrong("egress.extra_roots", format!("cannot read {}: {error}", file.display()));
            }
        }
        if settings.log.level.parse::<tracing_subscriber::filter::Targets>().is_err() {
            self.wrong(
                "log.level",
                format!(
                    "expected error, warn, info, debug or trace, also for one part of the program as in \
                     \"info,podbell_server=debug\", found {:?}",
                    settings.log.level
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests;
