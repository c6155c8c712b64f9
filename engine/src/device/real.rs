//! The device seam over `std::fs`: pread and pwrite, fdatasync, fallocate, flock.
//!
//! Directory entries are made durable by fsync on the directory itself, which Linux requires and
//! other systems tolerate. A read-only directory refuses every change before the system is asked,
//! so that `qanat check` cannot alter what it looks at.

use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Directory, File, Lock, Space, check_name};

/// Bytes written at a time where the file system cannot reserve room.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// A directory of the machine's file system.
#[derive(Debug)]
pub struct RealDirectory {
    path: PathBuf,
    handle: fs::File,
    writable: bool,
}

impl RealDirectory {
    /// Opens `path`, making it and its parents if absent; the new names are durable when this
    /// returns.
    ///
    /// # Errors
    /// The system's.
    pub fn create(path: impl AsRef<Path>) -> io::Result<RealDirectory> {
        make_durable(path.as_ref())?;
        RealDirectory::at(path.as_ref(), true)
    }

    /// Opens an existing `path` for reading and writing.
    ///
    /// # Errors
    /// `NotFound`; the system's.
    pub fn open(path: impl AsRef<Path>) -> io::Result<RealDirectory> {
        RealDirectory::at(path.as_ref(), true)
    }

    /// Opens an existing `path`; every change through it is refused with `PermissionDenied`.
    ///
    /// # Errors
    /// `NotFound`; the system's.
    pub fn read_only(path: impl AsRef<Path>) -> io::Result<RealDirectory> {
        RealDirectory::at(path.as_ref(), false)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at(path: &Path, writable: bool) -> io::Result<RealDirectory> {
        let handle = fs::File::open(path)?;
        if !handle.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
        Ok(RealDirectory { path: path.to_path_buf(), handle, writable })
    }

    fn place(&self, name: &str) -> io::Result<PathBuf> {
        check_name(name)?;
        Ok(self.path.join(name))
    }

    fn place_to_change(&self, name: &str) -> io::Result<PathBuf> {
        if self.writable {
            self.place(name)
        } else {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "directory opened read-only"))
        }
    }
}

impl Directory for RealDirectory {
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.place(name)?;
        let file = OpenOptions::new().read(true).write(self.writable).open(path)?;
        Ok(Arc::new(RealFile { file }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.place_to_change(name)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(RealFile { file }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.place_to_change(name)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.place_to_change(from)?, self.place_to_change(to)?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // A name that is not UTF-8 cannot be one of ours.
            if let Ok(name) = entry.file_name().into_string()
                && !entry.file_type()?.is_dir()
            {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn sync(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn free_space(&self) -> io::Result<Space> {
        free_space(&self.handle)
    }

    fn lock(&self, name: &str) -> io::Result<Lock> {
        let path = self.place_to_change(name)?;
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock::new(file)),
            Err(TryLockError::WouldBlock) => {
                let path = self.path.join(name);
                let message = format!("{} is held by another process", path.display());
                Err(io::Error::new(io::ErrorKind::WouldBlock, message))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn directory(&self, name: &str) -> io::Result<Arc<dyn Directory>> {
        let path = self.place(name)?;
        if self.writable {
            make_durable(&path)?;
        }
        Ok(Arc::new(RealDirectory::at(&path, self.writable)?))
    }
}

/// Makes a directory and what is missing above it, syncing each parent that gained a name.
fn make_durable(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_durable(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        other => other?,
    }
    fs::File::open(parent)?.sync_all()
}

#[allow(clippy::unnecessary_cast, clippy::useless_conversion)] // The widths differ by platform.
fn free_space(handle: &fs::File) -> io::Result<Space> {
    use std::os::fd::AsRawFd;
    // SAFETY: `statvfs` is a plain C struct for which all zeros is a valid value.
    let mut answer: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open for as long as `handle` lives, and `answer` is valid for
    // writes.
    if unsafe { libc::fstatvfs(handle.as_raw_fd(), &raw mut answer) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let unit = answer.f_frsize as u64;
    let (free, total) = (u64::from(answer.f_bavail), u64::from(answer.f_blocks));
    Ok(Space { free: free.saturating_mul(unit), total: total.saturating_mul(unit) })
}

#[derive(Debug)]
struct RealFile {
    file: fs::File,
}

impl RealFile {
    /// Reserves room without touching bytes; false where the file system cannot.
    #[cfg(target_os = "linux")]
    fn reserve(&self, length: u64) -> io::Result<bool> {
        use std::os::fd::AsRawFd;
        let length = libc::off_t::try_from(length)
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        loop {
            // SAFETY: a system call on a descriptor that is open for as long as `self` lives.
            if unsafe { libc::fallocate(self.file.as_raw_fd(), 0, 0, length) } == 0 {
                return Ok(true);
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EOPNOTSUPP | libc::ENOSYS) => return Ok(false),
                _ => return Err(error),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn reserve(&self, _length: u64) -> io::Result<bool> {
        Ok(false)
    }
}

impl File for RealFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        if length == 0 || self.reserve(length)? {
            return Ok(());
        }
        // Writing zeros behind the end is the only reservation that every file system understands.
        let mut end = self.len()?;
        while end < length {
            let count = (length - end).min(ZEROS.len() as u64);
            self.file.write_all_at(&ZEROS[..count as usize], end)?;
            end += count;
        }
        Ok(())
    }
}
