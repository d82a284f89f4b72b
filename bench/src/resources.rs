//! What the resource server does: small documents, a large container, a patch, a large file.

use crate::{
    measure::{Figures, as_f64, kib, millis, put, settle},
    peers::Peer,
    server::{Place, Process, Server},
};
use anyhow::{Context, Result, ensure};
use http::Method;
use podbell_test_client::Client;
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How long each crowd asks.
const SPELL: Duration = Duration::from_secs(5);
/// Members of the listed container.
const MEMBERS: usize = 10_000;
/// Statements of the patched document.
const STATEMENTS: usize = 1_000;
/// How often a listing is read, and a document patched.
const LISTINGS: usize = 11;
const PATCHES: usize = 201;
/// The large file, in bytes.
const LARGE: usize = 1 << 30;
const BLOCK: usize = 256 * 1024;

/// Documents of 1 kB, asked for by crowds of several sizes.
pub(crate) async fn small(binary: &Path, method: &Method, figures: &mut Figures) -> Result<()> {
    let names = match *method {
        Method::PUT => ["PUT/s, 1 writer", "PUT/s, 32 writers", "PUT/s, 256 writers"],
        _ => ["GET/s, 1 reader", "GET/s, 32 readers", "GET/s, 256 readers"],
    };
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let get = |key: &str| server.env.get(key).cloned().with_context(|| format!("{key} is missing"));
    for (name, clients) in names.into_iter().zip([1, 32, 256]) {
        let mut generator = Peer::start(&[
            "ask",
            method.as_str(),
            &get("SOLID_IDENTITY_PROVIDER")?,
            &get("USERS_ALICE_CLIENTID")?,
            &get("USERS_ALICE_CLIENTSECRET")?,
            &format!("{}alice/small-{clients}/", server.base),
            &clients.to_string(),
        ])?;
        figures.push((name, generator.hear("did").await?.parse()?));
    }
    server.stop().await
}

