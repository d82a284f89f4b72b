//! A folder's listing that redraws itself whenever somebody joins or leaves, until Ctrl-C.
//!
//! `cargo run --release -p podbell-client --example live_folder -- http://localhost:3000/alice/`, with `PODBELL_ISSUER`,
//! `PODBELL_CLIENT_ID` and `PODBELL_CLIENT_SECRET` in the environment if not everybody may read it.
//!
//! It reads, then listens from the cursor that came with what it read: nothing gets lost in between. After a gap it reads
//! again, and needs to know nothing of what was missed.

use podbell_client::{Client, Credentials, Event};
use podbell_model::{
    rdf::{self, RdfFormat},
    vocab::ldp,
};
use std::io::{IsTerminal as _, Write as _};

/// What may go wrong.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Draws the folder, now and whenever it is another, until `draw` says that it is enough.
pub async fn follow(client: &Client, folder: &str, mut draw: impl FnMut(&[String]) -> bool) -> Result<(), Failure> {
    let (mut members, cursor) = list(client, folder).await?;
    let mut watching = client.watch([folder]);
    if let Some(cursor) = cursor {
        watching = watching.since(cursor);
    }
    let mut watch = watching.listen().await?;
    while draw(&members) {
        loop {
            match watch.next().await.ok_or("the watch is over")?? {
                Event::Notification(_) | Event::Gap(_) => break,
                _ => {}
            }
        }
        members = list(client, folder).await?.0;
    }
    watch.close().await;
    Ok(())
}

/// Who is in the folder, and from where to listen.
async fn list(client: &Client, folder: &str) -> Result<(Vec<String>, Option<String>), Failure> {
    let read = client.read(folder, "text/turtle").await?;
    let document = rdf::parse(RdfFormat::Turtle, folder, &read.body)?;
    let members = rdf::objects(&document, folder, ldp::CONTAINS).into_iter();
    let mut members: Vec<_> = members.map(|member| member.strip_prefix(folder).unwrap_or(member).to_owned()).collect();
    members.sort_unstable();
    Ok((members, read.cursor))
}

/// Runs it.
#[allow(dead_code, reason = "a test follows by itself")]
#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).ok_or("usage: live_folder URL")?;
    let mut client = Client::builder();
    if let [Ok(issuer), Ok(id), Ok(secret)] =
        ["PODBELL_ISSUER", "PODBELL_CLIENT_ID", "PODBELL_CLIENT_SECRET"].map(std::env::var)
    {
        client = client.credentials(Credentials::new(issuer, id, secret));
    }
    let is_terminal = std::io::stdout().is_terminal();
    follow(&client.build()?, &folder, |members| {
        let clear = if is_terminal { "\x1b[2J\x1b[H" } else { "" };
        let drawn = format!("{clear}{folder} ({})\n{}\n\n", members.len(), members.join("\n"));
        let mut out = std::io::stdout();
        // Whoever no longer looks wants no more.
        out.write_all(drawn.as_bytes()).and_then(|()| out.flush()).is_ok()
    })
    .await
}
