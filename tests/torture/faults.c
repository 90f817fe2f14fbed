/* Stands between a program and the disk: LD_PRELOAD it, then arm it with faults_arm.

   Every call that changes a file below one directory is numbered. At a chosen number the process
   dies, or the call fails, once or for ever; or every call is written to a log, from which the
   harness works out what a power cut could have left. It can also make the clock jump.

   Build: cc -shared -fPIC -O1 -o faults.so faults.c -ldl */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { OFF, COUNT, KILL, TEAR, FAIL, RECORD };

static int mode = OFF, error_number = ENOSPC, forever = 0, log_fd = -1;
static long at = 0, seen = 0;
static char under[PATH_MAX];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

long faults_seen(void) { return seen; }

void faults_arm(int new_mode, const char *directory, long number, int error, int always, int fd)
{
    mode = OFF;
    strncpy(under, directory, sizeof under - 1);
    at = number, error_number = error, forever = always, log_fd = fd, seen = 0;
    mode = new_mode;
}

static int is_ours(const char *path)
{
    size_t n = strlen(under);
    return strncmp(path, under, n) == 0 && (path[n] == '/' || path[n] == 0)
        && strstr(path, "-shm") == NULL;
}

static int path_of(int fd, char *path)
{
    char link[64] = "/proc/self/fd/";
    char digits[16];
    int n = 0, at_end = 14;
    do { digits[n++] = '0' + fd % 10; fd /= 10; } while (fd);
    while (n) link[at_end++] = digits[--n];
    link[at_end] = 0;
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

static int full_path(int directory, const char *path, char *full)
{
    if (path[0] == '/') {
        strncpy(full, path, PATH_MAX - 1);
        return is_ours(full);
    }
    if (directory == AT_FDCWD) {
        if (!getcwd(full, PATH_MAX)) return 0;
    } else {
        char link[PATH_MAX];
        if (!path_of(directory, link)) return 0;
        strcpy(full, link);
    }
    if (strlen(full) + strlen(path) + 2 > PATH_MAX) return 0;
    strcat(full, "/");
    strcat(full, path);
    return is_ours(full);
}

static void put(const void *data, size_t n)
{
    const char *next = data;
    while (n) {
        ssize_t done = syscall(SYS_write, log_fd, next, n);
        if (done <= 0) _exit(97);
        next += done, n -= done;
    }
}

/* A record: kind, lengths of path, of second path and of data, offset; then those. */
static void record(char kind, const char *path, const char *other, int64_t offset,
                   const void *data, size_t n)
{
    int64_t head[5] = { kind, (int64_t)strlen(path), (int64_t)strlen(other), (int64_t)n, offset };
    put(head, sizeof head);
    put(path, strlen(path));
    put(other, strlen(other));
    put(data, n);
}

/* Called before each change; nonzero if it is to fail with errno. */
static int struck(int takes_space)
{
    if (mode == OFF || mode == RECORD) return 0;
    if (mode == FAIL && error_number == ENOSPC && !takes_space) return 0;
    seen++;
    if (mode == KILL && seen == at) syscall(SYS_kill, getpid(), SIGKILL);
    if (mode == FAIL && (seen == at || (forever && seen > at))) {
        errno = error_number;
        return 1;
    }
    return 0;
}

static size_t torn(size_t n) { return mode == TEAR && seen == at ? n / 2 : n; }

static void die_if_torn(void)
{
    if (mode == TEAR && seen == at) syscall(SYS_kill, getpid(), SIGKILL);
}

ssize_t write(int fd, const void *data, size_t n)
{
    char path[PATH_MAX];
    if (mode == OFF || fd == log_fd || !path_of(fd, path)) return REAL(write)(fd, data, n);
    if (struck(1)) return -1;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = REAL(write)(fd, data, torn(n));
    die_if_torn();
    if (mode == RECORD && done > 0) record('w', path, "", offset, data, done);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    char path[PATH_MAX];
    if (mode == OFF || !path_of(fd, path)) return REAL(pwrite64)(fd, data, n, offset);
    if (struck(1)) return -1;
    ssize_t done = REAL(pwrite64)(fd, data, torn(n), offset);
    die_if_torn();
    if (mode == RECORD && done > 0) record('w', path, "", offset, data, done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return pwrite64(fd, data, n, offset);
}

/* Copies within the kernel cannot be numbered: the program then reads and writes by itself. */
#define REFUSED(to, call)                                        \
    {                                                            \
        char path[PATH_MAX];                                     \
        if (mode == OFF || !path_of(to, path)) return call;      \
        errno = ENOTSUP;                                         \
        return -1;                                               \
    }
ssize_t sendfile(int to, int from, off_t *offset, size_t n)
    REFUSED(to, REAL(sendfile)(to, from, offset, n))
ssize_t sendfile64(int to, int from, off64_t *offset, size_t n)
    REFUSED(to, REAL(sendfile64)(to, from, offset, n))
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t n, unsigned flags)
    REFUSED(to, REAL(copy_file_range)(from, a, to, b, n, flags))

#define ON_FD(name, kind, size)                                             \
    {                                                                       \
        char path[PATH_MAX];                                                \
        int ours = mode != OFF && path_of(fd, path);                        \
        if (ours && struck(0)) return -1;                                   \
        int result = REAL(name) SIZED_##size;                               \
        die_if_torn();                                                      \
        if (ours && mode == RECORD && !result) record(kind, path, "", OFFSET_##size, "", 0); \
        return result;                                                      \
    }
#define SIZED_none (fd)
#define OFFSET_none 0
#define SIZED_size (fd, size)
#define OFFSET_size size

int fsync(int fd) ON_FD(fsync, 's', none)
int fdatasync(int fd) ON_FD(fdatasync, 's', none)
int ftruncate64(int fd, off64_t size) ON_FD(ftruncate64, 't', size)
int ftruncate(int fd, off_t size) ON_FD(ftruncate, 't', size)

static int opened(int directory, const char *name, int flags, mode_t rights)
{
    char path[PATH_MAX];
    struct stat there;
    int ours = mode != OFF && (flags & (O_CREAT | O_TRUNC)) && full_path(directory, name, path);
    int is_new = ours && fstatat(directory, name, &there, 0) != 0;
    if (ours && (is_new || (flags & O_TRUNC)) && struck(1)) return -1;
    int fd = syscall(SYS_openat, directory, name, flags, rights);
    die_if_torn();
    if (ours && mode == RECORD && fd >= 0) {
        if (is_new) record('c', path, "", 0, "", 0);
        else if (flags & O_TRUNC) record('t', path, "", 0, "", 0);
    }
    return fd;
}

#define RIGHTS                                                      \
    mode_t rights = 0;                                              \
    if (flags & (O_CREAT | O_TMPFILE)) {                            \
        va_list more;                                               \
        va_start(more, flags);                                      \
        rights = va_arg(more, mode_t);                              \
        va_end(more);                                               \
    }

int open(const char *name, int flags, ...) { RIGHTS return opened(AT_FDCWD, name, flags, rights); }
int open64(const char *name, int flags, ...) { RIGHTS return opened(AT_FDCWD, name, flags, rights); }
int openat(int d, const char *name, int flags, ...) { RIGHTS return opened(d, name, flags, rights); }
int openat64(int d, const char *name, int flags, ...) { RIGHTS return opened(d, name, flags, rights); }

#define ON_PATH(kind, directory, name, space, call)                          \
    {                                                                        \
        char path[PATH_MAX];                                                 \
        int ours = mode != OFF && full_path(directory, name, path);          \
        if (ours && struck(space)) return -1;                                \
        int result = call;                                                   \
        die_if_torn();                                                       \
        if (ours && mode == RECORD && !result) record(kind, path, "", 0, "", 0); \
        return result;                                                       \
    }

int mkdir(const char *name, mode_t m) ON_PATH('d', AT_FDCWD, name, 1, REAL(mkdir)(name, m))
int mkdirat(int d, const char *name, mode_t m) ON_PATH('d', d, name, 1, REAL(mkdirat)(d, name, m))
int unlink(const char *name) ON_PATH('u', AT_FDCWD, name, 0, REAL(unlink)(name))
int unlinkat(int d, const char *name, int f) ON_PATH('u', d, name, 0, REAL(unlinkat)(d, name, f))
int rmdir(const char *name) ON_PATH('u', AT_FDCWD, name, 0, REAL(rmdir)(name))

/* FAULTS_CLOCK="START STEP" sets the clock: the first look finds START (Unix seconds), each further
   one STEP seconds more. What only ever goes forward, CLOCK_MONOTONIC, is left as it is. */
static int false_time(struct timespec *now)
{
    static long looks = 0;
    static const char *variable = "FAULTS_CLOCK=";
    for (char **each = environ; each && *each; each++) {
        if (strncmp(*each, variable, strlen(variable))) continue;
        double start = 0, step = 0;
        if (sscanf(*each + strlen(variable), "%lf %lf", &start, &step) != 2) return 0;
        double found = start + step * looks++;
        now->tv_sec = (time_t)found;
        now->tv_nsec = (long)((found - (double)now->tv_sec) * 1e9);
        return 1;
    }
    return 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    if (id == CLOCK_REALTIME && false_time(now)) return 0;
    return syscall(SYS_clock_gettime, id, now);
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found;
    if (!false_time(&found)) syscall(SYS_clock_gettime, CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec, now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    struct timespec found;
    if (!false_time(&found)) syscall(SYS_clock_gettime, CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}

int rename(const char *old, const char *new)
{
    char from[PATH_MAX], to[PATH_MAX];
    int ours = mode != OFF && full_path(AT_FDCWD, old, from) && full_path(AT_FDCWD, new, to);
    if (ours && struck(0)) return -1;
    int result = REAL(rename)(old, new);
    die_if_torn();
    if (ours && mode == RECORD && !result) record('r', from, to, 0, "", 0);
    return result;
}
