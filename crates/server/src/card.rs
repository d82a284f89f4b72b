//! The card that a start prints: what runs where, and how to try it.

use std::{fmt::Write as _, path::PathBuf};

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

fn row(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<12} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

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
