//! The settings, section by section. A table: longer than other files, nothing but definitions.
//!
//! The doc comments are what people read in `config.example.toml`; figures are those of the limits that Podbell
//! promises.

use super::{BaseUrl, Network, Size, Span, define::settings};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// What `acl:origin` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginRule {
    /// Nothing.
    Ignore,
    /// It restricts the authorizations that name an origin.
    RestrictIfPresent,
    /// The origin must be granted unless the mode is public.
    Strict,
}

/// Where the pods of a server are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Below the base URL: `https://pod.example/alice/`.
    Path,
    /// Each at an origin of its own, one name below the base URL's: `https://alice.pod.example/`.
    Subdomain,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

settings! {
    /// Podbell's settings.
    ///
    /// Every line shows a default. Each setting can also be given in the environment, by the name in brackets; a flag
    /// wins over the environment, the environment over this file.
    Settings [""] {
        /// The URL at which clients reach this server: the root of an origin. Everything that the server says about
        /// itself begins with it, whatever the Host header of a request says. https, or http on this machine.
        base_url: Option<BaseUrl> = None, example "\"http://localhost:3000/\"";
        /// The addresses to listen on. By default the port of the base URL, on 127.0.0.1 and [::1]. Port 0 takes a free
        /// port. Without a base URL, the port of the first address is also that of the base URL.
        listen: Vec<SocketAddr> = Vec::new();
        /// The directory that holds everything: the database, big bodies, keys, demo.env. It is made if it is missing.
        data: PathBuf = "podbell-data".into();
        /// The demo accounts to have, each with a pod of its own: every start makes those that are missing. By default
        /// the very first start in a data directory makes alice and bob, and no later one makes any; [] makes none ever.
        /// In the environment and as a flag: alice,bob or none. Only on a server in development.
        seed: Option<Vec<String>> = None, example "[\"alice\", \"bob\"]";
    } with {
        /// The pods.
        pods: Pods;
        /// The OpenID provider.
        provider: Provider;
        /// The console.
        console: Console;
        /// What only a server in development may do.
        development: Development;
        /// Proxies in front of this server.
        proxies: Proxies;
        /// Web Access Control.
        wac: Wac;
        /// Proofs of possession.
        dpop: Dpop;
        /// The ESS gateway.
        ess: Ess;
        /// The legacy socket.
        solid_0_1: Solid01;
        /// Linked Web Storage.
        lws: Lws;
        /// Limits.
        limits: Limits;
        /// How long history is kept.
        retention: Retention;
        /// This server as a sender of webhooks, to inboxes and to push services.
        sender: Sender;
        /// Logging.
        log: Log;
        /// Fetching from other servers.
        egress: Egress;
        /// What is sent to receivers.
        webhooks: Webhooks;
    }

    /// The pods.
    Pods ["pods"] {
        /// Where pods are: "path": below the base URL, https://pod.example/alice/; "subdomain": each at an origin of
        /// its own, https://alice.pod.example/, so that browsers keep apart what different people's pods hold. The
        /// names below the base URL's must then lead to this server. Pods stay where they were
        /// made, so a directory keeps the layout that it began with.
        layout: Layout = Layout::Path;
    }

    /// The OpenID provider that comes with Podbell: people of this server log in to apps with it. It has an origin of
    /// its own, so that what pods hold can never act as one of its pages.
    Provider ["provider"] {
        /// Whether it is served. By default it is if the base URL is on this machine. On a public name it is served in
        /// earnest once this says so: both URLs must be https then, and it makes no demo accounts. `podbell account`
        /// makes accounts and invitations.
        enabled: Option<bool> = None, example "true";
        /// Its URL. By default the host of the base URL with the next port; on a public name it must be set.
        url: Option<BaseUrl> = None, example "\"http://localhost:3001/\"";
        /// The addresses that it listens on. By default those of the server with the port of its URL.
        listen: Vec<SocketAddr> = Vec::new();
        /// Logs in to the first demo account without asking. Only on a server in development.
        auto_login: bool = false;
    }

    /// The console: pages for people. There they hear a notification arrive, and see who listens to their pods. It has no
    /// cookies and no rights of its own; whoever signs in there acts as themselves, with any provider. It is never on the
    /// origin of a pod, so that what pods hold can never act as one of its pages.
    Console ["console"] {
        /// Whether it is served. By default it is wherever it has a URL.
        enabled: Option<bool> = None, example "true";
        /// Its URL: that of the provider, or of an origin that nothing else is on. By default that of the provider; without
        /// one, the host of the base URL with the next port if that is on this machine, else none.
        url: Option<BaseUrl> = None, example "\"https://console.example/\"";
        /// The addresses that it listens on if its URL is not the provider's. By default those of the server with the port
        /// of its URL.
        listen: Vec<SocketAddr> = Vec::new();
    }

    /// Development. A server is one for development if its base URL is on this machine. It alone may fetch documents
    /// from this machine, call http targets, offer ws: URLs and log in by itself.
    Development ["development"] {
        /// Treats a server with a public name as one for development. Everybody who reaches it can then make it fetch
        /// from the machine it runs on.
        unsafe_on_public_name: bool = false;
    }

    /// Proxies in front of this server, for TLS or for balancing.
    Proxies ["proxies"] {
        /// The addresses or networks whose X-Forwarded-For and X-Forwarded-Host headers are believed.
        /// From all others these headers are ignored.
        trusted: Vec<Network> = Vec::new();
    }

    /// Web Access Control.
    Wac ["wac"] {
        /// What acl:origin does: "ignore"; "restrict-if-present": it restricts the authorizations that name an origin;
        /// "strict": as the specification says, which official tests do not pass.
        origin: OriginRule = OriginRule::RestrictIfPresent;
        /// Whether acl:condition (WAC editor's draft 1.1) is understood. If not, ACLs that use it are refused.
        conditions: bool = true;
        /// How long a group document on another server is believed, at most a minute. Whoever it no longer names hears
        /// for so long at most. The storage description says it.
        remote_groups: Span = Span::seconds(60);
    }

    /// Proofs of possession (DPoP).
    Dpop ["dpop"] {
        /// Whether a proof must carry `ath`, the hash of its token. Deployed clients leave it out; one that is there is
        /// always checked.
        require_ath: bool = false;
    }

    /// The gateway that speaks the notification protocol of Inrupt's Enterprise Solid Server.
    Ess ["ess"] {
        /// Whether its messages name who made a change. That protocol requires it, all others leave it out.
        actor: bool = true;
    }

    /// The legacy socket, solid-0.1, of SolidOS and of other apps that are built on rdflib.
    Solid01 ["solid_0_1"] {
        /// Whether it is served, and answers lead to it with Updates-Via.
        enabled: bool = true;
        /// How long the URL in Updates-Via speaks for the agent to whom it was told. A new one is told after half of
        /// that. What the agent may not read is never told, however long it lasts.
        capability_life: Span = Span::days(14);
        /// Resources that one socket hears of.
        subscriptions_per_socket: usize = 100;
        /// The largest message, in bytes. A socket that sends one above limits.message is closed.
        message: Size = Size::kib(16);
        /// Messages of one socket in one second; what comes faster is read later.
        messages_per_second: u32 = 200;
    }

    /// Notifications of Linked Web Storage. Follows a draft of 2026-06-29, and may change with it.
    Lws ["lws"] {
        /// Whether they are offered.
        enabled: bool = true;
        /// Whether its messages name who made a change. The draft advises against it.
        actor: bool = false;
        /// How long a subscription to an event stream stays after its connection is gone, for a client that comes back.
        grace: Span = Span::seconds(60);
        /// The authorization servers whose tokens are taken at this door, as Bearer; exactly as they write themselves. They
        /// are believed, whoever they say that somebody is. The audience of a token must be the base URL alone.
        authorization_servers: Vec<String> = Vec::new();
    }

    /// Limits. Whoever goes past one gets a clear answer; nothing is lost.
    Limits ["limits"] {
        /// The largest request head, in bytes.
        header_bytes: Size = Size::kib(16);
        /// The most header lines of a request.
        header_lines: usize = 100;
        /// The time in which the head of a request must be complete; also how long an idle connection is kept.
        header_timeout: Span = Span::seconds(10);
        /// The longest request target, in bytes.
        url_bytes: usize = 2_048;
        /// The time in which the next part of a request body must arrive; small bodies must be complete in it, and large
        /// ones go on with at least 4 KiB a second.
        body_timeout: Span = Span::seconds(30);
        /// The largest body of a control document: an ACL, a subscription.
        control_body: Size = Size::kib(64);
        /// The largest body of any other resource. RDF documents end at 16 MiB whatever it says.
        upload: Size = Size(16 << 30);
        /// The memory that RDF documents which are worked on at once may come to, in the whole server. Each counts with
        /// 512 times its size, at most 128 MiB: little text can be many long terms. What does not fit waits for up to ten
        /// seconds, and is then answered 503. A quarter is for small documents alone, by default of at most 64 KiB, so that
        /// large ones do not hold them up. What is received of large ones, and what is made of them and not sent yet, may take
        /// as much again each.
        rdf_memory: Size = Size(512 << 20);
        /// What one pod may hold, all its resources together; `podbell pod quota` says otherwise for one. By default what
        /// the disk holds.
        pod: Option<Size> = None, example "\"10 GiB\"";
        /// Connections at once.
        connections: usize = 20_000;
        /// Connections at once from one address (IPv6: from one /64 network). Trusted proxies and this machine are exempt;
        /// of what comes through a trusted proxy, those count that listen without a log-in.
        connections_per_address: usize = 256;
        /// Connections at once of one agent that listen, with all its clients.
        connections_per_agent: u32 = 5_000;
        /// The same of one agent with one client.
        connections_per_client: u32 = 1_000;
        /// Channels that agents who do not log in may make in one hour from one address (IPv6: from one /64 network).
        anonymous_channels_per_hour: u32 = 200;
        /// Channels of agents who do not log in, from one address, as far as it is told apart from this machine's.
        anonymous_channels_per_address: u64 = 200;
        /// Channels of all agents who do not log in, together.
        anonymous_channels: u64 = 100_000;
        /// The longest life of a channel of an agent who does not log in.
        anonymous_channel_life: Span = Span::days(1);
        /// Connections at once that one capability URL opens.
        connections_per_capability: u32 = 3;
        /// Channels of one agent, with all its clients. In all they have eight times as many topics at most; so have those
        /// of one address without a log-in.
        channels_per_agent: u64 = 5_000;
        /// Channels of one agent with one client.
        channels_per_client: u64 = 1_000;
        /// Channels that have one topic, of all agents together. The owner of the storage may always listen.
        channels_per_topic: u64 = 10_000;
        /// Topics of one channel.
        topics_per_channel: usize = 128;
        /// The life of a channel that asks for no end; also the longest it may ask for.
        channel_life: Span = Span::days(14);
        /// How long a capability URL waits to be used the first time.
        unused_capability: Span = Span::seconds(60);
        /// What waits for one slow listener, in bytes.
        send_queue: Size = Size::kib(256);
        /// The largest message that a listener may send, in bytes.
        message: Size = Size::kib(64);
        /// How often a silent listener is pinged; one that misses two is gone.
        ping: Span = Span::seconds(25);
        /// Streams at once of one HTTP/2 connection.
        http2_streams: u32 = 100;
        /// Streams that one HTTP/2 connection may reset before it is closed.
        http2_resets: usize = 20;
        /// How long sent data may stay unacknowledged before the connection is cut.
        unacknowledged: Span = Span::seconds(60);
        /// How long requests may go on once the server was asked to stop.
        shutdown: Span = Span::seconds(30);
    }

    /// How long the history of changes is kept, for listeners that come back. Whichever is reached first.
    Retention ["retention"] {
        /// By time.
        time: Span = Span::seconds(72 * 3_600);
        /// By number of records in one storage.
        records: u64 = 1_000_000;
    }

    /// This server as a sender of webhooks, to inboxes and to push services: its WebID is at /.notifications/sender.
    Sender ["sender"] {
        /// How long a key signs; the next one is published a day before it takes over, and each for two days after. The
        /// key for push services stays: browsers are bound to it. `podbell sender rotate` makes new keys by hand.
        key_life: Span = Span::days(90);
    }

    /// Logging, to standard error.
    Log ["log"] {
        /// "text" or "json".
        format: LogFormat = LogFormat::Text;
        /// How much: error, warn, info, debug or trace, also for one part of the program: "info,podbell_server=debug".
        level: String = "info".to_owned();
    }

    /// Requests to other servers: identity providers, WebID documents, groups, receivers of notifications.
    Egress ["egress"] {
        /// Files with certificates (PEM) of authorities to trust besides those of the web.
        extra_roots: Vec<PathBuf> = Vec::new();
        /// The networks that may be connected to although they are not of the public internet, for receivers and
        /// identity providers of your own: with https, on every port. Everybody who subscribes can make this server
        /// connect there. Addresses that hand out credentials to whoever asks, such as 169.254.169.254 and
        /// fd00:ec2::254, are among them only if they are named alone.
        allowed: Vec<Network> = Vec::new();
    }

    /// Webhooks, inboxes and Web Push: what is sent to receivers that subscribers name.
    Webhooks ["webhooks"] {
        /// The time in which a receiver must have answered.
        timeout: Span = Span::seconds(15);
        /// The largest message; of what is longer, the receiver is told what changed and nothing else.
        payload: Size = Size(20_000);
        /// Requests a second to one host and port, over all subscribers; to receivers on this server 200 at least.
        per_second: u32 = 10;
        /// How many may go at once after a silence.
        burst: u32 = 50;
        /// Requests under way at once, in all.
        at_once: usize = 256;
        /// Requests under way at once to one host and port.
        at_once_per_target: usize = 8;
        /// What one channel may be owed; of an agent with more than a hundred that push, each has a part of what a hundred
        /// may be owed. Past it changes are counted, not kept, and the subscriber can see that some were missed.
        pending: u64 = 10_000;
        /// Channels that push, of one agent about one topic.
        channels_per_topic: u64 = 1_000;
        /// Hosts and ports that the channels of one agent push to.
        targets_per_agent: u64 = 1_000;
        /// A channel of which nothing has been acknowledged for so long is switched off.
        disable_after: Span = Span::days(5);
        /// One that is switched off is removed after so long.
        remove_after: Span = Span::days(14);
        /// How often the owner of a channel may ping it, have deliveries repeated and change its secret, in one minute.
        requests_per_minute: u32 = 30;
        /// Whom push services write to if something is wrong with what this server sends: a mailto: or https: URL. By
        /// default the base URL.
        contact: Option<String> = None, example "\"mailto:admin@pod.example\"";
    }
}
