# Before anything else: what would end in a traceback ends in one line, and who speaks on the terminal is settled.

import logging
import os

from snakemake.logging import logger
from snakemake.settings.enums import Quietness

from symmetry_constrained import cli
from symmetry_constrained.runs import duplicates, locks
from symmetry_constrained.runs.terminal import Terminal


def or_stop(function, *arguments):
    """What the function returns; its ValueError ends everything in one line, where Snakemake would print a traceback."""
    try:
        return function(*arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def speak_of_failures():
    """With `--quiet all` or `rules` Snakemake leaves out why a run failed, on the terminal as in its log."""
    for handler in logger.handlers:
        for filter in [filter for filter in handler.filters if getattr(filter, "quiet", None)]:
            if handler.name == "DefaultLogFileHandler":
                filter.quiet = set()
            elif Quietness.ALL in filter.quiet:
                handler.removeFilter(filter)
                handler.addFilter(lambda record: record.levelno >= logging.ERROR)


def leave_rate_unlimited():
    """No limit on jobs a second (it is 100), because with one Snakemake looks for work again a second after a job
    starts, and from then on every second for every job so far: late in a run that takes a quarter of a core. Once it
    is about to start: before, nobody has set a limit.
    """
    workflow.scheduler.job_rate_limiter = None


def own_words():
    """What speaks in Snakemake's place; None where it speaks itself: with `VERBOSE=1`, or told what to say."""
    asked = workflow.output_settings
    told = asked.quiet or asked.verbose or asked.printshellcmds or asked.debug_dag or asked.dryrun
    handlers = [handler for handler in logger.handlers if handler.name == "DefaultStreamHandler"]
    if told or os.environ.get("VERBOSE") or not workflow.is_main_process or not handlers:
        return None
    terminal = Terminal(cli.say)
    handlers[0].filters = [terminal.passes]
    return terminal


speak_of_failures()
TERMINAL = own_words()
or_stop(locks.check_folder)
or_stop(duplicates.check, map(Path, workflow.configfiles))
