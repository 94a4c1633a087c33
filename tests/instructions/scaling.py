#!/usr/bin/env python3
"""scaling.py SCALING [NAME...] - counts the instructions that the program SCALING needs for requests of n, 2n and 4n parts, under callgrind. What is
proportional costs twice as much more from 2n to 4n as from n to 2n; what is quadratic, four times. The test fails in between.
"""
import concurrent.futures
import os
import subprocess
import sys

from count import count

MOST = 2.6  # n log n at these sizes is 2.3


def main():
    program = sys.argv[1]
    sizes = dict(line.split() for line in subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines())
    names = sys.argv[2:] or list(sizes)
    jobs = [(name, factor) for name in names for factor in (1, 2, 4)]

    def run(job):
        name, factor = job
        return count(program, name, str(int(sizes[name]) * factor))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(jobs, pool.map(run, jobs)))
    failed = False
    for name in names:
        one, two, four = (counts[name, factor] for factor in (1, 2, 4))
        ratio = (four - two) / max(two - one, 1)
        slow = ratio > MOST and four > 2 * two  # a small thing that grows by chance is none
        failed = failed or slow
        print(f"{name:20} {one:>14,} {two:>14,} {four:>14,}  {ratio:5.2f}{'  grows faster than the request' if slow else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
