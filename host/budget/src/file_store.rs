//! Accounts in a folder, for a server without a cluster.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Account, Store, StoreError, Stored, Version, Versioned, read_account,
    store::Numbered,
    sync::{Mutex, lock},
    wire::account_text,
};

/// A store in a folder that one process has for itself: a file for each budget, replaced as a whole, so that after a
/// crash at any moment it has the old account or the new one.
///
/// Writes wait for the disk: they belong on a thread that may block.
#[derive(Debug)]
pub struct FileStore {
    folder: PathBuf,
    accounts: Mutex<Numbered>,
    /// By budget, held while its account is checked, written and taken: whoever reads it or writes another does not wait
    /// for the disk, which takes what is written at the same time together.
    writing: Mutex<BTreeMap<Arc<str>, Arc<Mutex<()>>>>,
    /// Held for as long as the store is.
    _lock: File,
}

/// Why a folder is no store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("another process keeps its budgets in `{}`; give each its own folder", .folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be read or written.
    #[error("the folder `{}` cannot be used", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file of it is no account.
    #[error(
        "`{}` is no account of this version; restore it, or delete it and all that is charged in it is forgotten",
        .file.display()
    )]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// What follows the budget's name in a file's.
const SUFFIX: &str = ".json";
const LOCK: &str = "lock";

impl FileStore {
    /// Opens a folder, which is made where there is none.
    ///
    /// # Errors
    ///
    /// When another process has it, it cannot be read, or a file of it is no account.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder {
            folder: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        let held = File::create(folder.join(LOCK)).map_err(unusable)?;
        held.try_lock().map_err(|err| match err {
            fs::TryLockError::WouldBlock => OpenError::InUse {
                folder: folder.to_owned(),
            },
            fs::TryLockError::Error(source) => unusable(source),
        })?;
        let mut accounts = Numbered::default();
        for entry in fs::read_dir(folder).map_err(unusable)? {
            let file = entry.map_err(unusable)?.path();
            let name = file.file_name().and_then(|name| name.to_str());
            if let Some(budget) = name.and_then(|name| name.strip_suffix(SUFFIX)) {
                let bytes = fs::read(&file).map_err(unusable)?;
                let read = serde_json::from_slice(&bytes).and_then(read_account);
                let account = read.map_err(|source| OpenError::File {
                    file: file.clone(),
                    source,
                })?;
                accounts.insert(budget.into(), account);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            accounts: Mutex::new(accounts),
            writing: Mutex::default(),
            _lock: held,
        })
    }

    /// Writes an account and waits for the disk: what [`Store::store`] does.
    ///
    /// # Errors
    ///
    /// When somebody else wrote since, or the disk fails.
    pub fn put(
        &self,
        budget: &str,
        replaced: &Version,
        account: Arc<Account>,
    ) -> Result<Version, StoreError> {
        let failed = |err: io::Error| StoreError::Failed {
            budget: budget.into(),
            source: Arc::new(err),
        };
        let turn = self.turn(budget);
        let _one_at_a_time = lock(&turn);
        let current = lock(&self.accounts).load(budget).version;
        if current == *replaced {
            self.write(budget, &account).map_err(failed)?;
        }
        lock(&self.accounts).store(budget, replaced, account)
    }

    fn turn(&self, budget: &str) -> Arc<Mutex<()>> {
        Arc::clone(lock(&self.writing).entry(budget.into()).or_default())
    }

    fn write(&self, budget: &str, account: &Account) -> io::Result<()> {
        // Names of objects are names of files; nothing else becomes a path.
        let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "-.".contains(letter);
        if budget.is_empty() || budget.starts_with('.') || !budget.chars().all(is_safe) {
            let message = format!("`{budget}` is no name of an object");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let file = self.folder.join(format!("{budget}{SUFFIX}"));
        let new = self.folder.join(format!("{budget}{SUFFIX}.new"));
        let mut written = File::create(&new)?;
        written.write_all(&account_text(account)?)?;
        written.sync_all()?;
        fs::rename(&new, &file)?;
        // The name is on the disk only when the folder is.
        File::open(&self.folder)?.sync_all()
    }
}

impl Store for FileStore {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        Box::pin(async { Ok(lock(&self.accounts).load(budget)) })
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        Box::pin(async move { self.put(budget, replaced, account) })
    }
}
