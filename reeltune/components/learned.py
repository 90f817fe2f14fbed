"""Registry of learned components, in the order in which their planes are added up."""

from reeltune.components.ease import Ease, EaseLiked
from reeltune.components.era import Era
from reeltune.components.hand_set import CastMatch
from reeltune.components.learned_component import LearnedComponent
from reeltune.components.neighbours import (
    DEVIATION_RIDGE,
    NEIGHBOURS,
    DeviationEase,
    UserNeighbours,
)
from reeltune.components.quality import Quality
from reeltune.components.sequence import Sequence
from reeltune.components.taste import FranchiseTaste, GenreTaste
from reeltune.components.trending import Trending

LEARNED_COMPONENTS: dict[str, type[LearnedComponent]] = {
    kind.name: kind
    for kind in (
        Ease,
        EaseLiked,
        Sequence,
        Quality,
        Era,
        Trending,
        GenreTaste,
        CastMatch,
        FranchiseTaste,
        UserNeighbours,
        DeviationEase,
    )
}

# Components that are left out where the hyperparameter of this name is 0.
SWITCHES = {UserNeighbours.name: NEIGHBOURS.name, DeviationEase.name: DEVIATION_RIDGE.name}
