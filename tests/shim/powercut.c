/* A power cut for one folder: a preloaded library that takes back what was not flushed.
 *
 *   LD_PRELOAD=powercut.so SHIM_ROOT=/store SHIM_SIGNAL=/file [SHIM_AT=n SHIM_SEED=s] program
 *
 *   write, pwrite, ftruncate …  ─► passed through; old and new bytes are noted ─┐
 *   create, rename, unlink …    ─► passed through; the way back is noted       ─┤ pending
 *   fsync, fdatasync of a file  ─► its noted bytes are durable, forgotten      ─┤
 *   fsync of a folder           ─► its noted names are durable, forgotten      ─┘
 *   the cut: SHIM_SIGNAL appears (it holds a seed), or the n-th noted change comes
 *        names: a random beginning of what is pending stays, the rest is undone, newest first
 *        bytes: the file goes back to its last flush, then each pending write in its order is
 *               there, is not there, or is there in some of its 512-byte sectors
 *        _exit(137): nobody is told anything any more
 *
 * Names are kept in the order of their making (journals of file systems do that); bytes are not. A
 * file that was flushed but whose name was not is lost: the strictest reading of POSIX.
 *
 * All calls on the folder go through one mutex, so the cut falls between two of them. A flush is
 * not passed on: the system's cache outlives the program, and what the disk would hold is decided
 * here. Not covered, and not used by the store: mmap, io_uring, O_TMPFILE, links.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX], trash[PATH_MAX + 16], signal_path[PATH_MAX];
static size_t root_length;
static unsigned long random_state = 88172645463325252UL;
static long changes, cut_at = -1;
static unsigned long trashed;

#define REAL(name) ((typeof(&name))real(#name))
static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static unsigned long next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A change of a file's bytes (or, without bytes, of its length alone). */
struct change {
    off_t at, old_size;
    size_t length, old_length;
    char *bytes, *old;
    unsigned long number;
    struct change *next;
};

struct file {
    dev_t device;
    ino_t inode;
    int fd; /* our own, so that the inode lives and can be restored */
    struct change *first, *last;
    struct file *next;
};

enum kind { CREATED, RENAMED, UNLINKED, MADE, REMOVED };

/* A change of names, and what is needed to undo it. */
struct naming {
    enum kind kind;
    char *from, *to, *kept;
    dev_t device[2];
    ino_t folder[2];
    struct naming *next;
};

static struct file *files;
static struct naming *namings;
static unsigned long numbers;

static int is_inside(const char *path) {
    return root_length && !strncmp(path, root, root_length) &&
           (path[root_length] == '/' || !path[root_length]);
}

/* An absolute path without links for one that need not exist yet. */
static int resolve(int at, const char *path, char *out) {
    char whole[PATH_MAX * 2], folder[PATH_MAX], link[64];
    if (path[0] == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        if (at == AT_FDCWD) {
            if (!getcwd(folder, sizeof folder)) return 0;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
            ssize_t n = readlink(link, folder, sizeof folder - 1);
            if (n < 0) return 0;
            folder[n] = 0;
        }
        snprintf(whole, sizeof whole, "%s/%s", folder, path);
    }
    char *slash = strrchr(whole, '/');
    while (slash && slash != whole && !slash[1]) {
        *slash = 0;
        slash = strrchr(whole, '/');
    }
    if (!slash) return 0;
    char name[NAME_MAX + 2];
    snprintf(name, sizeof name, "%s", slash + 1);
    *slash = 0;
    if (!realpath(whole[0] ? whole : "/", folder)) return 0;
    snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return is_inside(out);
}

static void parent_of(const char *path, dev_t *device, ino_t *inode) {
    char folder[PATH_MAX];
    struct stat status;
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    if (stat(folder, &status) == 0) {
        *device = status.st_dev;
        *inode = status.st_ino;
    }
}

