/*
 * threads.h - the runtime's threads beside the workers.
 */
#ifndef SLUICE_EXECUTOR_RUNTIME_THREADS_H
#define SLUICE_EXECUTOR_RUNTIME_THREADS_H

/* slots.c: the member of the group, which finds out which slots are ours. */
void *slots_main(void *runtime);
/* helper.c: what would hold a worker up and may wait. */
void *helper_main(void *runtime);

#endif
