//! The card that a start prints: what runs where, and how to try it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// What the card shows.
#[derive(Clone, Debug, Default)]
pub struct Card {
    /// The base URL.
    pub base_url: String,
    /// The provider's URL, if it is served.
    pub provider: Option<String>,
    /// The demo accounts and their WebIDs.
    pub accounts: Vec<Account>,
    /// The file with their credentials.
    pub credentials: Option<PathBuf>,
    /// Where everything is kept.
    pub data: PathBuf,
    /// Shell commands that show a notification end to end; one a line.
    pub example: Vec<String>,
}

/// A demo account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its WebID.
    pub webid: String,
}

/// The text of the card, with a newline at its end. Made for 80 columns; URLs and commands are never broken.
pub fn card(card: &Card) -> String {
    let mut text = format!("\n  Podbell {}\n\n", env!("CARGO_PKG_VERSION"));
    row(&mut text, "Pods", &card.base_url);
    if let Some(provider) = &card.provider {
        row(&mut text, "Log-in", provider);
    }
    for account in &card.accounts {
        row(&mut text, &account.name, &account.webid);
    }
    if let Some(credentials) = &card.credentials {
        row(&mut text, "Credentials", &credentials.display().to_string());
    }
    row(&mut text, "Data", &card.data.display().to_string());
    if !card.example.is_empty() {
        text.push_str("\n  See a notification arrive:\n\n");
        for command in &card.example {
            let _ = writeln!(text, "    {command}");
        }
    }
    text.push('\n');
    text
}

/// Commands that show how a change in a pod is heard, for `Card::example`. They use this program itself and curl.
pub fn example(program: &Path, data: &Path, account: &str, root: &str) -> Vec<String> {
    let here = std::env::current_dir().ok();
    let shown = |path: &Path| match here.as_ref().and_then(|here| path.strip_prefix(here).ok()) {
        // A bare name would be looked for among the installed programs.
        Some(inner) if inner.components().count() == 1 => format!("./{}", inner.display()),
        Some(inner) => inner.display().to_string(),
        None => path.display().to_string(),
    };
    let mut act_as = format!("{} as", quoted(&shown(program)));
    if data != Path::new("podbell-data") {
        let _ = write!(act_as, " --data {}", quoted(&data.display().to_string()));
    }
    vec![
        format!("{act_as} {account} listen {root} | curl -sK- -m5 & sleep 2"),
        format!(
            "{act_as} {account} PUT {root}hello-$(date +%s).txt | curl -sK- -H content-type:text/plain -d hello; wait; echo"
        ),
    ]
}

/// Text as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn row(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<12} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_one_paste_in_a_shell() {
        let root = "http://localhost:3000/alice/";
        let lines = example(Path::new("/opt/it's/podbell"), Path::new("podbell-data"), "alice", root);
        assert_eq!(
            lines,
            [
                "'/opt/it'\\''s/podbell' as alice listen http://localhost:3000/alice/ | curl -sK- -m5 & sleep 2",
                "'/opt/it'\\''s/podbell' as alice PUT http://localhost:3000/alice/hello-$(date +%s).txt | \
                 curl -sK- -H content-type:text/plain -d hello; wait; echo",
            ]
        );
        let here = std::env::current_dir().unwrap().join("target/release/podbell");
        let lines = example(&here, Path::new("/tmp/d"), "alice", root);
        assert!(lines[0].starts_with("target/release/podbell as --data /tmp/d alice listen "), "{}", lines[0]);
    }

    #[test]
    fn the_card_fits_a_terminal() {
        let account = |name: &str| Account {
            name: name.to_owned(),
            webid: format!("http://localhost:3000/{name}/profile/card#me"),
        };
        let shown = card(&Card {
            base_url: "http://localhost:3000/".to_owned(),
            provider: Some("http://localhost:3001/".to_owned()),
            accounts: vec![account("alice"), account("bob")],
            credentials: Some("podbell-data/demo.env".into()),
            data: "podbell-data".into(),
            example: vec!["curl -N http://localhost:3000/alice/".to_owned()],
        });
        insta::assert_snapshot!(shown.replace(env!("CARGO_PKG_VERSION"), "0.0.0"), @r"

          Podbell 0.0.0

          Pods         http://localhost:3000/
          Log-in       http://localhost:3001/
          alice        http://localhost:3000/alice/profile/card#me
          bob          http://localhost:3000/bob/profile/card#me
          Credentials  podbell-data/demo.env
          Data         podbell-data

          See a notification arrive:

            curl -N http://localhost:3000/alice/
        ");
        assert!(shown.lines().all(|line| line.len() <= 80));
    }
}