static struct file *find(const struct stat *status) {
    for (struct file *file = files; file; file = file->next)
        if (file->device == status->st_dev && file->inode == status->st_ino) return file;
    return NULL;
}

static void track(int fd) {
    struct stat status;
    char path[64];
    if (fstat(fd, &status) || !S_ISREG(status.st_mode) || find(&status)) return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct file *file = calloc(1, sizeof *file);
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
    if (file->fd < 0) {
        free(file);
        return;
    }
    file->next = files;
    files = file;
}

static void cut(void);

static void count(void) {
    if (++changes == cut_at) cut();
}

/* Notes what a write of `length` bytes at `at` will replace; the new bytes come with `noted`. */
static struct change *note(struct file *file, off_t at, size_t length) {
    struct stat status;
    fstat(file->fd, &status);
    struct change *change = calloc(1, sizeof *change);
    change->at = at;
    change->length = length;
    change->old_size = status.st_size;
    if (at < status.st_size) {
        size_t old = status.st_size - at;
        change->old_length = old < length ? old : length;
        change->old = malloc(change->old_length);
        size_t done = 0;
        while (done < change->old_length) {
            ssize_t n = pread(file->fd, change->old + done, change->old_length - done, at + done);
            if (n <= 0) break;
            done += n;
        }
    }
    return change;
}

static void noted(struct file *file, struct change *change, const char *bytes, size_t length) {
    change->length = length;
    if (bytes) {
        change->bytes = malloc(length ? length : 1);
        memcpy(change->bytes, bytes, length);
    }
    change->number = ++numbers;
    if (file->last) file->last->next = change;
    else file->first = change;
    file->last = change;
}

static void drop(struct change *change) {
    free(change->bytes);
    free(change->old);
    free(change);
}

static struct file *tracked(int fd) {
    struct stat status;
    if (!root_length || fstat(fd, &status) || !S_ISREG(status.st_mode)) return NULL;
    return find(&status);
}

/* --- names --- */

static struct naming *name_change(enum kind kind, const char *from, const char *to) {
    struct naming *naming = calloc(1, sizeof *naming);
    naming->kind = kind;
    naming->from = strdup(from);
    parent_of(from, &naming->device[0], &naming->folder[0]);
    if (to) {
        naming->to = strdup(to);
        parent_of(to, &naming->device[1], &naming->folder[1]);
    }
    return naming;
}

static void keep(struct naming *naming, const char *path) {
    char place[PATH_MAX + 64];
    struct stat status;
    if (lstat(path, &status) || !S_ISREG(status.st_mode)) return;
    snprintf(place, sizeof place, "%s/%lu", trash, ++trashed);
    if (REAL(link)(path, place) == 0) naming->kept = strdup(place);
}

static void name_noted(struct naming *naming) {
    naming->next = namings;
    namings = naming;
}

static void forget(struct naming *naming) {
    if (naming->kept) REAL(unlink)(naming->kept);
    free(naming->from);
    free(naming->to);
    free(naming->kept);
    free(naming);
}

static void undo_name(struct naming *naming) {
    switch (naming->kind) {
    case CREATED: REAL(unlink)(naming->from); break;
    case RENAMED:
        REAL(rename)(naming->to, naming->from);
        if (naming->kept) REAL(link)(naming->kept, naming->to);
        break;
    case UNLINKED:
        if (naming->kept) REAL(link)(naming->kept, naming->from);
        break;
    case MADE: REAL(rmdir)(naming->from); break;
    case REMOVED: REAL(mkdir)(naming->from, 0777); break;
    }
}

/* --- the cut --- */

static void put(int fd, const char *bytes, size_t length, off_t at) {
    while (length) {
        ssize_t n = REAL(pwrite)(fd, bytes, length, at);
        if (n <= 0) return;
        bytes += n;
        length -= n;
        at += n;
    }
}

