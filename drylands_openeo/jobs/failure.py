"""Why a job failed, in one paragraph that a person can act on."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 600
"""Of the quoted log lines together [characters]."""

_MEMORY = "it ran out of memory: take smaller tiles (--split), a shorter period, or more by --job-option"

HINTS = (
    # Exit codes 137 (killed) and 52 (Java heap), Spark's own words, and YARN's: geopyspark-driver issues 457, 595, 890.
    (
        r"out ?of ?memory|\bOOM\b|exit ?code:? ?(137|52|-104)\b|memory' limit|ExecutorLostFailure|FetchFailed|SIGKILL",
        f"{_MEMORY} executor-memory=4G or --job-option executor-memoryOverhead=4G",
    ),
    (r"heap size|INVALID_DRIVER_MEMORY|driver-memory", f"{_MEMORY} driver-memory=8G"),
    (r"max threshold|above the max", "it asked for more memory than the back-end has for one job: ask for less"),
    (
        r"NoDataAvailable|no data available|NoSuchFeatures|NoItems|nothing was found|no items|could not find.*product",
        "there are no images for this area and period: widen the period, or look what there is by 'drylands search'",
    ),
    (
        r"PaymentRequired|insufficient credits|not enough credits|budget",
        "the account has too few credits left: wait for the month's next ones, or compute less",
    ),
    (
        r"ConcurrentJobLimit|TooManyRequests|too many .*jobs|quota",
        "the account has as many jobs as it may have at one time: wait for one to end, or lower --jobs",
    ),
    (
        r"ContentTooLarge|computationally too heavy|extent is too large",
        "it is too large for one job: take smaller tiles (--split)",
    ),
    (r"UdfNotTrusted", "the back-end does not run this function: it is to be started with --allow-udf"),
    (
        r"UdfFailed|UDF|apply_datacube|run_udf",
        "a user-defined function failed: the line in it is named above; 'drylands run' on this machine runs the same",
    ),
    (r"server ended before this job", "the back-end was restarted: send the job again"),
)
"""What is found in the log -> what it means and what can be done."""

LIMITS = ("ConcurrentJobLimit", "TooManyRequests", "InfrastructureBusy")
"""Codes by which a back-end says: not now."""


def explained(job: str, status: str, lines: Iterable[Mapping[str, Any]]) -> str:
    """One paragraph: which job, its last errors, and what they mean.

    >>> explained("j-1", "error", [{"message": "Container killed on request. Exit code: 137"}])
    'job j-1 failed: "Container killed on request. Exit code: 137". Probably it ran out of memory: take smaller tiles
    (--split), a shorter period, or more by --job-option executor-memory=4G or --job-option executor-memoryOverhead=4G.'
    >>> explained("j-2", "canceled", [])
    'job j-2 was cancelled at the back-end.'
    """
    if status == "canceled":
        return f"job {job} was cancelled at the back-end."
    messages = _messages(lines)
    if not messages:
        return (
            f"job {job} failed and its log says nothing. Probably {_MEMORY} driver-memory=8G; a driver without memory "
            "is often silent."
        )
    quoted = " ".join(f'"{text}"' for text in messages)
    hint = hint_for(" ".join(messages))
    return f"job {job} failed: {quoted}." + (f" Probably {hint}." if hint else "")


def hint_for(text: str) -> str | None:
    """What an error's text means, where it is one of the known ones.

    >>> hint_for("ValueError: x") is None
    True
    """
    return next((hint for pattern, hint in HINTS if re.search(pattern, text, re.IGNORECASE)), None)


def _messages(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """The last messages, each once, the oldest first, no longer than ``LONGEST`` together."""
    texts = [" ".join(str(line.get("message", "")).split()) for line in lines]
    chosen: list[str] = []
    for text in reversed(list(dict.fromkeys(filter(None, texts)))):
        room = LONGEST - sum(map(len, chosen))
        if room < 80 or len(chosen) == 3:
            break
        chosen.insert(0, text if len(text) <= room else f"... {text[-room:]}")
    return chosen
