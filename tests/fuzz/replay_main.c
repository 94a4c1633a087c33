/*
 * replay_main.c - runs a fuzzing target on the files given as arguments, where there is no libFuzzer.
 *
 * Each file is copied to a block of exactly its size, so that a read behind the end is seen by the address
 * sanitizer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    uint8_t *data = NULL;
    size_t   size = 0, capacity = 0, got;
    do {
        if (size == capacity) {
            capacity = capacity > 0 ? capacity * 2 : 4096;
            data     = realloc(data, capacity);
            if (data == NULL)
                abort();
        }
        got = fread(data + size, 1, capacity - size, file);
        size += got;
    } while (got > 0);
    int failed = ferror(file);
    fclose(file);
    uint8_t *exact = realloc(data, size > 0 ? size : 1);
    if (exact == NULL)
        abort();
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    return failed;
}
