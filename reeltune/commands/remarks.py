"""Remarks on data for which a study is not made, said before it is run."""

from rich.console import Console

from reeltune.domain.study import StudyConfig
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.splits import unordered_share
from reeltune.ratings.table import RatingTable
from reeltune.tasks.ratings import suited

WORTH_SAYING = 0.5  # share of users


def print_remarks(console: Console, data: Dataset, study: StudyConfig) -> None:
    """Print what is to be said of the data before `study` is run on them."""
    for said in (time_remark(data.ratings, study.split), events_remark(data, study)):
        if said is not None:
            console.print(said, style="dim", markup=False)


def events_remark(data: Dataset, study: StudyConfig) -> str | None:
    """Return what is to be said of events without dislikes; None of ratings."""
    if data.ratings.has_dislikes:
        return None
    said = "no rating is below 4 stars, as of events: accuracy cannot be measured"
    objective = suited(study, data).objective
    return said if objective == study.objective else f"{said}, the objective is {objective}"


def time_remark(ratings: RatingTable, split: str) -> str | None:
    """Return what is to be said where time does not order most users' ratings; None elsewhere."""
    share = unordered_share(ratings) if split == "user-time" else 0.0
    if not share > WORTH_SAYING:
        return None
    return (
        f"time does not order the ratings of {share:.0%} of the users: which of equal times are"
        " held out is decided by a hash (--split user-random needs no time)"
    )
