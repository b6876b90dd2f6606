// What the search needs of MPI: messages of bytes between processes, of which none is waited for longer than is said.
//
// The plugin (plugin.c) exports these functions, and a build with the trait MPI calls them as they are here. The calls of
// one process come from one thread at a time.
#ifndef DENSITY_MPI_H
#define DENSITY_MPI_H

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { density_mpi_tag = 1, density_mpi_pause = 200 };

// Returns where the message is that was found and not yet taken.
static inline MPI_Message *density_mpi_found(void) {
  static MPI_Message message;
  return &message;
}

// Waits until a request is done, but not longer than so many seconds. Returns 1 if it is. Otherwise MPI may read or write its
// buffer later, so that it has to stay where it is.
static inline int density_mpi_finish(MPI_Request *request, double seconds) {
  const double end = MPI_Wtime() + seconds;
  for (;;) {
    int done = 0;
    if (MPI_Test(request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return 0;
    if (done || MPI_Wtime() > end) return done;
    usleep(density_mpi_pause);
  }
}

// Begins, and says which process this is and how many there are. Returns 0, or what kept it from beginning.
static inline int density_mpi_begin(int *rank, int *count) {
  int level = 0;
  if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS) return 1;
  if (level < MPI_THREAD_SERIALIZED) return 2;
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (MPI_Comm_rank(MPI_COMM_WORLD, rank) != MPI_SUCCESS) return 3;
  return MPI_Comm_size(MPI_COMM_WORLD, count) == MPI_SUCCESS ? 0 : 3;
}

// Sends bytes, and waits until they are taken, but not longer than so many seconds. Returns 1 if they were.
static inline int density_mpi_send(const void *bytes, long size, int rank, double seconds) {
  if (size > INT_MAX) return 0;
  void *copy = malloc(size > 0 ? (size_t)size : 1);
  if (!copy) return 0;
  memcpy(copy, bytes, (size_t)size);
  MPI_Request request;
  if (MPI_Isend(copy, (int)size, MPI_BYTE, rank, density_mpi_tag, MPI_COMM_WORLD, &request) != MPI_SUCCESS) {
    free(copy);
    return 0;
  }
  const int is_sent = density_mpi_finish(&request, seconds);
  if (is_sent) free(copy);
  return is_sent;
}

// Waits for a message, but not longer than so many seconds, and says of which process it is. Returns its size, or -1.
static inline long density_mpi_await(int *rank, double seconds) {
  const double end = MPI_Wtime() + seconds;
  for (;;) {
    int is_there = 0, size = 0;
    MPI_Status status;
    if (MPI_Improbe(MPI_ANY_SOURCE, density_mpi_tag, MPI_COMM_WORLD, &is_there, density_mpi_found(), &status) !=
        MPI_SUCCESS)
      return -1;
    if (is_there) {
      *rank = status.MPI_SOURCE;
      return MPI_Get_count(&status, MPI_BYTE, &size) == MPI_SUCCESS ? size : -1;
    }
    if (MPI_Wtime() > end) return -1;
    usleep(density_mpi_pause);
  }
}

// Takes the message that was found, whose sender has so many seconds to bring it. Returns 1 if it came.
static inline int density_mpi_take(void *bytes, long size, double seconds) {
  void *copy = malloc(size > 0 ? (size_t)size : 1);
  if (!copy) return 0;
  MPI_Request request;
  if (MPI_Imrecv(copy, (int)size, MPI_BYTE, density_mpi_found(), &request) != MPI_SUCCESS) {
    free(copy);
    return 0;
  }
  const int is_there = density_mpi_finish(&request, seconds);
  if (is_there) {
    memcpy(bytes, copy, (size_t)size);
    free(copy);
  }
  return is_there;
}

// Ends. All processes have to.
static inline void density_mpi_end(void) { MPI_Finalize(); }

#endif
