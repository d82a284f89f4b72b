//! `podbell account`: log-ins, credentials and invitations, by whoever owns the data directory.
//!
//! No secret is taken from the command line, where other users of the machine can read it, and each is printed once.

use super::{
    Reach,
    accounts::{Made, MadeCredentials, NewPassword, OfAccount, Removal, Removed, Told, ToldCredentials, Wanted},
    invitations,
};
use crate::settings::{Settings, Span};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use podbell_model::Timestamp;
use podbell_provider::Provider;
use std::{
    io::{self, BufRead as _, IsTerminal as _},
    time::Duration,
};

/// The longest line that is read as a password, in bytes.
const MAX_LINE: u64 = 4_096;

/// What is done with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account, with a pod and a WebID in it
    Add {
        /// What is typed to log in, and the name of the pod: a-z, 0-9 and '-'
        name: String,
        /// For this WebID, which is in a pod of this server, instead of a new one
        #[arg(long, value_name = "WEBID")]
        webid: Option<String>,
        /// Make a pod for that WebID too
        #[arg(long, requires = "webid")]
        pod: bool,
        /// Where the password comes from
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// List all accounts and their WebIDs
    List {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Set a new password; ends the account's sessions and what apps hold, not its credentials
    Passwd {
        /// The account
        name: String,
        /// Where the password comes from
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Credentials with which programs act for an account
    Credentials {
        /// The account
        name: String,
        /// What is done with them
        #[command(subcommand)]
        command: CredentialsCommand,
    },
    /// Remove an account with its credentials; the pod stays
    Remove {
        /// The account
        name: String,
        /// Delete the pod too, with everything in it
        #[arg(long)]
        with_pod: bool,
    },
    /// Print a URL with which one person can make an account
    Invite {
        /// The only name that it is good for
        #[arg(long = "for", value_name = "NAME")]
        name: Option<String>,
        /// How long it is good
        #[arg(long, value_name = "TIME", default_value = "7d")]
        expires: Span,
    },
    /// List the invitations that nobody has used yet
    Invitations {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Withdraw an invitation: nobody can sign up with it any longer
    Withdraw {
        /// Its id, as `podbell account invitations` tells it
        id: String,
    },
}

/// What is done with credentials.
#[derive(Debug, Subcommand)]
pub enum CredentialsCommand {
    /// List them, without secrets
    List {
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Make some; the secret is printed this once
    Add {
        /// What you call them
        label: String,
        /// Print lines for an environment file
        #[arg(long)]
        env: bool,
    },
    /// Revoke them; tokens made with them end within the hour
    Revoke {
        /// Their client id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

/// Where a password comes from; without a flag it is asked for at the terminal.
#[derive(Debug, Args)]
pub struct PasswordFrom {
    /// Read the password from standard input, one line
    #[arg(long)]
    password_stdin: bool,
    /// Make up a password and print it, this once
    #[arg(long, conflicts_with = "password_stdin")]
    generate: bool,
}

impl PasswordFrom {
    /// The password. Asked for before anything is opened: nobody waits for somebody who types.
    fn get(&self, name: &str) -> anyhow::Result<String> {
        if self.generate {
            return Ok(Provider::random_password()?);
        }
        if self.password_stdin {
            return first_line(io::stdin().lock());
        }
        ensure!(io::stdin().is_terminal(), "there is no terminal to ask at: use --password-stdin or --generate");
        let asked = |prompt: String| rpassword::prompt_password(prompt).context("the password cannot be asked for");
        let password = asked(format!("New password for {}: ", name.escape_debug()))?;
        ensure!(password == asked("Once more: ".to_owned())?, "the two passwords differ");
        Ok(password)
    }

    fn print(&self, password: &str) {
        if self.generate {
            println!("password\t{password}");
        }
    }
}

fn first_line(input: impl io::BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    input.take(MAX_LINE).read_line(&mut line).context("standard input cannot be read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    ensure!(!password.is_empty(), "standard input holds no password");
    Ok(password.to_owned())
}

impl AccountCommand {
    /// Does it, and says what came of it.
    pub async fn run(&self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Add { name, webid, pod, password: from } => {
                let password = from.get(name)?;
                let (name, webid, pod) = (name.clone(), webid.clone(), *pod);
                let wanted = Wanted { name, webid, pod, password: password.clone() };
                let made: Made = Reach::find(settings).await?.ask("POST", "/accounts", &wanted).await?.json().await?;
                println!("{}\t{}", made.told.name, made.told.webid);
                from.print(&password);
                if let Some(unwise) = made.unwise {
                    eprintln!("unwise: {unwise}");
                }
            }
            Self::List { json } => {
                let told: Vec<Told> = Reach::find(settings).await?.ask("GET", "/accounts", &()).await?.json().await?;
                if *json {
                    println!("{}", serde_json::to_string_pretty(&told)?);
                } else if told.is_empty() {
                    eprintln!("there is no account yet; `podbell account add NAME` makes one");
                }
                for account in told.iter().filter(|_| !*json) {
                    println!("{}\t{}", account.name, account.webid);
                }
            }
            Self::Passwd { name, password: from } => {
                let password = from.get(name)?;
                let new = NewPassword { name: name.clone(), password: password.clone() };
                Reach::find(settings).await?.ask("POST", "/accounts/password", &new).await?;
                from.print(&password);
            }
            Self::Credentials { name, command } => command.run(name, settings).await?,
            Self::Remove { name, with_pod } => {
                let removal = Removal { name: name.clone(), with_pod: *with_pod };
                let removed: Removed =
                    Reach::find(settings).await?.ask("DELETE", "/accounts", &removal).await?.json().await?;
                println!("the account {name} is removed");
                match removed.pod {
                    Some(pod) if *with_pod => println!("{pod} is deleted"),
                    Some(pod) => eprintln!("its pod {pod} stays: `podbell pod delete {pod} --yes` deletes it"),
                    None if *with_pod => eprintln!("it owned no pod that its WebID is in, so none is deleted"),
                    None => {}
                }
            }
            Self::Invite { name, expires } => {
                let seconds = Duration::from(*expires).as_secs();
                if seconds == 0 {
                    bail!("an invitation is good for a second at least");
                }
                let wanted = invitations::Wanted { name: name.clone(), seconds };
                let made: invitations::Made =
                    Reach::find(settings).await?.ask("POST", "/invitations", &wanted).await?.json().await?;
                println!("{}", made.url);
                eprintln!("good for one account, until {}", whole_seconds(&made.expires));
            }
            Self::Invitations { json } => {
                let told: Vec<invitations::Told> =
                    Reach::find(settings).await?.ask("GET", "/invitations", &()).await?.json().await?;
                if *json {
                    println!("{}", serde_json::to_string_pretty(&told)?);
                } else if told.is_empty() {
                    eprintln!("there is no invitation; `podbell account invite` makes one");
                }
                for one in told.iter().filter(|_| !*json) {
                    let begun = if one.begun { ", sign-up not finished" } else { "" };
                    println!(
                        "{}\tfor {}{begun}\tuntil {}",
                        one.id,
                        one.name.as_deref().unwrap_or("anybody"),
                        whole_seconds(&one.expires)
                    );
                }
            }
            Self::Withdraw { id } => {
                let which = invitations::Which { id: id.clone() };
                Reach::find(settings).await?.ask("DELETE", "/invitations", &which).await?;
            }
        }
        Ok(())
    }
}

impl CredentialsCommand {
    async fn run(&self, name: &str, settings: &Settings) -> anyhow::Result<()> {
        let reach = Reach::find(settings).await?;
        let of = |which: &str| OfAccount { name: name.to_owned(), which: which.to_owned() };
        match self {
            Self::List { json } => {
                let told: Vec<ToldCredentials> =
                    reach.ask("POST", "/accounts/credentials/list", &of("")).await?.json().await?;
                if *json {
                    println!("{}", serde_json::to_string_pretty(&told)?);
                }
                for one in told.iter().filter(|_| !*json) {
                    println!("{}\t{}\t{}", one.id, whole_seconds(&one.created), one.label);
                }
            }
            Self::Add { label, env } => {
                let made: MadeCredentials =
                    reach.ask("POST", "/accounts/credentials", &of(label)).await?.json().await?;
                print!("{}", if *env { env_lines(name, &made) } else { table(&made) });
            }
            Self::Revoke { id } => {
                reach.ask("DELETE", "/accounts/credentials", &of(id)).await?;
            }
        }
        Ok(())
    }
}

/// A time as people read it; programs get it as it is.
fn whole_seconds(time: &str) -> String {
    time.parse::<Timestamp>().map_or_else(|_| time.to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn table(made: &MadeCredentials) -> String {
    format!("issuer\t{}\nclient id\t{}\nclient secret\t{}\n", made.issuer, made.id, made.secret)
}

/// The names that test suites read; whatever cannot be in the name of a variable becomes `_`.
fn env_lines(name: &str, made: &MadeCredentials) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' };
    let user: String = name.chars().map(plain).collect();
    format!(
        "SOLID_IDENTITY_PROVIDER={}\nUSERS_{user}_WEBID={}\nUSERS_{user}_CLIENTID={}\nUSERS_{user}_CLIENTSECRET={}\n",
        made.issuer, made.webid, made.id, made.secret
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_and_not_endless() {
        assert_eq!(first_line(&b"correct horse \r\nnext"[..]).unwrap(), "correct horse ");
        assert_eq!(first_line(&b"no end"[..]).unwrap(), "no end");
        assert!(first_line(&b"\n"[..]).is_err() && first_line(&b""[..]).is_err() && first_line(&[0xff][..]).is_err());
        assert_eq!(first_line(&[b'x'; 10_000][..]).unwrap().len(), 4_096);
    }

    #[test]
    fn no_name_breaks_out_of_its_line() {
        let made = || MadeCredentials {
            issuer: "https://id.example/".into(),
            webid: "https://pod.example/#me".into(),
            id: "id".into(),
            secret: "secret".into(),
        };
        let lines = env_lines("a-b=x\nEVIL", &made());
        assert_eq!(lines.lines().count(), 4);
        assert!(lines.contains("\nUSERS_A_B_X_EVIL_CLIENTID=id\n"), "{lines}");
    }
}
