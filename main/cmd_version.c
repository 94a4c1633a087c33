/*
 * cmd_version.c - `sluice version`.
 */
#include "main/commands.h"
#include "server/rest/rest.h"

int cmd_version(int argc, char **argv)
{
    printf("sluice %s (speaks ksqlDB %s)\n", SLUICE_VERSION, KSQLDB_VERSION);
    return EXIT_OK;
}
