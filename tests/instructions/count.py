#!/usr/bin/env python3
"""count.py JOBS CEILINGS.json [--lower] [--raise JOB] [--within KIND] - counts the instructions of each job of the program JOBS under callgrind and compares
them with the recorded ceilings: a job that takes more than the tolerance above its ceiling is a failure.

  --lower      writes the counts that are below their ceiling, and those of new jobs; never raises one
  --within KIND  a job of the name SHAPE_OTHER must not take more than SHAPE_KIND
  --raise JOB  writes that job's count whatever it is: for a change that is worth its price, said in the commit that does it
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

TOLERANCE = 0.03  # hash seeds, alignment, another minor version of a library


def count(program, *job):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={folder}/out", program, *job],
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise SystemExit(f"{' '.join(job)}: {run.stderr[-2000:]}")
        with open(os.path.join(folder, "out"), encoding="utf-8") as out:
            return int(re.search(r"^(?:summary|totals): (\d+)", out.read(), re.M).group(1))


def main():
    program, path, options = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(path, encoding="utf-8") as file:
        ceilings = json.load(file)
    jobs = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(jobs, pool.map(lambda job: count(program, job), jobs)))
    raised = {options[i + 1] for i, option in enumerate(options) if option == "--raise"}
    failed = False
    for job in jobs:
        ceiling = ceilings.get(job)
        print(f"{job:20} {counts[job]:>14,}" + (f"  {100 * counts[job] / ceiling - 100:+6.1f} %" if ceiling else "  new"))
        if job in raised or ("--lower" in options and (ceiling is None or counts[job] < ceiling)):
            ceilings[job] = counts[job]
        elif ceiling is None or counts[job] > ceiling * (1 + TOLERANCE):
            print(f"    {job} takes more instructions than its ceiling of {ceiling}" if ceiling else f"    {job} has no ceiling: run with --lower")
            failed = True
    within = options[options.index("--within") + 1] if "--within" in options else None
    for job in jobs:
        most = counts.get(f"{job.rpartition('_')[0]}_{within}", counts[job])
        if counts[job] > most:
            print(f"{job} takes more instructions than the same in {within}: {counts[job]:,} and {most:,}")
            failed = True
    for job in sorted(set(ceilings) - set(jobs)):
        print(f"{job} has a ceiling and is no job any more")
        failed = True
    if "--lower" in options or raised:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(ceilings, file, indent=2, sort_keys=True)
            file.write("\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
