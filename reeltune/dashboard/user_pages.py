"""Page to try a user: the list they would get now, with reasons, beside what they liked."""

from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from reeltune.dashboard.pages import Pages
from reeltune.dashboard.tables import Meter, PageCell, PageTable, moment, page_table
from reeltune.domain.clock import stamp_of
from reeltune.domain.recommendation import RecommendationList
from reeltune.reports.html_page import Tile
from reeltune.serving.live import LiveVersion
from reeltune.serving.parsing import query_of

_SOURCES = {
    "fitted": "by the profile that the version was fitted to",
    "folded in": "by the ratings that came since the version was fitted",
    "popular": "popular and varied, for nothing is known of the user",
}
_RATED = 12  # of the user's own ratings that are shown


class UserQuery(BaseModel):
    """User who is tried, and how."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str, Field(max_length=200)] = ""
    k: Annotated[int, Field(ge=1, le=100)] = 10
    genre: Annotated[str, Field(max_length=100)] = ""


class UserPages:
    """PageHandler of the page that tries a user."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    async def try_user(self, request: Request) -> Response:
        """Return the list of a user with reasons, and the ratings it rests on."""
        query = query_of(request, UserQuery)
        state, user = self.pages.service.state, query.user.strip()
        genres = state.current.data.catalogue.genre_names
        found: dict[str, Any] = {"recommended": None, "rated": None, "tiles": (), "verdict": ""}
        if user:
            live, arm = state.version_for(user)
            made, rated = await self.pages.service.in_thread(partial(_made, live, user, query))
            why = made.because or _SOURCES.get(made.source, made.source)
            number = f"Version {made.version}"
            found = {
                "recommended": _list(made),
                "rated": rated,
                "verdict": f"{len(made)} movies for user {user}: {why}.",
                "tiles": (
                    Tile(label="By", value=number, note="" if arm is None else f"arm {arm.arm}"),
                    Tile(label="Source", value=made.source),
                ),
            }
        return self.pages.answer(
            request,
            "users.html.j2",
            kind="Recommendations",
            title=f"User {user}" if user else "Try a user",
            query=query,
            genres=genres,
            **found,
        )


def _made(live: LiveVersion, user: str, query: UserQuery) -> tuple[RecommendationList, PageTable]:
    maker = live.recommendations
    made = maker.for_user(user, query.k, genre=query.genre or None, explain=True)
    number = maker.movies.current.user_number(user)
    own = maker.ratings.of(user if number is None else number)
    order = sorted(range(len(own.movies)), key=lambda n: (-own.stars[n], -own.rated_at[n]))
    ids, titles = maker.movies.loaded.movie_ids, maker.movies.current.titles
    rows: list[tuple[PageCell, ...]] = [
        (
            titles.get(int(ids[own.movies[n]]), "–"),
            f"{own.stars[n]:.1f}",
            moment(stamp_of(float(own.rated_at[n])))[:10],
        )
        for n in order[:_RATED]
    ]
    title = f"What they rated best, of {len(own.movies):,} ratings"
    return made, page_table(
        title, ("movie", "stars", "rated"), rows, empty="They have rated nothing."
    )


def _list(made: RecommendationList) -> PageTable:
    top = max((abs(item.score) for item in made), default=1.0) or 1.0
    rows: list[tuple[PageCell, ...]] = [
        (
            item.rank,
            item.title,
            Meter(max(0.0, item.score / top), f"{item.score:.4f}"),
            "; ".join(item.reasons) or _parts(item.parts),
        )
        for item in made
    ]
    return page_table("Recommended", ("rank", "movie", "score", "why"), rows)


def _parts(parts: Any) -> str:
    strongest = sorted(parts.items(), key=lambda pair: -abs(pair[1]))[:3]
    return ", ".join(f"{name} {value:+.3f}" for name, value in strongest)
