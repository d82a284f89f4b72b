//! Whether the time that a refusal takes tells what it refuses: what is there, what was there and what never was are
//! asked for in turn, on one connection, and the means are compared.
//!
//! The slowest twentieth of all samples is left out before: what else happens on the machine would hide a difference.
//! Welch's t says how far apart two means are, in standard errors. An oracle is what is both sure and worth something:
//! t above 4.5 and more than 5 %.

use crate::{
    measure::{Figures, as_f64, put},
    server::{Place, Server},
};
use anyhow::{Context, Result, ensure};
use http::Method;
use podbell_test_client::Client;
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Instant,
};

/// Samples of each name.
const SAMPLES: usize = 10_000;
/// Samples that are not counted, so that every cache is warm.
const WARM: usize = 500;
/// The names: what is there, with rules of its own and without, what was there, and what never was.
const NAMES: [&str; 4] = ["there", "ruled", "ended", "never"];
const NEVER: usize = 3;

const METHODS: [&str; 5] = ["GET", "HEAD", "PUT", "PATCH", "DELETE"];
const PATCH: &str = "@prefix solid: <http://www.w3.org/ns/solid/terms#>. <#p> a solid:InsertDeletePatch; solid:inserts { <#a> <#b> 1 } .";

/// Times of one name, in microseconds.
#[derive(Default)]
struct Times(Vec<f64>);

/// Prints a table of its own, and gives the worst of it.
pub(crate) async fn refusals(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let alice = server.log_in("ALICE").await?;
    let container = format!("{}alice/refused/", server.base);
    for name in &NAMES[..3] {
        put(&alice, &format!("{container}{name}")).await?;
    }
    rules(&server, &alice, &container, "", true).await?;
    rules(&server, &alice, &container, "ruled", false).await?;
    alice.request(Method::DELETE, &format!("{container}ended"), None, "").await?.success("DELETE")?;
    println!("| refusal | never, µs | there | t | ruled | t | ended | t |\n|---|---:|---:|---:|---:|---:|---:|---:|");
    let (mut difference, mut sure) = (0.0_f64, 0.0_f64);
    for (who, client) in [("nobody", Client::new()?), ("a stranger", server.log_in("BOB").await?)] {
        for method in METHODS {
            let times = samples(&server, &client, method)?;
            let never = &times[NEVER];
            let mut row = format!("| {method} by {who} | {:.1} |", never.mean());
            for times in &times[..NEVER] {
                let (apart, t) = (times.mean() / never.mean() * 100.0 - 100.0, times.welch(never));
                write!(row, " {apart:+.1} % | {t:+.1} |")?;
                if t.abs() > 4.5 {
                    difference = difference.max(apart.abs());
                }
                sure = sure.max(t.abs());
            }
            println!("{row}");
        }
    }
    println!();
    figures.push(("refusals: greatest sure difference, %", difference));
    figures.push(("refusals: greatest t", sure));
    server.stop().await
}

/// Rules that name alice alone.
async fn rules(server: &Server, alice: &Client, container: &str, name: &str, default: bool) -> Result<()> {
    let webid = server.env.get("USERS_ALICE_WEBID").context("no WebID")?;
    let default = if default { format!("; acl:default <{container}{name}>") } else { String::new() };
    let acl = format!(
        "@prefix acl: <http://www.w3.org/ns/auth/acl#>. <#o> a acl:Authorization; acl:agent <{webid}>; \
         acl:accessTo <{container}{name}>{default}; acl:mode acl:Read, acl:Write, acl:Control ."
    );
    let url = format!("{container}{name}.acl");
    alice.request(Method::PUT, &url, Some("text/turtle"), acl).await?.success("PUT")?;
    Ok(())
}

/// All samples of a method, the slowest twentieth of them left out.
fn samples(server: &Server, client: &Client, method: &str) -> Result<[Times; 4]> {
    let authority = server.base.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (kind, body) = match method {
        "PUT" => ("content-type: text/turtle\r\n", "<#a> <#b> 1 ."),
        "PATCH" => ("content-type: text/n3\r\n", PATCH),
        _ => ("", ""),
    };
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let mut times: [Times; 4] = Default::default();
    let mut connection = None;
    let orders = orders();
    for round in 0..WARM + SAMPLES {
        for which in orders[round % orders.len()] {
            let path = format!("/alice/refused/{}", NAMES[which]);
            let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\n{kind}{length}");
            for (name, value) in client.credentials(method, &format!("http://{authority}{path}"))? {
                write!(request, "{name}: {value}\r\n")?;
            }
            write!(request, "\r\n{body}")?;
            let stream = match &mut connection {
                Some(stream) => stream,
                None => connection.insert(open(&authority)?),
            };
            let begun = Instant::now();
            stream.write_all(request.as_bytes())?;
            let stays = refused(stream, method == "HEAD")?;
            if round >= WARM {
                times[which].0.push(begun.elapsed().as_secs_f64() * 1e6);
            }
            if !stays {
                connection = None;
            }
        }
    }
    let mut all: Vec<f64> = times.iter().flat_map(|times| &times.0).copied().collect();
    all.sort_by(f64::total_cmp);
    let most = all[all.len() * 19 / 20];
    for times in &mut times {
        times.0.retain(|time| *time <= most);
    }
    Ok(times)
}

/// The names in every order: none comes always after the same one.
fn orders() -> Vec<[usize; 4]> {
    let triples = (0..4).flat_map(|a| (0..4).flat_map(move |b| (0..4).map(move |c| [a, b, c])));
    let distinct = triples.filter(|[a, b, c]| a != b && b != c && a != c);
    distinct.map(|[a, b, c]| [a, b, c, 6 - a - b - c]).collect()
}

fn open(authority: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads a refusal to its end; whether the connection stays.
fn refused(stream: &mut TcpStream, is_head: bool) -> Result<bool> {
    let (mut part, mut answer) = ([0; 8 * 1024], Vec::new());
    loop {
        let count = stream.read(&mut part)?;
        ensure!(count > 0, "the connection ended");
        answer.extend_from_slice(&part[..count]);
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        ensure!(head.starts_with("http/1.1 401") || head.starts_with("http/1.1 403"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.context("no length")?.parse()?;
        if is_head || answer.len() >= end + 4 + length {
            return Ok(!head.contains("connection: close"));
        }
    }
}

impl Times {
    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / as_f64(self.0.len() as u64)
    }

    /// The variance of the mean.
    fn variance(&self) -> f64 {
        let (mean, count) = (self.mean(), as_f64(self.0.len() as u64));
        self.0.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0) / count
    }

    fn welch(&self, other: &Self) -> f64 {
        (self.mean() - other.mean()) / (self.variance() + other.variance()).sqrt()
    }
}