static void put_sectors(int fd, const struct change *change) {
    off_t at = change->at, end = at + change->length;
    while (at < end) {
        off_t stop = (at / SECTOR + 1) * SECTOR;
        if (stop > end) stop = end;
        if (next_random() & 1) put(fd, change->bytes + (at - change->at), stop - at, at);
        at = stop;
    }
}

static void restore(struct file *file) {
    size_t count = 0;
    for (struct change *change = file->first; change; change = change->next) count++;
    struct change **all = malloc((count + 1) * sizeof *all);
    count = 0;
    for (struct change *change = file->first; change; change = change->next) all[count++] = change;
    for (size_t at = count; at-- > 0;) {
        if (all[at]->old_length) put(file->fd, all[at]->old, all[at]->old_length, all[at]->at);
        if (REAL(ftruncate)(file->fd, all[at]->old_size)) break;
    }
    /* Of all, of nearly none, or of a mixture: each has its own way to go wrong. */
    unsigned long share = next_random() % 4;
    for (size_t at = 0; at < count; at++) {
        unsigned long fate = next_random() % 8;
        if (share == 0) fate = 7;
        if (share == 1) fate = 0;
        if (fate >= 5) continue;
        if (!all[at]->bytes) {
            if (REAL(ftruncate)(file->fd, all[at]->at)) break;
        } else if (fate < 3) {
            put(file->fd, all[at]->bytes, all[at]->length, all[at]->at);
        } else {
            put_sectors(file->fd, all[at]);
        }
    }
    free(all);
}

static void cut(void) {
    for (struct file *file = files; file; file = file->next) restore(file);
    size_t count = 0;
    for (struct naming *naming = namings; naming; naming = naming->next) count++;
    size_t lost = count ? next_random() % (count + 1) : 0;
    if (next_random() % 4 == 0) lost = count;
    for (struct naming *naming = namings; naming && lost; naming = naming->next, lost--)
        undo_name(naming);
    fprintf(stderr, "powercut: after %ld changes, %zu names pending\n", changes, count);
    _exit(137);
}

static void *watch(void *nothing) {
    for (;;) {
        usleep(500);
        int fd = REAL(open)(signal_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        char text[32] = {0};
        if (read(fd, text, sizeof text - 1) <= 0) {
            close(fd);
            continue;
        }
        pthread_mutex_lock(&lock);
        random_state ^= strtoul(text, NULL, 10) * 0x9E3779B97F4A7C15UL;
        if (!random_state) random_state = 1;
        cut();
    }
    return nothing;
}

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("SHIM_ROOT"), *file = getenv("SHIM_SIGNAL");
    const char *at = getenv("SHIM_AT"), *seed = getenv("SHIM_SEED");
    /* The folder's parent is there; it may be made by the program itself. */
    if (!folder) return;
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    snprintf(trash, sizeof trash, "%s.trash", root);
    mkdir(trash, 0777);
    if (at) cut_at = atol(at);
    if (seed) random_state ^= strtoul(seed, NULL, 10) * 0x9E3779B97F4A7C15UL;
    if (!random_state) random_state = 1;
    /* Names of an earlier process under the same folder of kept files. */
    trashed = (unsigned long)getpid() << 24;
    if (file) {
        pthread_t thread;
        snprintf(signal_path, sizeof signal_path, "%s", file);
        pthread_create(&thread, NULL, watch, NULL);
    }
}

