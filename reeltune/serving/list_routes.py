"""Routes that recommend: for a user, for a visit, similar, popular, new, and why."""

from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from reeltune.domain.recommendation import RecommendationList, ShownId
from reeltune.serving.answers import with_request_id
from reeltune.serving.arms import ServedArm
from reeltune.serving.bodies import ListQuery, NoQuery, SessionBody, ShortQuery
from reeltune.serving.live import LiveState, LiveVersion
from reeltune.serving.parsing import excluded_of, id_of, query_of, read_body
from reeltune.serving.problems import ProblemError
from reeltune.serving.recommendations import Recommendations
from reeltune.serving.request_context import context_of
from reeltune.serving.service import Service
from reeltune.serving.team_draft import team_draft

_FIRST_LENGTH = 128  # of the list in which a movie that is to be explained is looked for


class ListRoutes:
    """Handlers of the routes that recommend."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def recommend_to_user(self, request: Request) -> Response:
        """Return the best movies for a user."""
        user, query = id_of(request, "user"), query_of(request, ListQuery)
        state = self.service.state
        live, arm = state.version_for(user)
        document = await self._listed(live, user, query)
        if arm is not None and arm.mixed_with is not None:
            other = await self._listed(state.versions[arm.mixed_with], user, query)
            teams = _interleave(document, other, query.k, context_of(request).request_id)
            arm = replace(arm, arm=f"{arm.arm} {teams}")
        return self._answer(request, document, state, arm, user)

    async def _listed(self, live: LiveVersion, user: str, query: ListQuery) -> dict[str, Any]:
        """Return what a version recommends to a user."""
        if query.genre is None and not query.explain and not query.exclude:
            kept = live.kept.get(user, live.recommendations)
            if kept is None:
                kept = await self.service.in_thread(
                    partial(live.kept.make, user, live.recommendations)
                )
            head = {"version": kept.version, "source": kept.source, "because": kept.because}
            return head | {"items": kept.items(query.k)}
        found = await self.service.in_thread(
            partial(
                live.recommendations.for_user,
                user,
                query.k,
                exclude=excluded_of(query.exclude),
                genre=query.genre,
                explain=query.explain,
            )
        )
        return found.to_json()

    async def recommend_by_ratings(self, request: Request) -> Response:
        """Return the best movies by ratings in the body: for who is new, or for one visit."""
        query_of(request, NoQuery)
        body = await read_body(request, SessionBody)
        live, _ = self.service.state.version_for(None)
        found = await self.service.in_thread(partial(_by_ratings, live.recommendations, body))
        return self._answer(request, found.to_json(), None, None, None)

    async def similar_movies(self, request: Request) -> Response:
        """Return the movies that have most in common with one."""
        movie, query = id_of(request, "movie"), query_of(request, ShortQuery)
        live, _ = self.service.state.version_for(None)
        found = await self.service.in_thread(partial(live.recommendations.similar, movie, query.k))
        return self._answer(request, found.to_json(), None, None, None)

    async def explain_movie(self, request: Request) -> Response:
        """Return where a movie stands on a user's whole list, and what its score is made of."""
        user, movie = id_of(request, "user"), id_of(request, "movie")
        query_of(request, NoQuery)
        live, arm = self.service.state.version_for(user)
        document = await self.service.in_thread(partial(_explained, live, user, movie))
        return with_request_id(request, {"user": user} | document | _arm(arm))

    async def popular_movies(self, request: Request) -> Response:
        """Return popular and varied movies."""
        return await self._same_for_all(request, "popular")

    async def new_movies(self, request: Request) -> Response:
        """Return the movies that were released last."""
        return await self._same_for_all(request, "new")

    async def _same_for_all(self, request: Request, kind: str) -> Response:
        query = query_of(request, ShortQuery)
        live, _ = self.service.state.version_for(None)
        find = getattr(live.recommendations, kind)
        found = await self.service.in_thread(partial(find, query.k))
        return self._answer(request, found.to_json(), None, None, None)

    def _answer(
        self,
        request: Request,
        document: dict[str, Any],
        state: LiveState | None,
        arm: ServedArm | None,
        user: str | None,
    ) -> Response:
        document |= _arm(arm)
        if user is not None:
            document["user"] = user
        if arm is not None and user is not None and state is not None:
            ids = [item["movie_id"] for item in document["items"]]
            numbers = [_number(state, movie) for movie in ids]
            self.service.exposures.note(user, arm, numbers, context_of(request).request_id)
        return with_request_id(request, document)


def _arm(arm: ServedArm | None) -> dict[str, str | None]:
    if arm is None:
        return {"ab_test": None, "arm": None}
    return {"ab_test": arm.ab_test, "arm": arm.arm.partition(" ")[0]}


def _interleave(document: dict[str, Any], other: dict[str, Any], k: int, request_id: str) -> str:
    """Mix the movies of another list into one, by team draft; return whose each is.

    Scores and parts are those of the version that a movie was drafted by.
    """
    lists = [{item["movie_id"]: item for item in each["items"]} for each in (document, other)]
    mixed = team_draft(list(lists[0]), list(lists[1]), k, request_id)
    document["items"] = [
        lists[int(team)][movie] | {"rank": rank}
        for rank, (movie, team) in enumerate(zip(mixed.movies, mixed.teams, strict=True), 1)
    ]
    return mixed.teams


def _number(state: LiveState, movie: ShownId) -> int:
    found = state.current.movie_number(movie)
    assert found is not None  # it was on a list
    return found


def _by_ratings(recommendations: Recommendations, body: SessionBody) -> RecommendationList:
    given = [(row.movie, row.rating) for row in body.ratings]
    return recommendations.for_ratings(
        given, body.k, exclude=body.exclude, genre=body.genre, explain=body.explain
    )


def _explained(live: LiveVersion, user: str, movie: str) -> dict[str, Any]:
    """Return the place of a movie among all that the user may be shown, and its parts.

    Raises:
        ProblemError: it is not on the list: rated, withdrawn, or not known.
    """
    by = live.recommendations
    n_movies = len(by.movies.loaded.movie_ids)
    above = _above(by, user, movie, n_movies)
    if above is None:
        raise ProblemError(
            404,
            f"movie {movie} is on no list for user {user}: they have rated it, it is withdrawn, or"
            f" version {by.version} does not know it",
        )
    found = by.for_user(user, 1, exclude=above, explain=True)
    item = found.items[0]
    return {
        "version": found.version,
        "source": found.source,
        "n_movies": n_movies,
        "rank": len(above) + 1,
        "movie_id": item.movie_id,
        "title": item.title,
        "score": item.score,
        "parts": dict(item.parts),
        "reasons": list(item.reasons),
    }


def _above(by: Recommendations, user: str, movie: str, n_movies: int) -> list[ShownId] | None:
    """Return the movies above one on a user's list; None if it is not on it.

    The list is made as long as it has to be: most who ask do so of its beginning.
    """
    number = by.movies.current.movie_number(movie)
    shown = movie if number is None else by.movies.current.shown_movie(number)
    length = _FIRST_LENGTH
    while True:
        ids = [item.movie_id for item in by.for_user(user, min(length, n_movies)).items]
        if shown in ids:
            return ids[: ids.index(shown)]
        if len(ids) < length:
            return None
        length *= 8
