"""Registry of learned components, in the order in which their planes are added up."""

from reeltune.components.ease import Ease, EaseLiked
from reeltune.components.era import Era
from reeltune.components.hand_set import CastMatch, FranchiseMatch, GenreMatch
from reeltune.components.learned_component import LearnedComponent
from reeltune.components.quality import Quality
from reeltune.components.sequence import Sequence
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
        GenreMatch,
        CastMatch,
        FranchiseMatch,
    )
}