/* --- what is interposed --- */

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    if (!root_length || !resolve(at, path, whole)) return REAL(openat)(at, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat status;
    int is_new = (flags & O_CREAT) && lstat(whole, &status) != 0;
    int truncates = flags & O_TRUNC;
    if (is_new) count();
    int fd = REAL(openat)(at, path, flags & ~O_TRUNC, mode);
    int error = errno;
    if (fd >= 0) {
        if (is_new) name_noted(name_change(CREATED, whole, NULL));
        track(fd);
        struct file *file = tracked(fd);
        if (truncates && file) {
            struct stat now;
            fstat(fd, &now);
            if (now.st_size) {
                count();
                struct change *change = note(file, 0, now.st_size);
                REAL(ftruncate)(fd, 0);
                noted(file, change, NULL, 0);
            }
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE                                                                                       \
    mode_t mode = 0;                                                                               \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                           \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode = va_arg(list, mode_t);                                                               \
        va_end(list);                                                                              \
    }

int open(const char *path, int flags, ...) { MODE return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return open_at(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE return open_at(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) {
    MODE return open_at(at, path, flags, mode);
}

static ssize_t write_at(struct file *file, int fd, const void *bytes, size_t length, off_t at) {
    count();
    struct change *change = note(file, at, length);
    ssize_t n = REAL(pwrite)(fd, bytes, length, at);
    int error = errno;
    if (n > 0) noted(file, change, bytes, n);
    else drop(change);
    errno = error;
    return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    pthread_mutex_lock(&lock);
    struct file *file = tracked(fd);
    if (!file) {
        pthread_mutex_unlock(&lock);
        return REAL(pwrite)(fd, bytes, length, at);
    }
    ssize_t n = write_at(file, fd, bytes, length, at);
    pthread_mutex_unlock(&lock);
    return n;
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    return pwrite(fd, bytes, length, at);
}

/* Sockets and pipes must not wait for the mutex: they may block. */
static int is_regular(int fd) {
    struct stat status;
    return root_length && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!is_regular(fd)) return REAL(write)(fd, bytes, length);
    pthread_mutex_lock(&lock);
    struct file *file = tracked(fd);
    ssize_t n;
    if (!file) {
        n = REAL(write)(fd, bytes, length);
    } else {
        struct stat status;
        fstat(fd, &status);
        int appends = fcntl(fd, F_GETFL) & O_APPEND;
        off_t at = appends ? status.st_size : lseek(fd, 0, SEEK_CUR);
        count();
        struct change *change = note(file, at, length);
        n = REAL(write)(fd, bytes, length);
        int error = errno;
        if (n > 0) noted(file, change, bytes, n);
        else drop(change);
        errno = error;
    }
    pthread_mutex_unlock(&lock);
    return n;
}

ssize_t writev(int fd, const struct iovec *parts, int count_) {
    if (!is_regular(fd)) return REAL(writev)(fd, parts, count_);
    ssize_t all = 0;
    for (int at = 0; at < count_; at++) {
        ssize_t n = write(fd, parts[at].iov_base, parts[at].iov_len);
        if (n < 0) return all ? all : n;
        all += n;
        if ((size_t)n < parts[at].iov_len) break;
    }
    return all;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count_, off_t from) {
    if (!is_regular(fd)) return REAL(pwritev)(fd, parts, count_, from);
    ssize_t all = 0;
    for (int at = 0; at < count_; at++) {
        ssize_t n = pwrite(fd, parts[at].iov_base, parts[at].iov_len, from + all);
        if (n < 0) return all ? all : n;
        all += n;
        if ((size_t)n < parts[at].iov_len) break;
    }
    return all;
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count_, off_t from) {
    return pwritev(fd, parts, count_, from);
}

int ftruncate(int fd, off_t size) {
    pthread_mutex_lock(&lock);
    struct file *file = tracked(fd);
    int result;
    if (!file) {
        result = REAL(ftruncate)(fd, size);
    } else {
        struct stat status;
        fstat(fd, &status);
        count();
        size_t lost = status.st_size > size ? status.st_size - size : 0;
        struct change *change = note(file, size, lost);
        result = REAL(ftruncate)(fd, size);
        if (result == 0) noted(file, change, NULL, 0);
        else drop(change);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

/* Space laid out in advance: zeros, and the file's new length. */
int fallocate(int fd, int mode, off_t at, off_t length) {
    pthread_mutex_lock(&lock);
    struct file *file = tracked(fd);
    int result = REAL(fallocate)(fd, mode, at, length);
    if (file && result == 0) {
        struct stat status;
        fstat(fd, &status);
        count();
        if (mode != 0) fprintf(stderr, "powercut: fallocate in mode %d is not undone\n", mode);
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int fallocate64(int fd, int mode, off_t at, off_t length) { return fallocate(fd, mode, at, length); }
int posix_fallocate(int fd, off_t at, off_t length) {
    return fallocate(fd, 0, at, length) ? errno : 0;
}
int posix_fallocate64(int fd, off_t at, off_t length) { return posix_fallocate(fd, at, length); }

static int flush(int fd) {
    struct stat status;
    if (!root_length || fstat(fd, &status)) return 0;
    pthread_mutex_lock(&lock);
    int mine = 0;
    if (S_ISDIR(status.st_mode)) {
        struct naming **place = &namings;
        while (*place) {
            struct naming *naming = *place;
            for (int at = 0; at < 2; at++)
                if (naming->folder[at] == status.st_ino && naming->device[at] == status.st_dev)
                    naming->folder[at] = 0;
            if (!naming->folder[0] && !naming->folder[1]) {
                *place = naming->next;
                forget(naming);
            } else {
                place = &naming->next;
            }
        }
    } else {
        struct file *file = find(&status);
        if (file) {
            mine = 1;
            count();
            while (file->first) {
                struct change *change = file->first;
                file->first = change->next;
                drop(change);
            }
            file->last = NULL;
            if (!status.st_nlink) {
                struct file **place = &files;
                while (*place != file) place = &(*place)->next;
                *place = file->next;
                close(file->fd);
                free(file);
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return mine;
}

int fsync(int fd) { return flush(fd) ? 0 : REAL(fsync)(fd); }
int fdatasync(int fd) { return flush(fd) ? 0 : REAL(fdatasync)(fd); }
int sync_file_range(int fd, off_t at, off_t length, unsigned flags) {
    return 0 * fd * at * length * flags; /* starts writing back; promises nothing */
}

static int rename_at(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char whole[PATH_MAX], target[PATH_MAX];
    if (!root_length || !resolve(from_at, from, whole) || !resolve(to_at, to, target))
        return REAL(renameat2)(from_at, from, to_at, to, flags);
    pthread_mutex_lock(&lock);
    count();
    struct naming *naming = name_change(RENAMED, whole, target);
    keep(naming, target);
    int result = REAL(renameat2)(from_at, from, to_at, to, flags);
    int error = errno;
    if (result == 0) name_noted(naming);
    else forget(naming);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int rename(const char *from, const char *to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_at, const char *from, int to_at, const char *to) {
    return rename_at(from_at, from, to_at, to, 0);
}
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return rename_at(from_at, from, to_at, to, flags);
}

static int unlink_at(int at, const char *path, int flags) {
    char whole[PATH_MAX];
    if (!root_length || !resolve(at, path, whole)) return REAL(unlinkat)(at, path, flags);
    pthread_mutex_lock(&lock);
    count();
    struct naming *naming =
        name_change(flags & AT_REMOVEDIR ? REMOVED : UNLINKED, whole, NULL);
    if (!(flags & AT_REMOVEDIR)) keep(naming, whole);
    int result = REAL(unlinkat)(at, path, flags);
    int error = errno;
    if (result == 0) name_noted(naming);
    else forget(naming);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int unlink(const char *path) { return unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return unlink_at(at, path, flags); }
int rmdir(const char *path) { return unlink_at(AT_FDCWD, path, AT_REMOVEDIR); }

static int mkdir_at(int at, const char *path, mode_t mode) {
    char whole[PATH_MAX];
    if (!root_length || !resolve(at, path, whole)) return REAL(mkdirat)(at, path, mode);
    pthread_mutex_lock(&lock);
    count();
    int result = REAL(mkdirat)(at, path, mode);
    int error = errno;
    if (result == 0) name_noted(name_change(MADE, whole, NULL));
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdir_at(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return mkdir_at(at, path, mode); }
