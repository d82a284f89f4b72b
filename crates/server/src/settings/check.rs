//! What is wrong or unwise about settings that can be read.
//!
//! Wrong settings keep the server from starting: it fails closed. Unwise ones are told and obeyed.

mod data;

use super::{Layout, Loaded, Settings, faults::Place};
use podbell_model::ResourceIri;
use std::{fmt, net::IpAddr};

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
    report.listening(settings);
    report.provider(settings, &pods);
    report.accounts(settings);
    report.limits(settings);
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
            if network.prefix_len() == 0 {
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
            ("retention.time", settings.retention.time),
        ];
        for (setting, span) in spans {
            if span.0.is_zero() {
                self.wrong(setting, "must not be 0");
            }
        }
        if limits.http2_streams == 0 {
            self.wrong("limits.http2_streams", "must not be 0");
        }
        if limits.connections_per_address > limits.connections {
            self.unwise("limits.connections_per_address", "one address can take every connection");
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
mod tests {
    use super::*;
    use crate::settings::load;

    fn check(toml: &str) -> Vec<(Severity, &'static str)> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), toml).unwrap();
        let loaded = load(Some(file.path()), Vec::new(), Vec::new()).unwrap();
        findings(&loaded).into_iter().map(|finding| (finding.severity, finding.setting)).collect()
    }

    use Severity::{Unwise, Wrong};

    #[test]
    fn the_defaults_are_neither_wrong_nor_unwise() {
        assert_eq!(check("data = \"/nowhere\""), []);
    }

    #[test]
    fn http_on_a_public_name_is_refused() {
        assert!(check("base_url = \"http://pod.example/\"").contains(&(Wrong, "base_url")));
        assert!(check("base_url = \"http://203.0.113.7:3000/\"").contains(&(Wrong, "base_url")));
        assert_eq!(
            check("base_url = \"http://192.168.1.5:3000/\"\nseed = []"),
            [(Unwise, "base_url"), (Unwise, "seed")]
        );
        let named = check("base_url = \"http://pod.example/\"\n[development]\nunsafe_on_public_name = true");
        assert!(named.iter().all(|(severity, _)| *severity == Unwise), "{named:?}");
    }

    #[test]
    fn the_provider_is_off_unless_on_this_machine_or_asked_for() {
        let served = |toml: &str| toml::from_str::<Settings>(toml).unwrap().serves_provider();
        let public = "base_url = \"https://pod.example/\"\n";
        assert!(served("") && !served("[provider]\nenabled = false") && !served(public));
        assert!(served(&format!("{public}[provider]\nenabled = true")));
        assert!(!served(&format!("{public}[development]\nunsafe_on_public_name = true")));
    }

    #[test]
    fn the_provider_in_earnest_takes_https_at_an_origin_of_its_own() {
        let with = |base: &str, url: &str| {
            check(&format!(
                "seed = []\nbase_url = \"{base}\"\n[pods]\nlayout = \"subdomain\"\n[proxies]\ntrusted = [\"10.0.0.1/32\"]\n\
                 [provider]\nenabled = true\n{url}"
            ))
        };
        let good = with("https://pod.example/", "url = \"https://id.example/\"");
        assert_eq!(good, [(Unwise, "seed")], "only that there is no pod yet");
        for (url, what) in [
            ("", "no URL"),
            ("url = \"http://id.example/\"", "http"),
            ("url = \"https://pod.example/\"", "the pods' origin"),
            ("url = \"http://localhost:3001/\"", "this machine"),
        ] {
            assert!(with("https://pod.example/", url).contains(&(Wrong, "provider.url")), "{what}");
        }
        let beside = with("https://pod.example/", "url = \"https://pod.example:8443/\"");
        assert_eq!(beside, [(Unwise, "seed"), (Unwise, "provider.url")]);
        let private = with("http://192.168.1.5:3000/", "url = \"https://id.example/\"");
        assert!(private.contains(&(Wrong, "provider.enabled")), "{private:?}");
        let open = with("https://pod.example/", "url = \"https://id.example/\"\nauto_login = true");
        assert!(open.contains(&(Wrong, "provider.auto_login")), "{open:?}");
        let bare = "base_url = \"https://pod.example/\"\n[provider]\nenabled = true\nurl = \"https://id.example/\"\n\
                    listen = [\"0.0.0.0:3001\"]";
        let bare = check(bare);
        assert!(bare.contains(&(Unwise, "provider.listen")) && bare.contains(&(Unwise, "proxies.trusted")), "{bare:?}");
        let demo = check(&format!(
            "seed = [\"alice\"]\n{}",
            "base_url = \"https://pod.example/\"\n[provider]\nenabled = true"
        ));
        assert!(demo.contains(&(Wrong, "seed")), "{demo:?}");
    }

    #[test]
    fn development_habits_on_a_public_name_are_refused() {
        let public = "base_url = \"https://pod.example/\"\n[provider]\nauto_login = true\n";
        assert!(check(public).contains(&(Wrong, "provider.auto_login")));
        assert!(check("base_url = \"https://pod.example:0/\"").contains(&(Wrong, "base_url")));
    }

    #[test]
    fn pods_have_names_of_their_own_only_below_a_name() {
        let layout = "[pods]\nlayout = \"subdomain\"";
        assert_eq!(check(&format!("base_url = \"http://localhost:3000/\"\n{layout}")), []);
        assert!(check(&format!("base_url = \"http://127.0.0.1:3000/\"\n{layout}")).contains(&(Wrong, "pods.layout")));
        let public = "base_url = \"https://pod.example/\"\n[proxies]\ntrusted = [\"10.0.0.1/32\"]\n";
        assert_eq!(check(public), [(Unwise, "base_url"), (Unwise, "seed")]);
        assert_eq!(check(&format!("{public}{layout}")), [(Unwise, "seed")]);
    }

    #[test]
    fn provider_and_pods_never_share_an_origin() {
        let shared = "base_url = \"http://localhost:3000/\"\n[provider]\nurl = \"http://localhost:3000/\"\n";
        assert!(check(shared).contains(&(Wrong, "provider.url")));
    }

    #[test]
    fn what_others_can_reach_is_unwise_in_development() {
        assert!(check("listen = [\"0.0.0.0:3000\"]").contains(&(Unwise, "listen")));
        assert!(
            check("base_url = \"http://localhost:4000/\"\nlisten = [\"127.0.0.1:5000\"]").contains(&(Unwise, "listen"))
        );
    }

    #[test]
    fn what_cannot_be_seeded_is_refused_if_it_was_asked_for() {
        let public = "base_url = \"https://pod.example/\"\n[proxies]\ntrusted = [\"10.0.0.1/32\"]\n";
        assert!(check(&format!("seed = [\"alice\"]\n{public}")).contains(&(Wrong, "seed")));
        assert!(check(&format!("seed = []\n{public}")).contains(&(Unwise, "seed")));
        assert_eq!(check("seed = [\"alice\"]\n[provider]\nenabled = false"), [(Wrong, "seed")]);
        assert_eq!(check("[provider]\nenabled = false"), [(Unwise, "seed")]);
    }

    #[test]
    fn ports_that_lead_nowhere_are_told() {
        let last = "base_url = \"http://localhost:65535/\"\n";
        assert_eq!(check(last), [(Wrong, "provider.url")]);
        assert_eq!(check(&format!("{last}[provider]\nurl = \"http://localhost:4001/\"")), []);
        assert_eq!(check("base_url = \"http://localhost:4000/\"\nlisten = [\"127.0.0.1:0\"]"), [(Unwise, "listen")]);
        assert_eq!(check("base_url = \"http://localhost:0/\"\nlisten = [\"127.0.0.1:5000\"]"), []);
        assert_eq!(check("listen = [\"127.0.0.1:0\"]"), []);
    }

    #[test]
    fn trusting_everybody_is_refused() {
        assert!(check("[proxies]\ntrusted = [\"0.0.0.0/0\"]").contains(&(Wrong, "proxies.trusted")));
    }

    #[test]
    fn account_names_are_checked() {
        for bad in ["\"Alice\"", "\"\"", "\"../x\"", "\"a b\"", "\"a\", \"a\"", "\"-a\"", "\"none\"", "\"none\", \"a\""]
        {
            assert!(check(&format!("seed = [{bad}]")).contains(&(Wrong, "seed")), "{bad}");
        }
    }

    #[test]
    fn senseless_limits_and_missing_files_are_refused() {
        assert!(check("[limits]\nheader_bytes = 10").contains(&(Wrong, "limits.header_bytes")));
        assert!(check("[limits]\nheader_timeout = 0").contains(&(Wrong, "limits.header_timeout")));
        assert!(check("[egress]\nextra_roots = [\"/nowhere.pem\"]").contains(&(Wrong, "egress.extra_roots")));
        assert!(check("[log]\nlevel = \"podbell=loud\"").contains(&(Wrong, "log.level")));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[log]\n[limits]\n  url_bytes = 1\n").unwrap();
        let told = findings(&load(Some(file.path()), Vec::new(), Vec::new()).unwrap())[0].to_string();
        let place = format!("error: {}:3:15: limits.url_bytes: 1 is outside", file.path().display());
        assert!(told.starts_with(&place), "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn a_data_directory_open_to_others_is_unwise_and_secrets_open_to_them_are_wrong() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().unwrap();
        let toml = format!("data = {:?}", data.path());
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(check(&toml), [(Unwise, "data")]);
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(check(&toml), []);
        let secret = data.path().join("demo.env");
        std::fs::write(&secret, "").unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(check(&toml), [(Wrong, "data")]);
        std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(check(&toml)[0], (Wrong, "data"));
    }

    #[test]
    fn somebody_elses_directory_is_unwise() {
        let data = tempfile::tempdir().unwrap();
        let is_foreign = || {
            let mut loaded = load(None, Vec::new(), Vec::new()).unwrap();
            loaded.settings.data = data.path().to_owned();
            findings(&loaded).iter().any(|finding| finding.text.contains("not of Podbell"))
        };
        std::fs::write(data.path().join(".hidden"), "").unwrap();
        assert!(!is_foreign());
        std::fs::write(data.path().join("letter.txt"), "").unwrap();
        assert!(is_foreign());
        std::fs::write(data.path().join("demo.env"), "").unwrap();
        assert!(!is_foreign());
    }

    #[test]
    fn a_data_directory_that_cannot_be_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(check(&format!("data = {file:?}")), [(Wrong, "data")]);
        assert_eq!(check(&format!("data = {:?}", file.join("a/b"))), [(Wrong, "data")]);
        assert_eq!(check(&format!("data = {:?}", parent.path().join("a/b"))), []);
        assert!(!parent.path().join("a").exists());
        std::fs::remove_file(&file).unwrap();
        let database = parent.path().join("podbell.sqlite3");
        std::fs::write(&database, "no database, but a letter ".repeat(100)).unwrap();
        assert!(check(&format!("data = {:?}", parent.path())).contains(&(Wrong, "data")));
    }
}
