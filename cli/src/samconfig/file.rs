//! The file itself: read as it is, and written whole or not at all.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use super::Samconfig;
use crate::failure::Failure;

impl Samconfig {
    /// One that is not there is empty.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let (text, exists) = match fs::read_to_string(path) {
            Ok(text) => (text, true),
            Err(error) if error.kind() == ErrorKind::NotFound => (String::new(), false),
            Err(source) => {
                return Err(Failure::Here { what: format!("cannot read {}", path.display()), source });
            }
        };
        Ok(Self { path: path.to_owned(), text, exists })
    }

    /// One that has to be there.
    pub(crate) fn read_existing(path: &Path) -> Result<Self, Failure> {
        let read = Self::read(path)?;
        if read.exists {
            return Ok(read);
        }
        Err(Failure::usage(
            format!("there is no {}", path.display()),
            "name the file by --file, or make one by `lendpeak2 init --write`",
        ))
    }

    /// Puts a text in its place, unless somebody has changed the file meanwhile.
    pub(crate) fn write(&self, text: &str) -> Result<(), Failure> {
        let failed = |source| Failure::Here { what: format!("cannot write {}", self.path.display()), source };
        // What a link leads to is changed, and the link stays.
        let path =
            if self.exists { fs::canonicalize(&self.path).map_err(failed)? } else { self.path.clone() };
        if Self::read(&path)?.text != self.text {
            return Err(Failure::Failed {
                what: format!("{} was changed meanwhile: nothing was written", self.path.display()),
            });
        }
        let metadata = self.exists.then(|| fs::metadata(&path)).transpose().map_err(failed)?;
        if metadata.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
            return Err(failed(ErrorKind::PermissionDenied.into()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut beside = NamedTempFile::new_in(folder).map_err(failed)?;
        beside.write_all(text.as_bytes()).map_err(failed)?;
        match metadata {
            Some(metadata) => fs::set_permissions(beside.path(), metadata.permissions()).map_err(failed)?,
            None => readable_by_all(beside.path()).map_err(failed)?,
        }
        beside.as_file().sync_all().map_err(failed)?;
        beside.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// As a file that an editor makes: it holds no secret.
fn readable_by_all(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_link_and_the_files_rights_stay() {
        let folder = folder();
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("samconfig.toml"));
        fs::write(&real, "a = 1\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&real, &link).unwrap();
        Samconfig::read(&link).unwrap().write("a = 2\n").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "a = 2\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let folder = folder();
        let path = folder.path().join("samconfig.toml");
        let read = Samconfig::read(&path).unwrap();
        fs::write(&path, "theirs = 1\n").unwrap();
        assert!(read.write("ours = 1\n").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs = 1\n");
    }

    #[test]
    fn a_file_that_is_not_to_be_written_stays() {
        let folder = folder();
        let path = folder.path().join("samconfig.toml");
        fs::write(&path, "a = 1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert_eq!(Samconfig::read(&path).unwrap().write("a = 2\n").unwrap_err().exit().code(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), "a = 1\n");
        let nowhere = folder.path().join("none/samconfig.toml");
        assert!(Samconfig::read(&nowhere).unwrap().write("a = 2\n").is_err());
    }
}
