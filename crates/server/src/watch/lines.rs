//! The lines: for people, or as JSON.
//!
//! What a server says never steers the terminal: control characters are shown as such.

use jiff::{Timestamp, tz::TimeZone};
use podbell_client::{Event, Notification, State, misleads};
use std::io::{self, IsTerminal as _, Write as _};
use url::Url;

/// Writes lines.
pub(super) struct Lines {
    zone: TimeZone,
    /// The origin that need not be told each time, if there is one.
    origin: Option<String>,
    is_json: bool,
    is_quiet: bool,
    is_coloured: bool,
}

impl Lines {
    pub(super) fn new(urls: &[String], is_json: bool, is_quiet: bool) -> Self {
        let mut origins: Vec<_> =
            urls.iter().filter_map(|url| Url::parse(url).ok()).map(|url| url.origin().ascii_serialization()).collect();
        origins.dedup();
        let wants_none = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            zone: TimeZone::system(),
            origin: if origins.len() == 1 { origins.pop() } else { None },
            is_json,
            is_quiet,
            is_coloured: io::stdout().is_terminal() && !wants_none("NO_COLOR") && !is_dumb,
        }
    }

    /// Says how it fares.
    pub(super) fn say(&self, words: &str) {
        if !self.is_quiet {
            // Whoever closed it does not want to know.
            let _ = writeln!(io::stderr(), "podbell: {}", harmless(words));
        }
    }

    /// Tells an event.
    pub(super) fn tell(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Notification(told) if self.is_json => line(&told.raw_with_cursor()),
            Event::Notification(told) => line(&self.words(told, Timestamp::now())),
            Event::Gap(gap) => {
                let _ = writeln!(io::stderr(), "podbell: GAP: {}; read again what matters", harmless(&gap.reason));
                if self.is_json { line(&gap.raw_with_cursor()) } else { Ok(()) }
            }
            Event::State(state) => {
                self.say(&fares(state));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One line for people.
    fn words(&self, told: &Notification, now: Timestamp) -> String {
        let at = told.published.unwrap_or(now).to_zoned(self.zone.clone());
        let is_today = at.date() == now.to_zoned(self.zone.clone()).date();
        let time = at.strftime(if is_today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" });
        let kind = format!("{:<6}", told.kind);
        let kind = if self.is_coloured {
            format!("\x1b[{}m{}\x1b[0m", colour(&told.kind), harmless(&kind))
        } else {
            harmless(&kind)
        };
        let target = told.target.as_deref().map(|target| match told.kind.as_str() {
            "Remove" => format!("  from {}", harmless(self.short(target))),
            _ => format!("  to {}", harmless(self.short(target))),
        });
        let actor = told.actor.as_deref().map(|actor| format!("  by {}", harmless(actor)));
        let object = harmless(self.short(&told.object));
        format!("{time}  {kind}  {object}{}{}", target.unwrap_or_default(), actor.unwrap_or_default())
    }

    /// A URL without the origin that all share.
    fn short<'u>(&self, url: &'u str) -> &'u str {
        let path = self.origin.as_deref().and_then(|origin| url.strip_prefix(origin));
        path.filter(|path| path.starts_with('/')).unwrap_or(url)
    }
}

/// Besides the word, which tells the same.
fn colour(kind: &str) -> u8 {
    match kind {
        "Create" | "Add" => 32,
        "Delete" | "Remove" => 31,
        _ => 33,
    }
}

fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|c| if misleads(c) { '\u{fffd}' } else { c }).collect()
}

fn fares(state: &State) -> String {
    match state {
        State::Listening { transport, topics, is_resumed } => {
            let resumed = if *is_resumed { "resumed: " } else { "" };
            format!("{resumed}listening to {} ({transport})", topics.join(" "))
        }
        State::Lost { reason, back_in } => {
            format!("connection lost ({reason}); coming back in {:.1} s", back_in.as_secs_f32())
        }
        State::Without { what } => format!("this server does not offer {what}; going on without"),
        State::NotUnderstood { text } => format!("passed over what is no notification: {text}"),
        _ => String::new(),
    }
}
