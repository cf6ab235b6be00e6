//! The interface of C: each function passes on to the machine's own file system, or fails.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use libsqlite3_sys::{
    SQLITE_FULL, SQLITE_IOERR_DELETE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHMSIZE,
    SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE, SQLITE_OK, sqlite3_file, sqlite3_io_methods,
    sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::state::{Fault, State};

/// What SQLite allocates for a file: this, and behind it the file of the machine's own file system.
#[repr(C)]
struct File {
    base: sqlite3_file,
    state: *const State,
    path: *mut PathBuf,
}

/// What `pAppData` points at.
struct Data {
    state: &'static State,
    real: *mut sqlite3_vfs,
}

/// Registers a file system.
pub fn register(name: &'static CStr, state: &'static State) {
    // SAFETY: looks up the default file system, which is never unregistered.
    let real = unsafe { sqlite3_vfs_find(ptr::null()) };
    assert!(!real.is_null(), "SQLite has a file system");
    // SAFETY: it was just found, and is plain data.
    let mut vfs = unsafe { *real };
    let size = c_int::try_from(size_of::<File>()).expect("a small size");
    vfs.szOsFile += size;
    vfs.pNext = ptr::null_mut();
    vfs.zName = name.as_ptr();
    vfs.pAppData = Box::into_raw(Box::new(Data { state, real })).cast();
    vfs.xOpen = Some(open);
    vfs.xDelete = Some(delete);
    vfs.xAccess = Some(access);
    vfs.xFullPathname = Some(full_pathname);
    // What is left takes the file system for nothing but itself; `unix` looks at none of it.
    // SAFETY: SQLite keeps the pointer for ever, and so does the leaked box.
    let done = unsafe { sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
    assert_eq!(done, SQLITE_OK, "SQLite takes the file system");
}

/// # Safety
///
/// `vfs` is one of `register`.
unsafe fn data<'a>(vfs: *mut sqlite3_vfs) -> &'a Data {
    // SAFETY: `register` put it there, and it is never freed.
    unsafe { &*(*vfs).pAppData.cast() }
}

/// # Safety
///
/// `file` was opened here, and its memory goes on behind it.
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: `szOsFile` has room for both.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// # Safety
///
/// `file` was opened here and not closed.
unsafe fn parts<'a>(file: *mut sqlite3_file) -> (&'a State, &'a Path) {
    // SAFETY: `open` set both.
    unsafe {
        let file = &*file.cast::<File>();
        (&*file.state, &*file.path)
    }
}

/// Calls a method of the machine's own file.
macro_rules! pass {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let real = real($file);
        match (*(*real).pMethods).$method {
            Some(method) => method(real $(, $argument)*),
            None => SQLITE_OK,
        }
    }};
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives its own pointers, and `szOsFile` bytes for the file.
    unsafe {
        let Data { state, real: below } = data(vfs);
        (*file).pMethods = ptr::null();
        let Some(open) = (**below).xOpen else { return SQLITE_IOERR_WRITE };
        let done = open(*below, name, real(file), flags, out);
        if done == SQLITE_OK {
            let path = if name.is_null() {
                PathBuf::new()
            } else {
                PathBuf::from(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()))
            };
            state.opened(&path);
            let mine = file.cast::<File>();
            (*mine).state = *state;
            (*mine).path = Box::into_raw(Box::new(path));
            (*file).pMethods = &raw const METHODS;
        }
        done
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite gives its own pointers.
    unsafe {
        let Data { state, real } = data(vfs);
        if state.call().is_some() {
            return SQLITE_IOERR_DELETE;
        }
        let done = (**real).xDelete.map_or(SQLITE_OK, |delete| delete(*real, name, sync));
        if done == SQLITE_OK {
            state.deleted(Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())));
        }
        done
    }
}

unsafe extern "C" fn access(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives its own pointers.
    unsafe {
        let real = data(vfs).real;
        (*real).xAccess.map_or(SQLITE_OK, |access| access(real, name, flags, out))
    }
}

unsafe extern "C" fn full_pathname(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives its own pointers.
    unsafe {
        let real = data(vfs).real;
        (*real).xFullPathname.map_or(SQLITE_OK, |full| full(real, name, size, out))
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; the box is that of `open`.
    unsafe {
        let done = pass!(file, xClose);
        drop(Box::from_raw((*file.cast::<File>()).path));
        (*file).pMethods = ptr::null();
        done
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    size: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite gives its own pointers, and `size` bytes.
    unsafe {
        let (state, path) = parts(file);
        let fault = state.call();
        let size = match fault {
            Some(Fault::Full | Fault::Io) => 0,
            Some(Fault::Short | Fault::Quota) => size / 2,
            Some(Fault::Late) | None => size,
        };
        if size > 0 {
            let done = pass!(file, xWrite, bytes, size, offset);
            if done != SQLITE_OK {
                return done;
            }
            let written = std::slice::from_raw_parts(bytes.cast(), size.cast_unsigned() as usize);
            state.written(path, usize::try_from(offset).unwrap_or_default(), written);
        }
        match fault {
            None => SQLITE_OK,
            Some(Fault::Full | Fault::Short) => SQLITE_FULL,
            Some(Fault::Io | Fault::Quota | Fault::Late) => SQLITE_IOERR_WRITE,
        }
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite gives its own pointers.
    unsafe {
        let (state, path) = parts(file);
        let fault = state.call();
        if matches!(fault, None | Some(Fault::Late)) {
            let done = pass!(file, xTruncate, size);
            if done != SQLITE_OK {
                return done;
            }
            state.truncated(path, usize::try_from(size).unwrap_or_default());
        }
        if fault.is_some() { SQLITE_IOERR_TRUNCATE } else { SQLITE_OK }
    }
}

/// The machine's own disk need not be awaited: what a loss of power leaves is kept here.
unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: SQLite gives its own pointers.
    let (state, path) = unsafe { parts(file) };
    let fault = state.call();
    state.synced(path, matches!(fault, None | Some(Fault::Late)));
    if fault.is_none() { SQLITE_OK } else { SQLITE_IOERR_FSYNC }
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite gives its own pointers.
    unsafe {
        if extend != 0 && parts(file).0.call().is_some() {
            *out = ptr::null_mut();
            return SQLITE_IOERR_SHMSIZE;
        }
        pass!(file, xShmMap, page, size, extend, out)
    }
}

/// Functions that do nothing but to pass on.
macro_rules! passing {
    ($($name:ident => $method:ident($($argument:ident: $type:ty),*);)+) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $type)*) -> c_int {
            // SAFETY: SQLite gives its own pointers.
            unsafe { pass!(file, $method $(, $argument)*) }
        }
    )+};
}

passing! {
    read => xRead(bytes: *mut c_void, size: c_int, offset: i64);
    file_size => xFileSize(size: *mut i64);
    lock => xLock(level: c_int);
    unlock => xUnlock(level: c_int);
    check_reserved_lock => xCheckReservedLock(out: *mut c_int);
    file_control => xFileControl(what: c_int, argument: *mut c_void);
    sector_size => xSectorSize();
    device_characteristics => xDeviceCharacteristics();
    shm_lock => xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap => xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: SQLite gives its own pointers.
    unsafe {
        let real = real(file);
        if let Some(barrier) = (*(*real).pMethods).xShmBarrier {
            barrier(real);
        }
    }
}
