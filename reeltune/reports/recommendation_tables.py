"""Tables of recommendation lists."""

from rich.console import Console
from rich.text import Text

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.recommendation import RecommendationList
from reeltune.reports.version_tables import plain


def print_movies(
    console: Console, title: str, found: RecommendationList, *, ids: bool = False
) -> None:
    """Print a list with what each score is made of, where that is known; with `ids`, also those."""
    parts = list(found[0].parts) if len(found) else []
    has_reasons = any(each.reasons for each in found)
    headings = [">rank", *(["!id"] if ids else []), "movie", ">score"]
    headings += [f">{plain(name).markup}" for name in parts]
    table = plain_table(*headings, *(["reasons"] if has_reasons else []), drop=parts)
    for each in found:
        cells: list[str | Text] = [str(each.rank), plain(each.title)]
        cells[1:1] = [plain(each.movie_id)] if ids else []
        cells += [f"{figure:.4f}" for figure in (each.score, *(each.parts[n] for n in parts))]
        table.add_row(*cells, *(["; ".join(each.reasons)] if has_reasons else []))
    print_table(console, title, table, empty="No movie is left to recommend.")
