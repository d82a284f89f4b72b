//! A console that would be on the origin of a pod, that nobody could open, or that has no place.

use super::Report;
use crate::{
    seed,
    settings::{BaseUrl, ConsolePlace, Layout, Settings},
};
use podbell_model::ResourceIri;

impl Report {
    /// Nothing that a pod holds may ever act as one of its pages; where it has no URL, it is simply not served.
    pub(super) fn console(&mut self, settings: &Settings, pods: &[ResourceIri]) {
        let place = settings.console_place();
        let listen = &settings.console.listen;
        let Some(ConsolePlace::Alone(url)) = place else {
            if place.is_none() && settings.console.enabled == Some(true) {
                self.wrong(
                    "console.url",
                    "the console needs a URL here, https and another origin than base_url, or the provider to stand with",
                );
            } else if !listen.is_empty() {
                self.unwise(
                    "console.listen",
                    "nothing listens there: it is only for a console with a URL of its own, console.url",
                );
            }
            return;
        };
        self.console_apart(settings, &url, pods);
        if url.port() == 0 && !url.is_loopback() {
            self.wrong("console.url", "port 0 is only for a URL on this machine");
        }
        if url.is_loopback() && !settings.base().is_loopback() {
            self.wrong("console.url", format!("{url} is on this machine; nobody could open it from elsewhere"));
        } else if !url.is_secure() && !url.is_loopback() {
            let text =
                format!("{url} is http: browsers let nobody sign in there, and its scripts can be changed on the way");
            if settings.is_development() {
                self.unwise("console.url", text);
            } else {
                self.wrong("console.url", text);
            }
        }
        let public = listen.iter().find(|address| address.ip().is_unspecified());
        if let Some(address) = public.filter(|_| settings.proxies.trusted.is_empty() && url.is_secure()) {
            self.unwise(
                "console.listen",
                format!("{address} serves scripts unencrypted to everywhere; listen where only the proxy can reach"),
            );
        }
    }

    fn console_apart(&mut self, settings: &Settings, url: &BaseUrl, pods: &[ResourceIri]) {
        if url.port() == 0 {
            return;
        }
        let base = settings.base();
        if url.origin() == base.origin() {
            self.wrong("console.url", "the console needs an origin without pods, another than base_url");
        }
        let demo = settings.demo_accounts();
        let to_be = demo.iter().filter(|_| settings.seeds() && settings.pods.layout == Layout::Subdomain);
        let to_be = to_be.filter_map(|name| seed::root(&base, settings.pods.layout, name).ok());
        if let Some(pod) = pods.iter().cloned().chain(to_be).find(|pod| pod.origin() == url.origin()) {
            self.wrong("console.url", format!("{pod} is a pod at that origin; the console needs one without pods"));
        }
    }
}
