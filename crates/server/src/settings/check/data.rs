//! What is wrong or unwise about the data directory. It is looked at and stays as it is.

use super::{Report, Settings};
use crate::{
    data::LOCK,
    seed::{self, env_file::EnvFile},
};
use podbell_model::ResourceIri;
use podbell_sqlite::OpenError;
use std::{fs, io, path::Path};

/// What holds secrets in a data directory.
const SECRETS: [&str; 2] = [seed::env_file::FILE, "podbell.sqlite3"];

/// What there is in every directory that Podbell has begun to use.
const OWN: [&str; 3] = [seed::env_file::FILE, "podbell.sqlite3", LOCK];

impl Report {
    /// Looks at the data directory; the roots of the pods in it, as far as they can be read.
    pub(super) fn data(&mut self, settings: &Settings) -> Vec<ResourceIri> {
        let path = &settings.data;
        let data = path.display();
        match fs::metadata(path) {
            Ok(about) if !about.is_dir() => {
                self.wrong("data", format!("{data} is no directory"));
                return Vec::new();
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.can_be_made(path);
                return Vec::new();
            }
            Err(error) => {
                self.wrong("data", format!("cannot look at {data}: {error}"));
                return Vec::new();
            }
        }
        self.permissions(path);
        self.foreign(path);
        if !is_writable(path) {
            self.wrong("data", format!("{data} cannot be written by this user"));
        }
        match podbell_sqlite::roots(path) {
            Ok(roots) => {
                self.base_of(&roots, settings);
                roots
            }
            Err(error @ (OpenError::Newer { .. } | OpenError::Damaged { .. })) => {
                let remedy = match &error {
                    OpenError::Newer { .. } => "start that version, or choose another directory with --data",
                    _ => "put back a copy of the directory, or choose another with --data",
                };
                self.wrong("data", format!("{error}; {remedy}"));
                Vec::new()
            }
            Err(error) => {
                let error = anyhow::Error::from(error);
                self.wrong("data", format!("what {data} holds cannot be read: {error:#}"));
                Vec::new()
            }
        }
    }

    fn can_be_made(&mut self, path: &Path) {
        let data = path.display();
        let above = path.ancestors().skip(1).map(|above| if above == Path::new("") { Path::new(".") } else { above });
        let Some(above) = above.into_iter().find(|above| above.exists()) else { return };
        if !above.is_dir() {
            self.wrong("data", format!("{data} cannot be made: {} is no directory", above.display()));
        } else if !is_writable(above) {
            self.wrong("data", format!("{data} cannot be made: {} cannot be written by this user", above.display()));
        }
    }

    fn base_of(&mut self, roots: &[ResourceIri], settings: &Settings) {
        let (base, data) = (settings.base(), &settings.data);
        // Which port it will be is not known yet.
        if base.port() == 0 {
            return;
        }
        if let Err(error) = seed::check_base(&base, roots, data) {
            self.wrong("base_url", error.to_string());
        } else if let Err(error) = seed::check_layout(&base, settings.pods.layout, roots, data) {
            self.wrong("pods.layout", error.to_string());
        } else if settings.seeds() {
            self.issuer_of(settings);
        }
    }

    /// A file that cannot be read is told by the start.
    fn issuer_of(&mut self, settings: &Settings) {
        let next = settings.base().port().checked_add(1).map(|next| settings.base().with_port(next));
        let issuer = settings.provider.url.clone().or(next).filter(|issuer| issuer.port() != 0);
        if let (Some(issuer), Ok(file)) = (issuer, EnvFile::read_in(&settings.data))
            && let Err(error) = seed::check_issuer(&file, issuer.as_str(), &settings.data)
        {
            self.wrong("provider.url", error.to_string());
        }
    }

    /// Warns of a directory that holds something, but nothing of Podbell's.
    fn foreign(&mut self, path: &Path) {
        if OWN.iter().any(|own| path.join(own).exists()) {
            return;
        }
        // Those of file systems and of people's habits.
        let counts = |name: &str| !name.starts_with('.') && name != "lost+found";
        let mut names = fs::read_dir(path).into_iter().flatten().flatten();
        if let Some(other) = names.find(|entry| counts(&entry.file_name().to_string_lossy())) {
            self.unwise(
                "data",
                format!(
                    "{} holds files that are not of Podbell ({}); is it the right directory?",
                    path.display(),
                    other.file_name().display()
                ),
            );
        }
    }

    #[cfg(unix)]
    fn permissions(&mut self, path: &Path) {
        use std::os::unix::fs::PermissionsExt as _;
        let open_for = |path: &Path, others: u32| {
            fs::symlink_metadata(path)
                .is_ok_and(|about| !about.is_symlink() && about.permissions().mode() & others != 0)
        };
        let data = path.display();
        if open_for(path, 0o022) {
            self.wrong("data", format!("other users of this machine can write into {data}; chmod 700 {data}"));
        } else if open_for(path, 0o077) {
            self.unwise("data", format!("other users of this machine can look into {data}; chmod 700 {data}"));
        }
        for file in SECRETS.map(|name| path.join(name)) {
            let shown = file.display();
            if file.is_symlink() {
                self.wrong("data", format!("{shown} leads elsewhere; secrets are kept in the data directory itself"));
            } else if open_for(&file, 0o077) {
                self.wrong("data", format!("other users of this machine can read {shown}; chmod 600 {shown}"));
            }
        }
    }

    #[cfg(not(unix))]
    fn permissions(&mut self, _: &Path) {}
}

/// Whether files can be made in a directory; asked of the kernel, so nothing is tried.
fn is_writable(directory: &Path) -> bool {
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}
