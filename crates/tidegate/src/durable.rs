//! Files that are there, whole, after a crash.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::Context;

/// Replaces the file's content, all or nothing, readable by its owner only. When this returns, it
/// is on disk.
pub fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_with(path, |mut file| {
        file.write_all(content)?;
        Ok(file)
    })
}

/// The same, with what `fill` writes into the new file.
pub fn write_with(
    path: &Path,
    fill: impl FnOnce(File) -> anyhow::Result<File>,
) -> anyhow::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = Path::new(&name);
    replace(fresh, path, fill).with_context(|| format!("cannot write {}", path.display()))
}

fn replace(
    fresh: &Path,
    path: &Path,
    fill: impl FnOnce(File) -> anyhow::Result<File>,
) -> anyhow::Result<()> {
    // A leftover of a crash may have other rights.
    match std::fs::remove_file(fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let file = match fill(create(fresh)?) {
        Ok(file) => file,
        Err(error) => {
            let _ = std::fs::remove_file(fresh);
            return Err(error);
        }
    };
    file.sync_all()?;
    std::fs::rename(fresh, path)?;
    sync_folder_of(path)?;
    Ok(())
}

/// Makes a file with this content, readable by its owner only, unless there is one.
pub fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let made = || -> std::io::Result<()> {
        let mut file = create(path)?;
        file.write_all(content)?;
        file.sync_all()?;
        sync_folder_of(path)
    };
    match made() {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.with_context(|| format!("cannot write {}", path.display())),
    }
}

/// A new file, readable by its owner only.
pub fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Puts on disk that a file came or went.
pub fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(dir.path().join("f.new"), "leftover").unwrap();
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert!(write_with(&path, |_| anyhow::bail!("no")).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
