//! A home in a temporary folder, with everything a resolver needs.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use catalog::Catalog;
use config::{AgentId, ConfigText, Environment, Home, HomeOptions, ProviderId, Settings};
use credentials::{Resolution, Resolver};

/// A time after the end of every login in the real homes, in milliseconds since 1970 UTC.
pub(super) const AFTER_ALL_MS: u64 = 1_795_180_000_000;

pub(super) struct TestHome {
    folder: tempfile::TempDir,
    pub(super) environment: Environment,
    pub(super) home: Home,
    pub(super) settings: Settings,
    pub(super) catalog: Catalog,
}

impl TestHome {
    /// Copies one of the real homes, with the modes the original gives its files.
    pub(super) fn real(name: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/homes")
            .join(name);
        copy(&source, folder.path());
        let config = fs::read_to_string(folder.path().join(".openclaw/openclaw.json")).unwrap();
        Self::new(folder, &config, variables)
    }

    /// Makes a home with this config, this store of the agent `main`, and these variables.
    pub(super) fn made(config: &str, store: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self::new(folder, config, variables);
        home.put_agent("main", "auth-profiles.json", store);
        home
    }

    fn new(folder: tempfile::TempDir, config: &str, variables: &[(&str, &str)]) -> Self {
        let home_text = folder.path().to_str().unwrap().to_owned();
        let pairs = variables
            .iter()
            .copied()
            .chain([("HOME", home_text.as_str())]);
        let environment = Environment::from_pairs(pairs);
        let home = Home::resolve(&environment, &HomeOptions::default()).unwrap();
        let text = ConfigText::parse("openclaw.json", config.as_bytes().to_vec()).unwrap();
        let (settings, _) = Settings::read(&text);
        Self {
            folder,
            environment,
            home,
            settings,
            catalog: Catalog::builtin().unwrap(),
        }
    }

    /// Writes a file into the folder of an agent, mode 0600.
    pub(super) fn put_agent(&self, agent: &str, name: &str, text: &str) {
        let folder = self.home.agent_dir(&AgentId::new(agent).unwrap());
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn store_path(&self) -> PathBuf {
        self.home
            .agent_dir(&AgentId::main())
            .join("auth-profiles.json")
    }

    pub(super) fn resolve_for(&self, agent: &str, provider: &str, now_ms: u64) -> Resolution {
        let agent = AgentId::new(agent).unwrap();
        let resolver = Resolver::new(
            &self.home,
            &self.environment,
            &self.settings,
            &self.catalog,
            &agent,
        );
        resolver.candidates(&ProviderId::new(provider).unwrap(), now_ms)
    }

    pub(super) fn resolve(&self, provider: &str) -> Resolution {
        self.resolve_for("main", provider, AFTER_ALL_MS)
    }

    /// Returns one line for each candidate: its label, then its secret or why it has none.
    pub(super) fn candidates(&self, provider: &str) -> Vec<String> {
        lines(&self.resolve(provider))
    }

    /// Returns one line for each usable candidate: its label, then its secret in clear.
    pub(super) fn secrets(&self, provider: &str) -> Vec<String> {
        let resolution = self.resolve(provider);
        resolution
            .usable()
            .map(|(candidate, secret)| format!("{} {}", candidate.label, secret.expose()))
            .collect()
    }

    /// Returns one line for each skipped source.
    pub(super) fn skipped(&self, provider: &str) -> Vec<String> {
        let resolution = self.resolve(provider);
        resolution
            .skipped
            .iter()
            .map(|skipped| format!("{}: {}", skipped.label, skipped.reason))
            .collect()
    }

    /// Returns path, mode, time of change and content of everything in the home.
    pub(super) fn state(&self) -> Vec<(PathBuf, u32, i64, i64, Vec<u8>)> {
        let mut state = Vec::new();
        visit(self.path(), &mut |path| {
            let metadata = fs::metadata(path).unwrap();
            let content = if metadata.is_file() {
                fs::read(path).unwrap()
            } else {
                Vec::new()
            };
            state.push((
                path.to_owned(),
                metadata.mode(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                content,
            ));
        });
        state.sort();
        state
    }
}

pub(super) fn lines(resolution: &Resolution) -> Vec<String> {
    let line = |candidate: &credentials::Candidate| match &candidate.secret {
        Ok(secret) => format!("{} {}", candidate.label, secret.mask()),
        Err(problem) => format!("{}: {problem}", candidate.label),
    };
    resolution.candidates.iter().map(line).collect()
}

fn copy(source: &Path, target: &Path) {
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let to = target.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn visit(folder: &Path, seen: &mut impl FnMut(&Path)) {
    seen(folder);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, seen);
        } else {
            seen(&path);
        }
    }
}
