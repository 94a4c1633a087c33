/*
 * banned.h - functions that invite overruns or hidden state. Force-included in every C file of ours by CMake
 * after the system headers it names, so that a use does not compile.
 */
#ifndef SLUICE_CORE_BANNED_H
#define SLUICE_CORE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok localtime gmtime asctime ctime

#endif
