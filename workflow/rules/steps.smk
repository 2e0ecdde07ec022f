# What a run's progress goes by: the jobs that are due, and what each is expected to take.

BATCH_IN = dict(zip(BATCH_FOLDERS, BATCHES.values()))
# The one job of a run whose outcome is told although it does not fail.
TOLD = rules.write_audit.output.json


def expected_seconds(job):
    """On one core, by what the job trains, or by its rule."""
    batches = [BATCH_IN[folder] for folder in {str(Path(path).parent) for path in job.output} if folder in BATCH_IN]
    if batches:
        return step_costs.training(batches)
    if job.rule.name == "rerun_published":
        dataset = number(job.wildcards)["dataset"]
        return step_costs.reruns(dataset, config["published_numbers"][dataset])
    if job.rule.name == "time_solo":
        return step_costs.alone(TIMED_ALONE, config["solo"]["repeats"])
    if job.benchmark and Path(job.benchmark).parent.name == "theory":
        name = job_costs.experiment(Path(job.benchmark))
        return step_costs.experiment(name, config["theory"][name])
    return step_costs.other(job.rule.name) if job.log else 0


def step(job):
    """A job by the name of its log among the results' logs."""
    parts = Path(job.log[0]).relative_to(RESULTS).with_suffix("").parts if job.log else ()
    return Step(
        name=Path(*(part for part in parts if part != "logs")).as_posix() if parts else "",
        seconds=expected_seconds(job),
        cores=job.threads,
        needs=tuple(map(workflow.dag.jobid, workflow.dag.job_dependencies(job))),
        log=Path(job.log[0]) if job.log else None,
        told=not job.output or TOLD in job.output,
        makes=bool(job.output),
    )


def steps():
    """All that are due, by the numbers that Snakemake gives them."""
    return {job.jobid: step(job) for job in workflow.dag.needrun_jobs()}


def page_to_open():
    """Of what was made: the run's own page, or the only one; otherwise none."""
    jobs = workflow.dag.needrun_jobs(exclude_finished=False)
    pages = [path for job in jobs for path in job.output if path.endswith(".html")]
    own = rules.write_index.output.page
    return own if own in pages else pages[0] if len(pages) == 1 else None