/// The asking side, in a process of its own: each client has a document; prints how many answers came a second.
pub(crate) async fn ask(method: &Method, account: &[&str; 3], container: &str, clients: usize) -> Result<()> {
    let client = Client::new()?.log_in(account[0], account[1], account[2]).await?;
    for number in 0..clients {
        put(&client, &format!("{container}{number}")).await?;
    }
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (client, url, method) = (client.clone(), format!("{container}{number}"), method.clone());
        tasks.spawn(async move {
            let mut done = 0_u64;
            while begun.elapsed() < SPELL {
                if method == Method::PUT {
                    put(&client, &url).await?;
                } else {
                    client.request(method.clone(), &url, None, "").await?.success("GET")?;
                }
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(task) = tasks.join_next().await {
        done += task??;
    }
    println!("did {:.1}", as_f64(done) / begun.elapsed().as_secs_f64());
    Ok(())
}

/// A container with many members, as each syntax.
pub(crate) async fn listing(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let alice = server.alice().await?;
    let container = format!("{}alice/many/", server.base);
    let mut tasks = JoinSet::new();
    for number in 0..MEMBERS {
        if tasks.len() == 32 {
            tasks.join_next().await.context("no task")???;
        }
        let (alice, url) = (alice.clone(), format!("{container}{number:05}.ttl"));
        tasks.spawn(async move { put(&alice, &url).await });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    settle().await;
    let process = server.process()?;
    let before = process.rss()?;
    process.forget_peak()?;
    for (name, accept) in [
        ("listing of 10,000 as Turtle, ms", "text/turtle"),
        ("listing of 10,000 as JSON-LD, ms", "application/ld+json"),
    ] {
        let mut times = Vec::with_capacity(LISTINGS);
        for _ in 0..LISTINGS {
            let begun = Instant::now();
            let head = begin(&server, &alice, "GET", "alice/many/", &[("accept", accept)])?;
            let bytes = finish(head, 200)?;
            ensure!(bytes > MEMBERS * 100, "a listing of {bytes} bytes");
            times.push(millis(begun.elapsed()));
        }
        figures.push((name, median(&mut times)));
    }
    figures.push(("RSS growth of it, MiB", grown(process, before)?));
    server.stop().await
}

/// A document of a thousand statements, one of which changes each time.
pub(crate) async fn patch(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let alice = server.alice().await?;
    let url = format!("{}alice/bench/thousand", server.base);
    let mut document = "<#it> <#at> 0 .\n".to_owned();
    for number in 1..STATEMENTS {
        writeln!(document, "<#s{}> <#p{}> \"value {number}\" .", number / 10, number % 10)?;
    }
    alice.request(Method::PUT, &url, Some("text/turtle"), document).await?.success("PUT")?;
    let mut times = Vec::with_capacity(PATCHES);
    for number in 0..PATCHES {
        let patch = format!(
            "@prefix solid: <http://www.w3.org/ns/solid/terms#>. <> a solid:InsertDeletePatch;
             solid:deletes {{ <#it> <#at> {number} }}; solid:inserts {{ <#it> <#at> {} }}.",
            number + 1
        );
        let begun = Instant::now();
        alice.request(Method::PATCH, &url, Some("text/n3"), patch).await?.success("PATCH")?;
        times.push(millis(begun.elapsed()));
    }
    figures.push(("PATCH on 1,000 statements, ms", median(&mut times)));
    server.stop().await
}

/// One gibibyte in and out.
pub(crate) async fn transfer(binary: &Path, figures: &mut Figures) -> Result<()> {
    let place = Place::new(binary)?;
    let server = place.start().await?;
    let alice = server.alice().await?;
    put(&alice, &format!("{}alice/bench/warm", server.base)).await?;
    settle().await;
    let process = server.process()?;
    let per_second = |begun: Instant| as_f64((LARGE >> 20) as u64) / begun.elapsed().as_secs_f64();
    let (before, begun) = (process.rss()?, Instant::now());
    process.forget_peak()?;
    let length = LARGE.to_string();
    let headers = [("content-type", "application/octet-stream"), ("content-length", &*length)];
    let mut stream = begin(&server, &alice, "PUT", "alice/bench/large", &headers)?;
    let block: Vec<u8> = (0..BLOCK).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect();
    for _ in 0..LARGE / BLOCK {
        stream.write_all(&block)?;
    }
    finish(stream, 201)?;
    figures.push(("1 GiB in, MiB/s", per_second(begun)));
    figures.push(("RSS growth of it coming in, MiB", grown(process, before)?));
    let (before, begun) = (process.rss()?, Instant::now());
    process.forget_peak()?;
    let bytes = finish(begin(&server, &alice, "GET", "alice/bench/large", &[])?, 200)?;
    ensure!(bytes == LARGE, "{bytes} bytes came back");
    figures.push(("1 GiB out, MiB/s", per_second(begun)));
    figures.push(("RSS growth of it going out, MiB", grown(process, before)?));
    server.stop().await
}

/// How far the peak rose above what was resident, in MiB.
fn grown(process: Process, before: u64) -> Result<f64> {
    Ok(kib(process.peak()?.saturating_sub(before)) / 1024.0)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Sends the head of a request on a connection of its own: the client would keep the body in memory.
fn begin(server: &Server, client: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<TcpStream> {
    let authority = server.base.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(authority)?;
    stream.set_nodelay(true)?;
    let mut head = format!("{method} /{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
    let own = client.credentials(method, &format!("{}{path}", server.base))?;
    for (name, value) in headers.iter().copied().chain(own.iter().map(|(name, value)| (*name, &**value))) {
        write!(head, "{name}: {value}\r\n")?;
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    Ok(stream)
}

/// Reads the answer to its end; how many bytes its body had, chunks and all.
fn finish(mut stream: TcpStream, status: u16) -> Result<usize> {
    let (mut part, mut head, mut body) = (vec![0; BLOCK], Vec::new(), 0);
    loop {
        let count = stream.read(&mut part)?;
        if count == 0 {
            break;
        }
        if body > 0 {
            body += count;
            continue;
        }
        head.extend_from_slice(&part[..count]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            body = head.len() - end - 4;
        }
    }
    ensure!(head.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{}", String::from_utf8_lossy(&head));
    Ok(body)
}
