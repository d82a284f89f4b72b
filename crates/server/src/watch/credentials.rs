//! Who listens: a demo account, a client that a file or the environment knows, or nobody in particular.

use crate::{
    act,
    seed::env_file::{EnvFile, FILE, ISSUER, variable},
};
use anyhow::{Context as _, bail, ensure};
use podbell_client::Credentials;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use url::Url;

/// The names of what a program logs in with; in the environment or in a file.
const NAMES: [&str; 3] = ["PODBELL_ISSUER", "PODBELL_CLIENT_ID", "PODBELL_CLIENT_SECRET"];

/// The data directory that the environment names.
pub(super) fn data() -> Option<PathBuf> {
    variable_of("PODBELL_DATA").map(PathBuf::from)
}

fn variable_of(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What was said of it.
pub(super) struct Who {
    pub(super) account: Option<String>,
    pub(super) data: PathBuf,
    pub(super) file: Option<PathBuf>,
    pub(super) issuer: Option<String>,
}

impl Who {
    /// Refuses a URL that cannot be meant for the account's server.
    pub(super) fn may_ask(&self, url: &Url) -> anyhow::Result<()> {
        let Some(account) = self.account.as_ref().filter(|_| self.file.is_none()) else { return Ok(()) };
        let file = EnvFile::read_in(&self.data)?;
        let Some(known) = file.credentials(account) else { return Ok(()) };
        if let Some(note) = act::elsewhere(&self.data, account, url) {
            eprintln!("podbell: {note}");
        }
        act::called_by_its_name(url, &known.webid)
    }

    /// What to log in with, if anything.
    pub(super) fn credentials(&self) -> anyhow::Result<Option<Credentials>> {
        let found = match (&self.account, &self.file) {
            (Some(account), None) => Some(self.demo(account)?),
            (Some(account), Some(path)) => Some(of_account(account, path)?),
            (None, Some(path)) => {
                let values = read(path)?;
                let of = |name: &str| values.get(name).cloned();
                Some(complete(of, &path.display().to_string())?)
            }
            (None, None) if NAMES[1..].iter().any(|name| variable_of(name).is_some()) => Some(complete(
                |name| self.issuer.clone().filter(|_| name == NAMES[0]).or_else(|| variable_of(name)),
                "the environment",
            )?),
            (None, None) => None,
        };
        Ok(found.map(|[issuer, id, secret]| Credentials::new(self.issuer.clone().unwrap_or(issuer), id, secret)))
    }

    fn demo(&self, account: &str) -> anyhow::Result<[String; 3]> {
        let file = EnvFile::read_in(&self.data)?;
        ensure!(
            file.exists(),
            "there is no {}: go to the folder where the server was started, or name its directory with --data",
            self.data.join(FILE).display()
        );
        let known = || act::unknown(&self.data, account, &file);
        let found = file.credentials(account).with_context(known)?;
        let issuer = file.issuer().with_context(known)?;
        Ok([issuer.to_owned(), found.client_id, found.client_secret])
    }
}

fn of_account(account: &str, path: &Path) -> anyhow::Result<[String; 3]> {
    let values = read(path)?;
    let named = [ISSUER.to_owned(), variable(account, "CLIENTID"), variable(account, "CLIENTSECRET")];
    let found = named.each_ref().map(|name| values.get(name).cloned());
    let [Some(issuer), Some(id), Some(secret)] = found else {
        bail!("{} does not hold all of {}", path.display(), named.join(", "))
    };
    Ok([issuer, id, secret])
}

fn complete(value: impl Fn(&str) -> Option<String>, place: &str) -> anyhow::Result<[String; 3]> {
    let [Some(issuer), Some(id), Some(secret)] = NAMES.map(value) else {
        bail!("{place} does not hold all of {}", NAMES.join(", "))
    };
    Ok([issuer, id, secret])
}

/// The variables of a file, as shells read them: `NAME=value`, `export` before it or quotes around it at will.
fn read(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='));
    let bare = |value: &str| {
        let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
        quoted.unwrap_or(value).to_owned()
    };
    Ok(pairs.map(|(name, value)| (name.trim().to_owned(), bare(value.trim()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(account: Option<&str>, text: &str) -> (tempfile::TempDir, Who) {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("me.env");
        fs::write(&path, text).unwrap();
        let who =
            Who { account: account.map(str::to_owned), data: data.path().to_owned(), file: Some(path), issuer: None };
        (data, who)
    }

    #[test]
    fn credentials_are_read_as_shells_read_them() {
        let text =
            "# mine\nexport PODBELL_ISSUER=\"http://localhost:1/\"\nPODBELL_CLIENT_ID='a'\nPODBELL_CLIENT_SECRET=b=c\n";
        let (_data, who) = who(None, text);
        let found = format!("{:?}", who.credentials().unwrap().unwrap());
        assert!(found.contains("http://localhost:1/") && found.contains("\"a\"") && !found.contains("b=c"), "{found}");
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_data, nobody) = who(None, "PODBELL_ISSUER=http://localhost:1/\n");
        let told = nobody.credentials().unwrap_err().to_string();
        assert!(told.contains("PODBELL_CLIENT_ID"), "{told}");
        let (_data, account) = who(Some("a-b"), "SOLID_IDENTITY_PROVIDER=x\n");
        let told = account.credentials().unwrap_err().to_string();
        assert!(told.contains("USERS_A_B_CLIENTID"), "{told}");
        let (_data, mut demo) = who(Some("alice"), "");
        demo.file = None;
        assert!(demo.credentials().unwrap_err().to_string().contains("--data"));
    }
}
