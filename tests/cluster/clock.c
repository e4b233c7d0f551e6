/* Preloaded into a process: its wall clock is off by as many seconds as a file says, which TOLLGATE_E2E_CLOCK names.
   The clock that measures how much time passes is left alone, as it is when somebody sets a machine's clock. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long shift(void)
{
	char text[32] = {0};
	const char *path = getenv("TOLLGATE_E2E_CLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (file < 0)
		return 0;
	if (read(file, text, sizeof text - 1) < 0)
		text[0] = 0;
	close(file);
	return atol(text);
}

int clock_gettime(clockid_t id, struct timespec *time)
{
	int failed = syscall(SYS_clock_gettime, id, time);
	if (!failed && id == CLOCK_REALTIME)
		time->tv_sec += shift();
	return failed;
}
