// The plugin that a `density` without MPI loads under a launcher: compiled by the mpicc of the MPI at hand (make mpi).
#include "include/density_mpi.h"

int density_plugin_begin(int *rank, int *count) { return density_mpi_begin(rank, count); }
int density_plugin_send(const void *bytes, long size, int rank, double seconds) {
  return density_mpi_send(bytes, size, rank, seconds);
}
long density_plugin_await(int *rank, double seconds) { return density_mpi_await(rank, seconds); }
int density_plugin_take(void *bytes, long size, double seconds) { return density_mpi_take(bytes, size, seconds); }
void density_plugin_end(void) { density_mpi_end(); }
