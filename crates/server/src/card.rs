//! The card that a start prints: what runs where, and how to try it.

use crate::console::NOTIFICATIONS;
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
    /// The console's URL, if it is served.
    pub console: Option<String>,
    /// The demo accounts and their WebIDs.
    pub accounts: Vec<Account>,
    /// The file with their credentials.
    pub credentials: Option<PathBuf>,
    /// Where everything is kept.
    pub data: PathBuf,
    /// Where it listens, if not on the port of the base URL.
    pub listens: Option<String>,
    /// Whether there is any pod.
    pub has_pods: bool,
    /// Whether demo accounts can be made.
    pub seeds: bool,
    /// Shell commands of which each shows a notification end to end.
    pub examples: Vec<String>,
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
    if let Some(listens) = &card.listens {
        row(&mut text, "Listens on", listens);
    }
    if let Some(provider) = &card.provider {
        row(&mut text, "Log-in", &format!("{provider} (for apps)"));
    }
    if let Some(console) = &card.console {
        row(&mut text, "Console", &format!("{console} (who listens)"));
    }
    for account in &card.accounts {
        row(&mut text, &account.name, &account.webid);
    }
    if let Some(credentials) = &card.credentials {
        row(&mut text, "Credentials", &credentials.display().to_string());
    }
    row(&mut text, "Data", &card.data.display().to_string());
    if !card.examples.is_empty() {
        text.push_str("\n  See a notification arrive, ");
        if let Some(console) = &card.console {
            let _ = write!(text, "in a browser:\n\n    {console}{NOTIFICATIONS}\n\n  or ");
        }
        text.push_str("in a terminal:\n\n");
        for command in &card.examples {
            let _ = writeln!(text, "    {command}");
        }
    } else if !card.has_pods {
        let how = if card.seeds {
            "start again with --seed NAME to make one"
        } else if card.provider.is_some() {
            "`podbell account add NAME` makes one, from another terminal"
        } else {
            "`podbell pod create NAME` makes one, from another terminal"
        };
        let _ = write!(text, "\n  There is no pod yet: {how}\n");
    }
    text.push('\n');
    text
}

/// Commands that show how a change in a pod is heard, for `Card::examples`: one with this program and curl that makes the
/// change too, and one that goes on listening.
pub fn examples(program: &Path, data: &Path, account: &str, root: &str) -> Vec<String> {
    let here = std::env::current_dir().ok();
    let shown = |path: &Path| match here.as_ref().and_then(|here| path.strip_prefix(here).ok()) {
        // A bare name would be looked for among the installed programs.
        Some(inner) if inner.components().count() == 1 => format!("./{}", inner.display()),
        Some(inner) => inner.display().to_string(),
        None => path.display().to_string(),
    };
    let program = quoted(&shown(program));
    let root = quoted(root);
    let data = if data == Path::new("podbell-data") {
        String::new()
    } else {
        format!(" --data {}", quoted(&data.display().to_string()))
    };
    vec![
        format!("{program} as{data} {account} ring {root} | curl -K-"),
        format!("{program} watch{data} --as {account} -r {root}"),
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
    fn each_example_is_one_paste_in_a_shell() {
        let root = "http://localhost:3000/alice/";
        assert_eq!(
            examples(Path::new("/opt/it's/podbell"), Path::new("podbell-data"), "alice", root),
            [
                "'/opt/it'\\''s/podbell' as alice ring http://localhost:3000/alice/ | curl -K-",
                "'/opt/it'\\''s/podbell' watch --as alice -r http://localhost:3000/alice/",
            ],
        );
        let here = std::env::current_dir().unwrap().join("target/release/podbell");
        assert_eq!(
            examples(&here, Path::new("/tmp/d"), "alice", root),
            [
                "target/release/podbell as --data /tmp/d alice ring http://localhost:3000/alice/ | curl -K-",
                "target/release/podbell watch --data /tmp/d --as alice -r http://localhost:3000/alice/",
            ],
        );
    }

    #[test]
    fn an_address_with_brackets_is_no_pattern_for_a_shell() {
        let shown = examples(Path::new("podbell"), Path::new("podbell-data"), "alice", "http://[::1]:3000/alice/");
        assert!(shown.iter().all(|command| command.contains(" 'http://[::1]:3000/alice/'")), "{shown:?}");
    }

    #[test]
    fn a_server_without_pods_says_so() {
        let none = Card { seeds: true, listens: Some("127.0.0.1:4000".to_owned()), ..Card::default() };
        let shown = card(&none);
        assert!(shown.contains("There is no pod yet: start again with --seed NAME"), "{shown}");
        assert!(shown.contains("  Listens on   127.0.0.1:4000\n"), "{shown}");
        assert!(card(&Card::default()).contains("There is no pod yet: `podbell pod create"));
        let public = Card { provider: Some("https://id.example/".to_owned()), ..Card::default() };
        assert!(card(&public).contains("There is no pod yet: `podbell account add"), "it comes with a log-in");
        assert!(!card(&Card { has_pods: true, ..none }).contains("no pod"));
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
            console: Some("http://localhost:3001/".to_owned()),
            accounts: vec![account("alice"), account("bob")],
            credentials: Some("podbell-data/demo.env".into()),
            data: "podbell-data".into(),
            examples: examples(
                Path::new("target/release/podbell"),
                Path::new("podbell-data"),
                "alice",
                "http://localhost:3000/alice/",
            ),
            has_pods: true,
            ..Card::default()
        });
        insta::assert_snapshot!(shown.replace(env!("CARGO_PKG_VERSION"), "0.0.0"), @r"

          Podbell 0.0.0

          Pods         http://localhost:3000/
          Log-in       http://localhost:3001/ (for apps)
          Console      http://localhost:3001/ (who listens)
          alice        http://localhost:3000/alice/profile/card#me
          bob          http://localhost:3000/bob/profile/card#me
          Credentials  podbell-data/demo.env
          Data         podbell-data

          See a notification arrive, in a browser:

            http://localhost:3001/notifications.html

          or in a terminal:

            target/release/podbell as alice ring http://localhost:3000/alice/ | curl -K-
            target/release/podbell watch --as alice -r http://localhost:3000/alice/
        ");
        assert!(shown.lines().all(|line| line.len() <= 80));
    }
}
